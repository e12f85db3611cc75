// One row of logits, a block at a time: x = z - max z, e^x, the sums over a row, and the gradient's elements.
//
// z = cap tanh(a / cap) / T. With b = tanh(a / cap), or a where there is no cap, x = (b - max b) scale: the difference
// is exact, or as good as a double can be, before anything is rounded.

// e^x for x <= 0, relative error 2^-52.5, also where the result is subnormal.
XENT_INLINE vd e_to(vd x) {
    using namespace xent_constants;
    vd n = nearest(x * kLog2e_1);
    vd r = (x - n * kLn2_1) - n * kLn2_2;
    vd y = 1.0 + (r + r * r * polynomial(r, kExp));
    return only(~(x < -746.0), y * power2(n + 64.0) * 0x1p-64);
}

// 2^t for t <= 0, and 2^-1020 below -1020: nothing, in sums that hold 1 and in results of 32 bits.
template <int N>
XENT_INLINE vd two_to(vd t, const double (&c)[N]) {
    t = max(t, splat(-1020.0));
    vd shifted = t + 0x1.8p52, r = t - (shifted - 0x1.8p52);
    return as_double(plus_bits(as_bits(polynomial(r, c)), up52(as_bits(shifted))));
}

struct Tanh {
    vd value, slope;  // tanh u, and 1 - tanh^2 u without cancellation
};

XENT_INLINE Tanh tanh_of(vd u) {
    using namespace xent_constants;
    vd y = max(-2.0 * abs(u), splat(-700.0));
    vd n = nearest(y * kLog2e_1);
    vd r = (y - n * kLn2_1) - n * kLn2_2;
    vd p = r + r * r * polynomial(r, kExp), power = power2(n);
    vd m1 = power * p + (power - 1.0), e1 = power * p + (power + 1.0);
    vd t = -m1 / e1;
    return {sel(u < 0.0, -t, t), 4.0 * (power * p + power) / (e1 * e1)};
}

// How exponentials are made. Logits of 32 bits and fewer count x in bits, to 2^-27 of e^x where nothing is subtracted
// from it and to 2^-44 where something is, which may come near it; doubles count in nats.
template <class T, bool alone>
struct Exponent {
    static constexpr double unit = 0x1.62e42fefa39efp-1, per_nat = xent_constants::kLog2e_1, floor = -1020.0;
    XENT_INLINE_MEMBER static vd of(vd t) {
        return alone ? two_to(t, xent_constants::kExp2Short) : two_to(t, xent_constants::kExp2);
    }
};
template <bool alone>
struct Exponent<double, alone> {
    static constexpr double unit = 1.0, per_nat = 1.0, floor = -1000.0;
    XENT_INLINE_MEMBER static vd of(vd x) { return e_to(x); }
};

struct Row {
    const LossJob* job;
    const char* logits;
    double m, scale;  // x = (b - m) scale
    int64_t top;      // where the maximum is
    double *b, *slope, *t, *g;
    double* e;  // V exponentials kept from the sums for the gradient, or null
};

XENT_INLINE Row open_row(const LossJob& job, int64_t i, double* scratch) {
    const double scale = (job.cap > 0 ? job.cap : 1.0) / job.temperature;
    return {&job, job.logits + i * job.logits_stride, 0, scale, 0, scratch, scratch + kLossBlock,
            scratch + 2 * kLossBlock, scratch + 3 * kLossBlock,
            job.keep ? scratch + 4 * kLossBlock + job.k : nullptr};
}

XENT_INLINE double logit_at(const Row& row, int64_t j) {  // as given
    double a;
    gather(row.job->dtype, row.logits + j * item_size(row.job->dtype), 0, 1, &a, 1);
    return a;
}

XENT_INLINE double bounded(const LossJob& job, double a) {
    return job.cap > 0 ? first(tanh_of(splat(a / job.cap)).value) : a;
}

XENT_INLINE double x_at(const Row& row, int64_t j) { return (bounded(*row.job, logit_at(row, j)) - row.m) * row.scale; }

XENT_INLINE double slope_at(const Row& row, int64_t j) {
    return row.job->cap > 0 ? first(tanh_of(splat(logit_at(row, j) / row.job->cap)).slope) : 1.0;
}

// b and 1 - b^2 of a block, under a cap.
static void fill(const Row& row, int64_t at, int64_t n) {
    const LossJob& job = *row.job;
    const int64_t size = item_size(job.dtype);
    gather(job.dtype, row.logits + at * size, size, n, row.b, 1);
    for (int64_t i = n; i % kLanes; ++i) row.b[i] = 0.0;
    const vd cap = splat(job.cap);
    for (int64_t i = 0; i < n; i += W) {
        Tanh h = tanh_of(load(row.b + i) / cap);
        store(row.b + i, h.value);
        store(row.slope + i, h.slope);
    }
}

// The targets t' of a block, smoothed and weighed; 0 up to whole groups of lanes.
static void fill_target(const Row& row, const char* target, int64_t at, int64_t n) {
    const LossJob& job = *row.job;
    const int64_t size = item_size(job.target_dtype);
    gather(job.target_dtype, target + at * size, size, n, row.t, 1);
    const double keep = 1.0 - job.smoothing, part = job.smoothing / (double)job.V;
    for (int64_t i = 0; i < n; ++i) row.t[i] = keep * row.t[i] + part;
    if (job.weight)
        for (int64_t i = 0; i < n; ++i) row.t[i] *= job.weight[at + i];
    for (int64_t i = n; i % kLanes; ++i) row.t[i] = 0.0;
}

template <class T>
static void find_max(Row& row) {  // the largest and where it first is
    const int64_t V = row.job->V;
    const T* p = (const T*)row.logits;
    double best = -kInf;
    int64_t block = 0;
    for (int64_t at = 0; at < V; at += kLossBlock) {
        const double here = largest(p + at, V - at < kLossBlock ? V - at : kLossBlock);
        block = here > best ? at : block;
        best = here > best ? here : best;
    }
    row.top = block;
    while (row.top < V && (double)p[row.top] != best) ++row.top;
    if (row.top == V) row.top = 0;  // nothing but NaN
    row.m = bounded(*row.job, best) + 0.0;
}

enum Want : int { SUM, SUM_X, SUM_WX, SUM_EX, SUM_TX };

struct Sums {
    double S = 0;      // sum of e^x, the maximum left out
    double X = 0;      // sum of x, w x, e^x x or t x
    double C = 0;      // sum of t, the maximum left out
    double total = 0;  // sum of the target as given
    bool good = true;  // and whether it is finite and not negative
};

struct Lanes {
    vd s[kVecs], x[kVecs], c[kVecs];
};

// One group of lanes. Where it is masked, `on` is 0 for what is left out of the sums of e^x and of t.
template <class T, int want, bool masked, bool keep>
XENT_INLINE void add_group(const T* p, const double* w, double m, double rate, const double* on, double* kept, Lanes& q) {
    typedef Exponent<T, want == SUM> E;
    for (int j = 0; j < kVecs; ++j) {
        vd x = (widen(p + j * W) - m) * rate, e = E::of(x);
        if (keep) store(kept + j * W, e);
        vl in = masked ? load(on + j * W) != 0.0 : vl{};
        if (masked) e = only(in, e);
        q.s[j] += e;
        if (want == SUM_X) q.x[j] += x;
        if (want == SUM_EX) q.x[j] += e * max(x, splat(E::floor));
        if (want == SUM_WX || want == SUM_TX) {
            vd t = load(w + j * W);
            q.x[j] += only(t != 0.0, t * x);
            if (want == SUM_TX) q.c[j] += masked ? only(in, t) : t;
        }
    }
}

// p and w (weights, or the target) of a block of n; `top` is the maximum's place in it, or lies outside.
template <class T, int want, bool keep>
static void sum_block(const T* p, const double* w, int64_t n, int64_t top, T pad, double m, double rate, double* e,
                      Lanes& total) {
    Lanes q = {};
    const int64_t whole = n / kLanes * kLanes;
    const int64_t odd = top >= 0 && top < n ? top / kLanes * kLanes : whole;
    auto special = [&](int64_t i) {
        T group[kLanes];
        double on[kLanes], own[kLanes], kept[kLanes];
        for (int l = 0; l < kLanes; ++l) {  // what lies beyond the end is x = 0, and without weight
            group[l] = i + l < n ? p[i + l] : pad;
            on[l] = i + l < n && i + l != top ? 1.0 : 0.0;
            own[l] = i + l < n ? w[i + l] : 0.0;
        }
        add_group<T, want, true, keep>(group, own, m, rate, on, kept, q);
        for (int l = 0; keep && l < kLanes && i + l < n; ++l) e[i + l] = kept[l];
    };
    for (int64_t i = 0; i < odd; i += kLanes)
        add_group<T, want, false, keep>(p + i, w + i, m, rate, nullptr, keep ? e + i : nullptr, q);
    if (odd < n) special(odd);
    for (int64_t i = odd + kLanes; i < whole; i += kLanes)
        add_group<T, want, false, keep>(p + i, w + i, m, rate, nullptr, keep ? e + i : nullptr, q);
    if (odd < whole && whole < n) special(whole);
    for (int j = 0; j < kVecs; ++j) {
        total.s[j] += q.s[j];
        total.x[j] += q.x[j];
        total.c[j] += q.c[j];
    }
}

XENT_INLINE double across(const vd* q) {  // the eight lanes, in one order
    double p[kLanes];
    for (int j = 0; j < kVecs; ++j) store(p + j * W, q[j]);
    return ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
}

static void check_target(const Row& row, const char* target, int64_t at, int64_t n, Sums& sums) {
    const int64_t size = item_size(row.job->target_dtype);
    gather(row.job->target_dtype, target + at * size, size, n, row.t, 1);
    for (int64_t i = n; i % kLanes; ++i) row.t[i] = 0.0;
    vd q[kVecs] = {}, least = {}, most = {};
    for (int64_t i = 0; i < n; i += kLanes)
        for (int j = 0; j < kVecs; ++j) {
            vd t = load(row.t + i + j * W);
            q[j] += t;
            least = sel(t >= 0.0, least, splat(-1.0));
            most = sel(t < kInf, most, splat(1.0));
        }
    sums.good = sums.good && everywhere((least == 0.0) & (most == 0.0));
    sums.total += across(q);
}

template <class T, int want>
static Sums sum_typed(Row& row, const char* target) {
    const LossJob& job = *row.job;
    const bool capped = job.cap > 0;
    const double rate = row.scale * (capped ? 1.0 : Exponent<T, true>::per_nat);
    Sums sums;
    find_max<T>(row);
    Lanes total = {};
    for (int64_t at = 0; at < job.V; at += kLossBlock) {
        const int64_t n = job.V - at < kLossBlock ? job.V - at : kLossBlock;
        const double* w = want == SUM_TX ? row.t : job.weight ? job.weight + at : row.t;
        if (want == SUM_TX) {
            check_target(row, target, at, n, sums);
            fill_target(row, target, at, n);
        }
        const T* p = (const T*)row.logits;
        if (capped) {
            fill(row, at, n);
            sum_block<double, want, false>(row.b, w, n, row.top - at, row.m, row.m, rate, nullptr, total);
        } else if (want != SUM_EX && row.e) {
            sum_block<T, want, want != SUM_EX>(p + at, w, n, row.top - at, p[row.top], row.m, rate, row.e + at, total);
        } else {
            sum_block<T, want, false>(p + at, w, n, row.top - at, p[row.top], row.m, rate, nullptr, total);
        }
    }
    sums.S = across(total.s);
    sums.X = across(total.x) * (capped ? 1.0 : Exponent<T, true>::unit);
    sums.C = across(total.c);
    if (!(row.m - row.m == 0.0)) sums.S = kNan;  // no largest, or an infinite one: as inf - inf
    return sums;
}

template <int want>
static Sums sum_row(Row& row, const char* target) {
    switch (row.job->dtype) {
        case F64: return sum_typed<double, want>(row, target);
        case F32: return sum_typed<float, want>(row, target);
        case F16: return sum_typed<Half, want>(row, target);
        default: return sum_typed<Brain, want>(row, target);
    }
}

// The gradient's elements: e^x k0 - base, less w base, less t base, or e^x (k0 - base x).
enum Shape : int { SOFTMAX, LESS_BASE, LESS_WEIGHTS, LESS_TARGET, WITH_LOG };

struct Slope {
    double k0, base;
    double at_top, top;  // where x is `top` (0, or 1, which it never is) the element is `at_top`
};

template <class T, int shape>
XENT_INLINE vd slope_of(const T* p, const double* w, double m, double rate, const Slope& s) {
    typedef Exponent<T, shape == SOFTMAX> E;
    vd x = (widen(p) - m) * rate, e = E::of(x);
    if (shape == WITH_LOG) return e * (s.k0 - (s.base * E::unit) * max(x, splat(E::floor)));
    vd g = e * s.k0;
    if (shape == LESS_BASE) g = g - s.base;
    if (shape == LESS_WEIGHTS || shape == LESS_TARGET) g = g - s.base * load(w);
    return shape == LESS_TARGET ? sel(x == s.top, splat(s.at_top), g) : g;
}

template <class T, int shape>
static void slope_block(const T* p, const double* w, int64_t n, double m, double rate, const Slope& s, double* g) {
    const int64_t whole = n / W * W, rest = n - whole;
    for (int64_t i = 0; i < whole; i += W) store(g + i, slope_of<T, shape>(p + i, w + i, m, rate, s));
    if (!rest) return;
    T group[W] = {};
    double own[W] = {};
    for (int64_t l = 0; l < rest; ++l) {
        group[l] = p[whole + l];
        own[l] = w[whole + l];
    }
    store(g + whole, slope_of<T, shape>(group, own, m, rate, s));
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
static void slope_kept(const double* e, const double* w, int64_t n, const Slope& s, double* g) {
    for (int64_t i = 0; i < n; i += W) {
        vd x = load(e + i), q = x * s.k0;
        if (shape == LESS_BASE) q = q - s.base;
        if (shape == LESS_WEIGHTS || shape == LESS_TARGET) q = q - s.base * load(w + i);
        store(g + i, shape == LESS_TARGET ? sel(x == 1.0 + s.top, splat(s.at_top), q) : q);
    }
}

template <class T, int shape>
static void slope_typed(const Row& row, const char* target, char* out, const Slope& s) {
    const LossJob& job = *row.job;
    const bool capped = job.cap > 0;
    const double rate = row.scale * (capped ? 1.0 : Exponent<T, true>::per_nat);
    for (int64_t at = 0; at < job.V; at += kLossBlock) {
        const int64_t n = job.V - at < kLossBlock ? job.V - at : kLossBlock;
        const double* w = shape == LESS_TARGET ? row.t : job.weight ? job.weight + at : row.t;
        if (shape == LESS_TARGET) fill_target(row, target, at, n);
        if (capped) {
            fill(row, at, n);
            slope_block<double, shape>(row.b, w, n, row.m, rate, s, row.g);
            for (int64_t i = 0; i < n; i += W) store(row.g + i, load(row.g + i) * load(row.slope + i));
        } else if (row.e) {
            slope_kept<shape>(row.e + at, w, n, s, row.g);
        } else {
            slope_block<T, shape>((const T*)row.logits + at, w, n, row.m, rate, s, row.g);
        }
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
