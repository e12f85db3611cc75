// The gradient of a row, a block at a time, from its maximum and its sums.

// The gradient's elements: e^x k0 - base, less w base, less t base, or e^x (k0 - base x).
enum Shape : int { SOFTMAX, LESS_BASE, LESS_WEIGHTS, LESS_TARGET, WITH_LOG };

struct Slope {
    double k0, base;
    double at_top, top;  // where x is `top` (0, or 1, which it never is) the element is `at_top`
};

template <class T, int shape, class Made>
XENT_INLINE vd slope_of(const T* p, const double* w, double m, double rate, const Slope& s) {
    typedef Exponent<Made, shape == SOFTMAX> E;
    vd x = (widen(p) - m) * rate, e = E::of(x);
    if (shape == WITH_LOG) return e * (s.k0 - (s.base * E::unit) * max(x, splat(E::floor)));
    vd g = e * s.k0;
    if (shape == LESS_BASE) g = g - s.base;
    if (shape == LESS_WEIGHTS || shape == LESS_TARGET) g = g - s.base * load(w);
    return shape == LESS_TARGET ? sel(x == s.top, splat(s.at_top), g) : g;
}

template <class T, int shape, class Made>
static void slope_block(const T* p, const double* w, int64_t n, double m, double rate, const Slope& s, double* g) {
    const int64_t whole = n / W * W, rest = n - whole;
    for (int64_t i = 0; i < whole; i += W) store(g + i, slope_of<T, shape, Made>(p + i, w + i, m, rate, s));
    if (!rest) return;
    T group[W] = {};
    double own[W] = {};
    for (int64_t l = 0; l < rest; ++l) {
        group[l] = p[whole + l];
        own[l] = w[whole + l];
    }
    store(g + whole, slope_of<T, shape, Made>(group, own, m, rate, s));
}

// A loop of its own: one that goes from logits to halves is too long for a processor to look ahead in.
template <class T>
static void round_block(const double* g, int64_t n, T* out) {
    const int64_t whole = n / kLanes * kLanes;
    vd q[kVecs];
    for (int64_t i = 0; i < whole; i += kLanes) {
        for (int j = 0; j < kVecs; ++j) q[j] = load(g + i + j * W);
        narrow(out + i, q);
    }
    if (whole == n) return;
    T group[kLanes];
    for (int j = 0; j < kVecs; ++j) q[j] = load(g + whole + j * W);
    narrow(group, q);
    for (int64_t l = 0; l < n - whole; ++l) out[whole + l] = group[l];
}

XENT_INLINE double plain_nan(double x) { return x == x ? x : kNan; }

// From the exponentials that were kept, where x = 0 is e^x = 1.
template <int shape>
XENT_INLINE vd slope_of_kept(vd e, const double* w, const Slope& s) {
    vd g = e * s.k0;
    if (shape == LESS_BASE) g = g - s.base;
    if (shape == LESS_WEIGHTS || shape == LESS_TARGET) g = g - s.base * load(w);
    return shape == LESS_TARGET ? sel(e == 1.0 + s.top, splat(s.at_top), g) : g;
}

template <int shape>
static void slope_kept(const double* e, const double* w, int64_t n, const Slope& s, double* g) {
    const int64_t whole = n / W * W, rest = n - whole;
    for (int64_t i = 0; i < whole; i += W) store(g + i, slope_of_kept<shape>(load(e + i), w + i, s));
    if (!rest) return;
    double group[W] = {}, own[W] = {};  // neither goes on beyond the row
    for (int64_t l = 0; l < rest; ++l) {
        group[l] = e[whole + l];
        own[l] = w[whole + l];
    }
    store(g + whole, slope_of_kept<shape>(load(group), own, s));
}

template <class T, int shape>
static void slope_typed(const Row& row, const char* target, char* out, const Slope& s) {
    const LossJob& job = *row.job;
    const bool capped = job.cap > 0;
    const double rate = row.scale * Exponent<T, true>::per_nat;
    for (int64_t at = 0; at < job.V; at += kLossBlock) {
        const int64_t n = job.V - at < kLossBlock ? job.V - at : kLossBlock;
        const double* w = shape == LESS_TARGET ? row.t : job.weight ? job.weight + at : row.t;
        if (shape == LESS_TARGET) fill_target(row, target, at, n);
        const double* slope = row.e ? row.slopes + at : row.slope;
        if (row.e) {
            slope_kept<shape>(row.e + at, w, n, s, row.g);
        } else if (capped) {
            fill(row, at, n, row.slope);
            slope_block<double, shape, T>(row.b, w, n, row.m, rate, s, row.g);
        } else {
            slope_block<T, shape, T>((const T*)row.logits + at, w, n, row.m, rate, s, row.g);
        }
        for (int64_t i = 0; capped && i < n; i += W) store(row.g + i, load(row.g + i) * load(slope + i));
        round_block(row.g, n, (T*)out + at);
    }
}

template <int shape>
static void gradient_row(const Row& row, const char* target, char* out, Slope s) {
    s = {plain_nan(s.k0), plain_nan(s.base), plain_nan(s.at_top), s.top};
    switch (row.job->dtype) {
        case F64: return slope_typed<double, shape>(row, target, out, s);
        case F32: return slope_typed<float, shape>(row, target, out, s);
        case F16: return slope_typed<Half, shape>(row, target, out, s);
        default: return slope_typed<Brain, shape>(row, target, out, s);
    }
}
