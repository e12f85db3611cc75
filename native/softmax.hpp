// One row of logits, a block at a time: x = z - max z, e^x, and the sums over the row.
//
// z = cap tanh(a / cap) / T. With b = tanh(a / cap), or a where there is no cap, x = (b - max b) scale: the difference
// is exact, or as good as a double can be, before anything is rounded.

struct Row {
    const LossJob* job;
    const char* logits;
    double m, scale;  // x = (b - m) scale
    int64_t top;      // where the maximum is
    double *b, *slope, *t, *g;
    double* e;      // V exponentials kept from the sums for the gradient, or null
    double* slopes;  // and V of 1 - tanh^2, under a cap
};

XENT_INLINE Row open_row(const LossJob& job, int64_t i, double* scratch) {
    const double scale = (job.cap > 0 ? job.cap : 1.0) / job.temperature;
    double* kept = job.keep ? scratch + 4 * kLossBlock + job.k : nullptr;
    return {&job, job.logits + i * job.logits_stride, 0, scale, 0, scratch, scratch + kLossBlock,
            scratch + 2 * kLossBlock, scratch + 3 * kLossBlock, kept, job.keep && job.cap > 0 ? kept + job.V : nullptr};
}

XENT_INLINE double logit_at(const Row& row, int64_t j) {  // as given
    double a;
    gather(row.job->dtype, row.logits + j * item_size(row.job->dtype), 0, 1, &a, 1);
    return a;
}

XENT_INLINE Tanh under_cap(const LossJob& job, vd a) {
    return job.dtype == F64 ? tanh_of(a / splat(job.cap)) : tanh_brief(a * (1.0 / job.cap));
}

XENT_INLINE double bounded(const LossJob& job, double a) {
    return job.cap > 0 ? first(under_cap(job, splat(a)).value) : a;
}

XENT_INLINE double x_at(const Row& row, int64_t j) { return (bounded(*row.job, logit_at(row, j)) - row.m) * row.scale; }

XENT_INLINE double slope_at(const Row& row, int64_t j) {
    return row.job->cap > 0 ? first(under_cap(*row.job, splat(logit_at(row, j))).slope) : 1.0;
}

// b and 1 - b^2 of a block, under a cap.
static void fill(const Row& row, int64_t at, int64_t n, double* slope) {
    const LossJob& job = *row.job;
    const int64_t size = item_size(job.dtype);
    gather(job.dtype, row.logits + at * size, size, n, row.b, 1);
    for (int64_t i = n; i % kLanes; ++i) row.b[i] = 0.0;
    for (int64_t i = 0; i < n; i += W) {
        Tanh h = under_cap(job, load(row.b + i));
        store(row.b + i, h.value);
        store(slope + i, h.slope);
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

// One group of lanes of T; exponentials are made as for `Made`, the dtype of the logits. Where the group is masked,
// `on` is 0 for what is left out of the sums of e^x and of t.
template <class T, int want, bool masked, bool keep, class Made>
XENT_INLINE void add_group(const T* p, const double* w, double m, double rate, const double* on, double* kept,
                           Lanes& q) {
    typedef Exponent<Made, want == SUM> E;
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
template <class T, int want, bool keep, class Made>
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
        add_group<T, want, true, keep, Made>(group, own, m, rate, on, kept, q);
        for (int l = 0; keep && l < kLanes && i + l < n; ++l) e[i + l] = kept[l];
    };
    for (int64_t i = 0; i < odd; i += kLanes)
        add_group<T, want, false, keep, Made>(p + i, w + i, m, rate, nullptr, keep ? e + i : nullptr, q);
    if (odd < n) special(odd);
    for (int64_t i = odd + kLanes; i < whole; i += kLanes)
        add_group<T, want, false, keep, Made>(p + i, w + i, m, rate, nullptr, keep ? e + i : nullptr, q);
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

constexpr int64_t kShort = 256;
constexpr double kFresh[2 * kLanes] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};

// S of a short row, where looking for the place of the maximum would cost more than counting the elements that equal
// it. The last group goes back over elements that were met before, rather than be copied.
template <class T, bool keep>
static Sums sum_short(Row& row, double rate) {
    const T* p = (const T*)row.logits;
    const int64_t V = row.job->V, whole = V / kLanes * kLanes, last = V - kLanes;
    vd most[kVecs], s[kVecs] = {};
    vl equal[kVecs] = {};
    for (int j = 0; j < kVecs; ++j) most[j] = splat(-kInf);
    for (int64_t i = 0; i < V; i += kLanes)
        for (int j = 0; j < kVecs; ++j) most[j] = max(most[j], widen(p + (i < last ? i : last) + j * W));
    double largest[kLanes], best = -kInf;
    for (int j = 0; j < kVecs; ++j) store(largest + j * W, most[j]);
    for (double a : largest) best = a > best ? a : best;
    const double m = row.m = best + 0.0;
    auto add = [&](int64_t i, int j, vl fresh) __attribute__((always_inline)) {
        vd x = (widen(p + i + j * W) - m) * rate, e = Exponent<T, true>::of(x);
        if (keep) store(row.e + i + j * W, e);
        vl top = x == 0.0;
        s[j] += only(fresh & ~top, e);
        equal[j] = minus_bits(equal[j], top & fresh);
    };
    for (int64_t i = 0; i < whole; i += kLanes)
        for (int j = 0; j < kVecs; ++j) add(i, j, splat_bits(-1));
    for (int j = 0; whole < V && j < kVecs; ++j) add(last, j, load(kFresh + (V - whole) + j * W) != 0.0);
    long long tops[kLanes], count = 0;
    __builtin_memcpy(tops, equal, sizeof tops);
    for (long long n : tops) count += n;
    Sums sums;
    sums.S = m - m == 0.0 ? across(s) + (double)(count - 1) : kNan;  // no largest, or an infinite one: as inf - inf
    return sums;
}

template <class T, int want>
static Sums sum_typed(Row& row, const char* target) {
    const LossJob& job = *row.job;
    const bool capped = job.cap > 0;
    const double rate = row.scale * Exponent<T, true>::per_nat;
    if (want == SUM && !capped && job.V >= kLanes && job.V <= kShort)
        return row.e ? sum_short<T, true>(row, rate) : sum_short<T, false>(row, rate);
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
            fill(row, at, n, row.e ? row.slopes + at : row.slope);
            const int64_t top = row.top - at;
            if (row.e) sum_block<double, want, true, T>(row.b, w, n, top, row.m, row.m, rate, row.e + at, total);
            else sum_block<double, want, false, T>(row.b, w, n, top, row.m, row.m, rate, nullptr, total);
        } else if (want != SUM_EX && row.e) {
            sum_block<T, want, want != SUM_EX, T>(p + at, w, n, row.top - at, p[row.top], row.m, rate, row.e + at,
                                                  total);
        } else {
            sum_block<T, want, false, T>(p + at, w, n, row.top - at, p[row.top], row.m, rate, nullptr, total);
        }
    }
    sums.S = across(total.s);
    sums.X = across(total.x) * Exponent<T, true>::unit;
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
