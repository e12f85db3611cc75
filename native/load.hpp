// Reading any dtype and stride into a buffer of doubles, and writing results rounded once.

XENT_INLINE double from_bits(uint64_t b) {
    double x;
    __builtin_memcpy(&x, &b, sizeof x);
    return x;
}
XENT_INLINE uint64_t to_bits(double x) {
    uint64_t b;
    __builtin_memcpy(&b, &x, sizeof b);
    return b;
}

struct Half {
    uint16_t bits;
    XENT_INLINE_MEMBER operator double() const {
        uint64_t u = (uint64_t)(bits & 0x7fff) << 42;
        u |= (bits & 0x7c00) == 0x7c00 ? 0x7ff0000000000000ULL : 0;
        double x = from_bits(u) * 0x1p1008;
        return from_bits(to_bits(x) | (uint64_t)(bits & 0x8000) << 48);
    }
};
struct Brain {
    uint16_t bits;
    XENT_INLINE_MEMBER operator double() const {
        uint32_t u = (uint32_t)bits << 16;
        float x;
        __builtin_memcpy(&x, &u, sizeof x);
        return x;
    }
};

template <class T>
static void gather(const char* p, int64_t stride, int64_t n, double* out, int64_t step) {
    if (stride == (int64_t)sizeof(T) && step == 1) {
        const T* s = (const T*)p;
        for (int64_t i = 0; i < n; ++i) out[i] = (double)s[i];
    } else {
        for (int64_t i = 0; i < n; ++i) out[i * step] = (double)*(const T*)(p + i * stride);
    }
}

// n values `stride` bytes apart, to every `step`-th double of out.
static void gather(int dtype, const char* p, int64_t stride, int64_t n, double* out, int64_t step) {
    switch (dtype) {
        case F64: return gather<double>(p, stride, n, out, step);
        case F32: return gather<float>(p, stride, n, out, step);
        case F16: return gather<Half>(p, stride, n, out, step);
        case BF16: return gather<Brain>(p, stride, n, out, step);
        case I8: return gather<int8_t>(p, stride, n, out, step);
        case I16: return gather<int16_t>(p, stride, n, out, step);
        case I32: return gather<int32_t>(p, stride, n, out, step);
        case I64: return gather<int64_t>(p, stride, n, out, step);
        case U8: return gather<uint8_t>(p, stride, n, out, step);
        case U16: return gather<uint16_t>(p, stride, n, out, step);
        case U32: return gather<uint32_t>(p, stride, n, out, step);
        default: return gather<uint64_t>(p, stride, n, out, step);
    }
}

static int64_t label_at(int dtype, const char* p) {  // -1 for what no int64 holds
    switch (dtype) {
        case I8: return *(const int8_t*)p;
        case I16: return *(const int16_t*)p;
        case I32: return *(const int32_t*)p;
        case I64: return *(const int64_t*)p;
        case U8: return *(const uint8_t*)p;
        case U16: return *(const uint16_t*)p;
        case U32: return *(const uint32_t*)p;
        case U64: return *(const uint64_t*)p >> 63 ? -1 : (int64_t)*(const uint64_t*)p;
        default: return -1;
    }
}

XENT_INLINE int64_t item_size(int dtype) {
    switch (dtype) {
        case F64:
        case I64:
        case U64: return 8;
        case F32:
        case I32:
        case U32: return 4;
        case I8:
        case U8: return 1;
        default: return 2;
    }
}

// h + l rounded to odd: one more rounding, to any narrower type, then gives what rounding h + l at once would.
XENT_INLINE double to_odd(double h, double l) {
    uint64_t b = to_bits(h);
    bool exact = !(l < 0 || l > 0) || h == 0 || !(h - h == 0) || (b & 1);
    return exact ? h : from_bits(((l < 0) == (h < 0)) ? b | 1 : b - 1);
}

// Round to nearest even with `drop` significand bits less; `power` = 2^-(exponent of the least subnormal), exponent
// offset `bias`.
XENT_INLINE uint16_t narrow(double x, int drop, uint64_t bias, double least_normal, double power, uint16_t inf) {
    uint16_t sign = (uint16_t)(to_bits(x) >> 48) & 0x8000;
    double a = from_bits(to_bits(x) & 0x7fffffffffffffffULL);
    if (a != a) return (uint16_t)(sign | inf | (inf >> 1 & ~inf));
    uint64_t b;
    if (a < least_normal) {
        b = to_bits(a * power + 0x1p52) - to_bits(0x1p52);
    } else {
        b = to_bits(a);
        b = ((b + ((1ULL << (drop - 1)) - 1) + (b >> drop & 1)) >> drop) - bias;
        if (b > inf) b = inf;
    }
    return (uint16_t)(sign | b);
}

static void put(int dtype, char* p, double h, double l) {
    switch (dtype) {
        case F64: *(double*)p = l == l ? h + l : h; break;
        case F32: *(float*)p = (float)to_odd(h, l); break;
        case F16: *(uint16_t*)p = narrow(to_odd(h, l), 42, 1008ULL << 10, 0x1p-14, 0x1p24, 0x7c00); break;
        default: *(uint16_t*)p = narrow(to_odd(h, l), 45, 896ULL << 7, 0x1p-126, 0x1p133, 0x7f80); break;
    }
}
