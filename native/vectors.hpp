// vd: W doubles, vl: W 64-bit integers. Two machine vectors side by side where there are registers of 128 bits, so that
// two long chains of operations run at once; one where they have 256 or 512: two would not fit into 16 registers.

#define XENT_INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__)
constexpr int kMachine = 8;
#elif defined(__AVX__)
constexpr int kMachine = 4;
#else
constexpr int kMachine = 2;
#endif
typedef double Doubles __attribute__((vector_size(kMachine * 8)));
typedef decltype(Doubles{} < Doubles{}) Integers;  // what comparisons give: all bits set where true
typedef unsigned long long Unsigned __attribute__((vector_size(kMachine * 8)));

XENT_INLINE Doubles load_machine(const double* p) {
    Doubles x;
    __builtin_memcpy(&x, p, sizeof x);
    return x;
}
XENT_INLINE void store_machine(double* p, Doubles x) { __builtin_memcpy(p, &x, sizeof x); }

#if defined(__AVX512F__) || defined(__AVX__)

constexpr int W = kMachine;
typedef Doubles vd;
typedef Integers vl;
XENT_INLINE vd sel(vl mask, vd a, vd b) { return mask ? a : b; }
XENT_INLINE vd min(vd a, vd b) { return b < a ? b : a; }  // as it stands one instruction; a mask in between hides it
XENT_INLINE vd max(vd a, vd b) { return b > a ? b : a; }
XENT_INLINE vd as_double(vl x) { return (vd)x; }
XENT_INLINE vl as_bits(vd x) { return (vl)x; }
XENT_INLINE vl up52(vl x) { return (vl)((Unsigned)x << 52); }
XENT_INLINE vl down52(vl x) { return (vl)((Unsigned)x >> 52); }
XENT_INLINE vl add_bits(vl x, unsigned long long y) { return (vl)((Unsigned)x + y); }  // wraps, as for a NaN's bits
XENT_INLINE vl minus_bits(vl x, vl y) { return (vl)((Unsigned)x - (Unsigned)y); }
XENT_INLINE vl plus_bits(vl x, vl y) { return (vl)((Unsigned)x + (Unsigned)y); }
XENT_INLINE vd load(const double* p) { return load_machine(p); }
XENT_INLINE void store(double* p, vd x) { store_machine(p, x); }

#else

constexpr int W = 2 * kMachine;
struct vd {
    Doubles a, b;
};
struct vl {
    Integers a, b;
};
#define XENT_BINARY(R, T, S, op)                                             \
    XENT_INLINE R operator op(T x, T y) { return {x.a op y.a, x.b op y.b}; } \
    XENT_INLINE R operator op(T x, S y) { return {x.a op y, x.b op y}; }     \
    XENT_INLINE R operator op(S x, T y) { return {x op y.a, x op y.b}; }
XENT_BINARY(vd, vd, double, +)
XENT_BINARY(vd, vd, double, -)
XENT_BINARY(vd, vd, double, *)
XENT_BINARY(vd, vd, double, /)
XENT_BINARY(vl, vd, double, <)
XENT_BINARY(vl, vd, double, <=)
XENT_BINARY(vl, vd, double, >)
XENT_BINARY(vl, vd, double, >=)
XENT_BINARY(vl, vd, double, ==)
XENT_BINARY(vl, vd, double, !=)
XENT_BINARY(vl, vl, long long, +)
XENT_BINARY(vl, vl, long long, -)
XENT_BINARY(vl, vl, long long, &)
XENT_BINARY(vl, vl, long long, |)
#undef XENT_BINARY
XENT_INLINE vd operator-(vd x) { return {-x.a, -x.b}; }
XENT_INLINE vl operator~(vl x) { return {~x.a, ~x.b}; }
XENT_INLINE vd& operator+=(vd& x, vd y) { return x = x + y; }
XENT_INLINE vd& operator+=(vd& x, double y) { return x = x + y; }
XENT_INLINE vl& operator&=(vl& x, vl y) { return x = x & y; }
XENT_INLINE vd sel(vl mask, vd a, vd b) { return {mask.a ? a.a : b.a, mask.b ? a.b : b.b}; }
XENT_INLINE vd min(vd a, vd b) { return {b.a < a.a ? b.a : a.a, b.b < a.b ? b.b : a.b}; }
XENT_INLINE vd max(vd a, vd b) { return {b.a > a.a ? b.a : a.a, b.b > a.b ? b.b : a.b}; }
XENT_INLINE vd as_double(vl x) { return {(Doubles)x.a, (Doubles)x.b}; }
XENT_INLINE vl as_bits(vd x) { return {(Integers)x.a, (Integers)x.b}; }
XENT_INLINE vl up52(vl x) { return {(Integers)((Unsigned)x.a << 52), (Integers)((Unsigned)x.b << 52)}; }
XENT_INLINE vl down52(vl x) { return {(Integers)((Unsigned)x.a >> 52), (Integers)((Unsigned)x.b >> 52)}; }
XENT_INLINE vl add_bits(vl x, unsigned long long y) {  // wraps, as for a NaN's bits
    return {(Integers)((Unsigned)x.a + y), (Integers)((Unsigned)x.b + y)};
}
XENT_INLINE vl minus_bits(vl x, vl y) {
    return {(Integers)((Unsigned)x.a - (Unsigned)y.a), (Integers)((Unsigned)x.b - (Unsigned)y.b)};
}
XENT_INLINE vl plus_bits(vl x, vl y) {
    return {(Integers)((Unsigned)x.a + (Unsigned)y.a), (Integers)((Unsigned)x.b + (Unsigned)y.b)};
}
XENT_INLINE vd load(const double* p) { return {load_machine(p), load_machine(p + kMachine)}; }
XENT_INLINE void store(double* p, vd x) {
    store_machine(p, x.a);
    store_machine(p + kMachine, x.b);
}

#endif

constexpr int kLanes = 8;  // virtual lanes: what an element's position means, on every machine
constexpr int kVecs = kLanes / W;

XENT_INLINE double first(vd x) {
    double p[W];
    store(p, x);
    return p[0];
}
XENT_INLINE bool everywhere(vl mask) {
    long long p[W], all = -1;
    __builtin_memcpy(p, &mask, sizeof mask);
    for (int i = 0; i < W; ++i) all &= p[i];
    return all != 0;
}
XENT_INLINE vd splat(double x) { return vd{} + x; }
XENT_INLINE vl splat_bits(long long x) { return vl{} + x; }
XENT_INLINE vd only(vl mask, vd a) { return as_double(as_bits(a) & mask); }  // a, or 0
XENT_INLINE vd abs(vd x) { return as_double(as_bits(x) & 0x7fffffffffffffffLL); }
XENT_INLINE vd top(vd x) { return as_double(as_bits(x) & -0x8000000LL); }  // the upper 26 bits of the significand
