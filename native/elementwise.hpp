// One value an element: surprisal, and the binary measures of a probability, a log-probability, a logit (log-odds) or
// an outcome 0 or 1.

struct Surprise {
    dd one, zero;
    vl inf_one, inf_zero;
};

XENT_INLINE vl valid(int kind, vd x) {
    switch (kind) {
        case LABELS: return (x == 0.0) | (x == 1.0);
        case LOGITS: return x == x;
        case LOGPROBS: return x <= 0.0;
        default: return (x >= 0.0) & (x <= 1.0);
    }
}

XENT_INLINE dd minus_expm1(vd x) { return neg(expm1(x, vd{})); }

template <int Kind>
XENT_INLINE Two weights(vd x) {
    if (Kind == LOGITS) return of_log_odds(x);
    if (Kind == LOGPROBS) return {exp(x, vd{}), minus_expm1(x)};
    return {wide(x), one_minus(x)};
}

template <int Kind>
XENT_INLINE Surprise surprise(vd x) {
    if (Kind == LOGITS) {
        dd l = log1p(exp(-abs(x), vd{}));
        vd c = cut(x, 0x1.fffffffffffffp1023);
        return {add(l, max(-c, vd{})), add(l, max(c, vd{})), x == -kInf, x == kInf};
    }
    if (Kind == LOGPROBS) {
        dd rest = minus_expm1(x);
        return {wide(-max(x, splat(-0x1.fffffffffffffp1023))), neg(whole(log_ratio(rest, Plain{}))), x == -kInf,
                rest.h == 0.0};
    }
    dd rest = one_minus(x);
    return {neg(whole(log_ratio(x, Plain{}))), neg(whole(log_ratio(rest, Plain{}))), x == 0.0, rest.h == 0.0};
}

struct Can {  // which outcomes are possible by what is given: an underflowed weight is not an impossible outcome
    vl one, zero;
};

template <int Kind>
XENT_INLINE Can possible(vd x) {
    if (Kind == LOGITS) return {x != -kInf, x != kInf};
    if (Kind == LOGPROBS) return {x != -kInf, x != 0.0};
    return {x != 0.0, x != 1.0};
}

XENT_INLINE dd expected(Two w, Can can, Surprise s) {  // sum of weight times surprisal
    vl some_one = w.one.h != 0.0, some_zero = w.zero.h != 0.0;
    dd a = mul(w.one, sel(some_one, s.one, wide(vd{}))), b = mul(w.zero, sel(some_zero, s.zero, wide(vd{})));
    vl inf = (can.one & s.inf_one) | (can.zero & s.inf_zero);
    return sel(inf, wide(splat(kInf)), add(a, b));
}

template <int Y, int Q>
XENT_INLINE dd binary_cross_entropy(vd y, vd q) {
    if (Y == LABELS && Q == PROBS) {  // one logarithm: of the probability of what happened
        dd v = sel(y == 1.0, wide(q), one_minus(q));
        return sel(v.h == 0.0, wide(splat(kInf)), neg(whole(log_ratio(v, Plain{}))));
    }
    return expected(weights<Y>(y), possible<Y>(y), surprise<Q>(q));
}

// p (e^d - 1 - d) where q = p e^d.
XENT_INLINE dd bregman(dd p, dd q, dd d) {
    vl near = abs(d.h) <= 0.5, huge = d.h > 32.0;
    dd e = exp(sel(huge, vd{}, d.h), only(~huge, d.l));
    dd far = sub(add(e, splat(-1.0)), d);
    dd term = mul(p, sel(near, psi_near({only(near, d.h), only(near, d.l)}), far));
    term = sel(huge, sub(q, mul(p, add(d, splat(1.0)))), term);
    return sel(p.h == 0.0, q, term);
}

XENT_INLINE dd kl_of_logits(vd a, vd b) {
    Two p = weights<LOGITS>(a), q = weights<LOGITS>(b);
    vl inf = ((b == -kInf) & (a > -kInf)) | ((b == kInf) & (a < kInf));
    vd x = cut(a, 0x1p1020), y = cut(b, 0x1p1020);
    dd c = two_sum(y, -x);
    // Close logits: log(q_k / p_k) from the rarer outcome's change, -log1p(p e^(c or -c) - p) for the other one, exact
    // to the last digit.
    vl close = abs(c.h) <= 1.0, up = x >= 0.0;
    dd rise = sel(up, neg(c), c);
    dd m = mul(sel(up, p.zero, p.one), expm1(only(close, rise.h), only(close, rise.l)));
    dd t = two_sum(splat(1.0), m.h);
    dd common = neg(whole(log_ratio(dd{t.h, t.l + m.l}, Plain{})));
    dd lift = sub(log1p(exp(-abs(x), vd{})), log1p(exp(-abs(y), vd{})));
    dd one = add(two_sum(min(y, vd{}), -min(x, vd{})), lift);
    dd zero = add(two_sum(min(-y, vd{}), -min(-x, vd{})), lift);
    one = sel(close, sel(up, common, add(common, c)), one);
    zero = sel(close, sel(up, sub(common, c), common), zero);
    dd v = add(bregman(p.one, q.one, one), bregman(p.zero, q.zero, zero));
    return sel(inf, wide(splat(kInf)), v);
}

XENT_INLINE dd kl_of_logprobs(vd a, vd b) {
    Two p = weights<LOGPROBS>(a), q = weights<LOGPROBS>(b);
    vl inf = ((b == -kInf) & (a > -kInf)) | ((b == 0.0) & (a < 0.0));
    vd x = max(a, splat(-0x1p1020)), y = max(b, splat(-0x1p1020));
    dd c = two_sum(y, -x);
    vl close = abs(c.h) <= 1.0;
    vl some = p.zero.h > 0.0;
    dd safe = sel(some, p.zero, wide(splat(1.0)));
    dd v = neg(div(mul(p.one, expm1(only(close, c.h), only(close, c.l))), safe));
    vl near = close & (abs(v.h) <= 0.5);
    dd t = two_sum(splat(1.0), only(near, v.h));
    dd zero = sel(near, whole(log_ratio(dd{t.h, t.l + only(near, v.l)}, Plain{})), whole(log_ratio(q.zero, safe)));
    dd r = add(bregman(p.one, q.one, c), bregman(p.zero, q.zero, zero));
    return sel(inf, wide(splat(kInf)), r);
}

struct TwoNums {
    Num one, zero;
};

template <int Kind>
XENT_INLINE TwoNums nums(vd x) {
    dd unit = wide(splat(1.0));
    if (Kind == LOGITS) {
        vd d = -abs(x);
        vl under = (d < kUnder) & (d > -kInf), up = x >= 0.0;
        dd e = exp_or_zero(wide(d)), t = add(e, splat(1.0));
        vd tiny = only(under, exp(d, vd{}).h);
        dd large = div(unit, t), small = sel(under, unit, div(e, t));
        vd log_small = only(under, d);
        return {{sel(up, large, small), only(~up, log_small), only(~up, tiny)},
                {sel(up, small, large), only(up, log_small), only(up, tiny)}};
    }
    if (Kind == LOGPROBS) {
        vl some = x >= -700.0, under = (x < kUnder) & (x > -kInf);
        WideExp e = exp_wide(wide(only(some, x)));
        vd tiny = only(under, exp(x, vd{}).h);
        return {{sel(under, unit, sel(some, e.e, wide(vd{}))), only(under, x), tiny},
                {sel(some, neg(e.m1), unit), vd{}, vd{}}};
    }
    return {{wide(x), vd{}, vd{}}, {one_minus(x), vd{}, vd{}}};
}

// p psi(c), c = log(q / p), for a log-odds x < -40 and a log-probability l of nearly the same outcome: the other one
// adds less than 2^-57 of it. p is the log-odds' probability where `sign` = 1, else e^l.
XENT_INLINE dd kl_of_rare(vd x, vd l, double sign) {
    dd e = exp(x, vd{});
    dd c = add(two_sum(l, -x), e);  // log p = x - log(1 + e^x)
    c = {sign * c.h, sign * c.l};
    return mul(sign > 0 ? e : exp(l, vd{}), psi_near({only(abs(c.h) <= 0.5, c.h), only(abs(c.h) <= 0.5, c.l)}));
}

XENT_INLINE vl rare_and_near(vd x, vd l) { return (x < -40.0) & (abs(x - l) < 0.49); }

template <int Y, int Q>
XENT_INLINE dd binary_kl(vd y, vd q) {
    if (Y == LABELS) return binary_cross_entropy<Y, Q>(y, q);
    if (Y == LOGITS && Q == LOGITS) return kl_of_logits(y, q);
    if (Y == LOGPROBS && Q == LOGPROBS) return kl_of_logprobs(y, q);
    TwoNums a = nums<Y>(y), b = nums<Q>(q);
    vl inf = ((b.one.v.h == 0.0) & (a.one.v.h > 0.0)) | ((b.zero.v.h == 0.0) & (a.zero.v.h > 0.0));
    // Both pairs sum to 1: the difference is the rarer outcome's, which keeps all its digits.
    dd one = sub(value(a.one), value(b.one)), zero = sub(value(a.zero), value(b.zero));
    dd d = sel(value(a.one).h < value(a.zero).h, one, neg(zero));
    dd v = add(kl_term(a.one, b.one, d), kl_term(a.zero, b.zero, neg(d)));
    if (Y == LOGITS && Q == LOGPROBS) v = sel(rare_and_near(y, q), kl_of_rare(y, q, 1.0), v);
    if (Y == LOGPROBS && Q == LOGITS) v = sel(rare_and_near(q, y), kl_of_rare(q, y, -1.0), v);
    return sel(inf, wide(splat(kInf)), v);
}

// p (1 - log p), the entropy where the rarer outcome's p is too small to be multiplied as it stands.
template <int Kind>
XENT_INLINE dd entropy_of_rare(vd y) {
    vd x = Kind == LOGITS ? -abs(y) : y;
    if (Kind == PROBS) {
        vd p = x * 0x1p200;
        return ldexp(mul(sub(wide(splat(1.0)), whole(log_ratio(x, Plain{}))), p), splat(-200.0));
    }
    Exp e = exp_parts(x, vd{});
    return ldexp(norm(mul({e.h, e.l}, two_sum(splat(1.0), -cut(x, 2000.0)))), e.n);
}

template <int Kind>
XENT_INLINE dd binary_entropy(vd y) {
    vl rare = Kind == PROBS ? (y < 0x1p-900) & (y > 0.0) : Kind == LOGITS ? abs(y) > 620.0 : y < -620.0;
    return sel(rare, entropy_of_rare<Kind>(y), expected(weights<Kind>(y), possible<Kind>(y), surprise<Kind>(y)));
}

template <int Op, int Y, int Q>
XENT_INLINE dd element(vd y, vd q) {
    if (Op == BIN_SURPRISAL && Y == LOGPROBS) return wide(-y);
    if (Op == BIN_SURPRISAL) return sel(y == 0.0, wide(splat(kInf)), neg(whole(log_ratio(y, Plain{}))));
    if (Op == BIN_ENTROPY) return Y == LABELS ? wide(vd{}) : binary_entropy<Y == LABELS ? PROBS : Y>(y);
    if (Op == BIN_CROSS_ENTROPY) return binary_cross_entropy<Y, Q>(y, q);
    return binary_kl<Y, Q>(y, q);
}

// Surprisal takes what exceeds 1 as given, cross-entropy weights outside [0, 1]; the others have no value there.
template <int Op, int Y>
XENT_INLINE vl computable(vd y) {
    if (Op == BIN_SURPRISAL) return Y == LOGPROBS ? y == y : (y >= 0.0) & (y < kInf);
    if (Op == BIN_CROSS_ENTROPY && Y == PROBS) return abs(y) < kInf;
    if (Op == BIN_CROSS_ENTROPY && Y == LOGPROBS) return y < kInf;
    return valid(Y, y);
}

// n elements (a multiple of the lanes) to h and l; false where some element lies outside its domain.
template <int Op, int Y, int Q>
static bool elements(const double* y, const double* q, int64_t n, int post, double* h, double* l) {
    constexpr bool two = Op == BIN_CROSS_ENTROPY || Op == BIN_KL;
    vl fine = vd{} == vd{};
    for (int64_t i = 0; i < n; i += W) {
        vd a = load(y + i), b = two ? load(q + i) : a;
        vl ok = computable<Op, Y>(a);
        if (two) ok &= valid(Q, b);
        fine &= valid(Y, a) & ok;
        dd v = element<Op, Y, Q>(a, b);
        v.h = sel(ok, v.h, splat(kNan));
        v = in_unit(v, post);
        store(h + i, v.h);
        store(l + i, only(abs(v.h) < kInf, v.l));
    }
    return everywhere(fine);
}

using Elements = bool (*)(const double*, const double*, int64_t, int, double*, double*);

template <int Op, int Y>
static Elements pick(int q) {
    if (q == LOGITS) return elements<Op, Y, LOGITS>;
    if (q == LOGPROBS) return elements<Op, Y, LOGPROBS>;
    return elements<Op, Y, PROBS>;
}

template <int Op>
static Elements pick(int y, int q) {
    if (y == LABELS) return pick<Op, LABELS>(q);
    if (y == LOGITS) return pick<Op, LOGITS>(q);
    if (y == LOGPROBS) return pick<Op, LOGPROBS>(q);
    return pick<Op, PROBS>(q);
}

static Elements pick(int op, int y, int q) {
    if (op == BIN_SURPRISAL)
        return y == LOGPROBS ? elements<BIN_SURPRISAL, LOGPROBS, PROBS> : elements<BIN_SURPRISAL, PROBS, PROBS>;
    if (op == BIN_ENTROPY) {
        if (y == LABELS) return elements<BIN_ENTROPY, LABELS, PROBS>;
        if (y == LOGITS) return elements<BIN_ENTROPY, LOGITS, PROBS>;
        return y == LOGPROBS ? elements<BIN_ENTROPY, LOGPROBS, PROBS> : elements<BIN_ENTROPY, PROBS, PROBS>;
    }
    return op == BIN_CROSS_ENTROPY ? pick<BIN_CROSS_ENTROPY>(y, q) : pick<BIN_KL>(y, q);
}

static bool in_domain(int kind, double x) {
    switch (kind) {
        case LABELS: return x == 0 || x == 1;
        case LOGITS: return x == x;
        case LOGPROBS: return x <= 0;
        default: return x >= 0 && x <= 1;
    }
}

// Fill the buffers with elements from `row` on; the walk moves along.
static int64_t fill(const Job& job, Walk& w, int64_t want, double (*buffer)[kBlock]) {
    const int d = job.ndim - 1;
    int64_t have = 0;
    while (have < want) {
        int64_t n = d < 0 ? 1 : job.shape[d] - w.index[d];
        n = n < want - have ? n : want - have;
        for (int i = 0; i < job.nops; ++i) {
            int64_t stride = d < 0 ? 0 : job.in[i].stride[d];
            gather(job.in[i].dtype, w.ptr[i], stride, n, buffer[i] + have, 1);
            w.ptr[i] += (n - 1) * stride;
        }
        have += n;
        if (d < 0) break;
        w.index[d] += n - 1;
        next(job, w);
    }
    return have;
}

static int elementwise(const Job& job, int64_t begin, int64_t end, int64_t bad[2]) {
    alignas(64) double in[2][kBlock], h[kBlock], l[kBlock];
    Walk w;
    seek(job, w, begin);
    const Elements run = pick(job.op, job.in[0].kind, job.in[1].kind);
    const bool as_given = job.op == BIN_CROSS_ENTROPY && job.in[0].kind == LABELS && !(job.in[0].tol >= 0);
    const int64_t size = item_size(job.out_dtype);
    for (int64_t at = begin; at < end;) {
        int64_t n = fill(job, w, end - at < kBlock ? end - at : kBlock, in);
        int64_t padded = (n + kLanes - 1) / kLanes * kLanes;
        for (int i = 0; i < 2; ++i)
            for (int64_t k = n; k < padded; ++k) in[i][k] = in[i][n - 1];
        const bool fine = run(in[0], in[1], padded, job.post, h, l);
        if (!fine && as_given) pick(job.op, PROBS, job.in[1].kind)(in[0], in[1], padded, job.post, h, l);
        if (!fine)
            for (int i = 0; i < job.nops; ++i)
                for (int64_t k = 0; k < n; ++k)
                    if (job.in[i].tol >= 0 && !in_domain(job.in[i].kind, in[i][k]) && at + k < bad[i]) bad[i] = at + k;
        char* out = job.out + at * size;
        if (job.out_dtype == F64)
            for (int64_t k = 0; k < n; ++k) ((double*)out)[k] = h[k] + l[k];
        else
            for (int64_t k = 0; k < n; ++k) put(job.out_dtype, out + k * size, h[k], l[k]);
        at += n;
    }
    return 0;
}
