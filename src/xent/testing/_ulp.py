"""Errors in units in the last place (ulp) of a floating type, measured with exact arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple


class _Format(NamedTuple):
    """A binary floating type: bits of the significand, exponent of the smallest normal and of the largest number."""

    precision: int
    smallest: int
    largest: int


_FORMATS: dict[str, _Format] = {
    "float16": _Format(11, -14, 15),
    "bfloat16": _Format(8, -126, 127),
    "float32": _Format(24, -126, 127),
    "float64": _Format(53, -1022, 1023),
}
_ALIASES = {"half": "float16", "float": "float32", "single": "float32", "double": "float64"}


def _format_of(dtype: Any) -> _Format:
    """The format of a dtype of any library: `"float32"`, `np.float32`, `torch.float32`, `jnp.float32`."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None) or getattr(dtype, "__name__", str(dtype))
    name = str(name).rsplit(".", 1)[-1]
    try:
        return _FORMATS[_ALIASES.get(name, name)]
    except KeyError:
        raise ValueError(f"`dtype` is {dtype!r}; it is one of {', '.join(map(repr, _FORMATS))}.") from None


def _exact(x: Any) -> Fraction:
    """A finite number as a fraction, without rounding; takes mpmath numbers, floats of any library and integers."""
    parts = getattr(x, "_mpf_", None)
    if parts is not None:  # mpmath: sign, mantissa, exponent, bits
        sign, mantissa, exponent, _ = parts
        value = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
        return -value if sign else value
    return Fraction(x) if isinstance(x, int | Fraction) else Fraction(float(x))


def _special(x: Any) -> float | None:
    """`x` as a float when it is NaN or infinite, else None; never overflows, whatever the exponent of `x`."""
    parts = getattr(x, "_mpf_", None)
    if parts is not None and parts[1] != 0:
        return None
    if isinstance(x, int | Fraction):
        return None
    value = float(x)
    return None if math.isfinite(value) else value


def _spacing(x: Fraction, form: _Format) -> Fraction:
    """The distance between floats of `form` in the binade of `x`: the smallest subnormal at and near zero."""
    exponent = form.smallest
    if x:
        exponent = abs(x.numerator).bit_length() - x.denominator.bit_length()
        if Fraction(2) ** exponent > abs(x):
            exponent -= 1
    return Fraction(2) ** (max(exponent, form.smallest) - form.precision + 1)


def ulp(x: Any, dtype: Any) -> float:
    """One unit in the last place of `dtype` at the finite number `x`: the spacing of floats in its binade."""
    return float(_spacing(_exact(x), _format_of(dtype)))


def ulp_error(actual: Any, reference: Any, dtype: Any) -> float:
    """How far `actual` is from `reference`, in units in the last place of `dtype` at the reference.

        |actual - reference| / ulp(reference)

    Parameters
    ----------
    actual
        The result under test: one float of any library.
    reference
        The truth: an mpmath number, a float, an integer or a fraction; or a tuple of truths that are equally
        right (as `xent.testing.reference` returns), of which the nearest counts.
    dtype
        `"float16"`, `"bfloat16"`, `"float32"`, `"float64"`, or such a dtype of NumPy, PyTorch or JAX.

    Returns
    -------
    float
        The error, exact up to its last rounding. A correctly rounded result has at most 0.5.

    Edge cases
    ----------
    both NaN, or equal infinities       0
    one NaN, or another infinity        inf
    truth beyond the largest float      0 for the infinity of its sign, which is what it rounds to
    truth 0, or below the normals       in units of the smallest subnormal

    Examples
    --------
    >>> from xent.testing import ulp_error
    >>> ulp_error(1.0 + 2**-52, 1.0, "float64")
    1.0
    >>> ulp_error(float("inf"), 1e39, "float32")
    0.0
    >>> ulp_error(0.1, (0.2, 0.1), "float64")
    0.0
    """
    form = _format_of(dtype)
    truths = reference if isinstance(reference, tuple) else (reference,)
    return min(_error(actual, truth, form) for truth in truths)


def _error(actual: Any, truth: Any, form: _Format) -> float:
    """The error against one truth."""
    found, wanted = _special(actual), _special(truth)
    if found is None and wanted is None:
        exact = _exact(truth)
        return float(abs(_exact(actual) - exact) / _spacing(exact, form))
    if found is not None and wanted is not None:
        return 0.0 if found == wanted or (math.isnan(found) and math.isnan(wanted)) else math.inf
    if wanted is None and found is not None and math.isinf(found):
        exact = _exact(truth)
        # what rounds to infinity starts half a spacing above the largest float
        limit = Fraction(2) ** (form.largest + 1) - Fraction(2) ** (form.largest - form.precision)
        return 0.0 if abs(exact) >= limit and (exact > 0) == (found > 0) else math.inf
    return math.inf
