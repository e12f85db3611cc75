// Elements of a tensor of any strides, a buffer at a time.

struct Cursor {
    int64_t index[kMaxDims];
    char* ptr;
};

static void seek(const Stream& s, Cursor& c, int64_t at) {
    c.ptr = s.data;
    for (int d = s.ndim - 1; d >= 0; --d) {
        c.index[d] = at % s.shape[d];
        at /= s.shape[d];
        c.ptr += c.index[d] * s.stride[d];
    }
}

// Move on by n elements of the innermost axis, at most to its end.
static void advance(const Stream& s, Cursor& c, int64_t n) {
    int d = s.ndim - 1;
    c.ptr += n * s.stride[d];
    c.index[d] += n;
    for (; d > 0 && c.index[d] == s.shape[d]; --d) {
        c.ptr += s.stride[d - 1] - s.shape[d] * s.stride[d];
        c.index[d] = 0;
        ++c.index[d - 1];
    }
}

XENT_INLINE int64_t run_of(const Stream& s, const Cursor& c, int64_t n) {
    const int64_t left = s.shape[s.ndim - 1] - c.index[s.ndim - 1];
    return left < n ? left : n;
}

template <class T>
static void widen_all(const T* p, int64_t n, double* out) {
    int64_t i = 0;
    for (; i + W <= n; i += W) store(out + i, widen(p + i));
    for (; i < n; ++i) out[i] = (double)p[i];
}

template <class T>
static void narrow_all(int dtype, T* p, int64_t n, const double* from) {
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        vd group[kVecs];
        for (int j = 0; j < kVecs; ++j) group[j] = load(from + i + j * W);
        narrow(p + i, group);
    }
    for (; i < n; ++i) put(dtype, (char*)(p + i), from[i], 0.0);
}

static void read_run(int dtype, const char* p, int64_t stride, int64_t n, double* out) {
    if (stride != item_size(dtype)) return gather(dtype, p, stride, n, out, 1);
    switch (dtype) {
        case F64: return widen_all((const double*)p, n, out);
        case F32: return widen_all((const float*)p, n, out);
        case F16: return widen_all((const Half*)p, n, out);
        case BF16: return widen_all((const Brain*)p, n, out);
        default: return gather(dtype, p, stride, n, out, 1);
    }
}

static void write_run(int dtype, char* p, int64_t stride, int64_t n, const double* h, const double* l) {
    if (l || stride != item_size(dtype)) {
        for (int64_t k = 0; k < n; ++k) put(dtype, p + k * stride, h[k], l ? l[k] : 0.0);
        return;
    }
    switch (dtype) {
        case F64: return narrow_all(dtype, (double*)p, n, h);
        case F32: return narrow_all(dtype, (float*)p, n, h);
        case F16: return narrow_all(dtype, (Half*)p, n, h);
        default: return narrow_all(dtype, (Brain*)p, n, h);
    }
}

static void read(const Stream& s, Cursor& c, int64_t n, double* out) {
    for (int64_t have = 0; have < n;) {
        const int64_t m = run_of(s, c, n - have);
        read_run(s.dtype, c.ptr, s.stride[s.ndim - 1], m, out + have);
        advance(s, c, m);
        have += m;
    }
}

static void write(const Stream& s, Cursor& c, int64_t n, const double* h, const double* l) {
    for (int64_t done = 0; done < n;) {
        const int64_t m = run_of(s, c, n - done);
        write_run(s.dtype, c.ptr, s.stride[s.ndim - 1], m, h + done, l ? l + done : nullptr);
        advance(s, c, m);
        done += m;
    }
}
