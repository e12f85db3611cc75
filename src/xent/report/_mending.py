"""What recalibration would give, in sentences: the headline map, the finer ones, and why there is none."""

from __future__ import annotations

import math

from xent.evaluation import Classwise, Estimate, Evaluation
from xent.report import _numbers as numbers
from xent.report._wording import CERTAIN, confidence


def remedy(evaluation: Evaluation) -> list[str]:
    """What would mend the forecasts, what that gives here and on other rows, and the test; or why there is nothing."""
    fitted = evaluation.recalibration
    if math.isinf(evaluation.cross_entropy.value):
        return ["Recalibration: undefined, since the loss is infinite"]
    if any(math.isnan(parameter) for parameter in fitted.parameters.values()):
        return [f"Recalibration: undefined, since {_why_no_map(evaluation)}"]
    found = ", ".join(f"{name} {numbers.number(value)}" for name, value in fitted.parameters.items())
    kind = confidence(evaluation)
    if kind in ("none", "undefined"):
        first = f"No sign of miscalibration ({found}; {numbers.p_value(fitted.p_value)})"
        helps = "" if not fitted.gain.low <= 0 else "recalibrating would not help: "
        return [f"{first}; {helps}{_gain(evaluation)}"]
    return _mending(evaluation, f"{kind[:1].upper()}{kind[1:]}: {found}")


def _mending(evaluation: Evaluation, first: str) -> list[str]:
    """Two numbers that are not one: the loss on the rows of the fit, and what is to be expected of others."""
    unit, value, gain = evaluation.unit, evaluation.cross_entropy.value, evaluation.recalibration.gain.value
    digits = numbers.digits_of(evaluation)
    *_, here = numbers.identity(evaluation, digits)
    own = f"fitted on these rows, it gives {here} {unit} on the same rows, as above"
    last = f"{_gain(evaluation)}; test of nothing to mend: {numbers.p_value(evaluation.recalibration.p_value)}"
    if math.isnan(gain):
        return [first, own, last]
    change = f"{-100 * gain / value + 0.0:+.1f}%" if value else "+0.0%"
    on_others = f"would give {numbers.amount(value - gain, digits)} {unit} ({change}) on rows it was not fitted to"
    return [f"{first} {on_others}", last, own]


def _why_no_map(evaluation: Evaluation) -> str:
    if evaluation.uncertainty == 0:
        return "every label is the same"
    reasons = {
        "separated": "the forecasts separate the labels perfectly, so ever sharper ones are better",
        "reversed": "the forecasts separate the labels the wrong way round: labels or columns may be swapped",
    }
    return reasons.get(evaluation.recalibration.state, "no map is best on these rows")


def _gain(evaluation: Evaluation) -> str:
    """The cross-fitted gain, or why there is none."""
    gain = evaluation.recalibration.gain
    if math.isnan(gain.value):
        units = evaluation.n if evaluation.clusters is None else evaluation.clusters
        if units < 2:
            return f"cross-fitted gain undefined: there is one {'row' if evaluation.clusters is None else 'cluster'}"
        return (
            "cross-fitted gain undefined: with a fold left out, the labels are of one class or separated, and no map "
            "is best on them"
        )
    return f"cross-fitted gain {_with_interval(gain, evaluation.unit)}"


def _with_interval(gain: Estimate, unit: str) -> str:
    digits = numbers.decimals(gain)
    interval = "" if math.isnan(gain.low) else f", 95% CI {numbers.interval(gain, digits)} {unit}"
    return f"{numbers.signed(gain.value, digits)} {unit}{interval}"


def isotonic(evaluation: Evaluation) -> str:
    """Two classes: what the best rising map finds, beside what it would find by chance; else nothing."""
    found = evaluation.isotonic
    if found is None or math.isnan(found.miscalibration):
        return ""
    digits, unit = _digits(evaluation, found.null_mean), evaluation.unit
    first = f"Best rising map (isotonic): miscalibration {numbers.amount(found.miscalibration, digits)} {unit}"
    if math.isnan(found.null_mean):
        return first
    return (
        f"{first}; forecasts that are right would show {numbers.amount(found.null_mean, digits)} by chance, 95% of the "
        f"time less than {numbers.amount(found.null_high, digits)}: {numbers.p_value(found.p_value)}"
    )


def _digits(evaluation: Evaluation, by_chance: float) -> int:
    """Enough decimals that what chance gives is seen."""
    needed = 1 - math.floor(math.log10(by_chance)) if by_chance > 0 else 0
    return min(max(numbers.digits_of(evaluation), needed), 6)


def classwise(evaluation: Evaluation) -> str:
    """Three or more classes: whether one temperature is enough; nothing where it was not looked at."""
    found, one = evaluation.classwise, evaluation.recalibration.gain
    if found is None or math.isnan(one.value):
        return ""
    if math.isnan(found.gain.value):
        return _by_test_alone(found)
    test = "" if math.isnan(found.p_value) else f"; test of one being enough: {numbers.p_value(found.p_value)}"
    own = f"a slope and an offset for each class: cross-fitted gain {_with_interval(found.gain, evaluation.unit)}{test}"
    if found.gain.value <= one.value:
        return f"One temperature does as well as {own}"
    return f"One temperature {'is not enough' if _clearly(found, one) else 'seems enough'}; {own}"


def _by_test_alone(found: Classwise) -> str:
    if math.isnan(found.p_value):
        return ""
    enough = "is not" if found.p_value < CERTAIN else "seems"
    return (
        f"One temperature {enough} enough ({numbers.p_value(found.p_value)}); the cross-fitted gain of a slope and an "
        "offset for each class is undefined: with a fold left out, no such map is best"
    )


def _clearly(found: Classwise, one: Estimate) -> bool:
    """Whether the finer map is better for more than chance; by its interval where there is no test."""
    return found.gain.low > one.value if math.isnan(found.p_value) else found.p_value < CERTAIN


def top_label(evaluation: Evaluation) -> str:
    """Three or more classes: how far the likeliest class's probability is off, beside chance."""
    found = next((row for row in evaluation.reliability if row.kind == "top_label"), None)
    if found is None or math.isnan(found.miscalibration):
        return ""
    digits, unit = _digits(evaluation, found.null_mean), evaluation.unit
    first = f"Likeliest class (isotonic): miscalibration {numbers.amount(found.miscalibration, digits)} {unit}"
    if math.isnan(found.null_mean):
        return first
    by_chance = numbers.amount(found.null_mean, digits)
    return f"{first}; right forecasts would show {by_chance} by chance: {numbers.p_value(found.p_value)}"
