"""What one outcome of a student and a teacher adds to their divergence, and its slope, without cancellation.

With s and t the probabilities and d = log s - log t, in one walk of float32:

    forward   t psi(d)         reverse   s psi(-d)         psi(d) = e^d - 1 - d, a series for |d| <= 1/2
    js        m phi(u)         m = (s + t) / 2, u = (s - t) / (s + t) = tanh(d / 2)
              phi(u) = ((1 + u) log(1 + u) + (1 - u) log(1 - u)) / 2

An error of the normalisers adds one number to all the d, d' = d + c. E = sum of t (e^d' - 1) = e^c - 1 tells which, and
the sums are put right by it: E^2 / 2 less for forward and reverse, E^2 / 8 for js, up to terms in c^3 and c times the
divergence.
"""

from __future__ import annotations

import triton
import triton.language as tl

from xent.torch.backends.triton.kernels._math import INFINITY, LN2, exp, log1p_share, log_near

FORWARD, REVERSE, JS = tl.constexpr(0), tl.constexpr(1), tl.constexpr(2)


@triton.jit
def _sum(x):
    """Over what a lane holds: within threads, which is free of waiting."""
    return tl.sum(tl.sum(x, 3), 0)


@triton.jit
def normaliser(
    row,
    reads,
    columns,
    inverse,
    EXACT: tl.constexpr,
    R: tl.constexpr,
    G: tl.constexpr,
    L: tl.constexpr,
    E: tl.constexpr,
):
    """m, n, s of rows which begin at `row` (R,): the largest logit, how many are at it, the sum of e^((x - m) inverse)
    over those below. Each of the R x L lanes keeps a state of its own.
    """
    column = (tl.arange(0, G)[:, None, None, None] * L + tl.arange(0, L)[None, None, :, None]) * E
    column = column + tl.arange(0, E)[None, None, None, :]
    m = tl.full([R, L], -INFINITY, tl.float32)
    n = tl.zeros([R, L], tl.float32)
    s = tl.zeros([R, L], tl.float32)
    for start in range(0, columns, G * L * E):
        j = start + column
        inside = j < columns
        x = tl.load(row[None, :, None, None] + j, mask=inside & reads[None, :, None, None], other=0.0)
        x = tl.where(inside, x.to(tl.float32), -INFINITY)
        new = tl.maximum(m, tl.max(tl.max(x, 3), 0))
        ref = tl.where(new == -INFINITY, 0.0, new)
        rises = new > m
        u = exp((x - ref[None, :, :, None]) * inverse, EXACT)
        largest = (x == new[None, :, :, None]).to(tl.float32)
        u = tl.where(largest > 0.0, 0.0, u)
        s = (s + tl.where(rises, n, 0.0)) * exp((m - ref) * inverse, EXACT) + _sum(u)
        n = tl.where(rises, 0.0, n) + _sum(largest)
        m = new
    peak = tl.max(m, 1)
    row_ref = tl.where(peak == -INFINITY, 0.0, peak)[:, None]
    at = m == peak[:, None]
    s = tl.sum(tl.where(at, s, (s + n) * exp((m - row_ref) * inverse, EXACT)), 1)
    return peak, tl.sum(tl.where(at, n, 0.0), 1), s


@triton.jit
def apart(x, y, high, low, inverse, EXACT: tl.constexpr):
    """d of logits x and y, whose normalisers differ by high + low; 0 where both are -inf."""
    d = x - y
    first = d - high
    rest = -low
    if EXACT:  # what x - y rounds away (D. Knuth's sum of two)
        back = d - x
        lost = (x - (d - back)) - (y + back)
        rest = rest + tl.where(tl.abs(d) < INFINITY, lost, 0.0)
    return tl.where((x == -INFINITY) & (y == -INFINITY), 0.0, (first + rest) * inverse)


@triton.jit
def _psi(d):
    """e^d - 1 - d for |d| <= 1/2."""
    r = tl.fma(d, 2.7557319e-6, 2.4801587e-5)
    r = tl.fma(r, d, 1.9841270e-4)
    r = tl.fma(r, d, 1.3888889e-3)
    r = tl.fma(r, d, 8.3333333e-3)
    r = tl.fma(r, d, 4.1666667e-2)
    r = tl.fma(r, d, 1.6666667e-1)
    r = tl.fma(r, d, 0.5)
    return d * d * r


@triton.jit
def _of_kl(p, q, d):
    """p psi(d) for d = log q - log p, also where it is far from 0."""
    near = tl.abs(d) <= 0.5
    absent = p == 0.0
    far = q - p - p * tl.where(absent & (d == d), 0.0, d)
    # A difference of -inf where p is no more than underflowed: impossible all the same.
    far = tl.where(absent & (d == -INFINITY), INFINITY, far)
    return tl.where(near, p * _psi(tl.where(near, d, 0.0)), far)


@triton.jit
def _half_tanh(d):
    """tanh(d / 2) for |d| <= 0.6."""
    h = 0.5 * d
    w = h * h
    # (tanh(y) - y) / y^3: coefficients of Cephes, tanhf.
    r = tl.fma(w, -5.70498872745e-3, 2.06390887954e-2)
    r = tl.fma(r, w, -5.37397155531e-2)
    r = tl.fma(r, w, 1.33314422036e-1)
    r = tl.fma(r, w, -3.33332819422e-1)
    return tl.fma(r * w, h, h)


@triton.jit
def _log_js(d, EXACT: tl.constexpr):
    """log(s / m), log(t / m) where that is far from 0, and u."""
    near = tl.abs(d) <= 0.6
    u = _half_tanh(tl.where(near, d, 0.0))
    both = LN2 - log1p_share(exp(-tl.abs(d), EXACT))
    return tl.where(near, log_near(u), both + tl.minimum(d, 0.0)), both - tl.maximum(d, 0.0), u


@triton.jit
def _of_js(s, t, d, EXACT: tl.constexpr):
    """m phi(u), and s log(s / m)."""
    log_s, log_t, u = _log_js(d, EXACT)
    w = u * u
    r = tl.fma(w, 1.0 / 132.0, 1.0 / 90.0)
    r = tl.fma(r, w, 1.0 / 56.0)
    r = tl.fma(r, w, 1.0 / 30.0)
    r = tl.fma(r, w, 1.0 / 12.0)
    r = tl.fma(r, w, 0.5)
    by_s = tl.where((s == 0.0) & (d == d), 0.0, s * log_s)
    by_t = tl.where((t == 0.0) & (d == d), 0.0, t * log_t)
    return tl.where(tl.abs(d) <= 0.6, 0.5 * (s + t) * (w * r), 0.5 * (by_s + by_t)), by_s


@triton.jit
def _excess(s, t, d):
    """s - t = t (e^d - 1)."""
    near = tl.abs(d) <= 0.5
    short = tl.where(near, d, 0.0)
    return tl.where(near, t * (short + _psi(short)), s - t)


@triton.jit
def terms(s, t, d, KIND: tl.constexpr, EXACT: tl.constexpr):
    """What the outcome adds to the divergence, to E, and to the mean that `slope` is told."""
    mean = tl.zeros_like(s)
    if KIND == FORWARD:
        term = _of_kl(t, s, d)
    elif KIND == REVERSE:
        term = _of_kl(s, t, -d)
        mean = tl.where((s == 0.0) & (d == d), 0.0, s * d)
    else:
        term, mean = _of_js(s, t, d, EXACT)
    return term, _excess(s, t, d), mean


@triton.jit
def slope(s, t, d, mean, KIND: tl.constexpr, EXACT: tl.constexpr):
    """d(divergence) / d(z_s): s - t, s (d - mean), or s (log(s / m) - mean) / 2, where mean is that of d or log(s / m)
    under p_s, in which what is added to all the d goes away.
    """
    if KIND == FORWARD:
        value = _excess(s, t, d)
    elif KIND == REVERSE:
        value = tl.where(s == 0.0, 0.0, s * (d - mean))
        value = tl.where(d == INFINITY, INFINITY, value)
    else:
        log, _, _ = _log_js(d, EXACT)
        value = tl.where(s == 0.0, 0.0, 0.5 * s * (log - mean))
    return value
