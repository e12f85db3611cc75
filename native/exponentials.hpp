// Exponentials on vectors for the softmax of a row, as exact as its dtype asks for, and the tanh of a softcap.

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

// The same to 2^-42 of either, for logits of 32 bits and fewer: one division in place of two.
XENT_INLINE Tanh tanh_brief(vd u) {
    using namespace xent_constants;
    vd y = max(abs(u) * (-2.0 * kLog2e_1), splat(-1020.0));
    vd n = nearest(y), r = y - n, power = power2(n);
    vd p = power * (r * polynomial(r, kExp2Less1)), less = p + (power - 1.0), y1 = 1.0 / (p + (power + 1.0));
    vd t = -less * y1;
    return {sel(u < 0.0, -t, t), 4.0 * (p + power) * (y1 * y1)};
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
