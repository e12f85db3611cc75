"""The sentences of a report, the same in the terminal and on the page. No sentence before the loss holds one."""

from __future__ import annotations

import math

from xent._units import per_nat
from xent.evaluation import Evaluation
from xent.io import printable
from xent.report import _numbers as numbers
from xent.report._subject import Subject

CERTAIN = 0.05
"""A test with a smaller p-value is said to show something."""


def verdict(subject: Subject) -> str:
    """One sentence: how good, and whether there is something to mend."""
    skill = _skill(subject.evaluation)
    return f"{skill}." if subject.loss_only else f"{skill}{_calibration(subject.evaluation)}."


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
    if found != "none":
        return f"; {found}"
    # The headline map sees one kind of fault; the finer ones may see another.
    if evaluation.isotonic is not None and evaluation.isotonic.p_value < CERTAIN:
        return "; miscalibrated, though not in slope or intercept"
    if evaluation.classwise is not None and evaluation.classwise.p_value < CERTAIN:
        return "; miscalibrated in single classes, though not in temperature"
    return "; no sign of miscalibration"


def confidence(evaluation: Evaluation) -> str:
    """`over-confident`, `under-confident`, `miscalibrated`, `none` (no sign of it) or `undefined`."""
    fitted = evaluation.recalibration
    slope = fitted.parameters.get("slope", math.nan)
    if fitted.kind == "temperature":
        temperature = fitted.parameters.get("temperature", math.nan)
        slope = 1 / temperature if temperature else math.nan
    if math.isnan(slope) or math.isnan(fitted.p_value):
        return "undefined"
    if fitted.p_value >= CERTAIN:
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


def tail(evaluation: Evaluation) -> str:
    """What share of the loss the costliest rows carry."""
    if math.isnan(evaluation.tail_share):
        return ""
    share, count = numbers.share(evaluation.tail_share), -(-evaluation.n // 100)
    if count == 1:
        return f"the costliest row, 1 of {evaluation.n:,}, carries {share} of the loss"
    return f"the costliest 1% of rows, {count:,} of {evaluation.n:,}, carry {share} of the loss"


def other_units(evaluation: Evaluation) -> list[str]:
    """The loss in another unit and as perplexity, and as the geometric-mean probability of what happened."""
    nats = evaluation.cross_entropy.value / per_nat(evaluation.unit)
    other = "bits" if evaluation.unit != "bits" else "nats"
    digits = numbers.digits_of(evaluation)
    converted = f"{numbers.amount(nats * per_nat(other), digits)} {other}"
    return [
        f"{converted}, perplexity {numbers.perplexity(nats)}",
        f"geometric-mean probability {geometric_mean(evaluation)}",
    ]


def geometric_mean(evaluation: Evaluation) -> str:
    """The geometric mean of the probability given to what happened, four digits."""
    nats, mean = evaluation.cross_entropy.value / per_nat(evaluation.unit), evaluation.geometric_mean_probability
    return f"{mean:#.4g}" if mean else numbers.probability(mean, nats)


def uniform_skill(evaluation: Evaluation) -> str:
    """The skill over equal probabilities, for three classes or more; nothing for two."""
    if len(evaluation.classes) == 2 or math.isinf(evaluation.cross_entropy.value):
        return ""
    uniform = math.log(len(evaluation.classes)) * per_nat(evaluation.unit)
    return f"{numbers.share(1 - evaluation.cross_entropy.value / uniform)} over equal probabilities (log K)"


def title(subject: Subject) -> str:
    """What the report is of."""
    return "predictions" if subject.facts is None else subject.facts.file


def origin(subject: Subject) -> list[str]:
    """The header: file and size, then every guess with the flag that overrides it."""
    evaluation = subject.evaluation
    lines = [f"{title(subject)}   {numbers.rows(evaluation.n)} x {len(evaluation.classes):,} classes"]
    if subject.facts is None:
        return [*lines, f"classes: {_classes(evaluation.classes)}"]
    chosen = [f"{guess.what}: {printable(guess.found, 40)}" for guess in subject.facts.guesses]
    if chosen:
        flags = " ".join(dict.fromkeys(guess.flag for guess in subject.facts.guesses))
        lines.append(f"{'   '.join(chosen)}   (override: {flags})")
    lines.append(f"classes: {_classes(evaluation.classes)}, from {subject.facts.classes_from}")
    return lines


def _classes(names: tuple[str, ...]) -> str:
    if len(names) > 4:
        return f"{printable(names[0], 20)}, {printable(names[1], 20)} .. {printable(names[-1], 20)}"
    return ", ".join(printable(name, 20) for name in names)


def audit(subject: Subject) -> str:
    """What became of the rows, in one line."""
    evaluation = subject.evaluation
    counts = evaluation.audit
    parts = [f"{counts.rows:,} read", f"{evaluation.n:,} used", f"{counts.dropped:,} left out"]
    parts.append(f"{counts.zero_probability_rows:,} given probability 0")
    parts.append(f"{counts.unnormalized_rows:,} off 1 and used as given")
    if counts.renormalized_rows:
        parts.append(f"{counts.renormalized_rows:,} rescaled to sum to 1")
    if subject.weighted:
        parts.append("weighted")
    if evaluation.clusters is not None:
        parts.append(f"{evaluation.clusters:,} cluster{'' if evaluation.clusters == 1 else 's'}")
    ends = ["calibration left out (--loss-only)"] if subject.loss_only else []
    ends += [] if subject.seed is None else [f"seed {subject.seed}"]
    return "; ".join([f"rows: {', '.join(parts)}", *ends])


def _order(name: int | str) -> tuple[bool, int, str]:
    return (True, 0, name) if isinstance(name, str) else (False, name, "")


def infinite(evaluation: Evaluation) -> list[str]:
    """What stands behind an infinite loss."""
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
