// Vectors of W doubles and double-double arithmetic on them. Included once for each instruction set, inside its namespace.
// Only operations that IEEE 754 rounds correctly are used, so that W never shows in a result.

#if defined(__AVX512F__)
constexpr int W = 8;
#elif defined(__AVX__)
constexpr int W = 4;
#else
constexpr int W = 2;
#endif
constexpr int kLanes = 8;        // virtual lanes: what an element's position means, on every machine
constexpr int kVecs = kLanes / W;  // vectors that hold them

#define XENT_INLINE static inline __attribute__((always_inline))

typedef double vd __attribute__((vector_size(W * 8)));
typedef decltype(vd{} < vd{}) vl;  // what comparisons give: all bits set where true

XENT_INLINE vd load(const double* p) {
    vd x;
    __builtin_memcpy(&x, p, sizeof x);
    return x;
}
XENT_INLINE void store(double* p, vd x) { __builtin_memcpy(p, &x, sizeof x); }
XENT_INLINE vd splat(double x) { return x - vd{}; }
XENT_INLINE vl splat_bits(long long x) { return x - vl{}; }
XENT_INLINE vd sel(vl mask, vd a, vd b) { return (vd)(((vl)a & mask) | ((vl)b & ~mask)); }
XENT_INLINE vd only(vl mask, vd a) { return (vd)((vl)a & mask); }  // a, or 0
XENT_INLINE vd abs(vd x) { return (vd)((vl)x & splat_bits(0x7fffffffffffffffLL)); }
XENT_INLINE vd min(vd a, vd b) { return sel(b < a, b, a); }
XENT_INLINE vd max(vd a, vd b) { return sel(b > a, b, a); }
XENT_INLINE vd top(vd x) { return (vd)((vl)x & splat_bits(-0x8000000LL)); }  // the upper 26 bits of the significand

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
XENT_INLINE dd add(dd a, dd b) {
    dd s = two_sum(a.h, b.h), t = two_sum(a.l, b.l);
    s = fast_two_sum(s.h, s.l + t.h);
    return fast_two_sum(s.h, s.l + t.l);
}
XENT_INLINE dd add(dd a, vd b) {
    dd s = two_sum(a.h, b);
    return fast_two_sum(s.h, s.l + a.l);
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

template <int N>
XENT_INLINE vd horner(vd x, const double (&c)[N]) {
    vd y = splat(c[N - 1]);
    for (int i = N - 2; i >= 0; --i) y = y * x + c[i];
    return y;
}
