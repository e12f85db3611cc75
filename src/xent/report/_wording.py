"""The sentences of a report, the same in the terminal and on the page. No sentence holds a loss: tables do."""

from __future__ import annotations

import math

from xent._units import per_nat
from xent.evaluation import ClassRow, Evaluation
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
        return "turned around: what it calls likely is unlikely; labels or columns may be swapped"
    if abs(math.log(slope)) < 0.05 if slope > 0 else False:
        return f"miscalibrated{_direction(evaluation)}"
    return "over-confident" if slope < 1 else "under-confident"


def _direction(evaluation: Evaluation) -> str:
    """Which way a shift of all logits goes."""
    intercept = evaluation.recalibration.parameters.get("intercept", 0.0)
    way = "low" if intercept > 0 else "high"
    return f", forecasts of {printable(evaluation.classes[1], 20)} too {way}" if intercept else ""


def remedy(subject: Subject) -> list[str]:
    """What would mend the forecasts, what that gives here and on other rows, and the test; or why there is nothing."""
    evaluation = subject.evaluation
    fitted = evaluation.recalibration
    if math.isinf(evaluation.cross_entropy.value):
        return ["Recalibration: undefined, since the loss is infinite"]
    if any(math.isnan(parameter) for parameter in fitted.parameters.values()):
        return [f"Recalibration: undefined, since {_why_no_map(subject)}"]
    found = ", ".join(f"{name} {numbers.number(value)}" for name, value in fitted.parameters.items())
    kind = confidence(evaluation)
    if kind in ("none", "undefined"):
        first = f"No sign of miscalibration ({found}; {numbers.p_value(fitted.p_value)})"
        helps = "" if not fitted.gain.low <= 0 else "recalibrating would not help: "
        return [f"{first}; {helps}{_gain(subject)}"]
    return _mending(subject, f"{kind[:1].upper()}{kind[1:]}: {found}")


def _mending(subject: Subject, first: str) -> list[str]:
    """Two numbers that are not one: the loss on the rows of the fit, and what is to be expected of others."""
    evaluation = subject.evaluation
    unit, value, gain = evaluation.unit, evaluation.cross_entropy.value, evaluation.recalibration.gain.value
    digits = numbers.digits_of(evaluation)
    *_, here = numbers.identity(evaluation, digits)
    own = f"fitted on these rows, it gives {here} {unit} on the same rows, as above"
    last = f"{_gain(subject)}; test of nothing to mend: {numbers.p_value(evaluation.recalibration.p_value)}"
    if math.isnan(gain):
        return [first, own, last]
    change = f"{-100 * gain / value + 0.0:+.1f}%" if value else "+0.0%"
    on_others = f"would give {numbers.amount(value - gain, digits)} {unit} ({change}) on rows it was not fitted to"
    return [f"{first} {on_others}", last, own]


def _why_no_map(subject: Subject) -> str:
    if subject.evaluation.uncertainty == 0:
        return "every label is the same"
    if subject.separated == "perfectly":
        return "the forecasts separate the labels perfectly, so ever sharper ones are better"
    if subject.separated == "reversed":
        return "the forecasts separate the labels the wrong way round: labels or columns may be swapped"
    return "no map is best on these rows"


def _gain(subject: Subject) -> str:
    """The cross-fitted gain, or why there is none."""
    evaluation = subject.evaluation
    gain, unit = evaluation.recalibration.gain, evaluation.unit
    if math.isnan(gain.value):
        units = evaluation.n if subject.clusters is None else subject.clusters
        if units < 2:
            return f"cross-fitted gain undefined: there is one {'row' if subject.clusters is None else 'cluster'}"
        return (
            "cross-fitted gain undefined: with a fold left out, the labels are of one class or separated, and no map "
            "is best on them"
        )
    digits = numbers.decimals(gain)
    interval = "" if math.isnan(gain.low) else f", 95% CI {numbers.interval(gain, digits)} {unit}"
    return f"cross-fitted gain {numbers.signed(gain.value, digits)} {unit}{interval}"


def cost(row: ClassRow) -> tuple[float, float, int]:
    """The order of the table of classes: by share of the loss, then by mean loss, then by rows."""
    share = -1.0 if math.isnan(row.share) else row.share
    return share, -1.0 if math.isnan(row.loss) else row.loss, row.n


def tail(evaluation: Evaluation) -> str:
    """What share of the loss the costliest rows carry."""
    if math.isnan(evaluation.tail_share):
        return ""
    share, count = numbers.share(evaluation.tail_share), -(-evaluation.n // 100)
    if count == 1:
        return f"the costliest row, 1 of {evaluation.n:,}, carries {share} of the loss"
    return f"the costliest 1% of rows, {count:,} of {evaluation.n:,}, carry {share} of the loss"


def other_units(evaluation: Evaluation) -> str:
    """The loss in another unit, and as perplexity or geometric-mean probability."""
    nats = evaluation.cross_entropy.value / per_nat(evaluation.unit)
    other = "bits" if evaluation.unit != "bits" else "nats"
    digits = numbers.digits_of(evaluation)
    converted = f"{numbers.amount(nats * per_nat(other), digits)} {other}"
    if len(evaluation.classes) == 2:
        mean = evaluation.geometric_mean_probability
        return f"{converted}, geometric-mean probability {f'{mean:#.4g}' if mean else numbers.probability(mean, nats)}"
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
        parts.append(f"{subject.clusters:,} cluster{'' if subject.clusters == 1 else 's'}")
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
    digits = numbers.digits_of(evaluation)
    unit = evaluation.unit
    gives = "row gives" if count == 1 else "rows give"
    lines = [f"{count:,} {gives} probability 0 to what happened{named if which else ''}"]
    if not math.isnan(finite.value):
        lines.append(f"{numbers.loss(finite.value, digits)} {unit} over the other {numbers.rows(evaluation.n - count)}")
    read = {clip.eps: f"would read {numbers.loss(clip.cross_entropy, digits)} {unit}" for clip in evaluation.clipped}
    lines.append(
        f"The loss is not clipped; a clip at 2.2e-16, as scikit-learn's, {read[2.0**-52]}; "
        f"a clip at 1e-7 {read[1e-7]}, as Keras does"
    )
    return lines
