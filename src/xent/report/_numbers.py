"""Numbers as a report writes them: as many digits as the interval supports, and undefined ones in words."""

from __future__ import annotations

import math
from decimal import Decimal

from xent.evaluation import Estimate, Evaluation


def decimals(estimate: Estimate) -> int:
    """Decimals that show two digits of the standard error; four where there is none."""
    if not math.isfinite(estimate.se) or estimate.se <= 0:
        return 4
    return min(max(1 - math.floor(math.log10(estimate.se)), 1), 10)


def digits_of(evaluation: Evaluation) -> int:
    """Decimals for the losses of a report: those of its mean, or of its finite part."""
    return decimals(evaluation.finite_cross_entropy)


def loss(value: float, digits: int) -> str:
    """A loss, or `inf`, or `undefined`; never a signed zero."""
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return f"{value:.{digits}f}" if round(value, digits) else f"{0:.{digits}f}"


def amount(value: float, digits: int) -> str:
    """A loss that is not 0 and would be written as 0 with so few decimals, in scientific notation."""
    return f"{value:.2e}" if 0 < value < 0.5 * 10.0**-digits else loss(value, digits)


def identity(evaluation: Evaluation, digits: int) -> tuple[str, str, str, str, str]:
    """Label entropy, explained, miscalibration, loss, and the loss without miscalibration: as printed, they add up.

    What is explained is computed from the others after they are rounded.
    """
    whole, bad = loss(evaluation.uncertainty, digits), loss(evaluation.miscalibration, digits)
    total = loss(evaluation.cross_entropy.value, digits)
    if math.isnan(evaluation.discrimination):
        return whole, loss(evaluation.discrimination, digits), bad, total, loss(math.nan, digits)
    explained = Decimal(whole) + Decimal(bad) - Decimal(total)
    return whole, str(explained), bad, total, str(Decimal(total) - Decimal(bad))


def signed(value: float, digits: int) -> str:
    """A difference, with its sign."""
    return loss(value, digits) if not value > 0 else f"+{loss(value, digits)}"


def share(value: float) -> str:
    """A share as a percentage."""
    return "undefined" if math.isnan(value) else f"{percent(value)}%"


def percent(value: float) -> str:
    """A share times 100; what is below 1 is never written as 100."""
    if value < 1 and f"{100 * value:.1f}" == "100.0":
        return ">99.9"
    return f"{100 * value if abs(value) >= 5e-4 else 0.0:,.1f}"


def percent_interval(estimate: Estimate) -> str:
    """`95% CI 12.3 to 45.6%`, or nothing."""
    return "" if math.isnan(estimate.low) else f"95% CI {percent(estimate.low)} to {percent(estimate.high)}%"


def probability(value: float, cost: float = math.inf) -> str:
    """A probability: three digits, however small; one of 0 at a finite cost is too small for a double."""
    if value == 0:
        return "0" if math.isinf(cost) else "<1e-308"
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
    return "undefined" if math.isnan(value) else f"{value:#.3g}".rstrip(".")


def perplexity(nats: float) -> str:
    """The exponential of a loss in nats: four significant digits."""
    if math.isinf(nats):
        return "inf"
    if nats > 20:
        rest, power = math.modf(nats / math.log(10))
        return f"{10**rest:.2f}e+{power:.0f}"
    value = math.exp(nats)
    return f"{value:,.0f}" if value >= 1000 else f"{value:#.4g}"


def rows(count: int) -> str:
    """`1 row`, `1,797 rows`."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def interval(estimate: Estimate, digits: int) -> str:
    """`0.2342-0.2440`; with `to` between where a bound is negative."""
    between = " to " if estimate.low < 0 else "-"
    return f"{amount(estimate.low, digits)}{between}{amount(estimate.high, digits)}"
