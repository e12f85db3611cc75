// exp and log with low parts, and the convex terms built from them. Bounds are relative errors, in mpmath-tested lanes.

constexpr double kSqrt2 = 0x1.6a09e667f3bcdp+0;
constexpr double kTiny = 0x1p-1022;                     // below it numbers are subnormal
constexpr long long kHalfRoot2 = 0x3fe6a09e667f3bcdLL;  // bits of sqrt(1/2)
constexpr long long kOne = 0x3ff0000000000000LL;
constexpr long long kMantissa = 0x000fffffffffffffLL;

struct Parts {  // x = m 2^k, m in [sqrt 1/2, sqrt 2); `shrink` = 2^-k for normal x (a subnormal one has no low part)
    vd m, k, shrink;
};

XENT_INLINE Parts parts(vd x) {
    vl subnormal = abs(x) < kTiny;
    vd up = sel(subnormal, splat(0x1p54), splat(1.0));
    vl t = add_bits(as_bits(x * up), kOne - kHalfRoot2);
    vl e = down52(t);  // k + 1023; x is not negative where the result is used
    vd k = as_double(e | 0x4330000000000000LL) - (0x1p52 + 1023.0) - only(subnormal, splat(54.0));
    return {as_double((t & kMantissa) + kHalfRoot2), k, as_double(up52(2046 - e))};
}

// log(a / b) = k ln 2 + 2(sh + sl) + c, and |log(a/b) - k ln 2| <= ln(2)/2. `h + l` is the whole; relative error 2^-58,
// absolute error beside k ln 2 2^-60. k = 0 says that the ratio lies within sqrt 2 of 1; then s = (a - b)/(a + b).
struct LogRatio {
    vd h, l, k, sh, sl, c;
};

struct Plain {};  // a divisor of exactly 1, or a low part of exactly 0

XENT_INLINE vd plus(vd a, vd b) { return a + b; }
XENT_INLINE vd plus(vd a, Plain) { return a; }

// log((t + d) / (t - d)) + k ln 2, d and t with low parts.
template <class Low>
XENT_INLINE LogRatio log_from(vd d, Low dl, vd t, vd tl, vd k) {
    vd th = top(t), y = 1.0 / t;
    tl += t - th;
    vd s = d * y, z = s * s;  // within two ulps of (a - b)/(a + b): enough for c, a hundredth of the whole
    vd sh = top(s);
    vd sl = plus((d - sh * th) - sh * tl, dl) * y;
    vd c = s * z * polynomial(z, xent_constants::kLog);
    dd u = fast_two_sum(k * xent_constants::kLn2_1, 2.0 * sh);
    dd r = fast_two_sum(u.h, u.l + (k * xent_constants::kLn2_2 + (2.0 * sl + c)));
    return {r.h, r.l, k, sh, sl, c};
}

// The same for x < 2^969, which may be scaled without looking: probabilities. No `shrink`.
XENT_INLINE Parts parts_of_small(vd x) {
    vl t = add_bits(as_bits(x * 0x1p54), kOne - kHalfRoot2);
    vd k = as_double(down52(t) | 0x4330000000000000LL) - (0x1p52 + 1023.0 + 54.0);
    return {as_double((t & kMantissa) + kHalfRoot2), k, vd{}};
}

XENT_INLINE LogRatio log_ratio(vd a, Plain) {  // log a, a < 2^969
    Parts p = parts_of_small(a);
    vd t = p.m + 1.0;
    return log_from(p.m - 1.0, Plain{}, t, p.m - (t - 1.0), p.k);
}

XENT_INLINE LogRatio log_ratio(dd a, Plain) {
    Parts p = parts(a.h);
    vd low = a.l * p.shrink;
    dd d = two_sum(p.m - 1.0, low), t = two_sum(p.m, splat(1.0));
    return log_from(d.h, d.l, t.h, t.l + low, p.k);
}

// Both below 2^969. The difference of their bits, rounded to whole exponents, is k: what is left of the ratio lies
// within 1.51, and neither needs a mantissa of its own.
XENT_INLINE LogRatio log_ratio(vd a, vd b) {
    constexpr unsigned long long bias = 1536ULL << 52, half = 1ULL << 51;  // k may be anything within 1100
    vd q = abs(b) * 0x1p54;
    vl bits = add_bits(as_bits(abs(a) * 0x1p54), bias);
    vl apart = add_bits(minus_bits(bits, as_bits(q)), half);
    vd k = as_double(down52(apart) | 0x4330000000000000LL) - (0x1p52 + 1536.0);
    vd m = as_double(minus_bits(bits, apart & ~kMantissa));
    dd t = two_sum(m, q);
    return log_from(m - q, Plain{}, max(t.h, splat(kTiny)), t.l, k);
}

XENT_INLINE LogRatio log_ratio(dd a, dd b) {
    Parts p = parts(a.h), q = parts(b.h);
    vl high = p.m > q.m * kSqrt2, low = p.m * kSqrt2 < q.m;
    vd f = sel(high, splat(0.5), sel(low, splat(2.0), splat(1.0)));
    vd m = p.m * f, k = (p.k - q.k) + (only(high, splat(1.0)) - only(low, splat(1.0)));
    vd al = a.l * p.shrink * f, bl = b.l * q.shrink;
    dd d = two_sum(m - q.m, al - bl), t = two_sum(m, q.m);
    return log_from(d.h, d.l, t.h, t.l + (al + bl), k);
}

XENT_INLINE dd whole(LogRatio r) { return {r.h, r.l}; }

// log(1 + s), s >= 0 with a low part: relative error 2^-52.9 with the low part kept, wherever s lies.
XENT_INLINE dd log1p(dd s) {
    dd t = two_sum(splat(1.0), s.h);
    return whole(log_ratio(dd{t.h, t.l + s.l}, Plain{}));
}

// e^(x + xl) = (h + l) 2^n, h in about [0.7, 1.42]; relative error 2^-57. |x| is cut at 1400, NaN stays NaN.
struct Exp {
    vd h, l, n;
};

XENT_INLINE vd nearest(vd x) { return (x + 0x1.8p52) - 0x1.8p52; }

XENT_INLINE vd power2(vd n) {  // 2^n for integers n in [-1022, 1023]
    return as_double(up52(as_bits(n + (0x1p52 + 1023.0))));
}

XENT_INLINE vd cut(vd x, double limit) { return max(min(x, splat(limit)), splat(-limit)); }

XENT_INLINE Exp exp_parts(vd x, vd xl) {
    xl = only(abs(x) <= 1400.0, xl);
    x = cut(x, 1400.0);
    vd n = nearest(x * xent_constants::kLog2e_1);
    vd r = x - n * xent_constants::kLn2_1;
    vd rl = xl - n * xent_constants::kLn2_2;
    dd t = fast_two_sum(splat(1.0), r);
    vd s = r + rl;
    return {t.h, t.l + (rl + s * s * polynomial(s, xent_constants::kExp)), n};
}

XENT_INLINE dd ldexp(dd a, vd n) {  // in two steps: subnormal results are rounded once, overflow gives inf
    vd half = nearest(n * 0.5), p = power2(half), q = power2(n - half);
    vd h = a.h * p * q;
    return {h, only(abs(h) < kInf, a.l * p * q)};
}

XENT_INLINE dd exp(vd x, vd xl) {
    Exp e = exp_parts(x, xl);
    return ldexp(norm({e.h, e.l}), e.n);
}

// e^x - 1, relative error about 2^-54.
XENT_INLINE dd expm1(vd x, vd xl) {
    vd c = cut(x, 1400.0);
    vd n = nearest(c * xent_constants::kLog2e_1);
    dd e = exp(x, xl);
    vd s = x + xl;
    dd near = fast_two_sum(x, xl + s * s * polynomial(s, xent_constants::kExp));
    dd far = two_sum(e.h, splat(-1.0));
    far = fast_two_sum(far.h, far.l + e.l);
    far = sel(e.h < kInf, far, wide(splat(kInf)));
    return sel(n == 0.0, near, far);
}

XENT_INLINE dd one_minus(vd x) { return two_sum(splat(1.0), -x); }

struct Two {  // of the outcomes 1 and 0
    dd one, zero;
};

// Probabilities of the outcomes 1 and 0 by their log-odds: neither is made from the other by a difference.
XENT_INLINE Two of_log_odds(vd x) {
    dd e = exp(-abs(x), vd{}), t = add(e, splat(1.0));
    dd large = div(wide(splat(1.0)), t), small = div(e, t);
    vl up = x >= 0.0;
    return {sel(up, large, small), sel(up, small, large)};
}

// e^x and e^x - 1 to about 2^-95, |x| < 700: Taylor on x / 16 in double-double, then four squarings of 1 + y.
struct WideExp {
    dd e, m1;
};

XENT_INLINE WideExp exp_wide(dd x) {
    using namespace xent_constants;
    vd n = nearest(x.h * kLog2e_1);
    dd r = two_sum(x.h - n * kLn2_1, -(n * kLn2_2));
    r = add(r, dd{x.l, vd{}});
    r = add(r, -(n * kLn2_3));
    r = scale(r, splat(0x1p-4));
    vd tail = splat(kFact[9]);
    for (int k = 8; k >= 5; --k) tail = tail * r.h + kFact[k];
    dd y = wide(tail);
    for (int k = 4; k >= 0; --k) y = add(mul(y, r), dd{splat(kFact[k]), splat(kFactLo[k])});
    dd square = mul(r, r);
    y = add(add(scale(square, splat(0.5)), mul(mul(square, r), y)), r);
    for (int i = 0; i < 4; ++i) y = add(scale(y, splat(2.0)), mul(y, y));
    dd e = scale(add(y, splat(1.0)), power2(n));
    return {e, sel(n == 0.0, y, add(e, splat(-1.0)))};
}

// psi(d) = e^d - 1 - d for |d| <= 1/2, with its leading d^2/2 kept exactly.
XENT_INLINE dd psi_near(dd d) {
    dd half = two_prod(d.h, 0.5 * d.h);
    vd rest = d.h * d.h * d.h * polynomial(d.h, xent_constants::kPsi);
    return fast_two_sum(half.h, half.l + (d.h * d.l + rest));
}

// The Bregman term p log(p/q) - p + q >= 0 of two non-negative numbers; relative error about 2^-54. Finite garbage
// where q = 0 < p.
XENT_INLINE dd kl_term(vd p, vd q) {
    LogRatio r = log_ratio(p, q);
    vl near = r.k == 0.0;
    dd d = two_sum(p, -q);
    vd ah = sel(near, r.sh, top(r.h));
    vd al = sel(near, r.sl, (r.h - top(r.h)) + r.l);
    vd b = sel(near, d.h, p), bh = top(b);
    vd extra = sel(near, p * r.c, -d.l);
    dd t = two_sum(ah * bh, -only(~near, d.h));
    return {t.h, t.l + (ah * (b - bh) + (al * b + extra))};
}

// A probability as a double-double. One below what those hold has x != 0: then v = 1, its logarithm is x and its value
// `tiny`.
struct Num {
    dd v;
    vd x, tiny;
};

constexpr double kUnder = -690.0;  // logarithm of the least probability that is a full double-double

XENT_INLINE dd value(Num p) { return sel(p.x == 0.0, p.v, wide(p.tiny)); }

// The Bregman term with d = p - q given apart, for where p and q themselves would have rounded it away.
XENT_INLINE dd kl_term(Num p, Num q, dd d) {
    dd a = value(p), t = add(a, value(q));
    dd s = div(d, dd{sel(t.h > 0.0, t.h, splat(1.0)), t.l});
    vl near = abs(s.h) < 0.17;
    vd z = s.h * s.h;
    dd close = mul(s, d);
    close.l += a.h * (s.h * min(z, splat(0.03)) * polynomial(min(z, splat(0.03)), xent_constants::kLog));
    dd l = add(whole(log_ratio(p.v, q.v)), p.x - q.x);
    return sel(near, close, sub(mul(a, l), d));
}
XENT_INLINE dd kl_term(Num p, Num q) { return kl_term(p, q, sub(value(p), value(q))); }

// t/2 g(d/t) with t = high + low >= d = high - low >= 0: the Jensen-Shannon term.
XENT_INLINE dd js_term(dd t, dd d, dd high, dd low) {
    dd s = div(d, dd{sel(t.h > 0.0, t.h, splat(1.0)), t.l});
    vd z = s.h * s.h;
    dd lead = scale(mul(d, s), splat(0.25));
    dd near = {lead.h, lead.l + 0.5 * d.h * s.h * z * polynomial(min(z, splat(0.26)), xent_constants::kJs)};
    dd far = add(mul(high, whole(log_ratio(scale(high, splat(2.0)), t))),
                 mul(low, whole(log_ratio(scale(low, splat(2.0)), t))));
    return sel(s.h < 0.5, near, scale(far, splat(0.5)));
}

// (p + q)/2 g((p - q)/(p + q)) of one outcome, p + q and p - q; exchanging p and q changes the sign of the last and
// nothing else.
struct JsTerm {
    dd value, sum, difference;
};

XENT_INLINE JsTerm js_term(Num p, Num q) {
    dd a = value(p), b = value(q);
    vl swap = (a.h < b.h) | ((a.h == b.h) & (a.l < b.l));
    dd high = sel(swap, b, a), low = sel(swap, a, b);
    dd t = add(high, low), d = sub(high, low);
    return {js_term(t, d, high, low), t, sel(swap, neg(d), d)};
}

// Nats in another unit. What is infinite stays so (its product with a low part is not a number), and 0 has no sign.
XENT_INLINE dd in_unit(dd v, int post) {
    using namespace xent_constants;
    dd unit = post == BITS ? dd{splat(kBits1), splat(kBits2)} : dd{splat(kBans1), splat(kBans2)};
    dd r = post == BITS || post == BANS ? sel(abs(v.h) < kInf, tied(mul(v, unit)), v) : v;
    return {r.h + 0.0, r.l};
}
