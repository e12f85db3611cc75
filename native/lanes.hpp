// Double-double arithmetic on vectors. Only operations that IEEE 754 rounds correctly are used, so that a vector's
// width never shows in a result.

constexpr double kInf = __builtin_inf();
constexpr double kNan = __builtin_nan("");

struct dd {  // h + l, |l| at most about an ulp of h
    vd h, l;
};

XENT_INLINE dd two_sum(vd a, vd b) {
    vd s = a + b, t = s - a;
    return {s, (a - (s - t)) + (b - t)};
}
XENT_INLINE dd fast_two_sum(vd a, vd b) {  // |a| >= |b|, or a = 0
    vd s = a + b;
    return {s, b - (s - a)};
}
XENT_INLINE dd two_prod(vd a, vd b) {  // exact to 2^-105 and better: no fused operation is needed
    vd ah = top(a), al = a - ah, bh = top(b), bl = b - bh, p = a * b;
    return {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}
// a (b + bl) as an exact product of upper parts and the rest, which may be 2^-25 of it; error 2^-78.
XENT_INLINE dd split_product(vd a, vd b, vd bl) {
    vd ah = top(a), bh = top(b);
    return {ah * bh, ah * ((b - bh) + bl) + (a - ah) * b};
}
XENT_INLINE dd tied(dd a) { return {a.h, only(abs(a.h) < kInf, a.l)}; }  // what overflowed has no low part
XENT_INLINE dd add(dd a, dd b) {
    dd s = tied(two_sum(a.h, b.h)), t = two_sum(a.l, b.l);
    s = tied(fast_two_sum(s.h, s.l + t.h));
    return tied(fast_two_sum(s.h, s.l + t.l));
}
XENT_INLINE dd add(dd a, vd b) {
    dd s = tied(two_sum(a.h, b));
    return tied(fast_two_sum(s.h, s.l + a.l));
}
XENT_INLINE dd neg(dd a) { return {-a.h, -a.l}; }
XENT_INLINE dd sub(dd a, dd b) { return add(a, neg(b)); }
XENT_INLINE dd mul(dd a, dd b) {
    dd p = two_prod(a.h, b.h);
    return fast_two_sum(p.h, p.l + (a.h * b.l + a.l * b.h));
}
XENT_INLINE dd mul(dd a, vd b) {
    dd p = two_prod(a.h, b);
    return fast_two_sum(p.h, p.l + a.l * b);
}
XENT_INLINE dd div(dd a, dd b) {
    vd q = a.h / b.h;
    dd p = two_prod(q, b.h);
    vd r = ((a.h - p.h) - p.l) + (a.l - q * b.l);
    return fast_two_sum(q, r / b.h);
}
XENT_INLINE dd scale(dd a, vd power) { return {a.h * power, a.l * power}; }
XENT_INLINE dd sel(vl mask, dd a, dd b) { return {sel(mask, a.h, b.h), sel(mask, a.l, b.l)}; }
XENT_INLINE dd wide(vd x) { return {x, vd{}}; }
XENT_INLINE dd norm(dd a) { return fast_two_sum(a.h, a.l); }

// A running sum: `h` takes every term exactly, `l` takes what rounding left and the terms' own low parts.
XENT_INLINE void accumulate(vd& h, vd& l, vd term, vd low) {
    dd s = two_sum(h, term);
    h = s.h;
    l += s.l + low;
}

// c[0] + c[1] x + ..., by halves: the chain of dependent operations is what a long polynomial would cost.
template <int N>
XENT_INLINE vd sum_powers(const vd* powers, const double* c) {
    if constexpr (N == 1) return splat(c[0]);
    else if constexpr (N == 2) return c[0] + c[1] * powers[0];
    else {
        constexpr int log = N > 8 ? 3 : N > 4 ? 2 : 1, half = 1 << log;
        return sum_powers<half>(powers, c) + sum_powers<N - half>(powers, c + half) * powers[log];
    }
}

template <int N>
XENT_INLINE vd polynomial(vd x, const double (&c)[N]) {
    static_assert(N <= 16, "four powers are made");
    vd square = x * x, fourth = square * square;
    vd powers[] = {x, square, fourth, N > 8 ? fourth * fourth : fourth};
    return sum_powers<N>(powers, c);
}
