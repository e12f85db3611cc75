// Binary cross-entropy of probabilities q or of logits x, and its gradient.
//
//     from q:  w [y (-log q) + (1 - y)(-log(1 - q))]             d/dq = w (q - y) / (q (1 - q))
//     from x:  w [v y softplus(-x) + (1 - y) softplus(x)]        d/dx = w [(1 - y) sigma(x) - v y sigma(-x)]
//
// w is `weight`, v is `pos_weight`, softplus(x) = max(x, 0) + log1p(e^-|x|). No term is ever negative, so nothing
// cancels; a term whose factor is 0 is 0, whatever it multiplies.

struct BinaryTerm {
    dd loss;
    vd gradient;
};

XENT_INLINE dd product_or_zero(dd a, dd b) {
    vd plain = a.h * b.h;
    vl finite = abs(plain) < kInf;
    dd t = mul(a, b);
    return sel(a.h == 0.0, wide(vd{}), {sel(finite, t.h, plain), only(finite, t.l)});
}

XENT_INLINE BinaryTerm of_probability(vd q, vd y) {
    dd rest = one_minus(q), miss = one_minus(y);
    dd one = sel(q == 0.0, wide(splat(kInf)), neg(whole(log_ratio(q, Plain{}))));
    dd zero = sel(rest.h == 0.0, wide(splat(kInf)), neg(whole(log_ratio(rest, Plain{}))));
    dd loss = add(product_or_zero(wide(y), one), product_or_zero(miss, zero));
    // At y = 0 and y = 1 one factor of the denominator cancels: 1/(1 - q) and -1/q.
    vl never = y == 0.0, always = y == 1.0;
    vd above = sel(never, splat(1.0), sel(always, splat(-1.0), q - y));
    vd below = sel(never, rest.h, sel(always, q, q * rest.h));
    return {loss, above / abs(below)};
}

// `full` keeps low parts, for 64-bit results.
XENT_INLINE BinaryTerm of_logit_full(vd x, vd y, vd v) {
    dd low = exp(-abs(x), vd{}), l = log1p(low);
    Two share = of_log_odds(x);
    dd hit = mul(wide(y), v), miss = one_minus(y);
    dd one = add(l, max(-x, vd{})), zero = add(l, max(x, vd{}));
    dd g = sub(mul(miss, share.one), mul(hit, share.zero));
    return {add(product_or_zero(hit, one), product_or_zero(miss, zero)), g.h + g.l};
}

// e = e^-|x|. v y softplus(-x) + (1 - y) softplus(x) = (v y + 1 - y) log1p(e) + (1 - y, or v y) |x|.
template <bool PosWeight>
XENT_INLINE BinaryTerm of_logit_brief(vd x, vd e, vd y, vd v) {
    vd d = 1.0 + e, t = 2.0 + e;
    vd i = 1.0 / (d * t);  // one division for e/(2 + e) and 1/(1 + e)
    vd s = e * d * i, large = t * i, small = e * large;
    vd l = s * polynomial(s * s, xent_constants::kLog1pShort);
    vl up = x >= 0.0;
    vd hit = PosWeight ? v * y : y, miss = 1.0 - y, wrong = sel(up, miss, hit);
    if (PosWeight) l = (hit + miss) * l;
    return {wide(l + only(wrong != 0.0, wrong * abs(x))), miss * sel(up, large, small) - hit * sel(up, small, large)};
}

struct BinaryBuffers {
    alignas(64) double x[kBlock], y[kBlock], w[kBlock], v[kBlock], upstream[kBlock];
    alignas(64) double e[kBlock], loss[kBlock], low[kBlock], gradient[kBlock];
};

enum BinaryForm { FROM_PROBABILITY, FROM_LOGIT_FULL, FROM_LOGIT_BRIEF };

// One buffer, n a multiple of the lanes.
template <int F, bool Weight, bool PosWeight, bool Gradient>
static bool binary_terms(BinaryBuffers& b, int64_t n) {
    // A loop of its own: in one loop the chain of dependent operations is too long for a processor to look past it.
    if (F == FROM_LOGIT_BRIEF)
        for (int64_t i = 0; i < n; i += W) store(b.e + i, exp_brief(-abs(load(b.x + i))));
    vl fine = vd{} == vd{};
    for (int64_t i = 0; i < n; i += W) {
        vd x = load(b.x + i), y = load(b.y + i), v = PosWeight ? load(b.v + i) : splat(1.0);
        fine &= (y >= 0.0) & (y <= 1.0);
        BinaryTerm t;
        if (F == FROM_PROBABILITY) {
            fine &= (x >= 0.0) & (x <= 1.0);
            t = of_probability(x, y);
        } else {
            t = F == FROM_LOGIT_FULL ? of_logit_full(x, y, v) : of_logit_brief<PosWeight>(x, load(b.e + i), y, v);
        }
        if (Weight) {
            vd w = load(b.w + i);
            t.loss = F == FROM_LOGIT_BRIEF ? wide(only(w != 0.0, w * t.loss.h)) : product_or_zero(wide(w), t.loss);
            t.gradient = only(w != 0.0, w * t.gradient);
        }
        store(b.loss + i, t.loss.h);
        if (F != FROM_LOGIT_BRIEF) store(b.low + i, t.loss.l);
        if (Gradient) store(b.gradient + i, load(b.upstream + i) * t.gradient);
    }
    return everywhere(fine);
}

using BinaryTerms = bool (*)(BinaryBuffers&, int64_t);

template <int F, bool Weight, bool PosWeight>
static BinaryTerms pick_terms(bool gradient) {
    return gradient ? binary_terms<F, Weight, PosWeight, true> : binary_terms<F, Weight, PosWeight, false>;
}

template <int F>
static BinaryTerms pick_terms(const BinaryJob& job) {
    const bool gradient = job.gradient.data;
    if (F == FROM_PROBABILITY || !job.pos_weight.data)
        return job.weight.data ? pick_terms<F, true, false>(gradient) : pick_terms<F, false, false>(gradient);
    return job.weight.data ? pick_terms<F, true, true>(gradient) : pick_terms<F, false, true>(gradient);
}

// Losses of one share into eight lanes; those with low parts keep what rounding left.
static void sum_losses(const BinaryBuffers& b, int64_t n, bool low, Lane8 sum, Lane8 rest) {
    for (int j = 0; j < kLanes; j += W) {
        vd h = load(sum + j), l = load(rest + j);
        if (low)
            for (int64_t i = j; i < n; i += kLanes) accumulate(h, l, load(b.loss + i), load(b.low + i));
        else
            for (int64_t i = j; i < n; i += kLanes) h += load(b.loss + i);
        store(sum + j, h), store(rest + j, l);
    }
}

static void fill_unread(double* x, int64_t from, int64_t to) {
    for (int64_t k = from; k < to; ++k) x[k] = 0.0;
}

static void binary_share(const BinaryJob& job, int64_t share, int64_t bad[2]) {
    BinaryBuffers b;
    const bool low = !job.logits || job.input.dtype == F64;
    const BinaryTerms terms = !job.logits ? pick_terms<FROM_PROBABILITY>(job)
                              : low       ? pick_terms<FROM_LOGIT_FULL>(job)
                                          : pick_terms<FROM_LOGIT_BRIEF>(job);
    for (double& u : b.upstream) u = job.factor;  // where no upstream is given
    const Stream* in[] = {&job.input, &job.target, &job.weight, &job.pos_weight, &job.upstream};
    double* to[] = {b.x, b.y, b.w, b.v, b.upstream};
    const int64_t begin = share * kShare, end = begin + kShare < job.count ? begin + kShare : job.count;
    Cursor at[5], loss, gradient;
    for (int i = 0; i < 5; ++i)
        if (in[i]->data) seek(*in[i], at[i], begin);
    if (job.loss.data) seek(job.loss, loss, begin);
    if (job.gradient.data) seek(job.gradient, gradient, begin);
    Lane8 sum = {}, rest = {};
    for (int64_t row = begin; row < end; row += kBlock) {
        const int64_t n = end - row < kBlock ? end - row : kBlock, padded = (n + kLanes - 1) / kLanes * kLanes;
        for (int i = 0; i < 5; ++i)
            if (in[i]->data) {
                read(*in[i], at[i], n, to[i]);
                fill_unread(to[i], n, padded);
            }
        if (job.upstream.data)
            for (int64_t k = 0; k < padded; ++k) b.upstream[k] *= job.factor;
        if (!terms(b, padded))
            for (int64_t k = 0; k < n; ++k) {
                if (!job.logits && !(b.x[k] >= 0 && b.x[k] <= 1) && row + k < bad[0]) bad[0] = row + k;
                if (!(b.y[k] >= 0 && b.y[k] <= 1) && row + k < bad[1]) bad[1] = row + k;
            }
        if (job.sums) {
            fill_unread(b.loss, n, padded);
            fill_unread(b.low, n, padded);
            sum_losses(b, padded, low, sum, rest);
        }
        if (job.loss.data) write(job.loss, loss, n, b.loss, low ? b.low : nullptr);
        if (job.gradient.data) write(job.gradient, gradient, n, b.gradient, nullptr);
    }
    if (job.sums) {
        vd h = vd{}, l = vd{};
        for (int k = 0; k < kLanes; ++k) accumulate(h, l, splat(sum[k]), splat(rest[k]));
        job.sums[2 * share] = first(h), job.sums[2 * share + 1] = first(l);
    }
}
