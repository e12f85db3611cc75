// W values of any floating dtype from memory as doubles, and doubles to memory, rounded once to nearest even.

typedef float MachineFloats __attribute__((vector_size(kMachine * 4)));
typedef int MachineInts __attribute__((vector_size(kMachine * 4)));
typedef unsigned MachineWords __attribute__((vector_size(kMachine * 4)));
typedef uint16_t MachineShorts __attribute__((vector_size(kMachine * 2)));

// Conversions written element by element where GCC makes one instruction of them; __builtin_convertvector to a type of
// twice the size goes through memory there.
#if defined(__AVX512F__)
XENT_INLINE Doubles to_doubles(MachineFloats f) { return Doubles{f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7]}; }
XENT_INLINE MachineWords to_words(MachineShorts s) {
    return MachineWords{s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]};
}
#elif defined(__AVX__)
XENT_INLINE Doubles to_doubles(MachineFloats f) { return Doubles{f[0], f[1], f[2], f[3]}; }
XENT_INLINE MachineWords to_words(MachineShorts s) { return MachineWords{s[0], s[1], s[2], s[3]}; }
#else
XENT_INLINE Doubles to_doubles(MachineFloats f) { return __builtin_convertvector(f, Doubles); }
XENT_INLINE MachineWords to_words(MachineShorts s) { return __builtin_convertvector(s, MachineWords); }
#endif

// A vd is one machine vector or two.
#if defined(__AVX512F__) || defined(__AVX__)
template <class F>
XENT_INLINE vd doubles_from(const char* p, int64_t, F f) {
    return f(p);
}
template <class F>
XENT_INLINE void doubles_to(char* p, int64_t, vd x, F f) {
    f(p, x);
}
#else
template <class F>
XENT_INLINE vd doubles_from(const char* p, int64_t size, F f) {
    return {f(p), f(p + kMachine * size)};
}
template <class F>
XENT_INLINE void doubles_to(char* p, int64_t size, vd x, F f) {
    f(p, x.a);
    f(p + kMachine * size, x.b);
}
#endif

template <class V>
XENT_INLINE V read(const void* p) {
    V v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

XENT_INLINE MachineFloats floats_of_brain(const void* p) {
    return (MachineFloats)(to_words(read<MachineShorts>(p)) << 16);
}

XENT_INLINE MachineFloats floats_of_half(const void* p) {
    MachineInts h = (MachineInts)to_words(read<MachineShorts>(p));
    MachineInts size = (h & 0x7fff) << 13, exponent = size & 0x0f800000, sign = (h & 0x8000) << 16;
    MachineInts normal = size + (112 << 23), special = normal + (112 << 23);  // infinities and NaN
    MachineInts subnormal = (MachineInts)((MachineFloats)(normal + (1 << 23)) - 0x1p-14f);
    MachineInts value = exponent == 0 ? subnormal : exponent == 0x0f800000 ? special : normal;
    return (MachineFloats)(value | sign);
}

XENT_INLINE vd widen(const double* p) { return load(p); }
XENT_INLINE vd widen(const float* p) {
    return doubles_from((const char*)p, 4, [](const void* q) __attribute__((always_inline)) {
        return to_doubles(read<MachineFloats>(q));
    });
}
XENT_INLINE vd widen(const Brain* p) {
    return doubles_from((const char*)p, 2, [](const void* q) __attribute__((always_inline)) {
        return to_doubles(floats_of_brain(q));
    });
}
XENT_INLINE vd widen(const Half* p) {
    return doubles_from((const char*)p, 2, [](const void* q) __attribute__((always_inline)) {
        return to_doubles(floats_of_half(q));
    });
}

typedef float Floats8 __attribute__((vector_size(32)));
typedef int Ints8 __attribute__((vector_size(32)));
typedef unsigned Words8 __attribute__((vector_size(32)));
typedef uint16_t Shorts8 __attribute__((vector_size(16)));

// Rounded to odd, so that one more rounding, to the 8 or 11 bits of half precision, gives what rounding at once would.
XENT_INLINE MachineFloats odd_floats(Doubles x) {
    Integers bits = (Integers)x, rest = Integers{} + 0x1fffffff;
    return __builtin_convertvector((Doubles)((bits | ((bits & rest) + rest)) & ~rest), MachineFloats);
}

// A group of lanes as floats rounded to odd. (A vector wider than the machine's may not be returned.)
XENT_INLINE void odd_group(const vd* x, Words8& words) {
#if defined(__AVX512F__)
    words = (Words8)odd_floats(x[0]);
#elif defined(__AVX__)
    MachineFloats a = odd_floats(x[0]), b = odd_floats(x[1]);
    words = (Words8)Floats8{a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]};
#else
    float f[kLanes];
    for (int j = 0; j < kVecs; ++j) {
        MachineFloats a = odd_floats(x[j].a), b = odd_floats(x[j].b);
        __builtin_memcpy(f + j * W, &a, sizeof a);
        __builtin_memcpy(f + j * W + kMachine, &b, sizeof b);
    }
    __builtin_memcpy(&words, f, sizeof words);
#endif
}

// A group of lanes to memory. NaN of half precision has no bits below those that are kept, or is the default one.
XENT_INLINE void narrow(double* p, const vd* x) {
    for (int j = 0; j < kVecs; ++j) store(p + j * W, x[j]);
}
XENT_INLINE void narrow(float* p, const vd* x) {
    for (int j = 0; j < kVecs; ++j)
        doubles_to((char*)(p + j * W), 4, x[j], [](void* q, Doubles y) __attribute__((always_inline)) {
            MachineFloats f = __builtin_convertvector(y, MachineFloats);
            __builtin_memcpy(q, &f, sizeof f);
        });
}
XENT_INLINE void narrow(Brain* p, const vd* x) {
    Words8 b;
    odd_group(x, b);
    Shorts8 s = __builtin_convertvector((b + 0x7fff + ((b >> 16) & 1)) >> 16, Shorts8);
    __builtin_memcpy(p, &s, sizeof s);
}
XENT_INLINE void narrow(Half* p, const vd* x) {
    Words8 words;
    odd_group(x, words);
    Ints8 b = (Ints8)words, size = b & 0x7fffffff, sign = (b >> 16) & 0x8000;
    Ints8 normal = ((size + 0xfff + ((size >> 13) & 1)) >> 13) - (112 << 10);
    normal = normal > 0x7c00 ? Ints8{} + 0x7c00 : normal;
    Ints8 subnormal = (Ints8)((Floats8)size + 0.5f) - (Ints8)(Floats8{} + 0.5f);
    Ints8 value = size < (113 << 23) ? subnormal : size > (255 << 23) ? Ints8{} + 0x7e00 : normal;
    Shorts8 s = __builtin_convertvector((Words8)(value | sign), Shorts8);
    __builtin_memcpy(p, &s, sizeof s);
}

// The largest value, NaN passed over. Its order of search does not matter, so the lanes are as wide as they come.
typedef float WideFloats __attribute__((vector_size(kMachine * 8)));
typedef unsigned WideWords __attribute__((vector_size(kMachine * 8)));
typedef uint16_t WideShorts __attribute__((vector_size(kMachine * 4)));

#if defined(__AVX512F__)
XENT_INLINE WideWords wide_words(WideShorts s) {
    return WideWords{s[0], s[1], s[2],  s[3],  s[4],  s[5],  s[6],  s[7],
                     s[8], s[9], s[10], s[11], s[12], s[13], s[14], s[15]};
}
#elif defined(__AVX__)
XENT_INLINE WideWords wide_words(WideShorts s) {
    return WideWords{s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]};
}
#else
XENT_INLINE WideWords wide_words(WideShorts s) { return __builtin_convertvector(s, WideWords); }
#endif

XENT_INLINE Doubles greater(Doubles a, Doubles b) { return b > a ? b : a; }
XENT_INLINE MachineFloats greater(MachineFloats a, MachineFloats b) { return b > a ? b : a; }
XENT_INLINE WideFloats greater(WideFloats a, WideFloats b) { return b > a ? b : a; }

XENT_INLINE Doubles lanes_of(const double* p) { return load_machine(p); }
XENT_INLINE WideFloats lanes_of(const float* p) { return read<WideFloats>(p); }
XENT_INLINE WideFloats lanes_of(const Brain* p) { return (WideFloats)(wide_words(read<WideShorts>(p)) << 16); }
XENT_INLINE MachineFloats lanes_of(const Half* p) { return floats_of_half(p); }

template <class T>
static double largest(const T* p, int64_t n) {
    typedef decltype(lanes_of(p)) Wide;
    constexpr int64_t width = sizeof(Wide) / (sizeof(T) == 8 ? 8 : 4);
    double best = -kInf;
    int64_t i = 0;
    if (n >= 2 * width) {
        Wide a = lanes_of(p), b;
        for (int64_t k = 0; k < width; ++k) a[k] = -__builtin_inff();
        b = a;
        for (; i + 2 * width <= n; i += 2 * width) {
            a = greater(a, lanes_of(p + i));
            b = greater(b, lanes_of(p + i + width));
        }
        a = greater(a, b);
        for (int64_t k = 0; k < width; ++k) best = a[k] > best ? (double)a[k] : best;
    }
    for (; i < n; ++i) best = (double)p[i] > best ? (double)p[i] : best;
    return best;
}
