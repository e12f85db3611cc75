"""Elementary functions of the kernels, in float32 for every logit and in float64 for the few numbers of a row.

`exp` has two ways. The processor's own 2^x is right to 2^-22, enough for logits of eleven bits or fewer; float32 logits
take a polynomial, right to about one unit in the last place. Nothing is fused that is not written as `tl.fma`: the
kernels are launched with `enable_fp_fusion=False`, so that every version of the compiler rounds alike.
"""

from __future__ import annotations

import triton
import triton.language as tl

INFINITY = tl.constexpr(float("inf"))
_LOG2E = tl.constexpr(1.4426950408889634)
# log 2 in two parts, the first of so few digits that its multiples by whole numbers are exact (Cody and Waite, 1980).
LN2 = tl.constexpr(0.6931471805599453)
_LN2_HIGH = tl.constexpr(0.693359375)
_LN2_LOW = tl.constexpr(-2.12194440054690583e-4)
_SHIFT = tl.constexpr(12582912.0)  # 1.5 x 2^23: the last bits of a sum with it are the whole number added
_SHIFT_BITS = tl.constexpr(0x4B400000)


@triton.jit
def _fraction(x, least):
    """r and n of e^x = r 2^n for `least` <= x <= 0 or NaN: r to about one unit in the last place."""
    shifted = tl.fma(tl.where(x < least, least, x), _LOG2E, _SHIFT)
    n = shifted - _SHIFT
    f = tl.fma(n, -_LN2_HIGH, x)
    f = tl.fma(n, -_LN2_LOW, f)
    # (e^f - 1 - f) / f^2 for |f| <= log(2)/2: minimax coefficients of S. Moshier's Cephes library, expf.
    r = tl.fma(f, 1.9875691500e-4, 1.3981999507e-3)
    r = tl.fma(r, f, 8.3334519073e-3)
    r = tl.fma(r, f, 4.1665795894e-2)
    r = tl.fma(r, f, 1.6666665459e-1)
    r = tl.fma(r, f, 5.0000001201e-1)
    return tl.fma(r, f * f, f) + 1.0, shifted.to(tl.int32, bitcast=True) - _SHIFT_BITS


@triton.jit
def _power(n):
    """2^n of whole n from -127, which gives 0, to 127."""
    return ((n + 127) << 23).to(tl.float32, bitcast=True)


@triton.jit
def exp(x, EXACT: tl.constexpr):
    """e^x of x <= 0; below -87 it is 0, -inf included."""
    if EXACT:
        r, n = _fraction(x, -87.0)
        value = tl.where(x < -87.0, 0.0, r * _power(n))
    else:
        value = tl.math.exp2(x * _LOG2E)
    return value


@triton.jit
def exp_whole(x):
    """e^x of x <= 0, down to the smallest numbers there are, to about one unit in the last place."""
    r, n = _fraction(x, -104.0)
    half = n >> 1
    return tl.where(x < -104.0, 0.0, r * _power(half) * _power(n - half))


@triton.jit
def log_near(f):
    """log(1 + f) of sqrt(1/2) - 1 <= f <= sqrt(2) - 1, to about one unit in the last place."""
    # (log(1 + f) - f + f^2 / 2) / f^3: coefficients of Cephes, logf.
    r = tl.fma(f, 7.0376836292e-2, -1.1514610310e-1)
    r = tl.fma(r, f, 1.1676998740e-1)
    r = tl.fma(r, f, -1.2420140846e-1)
    r = tl.fma(r, f, 1.4249322787e-1)
    r = tl.fma(r, f, -1.6668057665e-1)
    r = tl.fma(r, f, 2.0000714765e-1)
    r = tl.fma(r, f, -2.4999993993e-1)
    r = tl.fma(r, f, 3.3333331174e-1)
    square = f * f
    return f + tl.fma(r * f, square, -0.5 * square)


@triton.jit
def log1p_share(e):
    """log(1 + e) of 0 <= e <= 1, float32."""
    far = e > 0.41421354
    value = log_near(tl.where(far, 0.5 * e - 0.5, e))
    return tl.where(far, value + LN2, value)


@triton.jit
def log_share(q):
    """log(q) of 0 <= q <= 1, float32, however small; -inf of 0."""
    small = q < 1.1754943508222875e-38
    bits = tl.where(small, q * 8388608.0, q).to(tl.int32, bitcast=True)
    n = (bits - 0x3F3504F3) >> 23  # the nearest power of 2 in ratio: what is left lies between sqrt(1/2) and sqrt(2)
    rest = (bits - (n << 23)).to(tl.float32, bitcast=True) - 1.0
    many = n.to(tl.float32) - tl.where(small, 23.0, 0.0)
    value = tl.fma(many, _LN2_HIGH, tl.fma(many, _LN2_LOW, log_near(rest)))
    return tl.where(q == 0.0, -INFINITY, value)


@triton.jit
def log1p(s):
    """log(1 + s) of a float64 s >= 0: what 1 + s rounds away is put back by a quotient (W. Kahan)."""
    u = 1.0 + s
    return tl.where(u == 1.0, s, tl.log(u) * (s / tl.where(u == 1.0, 1.0, u - 1.0)))


@triton.jit
def quotient(x, divisor, inverse):
    """x / divisor, rounded as division rounds it but for rare ties; what is infinite, or too large, is infinite."""
    q = x * inverse
    return tl.where(tl.abs(q) < INFINITY, tl.fma(tl.fma(-q, divisor, x), inverse, q), q)


@triton.jit
def _inverse(y):
    """1 / y for y in [1, 2]: the quadratic of least relative error, 1/99, then two steps of Newton's, to 2^-23."""
    r = tl.fma(y, tl.fma(y, 0.32323232, -1.45454545), 2.12121212)
    r = tl.fma(r, tl.fma(-y, r, 1.0), r)
    return tl.fma(r, tl.fma(-y, r, 1.0), r)


@triton.jit
def _signed(value, like):
    """`value` >= 0 with the sign of `like`."""
    sign = like.to(tl.int32, bitcast=True) & -2147483648
    return (value.to(tl.int32, bitcast=True) | sign).to(tl.float32, bitcast=True)


@triton.jit
def tanh_fast(x, scale, rise):
    """tanh(scale x / 2) to 2^-23, and rise (1 - tanh^2) to a few units in its last place."""
    far = tl.math.exp2(tl.abs(x) * (-scale * _LOG2E))
    inverse = _inverse(1.0 + far)
    return _signed((1.0 - far) * inverse, x), (far * inverse) * (inverse * (4.0 * rise))


@triton.jit
def tanh(y):
    """tanh(y) and 1 - tanh(y)^2, each to a few units in its last place."""
    far = exp(-2.0 * tl.abs(y), True)
    inverse = _inverse(1.0 + far)
    value = (1.0 - far) * inverse
    # (tanh(y) - y) / y^3 for |y| < 5/8, where 1 - far would cancel: coefficients of Cephes, tanhf.
    w = y * y
    r = tl.fma(w, -5.70498872745e-3, 2.06390887954e-2)
    r = tl.fma(r, w, -5.37397155531e-2)
    r = tl.fma(r, w, 1.33314422036e-1)
    r = tl.fma(r, w, -3.33332819422e-1)
    near = tl.fma(r * w, y, y)
    value = tl.where(tl.abs(y) < 0.625, near, _signed(value, y))
    return value, 4.0 * far * inverse * inverse
