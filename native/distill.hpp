// Divergence of two rows of logits at one temperature T, and its gradient by the first, the student s; the other is the
// teacher t. With z = a / T, d_j = log p_s - log p_t = z_s - z_t - (L_s - L_t) and psi(d) = e^d - 1 - d:
//
//     forward   KL(p_t || p_s) = sum p_t psi(d)                    d/dz_s = p_s - p_t = p_t (e^d - 1)
//     reverse   KL(p_s || p_t) = sum p_s psi(-d)                   d/dz_s = p_s (d - KL)
//     js        sum m G(u), u = (p_s - p_t) / (p_s + p_t)          d/dz_s = p_s (log(1 + u) - sum p_s log(1 + u)) / 2
//               G(u) = ((1 + u) log(1 + u) + (1 - u) log(1 - u)) / 2, m = (p_s + p_t) / 2
//
// All terms are >= 0, so nothing cancels however close the rows are; an error of L_s - L_t that all d share changes
// the sums by its square alone. Loss and gradient are times T^2, the latter by the chain rule / T. An outcome that both
// rule out has p = 0 twice and counts 0.

struct Pair {  // one row of each
    const char *s, *t;
    int t_dtype;
    double s_top, t_top;      // largest logits
    double s_sum, t_sum;      // sums of e^((a - top) / T)
    double s_heat, t_heat;    // 1 / T, and 1 where probabilities are given
    double apart;             // log(s_sum / t_sum)
    double *a, *b, *e, *f, *g;
};

template <bool Full>
XENT_INLINE vd power_of_e(vd x) {
    if (!Full) return exp_brief(x);
    dd e = exp(x, vd{});
    return e.h + e.l;
}

template <bool Full>
XENT_INLINE vd log_one_plus(vd u) {  // u in [-1/2, 1]
    if (!Full) return log1p_brief(u / (2.0 + u));
    dd t = two_sum(splat(1.0), u);
    return log_ratio(t, Plain{}).h;
}

// A block of both rows, filled up with outcomes that both rule out.
static int64_t fetch(const DistillJob& job, const Pair& p, int64_t at) {
    const int64_t n = job.V - at < kPairBlock ? job.V - at : kPairBlock;
    const int64_t s = item_size(job.student_dtype), t = item_size(p.t_dtype);
    read_run(job.student_dtype, p.s + at * s, s, n, p.a);
    read_run(p.t_dtype, p.t + at * t, t, n, p.b);
    for (int64_t i = n; i % kLanes; ++i) p.a[i] = p.b[i] = -kInf;
    return n;
}

struct EightSums {
    vd x[kVecs] = {};
    XENT_INLINE_MEMBER double total() const {
        double p[kLanes];
        for (int j = 0; j < kVecs; ++j) store(p + j * W, x[j]);
        return ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
    }
};

static double largest_of(int dtype, const char* p, int64_t n) {
    switch (dtype) {
        case F64: return largest((const double*)p, n);
        case F32: return largest((const float*)p, n);
        case F16: return largest((const Half*)p, n);
        default: return largest((const Brain*)p, n);
    }
}

template <bool Full>
static void sum_powers_of_e(const DistillJob& job, Pair& p) {
    EightSums s, t;
    for (int64_t at = 0; at < job.V; at += kPairBlock) {
        const int64_t n = fetch(job, p, at);
        for (int64_t i = 0; i < n; i += kLanes)
            for (int j = 0; j < kVecs; ++j) {
                const int64_t k = i + j * W;
                s.x[j] += power_of_e<Full>((load(p.a + k) - p.s_top) * p.s_heat);
                t.x[j] += power_of_e<Full>((load(p.b + k) - p.t_top) * p.t_heat);
            }
    }
    // No largest, or an infinite one, makes the row NaN, as inf - inf is.
    p.s_sum = s.total() + (p.s_top - p.s_top), p.t_sum = t.total() + (p.t_top - p.t_top);
    // Where one of the two is no distribution, both are NaN: so is every element of the gradient.
    const double sound = (p.s_sum - p.s_sum) + (p.t_sum - p.t_sum);
    p.s_sum += sound, p.t_sum += sound;
    p.apart = first(log_ratio(splat(p.s_sum), splat(p.t_sum)).h);
}

// Probabilities of a block to e (student) and f (teacher), their log-ratio d to a; g is 1 where the teacher, or for
// the reverse divergence the student, allows what the other rules out.
template <int Kind, bool Full>
static int64_t prepare(const DistillJob& job, const Pair& p, int64_t at) {
    const int64_t n = fetch(job, p, at), padded = (n + kLanes - 1) / kLanes * kLanes;
    const vd s_part = splat(1.0 / p.s_sum), t_part = splat(1.0 / p.t_sum);
    for (int64_t i = 0; i < padded; i += W) {
        vd s = (load(p.a + i) - p.s_top) * p.s_heat;
        store(p.a + i, s);
        store(p.e + i, power_of_e<Full>(s) * s_part);
    }
    for (int64_t i = 0; i < padded; i += W) {
        vd s = load(p.a + i), t = (load(p.b + i) - p.t_top) * p.t_heat;
        store(p.f + i, power_of_e<Full>(t) * t_part);
        vl ruled = Kind == REVERSE ? (t == -kInf) & (s > -kInf) : (s == -kInf) & (t > -kInf);
        store(p.g + i, only(ruled, splat(1.0)));
        store(p.a + i, (s - t) - p.apart);
    }
    return n;
}

struct Near {  // e^d - 1 - d and e^d - 1 where |d| <= 1/2
    vl is;
    vd psi, expm1;
};

template <bool Full>
XENT_INLINE Near near_zero(vd d) {
    using namespace xent_constants;
    vl is = abs(d) <= 0.5;
    vd x = only(is, d), psi = x * x * (0.5 + x * (Full ? polynomial(x, kPsi) : polynomial(x, kPsiBrief)));
    return {is, psi, x + psi};
}

// p (e^d - 1 - d) with q = p e^d; what p rules out adds q, and d says nothing there.
XENT_INLINE vd bregman_term(vd p, vd q, vd d, Near near) {
    return sel(near.is, p * near.psi, (q - p) - only(p != 0.0, p * d));
}

struct Mixture {
    vd term, log;  // m G(u) and log(1 + u)
};

template <bool Full>
XENT_INLINE Mixture mixture(vd s, vd t, vd d) {
    Near near = near_zero<Full>(d);
    vd both = s + t;
    vd u = sel(near.is, near.expm1 / (2.0 + near.expm1), (s - t) / max(both, splat(kTiny)));
    vd v = abs(u), w = u * u, above = log_one_plus<Full>(v), gap = abs(d);
    vl close = v <= 0.5;
    vd z = only(close, w);
    vd g = sel(close, z * (0.5 + z * polynomial(z, xent_constants::kJs)), above - only(v < 1.0, 0.5 * (1.0 - v) * gap));
    vd below = log_one_plus<Full>(only(close, u));
    return {0.5 * both * only(both != 0.0, g), sel(close, below, sel(u > 0.0, above, above - gap))};
}

// The terms of W outcomes into the sums, or their gradient to g: `moment` is what the gradient subtracts.
template <int Kind, bool Full, bool Gradient>
XENT_INLINE void pair_terms(const Pair& p, int64_t i, double moment, double factor, vd& sum, vd& mean) {
    vd s = load(p.e + i), t = load(p.f + i), d = load(p.a + i), grad;
    vl ruled = load(p.g + i) != 0.0;
    if (Kind == FORWARD) {
        Near near = near_zero<Full>(d);
        sum += sel(ruled, splat(kInf), bregman_term(t, s, d, near));
        grad = sel(near.is, t * near.expm1, s - t);
    } else if (Kind == REVERSE) {
        if (!Gradient) sum += sel(ruled, splat(kInf), bregman_term(s, t, -d, near_zero<Full>(-d)));
        // At what the teacher rules out d - KL is infinity less a part of it.
        grad = only(s != 0.0, s * sel(ruled, splat(kInf), d - moment));
    } else {
        Mixture m = mixture<Full>(s, t, d);
        vd share = only(s != 0.0, s * m.log);
        if (!Gradient) sum += m.term, mean += share;
        grad = 0.5 * only(s != 0.0, s * (m.log - moment));
    }
    if (Gradient) store(p.g + i, factor * grad);
}

template <int Kind, bool Full, bool Gradient>
static void pair_block(const Pair& p, int64_t n, double moment, double factor, EightSums& sum, EightSums& mean) {
    for (int64_t i = 0; i < n; i += kLanes)
        for (int j = 0; j < kVecs; ++j)
            pair_terms<Kind, Full, Gradient>(p, i + j * W, moment, factor, sum.x[j], mean.x[j]);
}

template <int Kind, bool Full>
static double pair_row(const DistillJob& job, Pair& p, double factor, char* gradient) {
    p.s_top = largest_of(job.student_dtype, p.s, job.V);
    p.t_top = largest_of(p.t_dtype, p.t, job.V);
    sum_powers_of_e<Full>(job, p);
    EightSums sum, mean;
    const int64_t size = item_size(job.student_dtype);
    // The forward divergence's gradient needs no sum: its terms are made on the way.
    for (int round = Kind == FORWARD && gradient ? 1 : 0; round < (gradient ? 2 : 1); ++round) {
        const double moment = Kind == FORWARD ? 0.0 : Kind == REVERSE ? sum.total() : mean.total();
        for (int64_t at = 0; at < job.V; at += kPairBlock) {
            const int64_t n = prepare<Kind, Full>(job, p, at);
            if (round == 0) {
                pair_block<Kind, Full, false>(p, n, moment, factor, sum, mean);
                continue;
            }
            pair_block<Kind, Full, true>(p, n, moment, factor, sum, mean);
            write_run(job.student_dtype, gradient + at * size, size, n, p.g, nullptr);
        }
    }
    return sum.total();
}

// The teacher's logarithms, from its k outcomes; its whole mass is returned.
static double spread_out(const DistillJob& job, int64_t row, double* teacher) {
    const int64_t* index = job.indices + row * job.k;
    const double* prob = job.probs + row * job.k;
    double mass = 0;
    for (int64_t i = 0; i < job.k; ++i) mass += prob[i];
    double rest = 0;
    if (job.tail == 2 && job.V > job.k && mass < 1.0) rest = (1.0 - mass) / (double)(job.V - job.k);
    const double tail = rest > 0.0 ? first(log_ratio(splat(rest), Plain{}).h) : -kInf;
    for (int64_t j = 0; j < job.V; ++j) teacher[j] = tail;
    for (int64_t i = 0; i < job.k; ++i)
        teacher[index[i]] = prob[i] > 0.0 ? first(log_ratio(splat(prob[i]), Plain{}).h) : -kInf;
    return mass;
}

static void zero_out(const DistillJob& job, int64_t row) {
    __builtin_memset(job.gradient + row * job.gradient_stride, 0, (size_t)(job.V * item_size(job.student_dtype)));
}

template <int Kind>
static double distill_row(const DistillJob& job, int64_t row, double weight, double* scratch) {
    Pair p;
    p.s = job.student + row * job.student_stride;
    p.s_heat = p.t_heat = 1.0 / job.temperature;
    double* buffers[] = {scratch, scratch + kPairBlock, scratch + 2 * kPairBlock, scratch + 3 * kPairBlock,
                         scratch + 4 * kPairBlock};
    p.a = buffers[0], p.b = buffers[1], p.e = buffers[2], p.f = buffers[3], p.g = buffers[4];
    double mass = 1;
    if (job.probs) {
        mass = spread_out(job, row, scratch + kPairScratch);
        p.t = (const char*)(scratch + kPairScratch);
        p.t_dtype = F64, p.t_heat = 1.0;
    } else {
        p.t = job.teacher + row * job.teacher_stride;
        p.t_dtype = job.teacher_dtype;
    }
    if (!job.probs || job.tail != 1) mass = 1;
    char* gradient = job.gradient ? job.gradient + row * job.gradient_stride : nullptr;
    if (mass == 0) {
        if (gradient) zero_out(job, row);
        return 0;
    }
    const double square = job.temperature * job.temperature;
    double factor = job.factor * weight * mass * job.temperature;
    if (job.upstream) factor *= job.upstream[row];
    double loss = job.student_dtype == F64 ? pair_row<Kind, true>(job, p, factor, gradient)
                                           : pair_row<Kind, false>(job, p, factor, gradient);
    // Of a mass M: sum M t (log M t - log p_s) = M KL + M log M.
    if (mass != 1) loss = mass * (loss + first(log_ratio(splat(mass), Plain{}).h));
    return weight * square * loss;
}

static void distill(const DistillJob& job, int64_t begin, int64_t end, double* scratch, double* sum) {
    *sum = 0;
    for (int64_t row = begin; row < end; ++row) {
        const double weight = job.token_weight ? job.token_weight[row] : 1.0;
        double loss = 0;
        if (weight == 0.0) {
            if (job.gradient) zero_out(job, row);
        } else if (job.kind == FORWARD) {
            loss = distill_row<FORWARD>(job, row, weight, scratch);
        } else if (job.kind == REVERSE) {
            loss = distill_row<REVERSE>(job, row, weight, scratch);
        } else {
            loss = distill_row<JENSEN_SHANNON>(job, row, weight, scratch);
        }
        *sum += loss;
        const int dtype = job.student_dtype == F64 ? F64 : F32;
        if (job.losses) put(dtype, job.losses + row * item_size(dtype), loss, 0.0);
    }
}
