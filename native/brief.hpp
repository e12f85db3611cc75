// exp and log1p in plain double lanes, for results that are rounded to 32 bits or fewer: relative error 2^-42.

XENT_INLINE vd exp_brief(vd x) {  // x <= 700; what lies below -707 gives 0, NaN stays NaN
    using namespace xent_constants;
    return only(~(x < -707.0), two_to(x * kLog2e_1, kExp2));
}

XENT_INLINE vd log1p_brief(vd s) {  // s in (-1, 1] as s / (2 + s), which lies in [-1/3, 1/3] from s = -1/2 on
    return s * polynomial(s * s, xent_constants::kLog1pBrief);
}
