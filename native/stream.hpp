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

static void read(const Stream& s, Cursor& c, int64_t n, double* out) {
    for (int64_t have = 0; have < n;) {
        const int64_t m = run_of(s, c, n - have);
        gather(s.dtype, c.ptr, s.stride[s.ndim - 1], m, out + have, 1);
        advance(s, c, m);
        have += m;
    }
}

static void write(const Stream& s, Cursor& c, int64_t n, const double* h, const double* l) {
    for (int64_t done = 0; done < n;) {
        const int64_t m = run_of(s, c, n - done), stride = s.stride[s.ndim - 1];
        if (s.dtype == F32 && stride == 4 && !l) {
            float* out = (float*)c.ptr;
            const double* from = h + done;
            for (int64_t k = 0; k < m; ++k) out[k] = (float)from[k];
        } else {
            for (int64_t k = 0; k < m; ++k) put(s.dtype, c.ptr + k * stride, h[done + k], l ? l[done + k] : 0.0);
        }
        advance(s, c, m);
        done += m;
    }
}
