"""The sentences of a report, the same in the terminal and on the page. No sentence holds a loss: tables do."""

from __future__ import annotations

import math

from xent._units import per_nat
from xent.evaluation import Evaluation
from xent.io import printable
from xent.report import _numbers as numbers
from xent.report._subject import Subject

_CERTAIN = 0.05


def verdict(subject: Subject) -> str:
    """One sentence: how good, and whether there is something to mend."""
    return f"{_skill(subject.evaluation)}{_calibration(subject.evaluation)}."


def _skill(evaluation: Evaluation) -> str:
    if math.isinf(evaluation.cross_entropy.value):
        count = evaluation.audit.zero_probability_rows
        return f"The loss is infinite: what {numbers.rows(count)} had ruled out happened"
    skill = evaluation.skill
    if math.isnan(skill.value):
        return "Every label is the same, so there is nothing to explain"
    if skill.high < 0 or (math.isnan(skill.high) and skill.value < 0):
        return "Worse than always forecasting the label frequencies"
    if skill.low <= 0:
        return "Not clearly better than always forecasting the label frequencies"
    return f"{numbers.share(skill.value)} better than always forecasting the label frequencies"


def _calibration(evaluation: Evaluation) -> str:
    found = confidence(evaluation)
    if math.isinf(evaluation.cross_entropy.value) or found == "undefined":
        return ""
    return {"none": "; no sign of miscalibration"}.get(found, f"; {found}")


def confidence(evaluation: Evaluation) -> str:
    """`over-confident`, `under-confident`, `miscalibrated`, `none` (no sign of it) or `undefined`."""
    fitted = evaluation.recalibration
    slope = fitted.parameters.get("slope", math.nan)
    if fitted.kind == "temperature":
        temperature = fitted.parameters.get("temperature", math.nan)
        slope = 1 / temperature if temperature else math.nan
    if math.isnan(slope) or math.isnan(fitted.p_value):
        return "undefined"
    if fitted.p_value >= _CERTAIN:
        return "none"
    if slope < 0:
        return "turned around: what it calls likely is unlikely"
    if abs(math.log(slope)) < 0.05 if slope > 0 else False:
        return "miscalibrated"
    return "over-confident" if slope < 1 else "under-confident"


def remedy(evaluation: Evaluation) -> list[str]:
    """What would mend the forecasts and what that gives, and the test that there is nothing to mend; or why neither."""
    fitted, unit, value = evaluation.recalibration, evaluation.unit, evaluation.cross_entropy.value
    if math.isinf(value):
        return ["Recalibration: undefined, since the loss is infinite"]
    if any(math.isnan(parameter) for parameter in fitted.parameters.values()):
        return ["Recalibration: undefined, since no map is best on these rows"]
    gain = fitted.gain
    digits = max(numbers.decimals(evaluation.cross_entropy), numbers.decimals(gain))
    crossed = not math.isnan(gain.value)
    fall = gain.value if crossed else evaluation.miscalibration
    kind = confidence(evaluation)
    kind = "No sign of miscalibration" if kind in ("none", "undefined") else kind[:1].upper() + kind[1:]
    change = f"{-100 * fall / value + 0.0:+.1f}%" if value else "+0.0%"
    found = ", ".join(f"{name} {numbers.number(value)}" for name, value in fitted.parameters.items())
    first = f"{kind}: {found} would give {numbers.loss(value - fall, digits)} {unit} ({change})"
    rows = "on rows it was not fitted to" if crossed else "on the rows it was fitted to"
    return [f"{first} {rows}", f"{_gain(evaluation, digits)}; {_test(fitted.p_value)}"]


def _gain(evaluation: Evaluation, digits: int) -> str:
    gain, unit = evaluation.recalibration.gain, evaluation.unit
    if math.isnan(gain.value):
        return "cross-fitted gain undefined: too few rows to fit it on a part of them"
    interval = "" if math.isnan(gain.low) else f", 95% CI {numbers.interval(gain, digits)} {unit}"
    return f"cross-fitted gain {numbers.signed(gain.value, digits)} {unit}{interval}"


def _test(p_value: float) -> str:
    return f"test of nothing to mend: {numbers.p_value(p_value)}"


def other_units(evaluation: Evaluation) -> str:
    """The loss in another unit, and as perplexity or geometric-mean probability."""
    nats = evaluation.cross_entropy.value / per_nat(evaluation.unit)
    other = "bits" if evaluation.unit != "bits" else "nats"
    digits = numbers.decimals(evaluation.cross_entropy)
    converted = f"{numbers.loss(nats * per_nat(other), digits)} {other}"
    if len(evaluation.classes) == 2:
        return f"{converted}, geometric-mean probability {evaluation.geometric_mean_probability:.4g}"
    return f"{converted}, perplexity {numbers.perplexity(nats)}"


def origin(subject: Subject) -> list[str]:
    """The header: file and size, then every guess with the flag that overrides it."""
    facts, evaluation = subject.facts, subject.evaluation
    lines = [f"{facts.file}   {numbers.rows(evaluation.n)} x {len(evaluation.classes):,} classes"]
    chosen = [f"{guess.what}: {printable(guess.found, 40)}" for guess in facts.guesses]
    if chosen:
        flags = " ".join(dict.fromkeys(guess.flag for guess in facts.guesses))
        lines.append(f"{'   '.join(chosen)}   (override: {flags})")
    lines.append(f"classes: {_classes(evaluation.classes)}, from {facts.classes_from}")
    return lines


def _classes(names: tuple[str, ...]) -> str:
    if len(names) > 4:
        return f"{printable(names[0], 20)}, {printable(names[1], 20)} .. {printable(names[-1], 20)}"
    return ", ".join(printable(name, 20) for name in names)


def audit(subject: Subject) -> str:
    """What became of the rows, in one line."""
    counts = subject.evaluation.audit
    parts = [f"{counts.rows:,} read", f"{subject.evaluation.n:,} used", f"{counts.dropped:,} left out"]
    parts.append(f"{counts.zero_probability_rows:,} given probability 0")
    parts.append(f"{counts.unnormalized_rows:,} off 1 and used as given")
    if counts.renormalized_rows:
        parts.append(f"{counts.renormalized_rows:,} rescaled to sum to 1")
    if subject.weighted:
        parts.append("weighted")
    if subject.clusters is not None:
        parts.append(f"{subject.clusters:,} clusters")
    return f"rows: {', '.join(parts)}; seed {subject.seed}"


def _order(name: int | str) -> tuple[bool, int, str]:
    return (True, 0, name) if isinstance(name, str) else (False, name, "")


def infinite(subject: Subject) -> list[str]:
    """What stands behind an infinite loss."""
    evaluation = subject.evaluation
    count = evaluation.audit.zero_probability_rows
    which = sorted(
        (row.row for row in evaluation.worst_rows if math.isinf(row.loss) and row.row is not None), key=_order
    )
    named = f" ({'among them ' if count > 3 else ''}{', '.join(printable(row, 20) for row in which[:3])})"
    finite = evaluation.finite_cross_entropy
    digits = numbers.decimals(finite)
    unit = evaluation.unit
    gives = "row gives" if count == 1 else "rows give"
    lines = [f"{count:,} {gives} probability 0 to what happened{named if which else ''}"]
    if not math.isnan(finite.value):
        lines.append(f"{numbers.loss(finite.value, digits)} {unit} over the other {numbers.rows(evaluation.n - count)}")
    clip = next((clip for clip in evaluation.clipped if clip.eps == 1e-7), None)
    if clip is not None:
        lines.append(f"The loss is not clipped; a clip at 1e-7 would read {clip.cross_entropy:.4f} {unit}")
    return lines
