"""Numbers as a report writes them: as many digits as the interval supports, and undefined ones in words."""

from __future__ import annotations

import math

from xent.evaluation import Estimate


def decimals(estimate: Estimate) -> int:
    """Decimals that show two digits of the standard error; four where there is none."""
    if not math.isfinite(estimate.se) or estimate.se <= 0:
        return 4
    return min(max(1 - math.floor(math.log10(estimate.se)), 1), 10)


def loss(value: float, digits: int) -> str:
    """A loss, or `inf`, or `undefined`; never a signed zero."""
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return f"{value:.{digits}f}" if round(value, digits) else f"{0:.{digits}f}"


def signed(value: float, digits: int) -> str:
    """A difference, with its sign."""
    return loss(value, digits) if not value > 0 else f"+{loss(value, digits)}"


def share(value: float) -> str:
    """A share as a percentage."""
    return "undefined" if math.isnan(value) else f"{100 * value:.1f}%"


def probability(value: float) -> str:
    """A probability: three digits, however small."""
    if value == 0:
        return "0"
    if value < 1e-3:
        return f"{value:.1e}"
    if value > 0.9995:
        return "1" if value == 1 else ">0.999"
    return f"{value:.3f}"


def p_value(value: float) -> str:
    """A p-value with its letter."""
    if math.isnan(value):
        return "p undefined"
    return "p < 0.0001" if value < 1e-4 else f"p = {value:.2g}"


def number(value: float) -> str:
    """A parameter: three significant digits."""
    return "undefined" if math.isnan(value) else f"{value:.3g}"


def perplexity(nats: float) -> str:
    """The exponential of a loss in nats: four significant digits."""
    if nats > 700:
        return "inf" if math.isinf(nats) else f"{nats / math.log(10):.1f} in powers of ten"
    value = math.exp(nats)
    return f"{value:,.0f}" if value >= 1000 else f"{value:#.4g}"


def rows(count: int) -> str:
    """`1 row`, `1,797 rows`."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def interval(estimate: Estimate, digits: int) -> str:
    """`0.2342-0.2440`; with `to` between where a bound is negative."""
    between = " to " if estimate.low < 0 else "-"
    return f"{loss(estimate.low, digits)}{between}{loss(estimate.high, digits)}"
