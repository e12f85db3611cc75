// One row of logits, a block at a time: x = z - max z, e^x, the sums over a row, and the gradient's elements.
//
// z = cap tanh(a / cap) / T. With b = tanh(a / cap), or a where there is no cap, x = (b - max b) scale: the difference
// is exact, or as good as a double can be, before anything is rounded.

XENT_INLINE vd e_to(vd x) {  // e^x for x <= 0, relative error 2^-52.5; 0 below the least subnormal
    using namespace xent_constants;
    vd n = nearest(x * kLog2e_1);
    vd r = (x - n * kLn2_1) - n * kLn2_2;
    vd y = 1.0 + (r + r * r * polynomial(r, kExp));
    return sel(x < -746.0, vd{}, y * power2(n + 64.0) * 0x1p-64);
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

struct Row {
    const LossJob* job;
    const char* logits;
    double m, scale;  // x = (b - m) scale
    int64_t top;      // where the maximum is
    double *b, *slope, *t;
};

XENT_INLINE Row open_row(const LossJob& job, int64_t i, double* scratch) {
    Row row;
    row.job = &job;
    row.logits = job.logits + i * job.logits_stride;
    row.m = 0;
    row.scale = (job.cap > 0 ? job.cap : 1.0) / job.temperature;
    row.top = 0;
    row.b = scratch;
    row.slope = scratch + kLossBlock;
    row.t = scratch + 2 * kLossBlock;
    return row;
}

XENT_INLINE double bounded(const LossJob& job, double a) {
    return job.cap > 0 ? first(tanh_of(splat(a / job.cap)).value) : a;
}

XENT_INLINE double logit_at(const Row& row, int64_t j) {  // b_j
    double a;
    gather(row.job->dtype, row.logits + j * item_size(row.job->dtype), 0, 1, &a, 1);
    return bounded(*row.job, a);
}

// b of a block, filled up to whole groups of lanes with the maximum: x = 0 adds nothing where e^x is masked out.
static void fill(const Row& row, int64_t at, int64_t n) {
    const LossJob& job = *row.job;
    const int64_t size = item_size(job.dtype);
    gather(job.dtype, row.logits + at * size, size, n, row.b, 1);
    if (job.cap > 0) {
        for (int64_t i = n; i % kLanes; ++i) row.b[i] = 0.0;
        const vd cap = splat(job.cap);
        for (int64_t i = 0; i < n; i += W) {
            Tanh h = tanh_of(load(row.b + i) / cap);
            store(row.b + i, h.value);
            store(row.slope + i, h.slope);
        }
    }
    for (int64_t i = n; i % kLanes; ++i) row.b[i] = row.m;
}

// The targets t' of a block, smoothed and weighed.
static void fill_target(const Row& row, const char* target, int64_t at, int64_t n) {
    const LossJob& job = *row.job;
    const int64_t size = item_size(job.target_dtype);
    gather(job.target_dtype, target + at * size, size, n, row.t, 1);
    for (int64_t i = n; i % kLanes; ++i) row.t[i] = 0.0;
    const double keep = 1.0 - job.smoothing, part = job.smoothing / (double)job.V;
    for (int64_t i = 0; i < n; ++i) row.t[i] = keep * row.t[i] + part;
    if (job.weight)
        for (int64_t i = 0; i < n; ++i) row.t[i] *= job.weight[at + i];
}

static void find_max(Row& row) {  // the largest and where it first is; NaN is passed over
    const int64_t V = row.job->V, size = item_size(row.job->dtype);
    double best = -kInf;
    for (int64_t at = 0; at < V; at += kLossBlock) {
        const int64_t n = V - at < kLossBlock ? V - at : kLossBlock;
        gather(row.job->dtype, row.logits + at * size, size, n, row.b, 1);
        for (int64_t i = n; i % kLanes; ++i) row.b[i] = -kInf;
        vd m = splat(-kInf);
        for (int64_t i = 0; i < n; i += W) m = max(m, load(row.b + i));
        double p[W], highest = -kInf;
        store(p, m);
        for (int i = 0; i < W; ++i) highest = p[i] > highest ? p[i] : highest;
        if (highest > best) {
            best = highest;
            row.top = at;
            while (row.b[row.top - at] != best) ++row.top;
        }
    }
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

template <int want, bool masked>
XENT_INLINE void add_group(const Row& row, int64_t at, int64_t i, const double* mask, Lanes& q) {
    for (int j = 0; j < kVecs; ++j) {
        const int64_t k = i + j * W;
        vd x = (load(row.b + k) - row.m) * row.scale, e = e_to(x);
        vl on = masked ? load(mask + j * W) != 0.0 : vl{};
        if (masked) e = only(on, e);
        q.s[j] += e;
        if (want == SUM_X) q.x[j] += x;
        if (want == SUM_WX) {
            vd w = masked ? load(mask + kLanes + j * W) : load(row.job->weight + at + k);
            q.x[j] += only(w != 0.0, w * x);
        }
        if (want == SUM_EX) q.x[j] += e * max(x, splat(-1000.0));
        if (want == SUM_TX) {
            vd t = load(row.t + k);
            q.x[j] += only(t != 0.0, t * x);
            q.c[j] += masked ? only(on, t) : t;
        }
    }
}

template <int want>
static void sum_block(const Row& row, int64_t at, int64_t n, Lanes& total) {
    Lanes q = {};
    const int64_t whole = n / kLanes * kLanes, top = row.top - at;
    const int64_t odd = top >= 0 && top < n ? top / kLanes * kLanes : whole;
    auto special = [&](int64_t i) {
        double mask[2 * kLanes];
        for (int l = 0; l < kLanes; ++l) {
            mask[l] = i + l < n && i + l != top ? 1.0 : 0.0;
            mask[kLanes + l] = row.job->weight && i + l < n ? row.job->weight[at + i + l] : 0.0;
        }
        add_group<want, true>(row, at, i, mask, q);
    };
    for (int64_t i = 0; i < odd; i += kLanes) add_group<want, false>(row, at, i, nullptr, q);
    if (odd < n) special(odd);
    for (int64_t i = odd + kLanes; i < whole; i += kLanes) add_group<want, false>(row, at, i, nullptr, q);
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
    double p[kLanes] = {};
    for (int64_t i = 0; i < n; ++i) {
        sums.good = sums.good && row.t[i] >= 0.0 && row.t[i] < kInf;
        p[i % kLanes] += row.t[i];
    }
    sums.total += ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
}

template <int want>
static Sums sum_row(Row& row, const char* target) {
    Sums sums;
    find_max(row);
    Lanes total = {};
    const int64_t V = row.job->V;
    for (int64_t at = 0; at < V; at += kLossBlock) {
        const int64_t n = V - at < kLossBlock ? V - at : kLossBlock;
        if (want == SUM_TX) {
            check_target(row, target, at, n, sums);
            fill_target(row, target, at, n);
        }
        fill(row, at, n);
        sum_block<want>(row, at, n, total);
    }
    sums.S = across(total.s);
    sums.X = across(total.x);
    sums.C = across(total.c);
    if (!(row.m - row.m == 0.0)) sums.S = kNan;  // no largest, or an infinite one: as inf - inf
    return sums;
}

// The gradient's elements: e^x k0 - base, less w base, less t base, or e^x (k0 - base x).
enum Shape : int { SOFTMAX, LESS_BASE, LESS_WEIGHTS, LESS_TARGET, WITH_LOG };

template <int shape>
static void gradient_row(const Row& row, const char* target, char* out, double k0, double base, double at_top,
                         bool peaked) {
    const LossJob& job = *row.job;
    const int64_t V = job.V, size = item_size(job.dtype);
    for (int64_t at = 0; at < V; at += kLossBlock) {
        const int64_t n = V - at < kLossBlock ? V - at : kLossBlock;
        fill(row, at, n);
        if (shape == LESS_TARGET) fill_target(row, target, at, n);
        if (shape == LESS_WEIGHTS)
            for (int64_t i = 0; i < n; ++i) row.t[i] = job.weight[at + i];
        const double top = peaked ? 0.0 : 1.0;  // x is never 1
        for (int64_t i = 0; i < n; i += W) {
            vd x = (load(row.b + i) - row.m) * row.scale, g = e_to(x) * k0;
            if (shape == LESS_BASE) g = g - base;
            if (shape == LESS_WEIGHTS || shape == LESS_TARGET) g = g - base * load(row.t + i);
            if (shape == LESS_TARGET) g = sel(x == top, splat(at_top), g);
            if (shape == WITH_LOG) g = e_to(x) * (k0 - base * max(x, splat(-1000.0)));
            if (job.cap > 0) g = g * load(row.slope + i);
            store(row.b + i, g);
        }
        for (int64_t i = 0; i < n; ++i) put(job.dtype, out + (at + i) * size, row.b[i], 0.0);
    }
}
