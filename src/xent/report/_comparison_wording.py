"""The sentences of a comparison, the same in the terminal and on the page."""

from __future__ import annotations

import math
from typing import Literal

from xent.evaluation import Comparison, Estimate, Evaluation
from xent.io import Facts, printable
from xent.report import _numbers as numbers
from xent.report._comparison import Contest

Outcome = Literal["a", "b", "equal", "unclear", "single", "undefined"]


def digits_of(comparison: Comparison) -> int:
    """Decimals for all losses of a comparison, so that the printed ones subtract."""
    shown = (comparison.difference, comparison.recalibrated_difference)
    own = [numbers.digits_of(comparison.a), numbers.digits_of(comparison.b)]
    return min(max(own + [numbers.decimals(d) for d in shown if not math.isnan(d.se)]), 6)


def outcome(difference: Estimate) -> Outcome:
    """Which model a difference favours, where its interval leaves that beyond doubt."""
    if math.isnan(difference.value):
        return "undefined"
    if math.isinf(difference.value):
        return "b" if difference.value > 0 else "a"
    if difference.value == 0 and difference.se == 0:
        return "equal"
    if math.isnan(difference.se):
        return "single"
    if difference.low > 0:
        return "b"
    return "a" if difference.high < 0 else "unclear"


def verdict(comparison: Comparison) -> str:
    """Two parts: which model is better as it is, and which once each is recalibrated."""
    shipped, mended = outcome(comparison.difference), outcome(comparison.recalibrated_difference)
    names: dict[str, str] = dict(zip("ab", short_names(comparison), strict=True))
    if shipped in names and shipped == mended:
        return f"{names[shipped]} is better, as shipped and once both are recalibrated."
    if shipped == mended and shipped in _NEITHER:
        return _NEITHER[shipped]
    if shipped in names and mended in names:
        better = f"as shipped {names[shipped]} is better, once both are recalibrated {names[mended]} is"
        return f"The ranking reverses: {better}."
    first = f"As shipped, {_shipped(comparison, shipped, names)}"
    return f"{first}; once both are recalibrated, {_mended(comparison, mended, names)}."


_NEITHER: dict[Outcome, str] = {
    "equal": "The two have equal losses, as shipped and once both are recalibrated.",
    "unclear": "No clear difference, neither as shipped nor once both are recalibrated.",
    "single": "One row or cluster cannot tell which is better.",
}


def _shipped(comparison: Comparison, found: Outcome, names: dict[str, str]) -> str:
    if found in names:
        other = comparison.b if found == "a" else comparison.a
        why = f" ({_ruled_out(other)})" if math.isinf(comparison.difference.value) else ""
        return f"{names[found]} is better{why}"
    if found == "undefined":
        return "both losses are infinite"
    return _plain(found)


def _mended(comparison: Comparison, found: Outcome, names: dict[str, str]) -> str:
    if found in names:
        return f"{names[found]} is better"
    if found != "undefined":
        return _plain(found)
    open_ = [name for name, side in zip(names.values(), (comparison.a, comparison.b), strict=True) if _no_gain(side)]
    return f"that is undefined: no cross-fitted gain of {' and '.join(open_)}"


def _plain(found: Outcome) -> str:
    return {
        "equal": "the two have equal losses",
        "unclear": "there is no clear difference",
        "single": "one row or cluster cannot tell",
    }[found]


def _no_gain(evaluation: Evaluation) -> bool:
    return math.isnan(evaluation.recalibration.gain.value)


def _ruled_out(evaluation: Evaluation) -> str:
    return f"the other gave probability 0 to what happened in {numbers.rows(evaluation.audit.zero_probability_rows)}"


def short_names(comparison: Comparison) -> tuple[str, str]:
    """The names as they stand in a sentence: with the letters that the tables use, if they are not those."""
    a, b = (printable(name, 40) for name in comparison.names)
    return ("A", "B") if (a, b) == ("A", "B") else (f"A ({a})", f"B ({b})")


def origin(contest: Contest) -> list[str]:
    """The header: the two, how their rows were joined, then every guess with the flag that overrides it."""
    comparison = contest.comparison
    lines = [f"{letter} {printable(name, 200)}" for letter, name in zip("AB", comparison.names, strict=True)]
    lines.append(f"{numbers.rows(comparison.n)} x {len(comparison.a.classes):,} classes{joined(contest)}")
    if contest.facts is not None:
        one, two = (_guesses(facts) for facts in contest.facts)
        flags = " ".join(dict.fromkeys(guess.flag for facts in contest.facts for guess in facts.guesses))
        found = [one] if one == two else [f"A {one}" if one else "", f"B {two}" if two else ""]
        lines += [f"{'   '.join(part for part in found if part)}   (override: {flags})"] if flags else []
    if contest.reordered:
        lines.append("B has its columns in another order; they are matched by the names of the classes")
    return lines


def joined(contest: Contest) -> str:
    """How rows found their partners, and how many did not; nothing for arrays, whose rows are partners as they are."""
    if contest.facts is None:
        return ""
    audit = contest.comparison.audit
    how = "by id" if contest.by_id else "row by row"
    return f"   joined {how}: {audit.matched:,} matched, {audit.only_a:,} only in A, {audit.only_b:,} only in B"


def _guesses(facts: Facts) -> str:
    return "   ".join(f"{guess.what}: {printable(guess.found, 40)}" for guess in facts.guesses)


def audit(contest: Contest) -> str:
    """What became of the rows, in one line."""
    comparison = contest.comparison
    parts = [f"{comparison.n:,} compared"]
    for letter, side in (("A", comparison.a), ("B", comparison.b)):
        parts.append(
            f"{letter}: {side.audit.dropped:,} left out, {side.audit.zero_probability_rows:,} given probability 0"
        )
    if contest.weighted:
        parts.append("weighted")
    clusters = comparison.a.clusters
    if clusters is not None:
        parts.append(f"{clusters:,} cluster{'' if clusters == 1 else 's'}")
    return f"rows: {'; '.join(parts)}" + ("" if contest.seed is None else f"; seed {contest.seed}")


def pairing(comparison: Comparison) -> str:
    """How alike the losses are, and what comparing row by row saves; nothing where that is undefined."""
    paired, unpaired, r = comparison.difference.se, comparison.unpaired_se, comparison.correlation
    if math.isnan(r) or math.isnan(paired) or math.isnan(unpaired):
        return ""
    first = f"Correlation of the losses over the rows {r:.2f}"
    if paired == 0:
        return first
    digits = numbers.decimals(comparison.difference)
    change = f"{numbers.amount(unpaired, digits)} to {numbers.amount(paired, digits)} {comparison.unit}"
    worth = (unpaired / paired) ** 2
    saves = f", as {worth:,.1f} times the rows would without it" if worth >= 1.05 else ""
    return f"{first}; pairing takes the standard error of the difference from {change}{saves}"


def maps(comparison: Comparison) -> str:
    """What `recalibrated` stands for: the map of each, and that no row is mapped by a fit that knew it."""
    found: list[str] = []
    for letter, side in (("A", comparison.a), ("B", comparison.b)):
        parameters = side.recalibration.parameters
        if not any(math.isnan(value) for value in parameters.values()):
            found.append(f"{letter} by {', '.join(f'{n} {numbers.number(v)}' for n, v in parameters.items())}")
    return f"Recalibrated: {'; '.join(found)}; each row by a fit without it" if found else ""


def wins(comparison: Comparison) -> str:
    """Whose loss is the smaller, by rows."""
    a, b = comparison.wins
    ties = 1 - a - b
    equal = f", equal on {numbers.share(ties)}" if ties > 1e-12 else ""
    return f"Smaller loss: A on {numbers.share(a)} of the rows, B on {numbers.share(b)}{equal}"


def averaging(comparison: Comparison) -> str:
    """What averaging the two forecasts gives, against the better one."""
    found, unit = comparison.averaging, comparison.unit
    digits = digits_of(comparison)
    if math.isinf(found.cross_entropy.value):
        return "Averaging the two forecasts does not help: both gave probability 0 to something that happened"
    better = "A" if comparison.a.cross_entropy.value <= comparison.b.cross_entropy.value else "B"
    gain = found.gain
    interval = "" if math.isnan(gain.low) else f", 95% CI {numbers.interval(gain, digits)} {unit}"
    loss = numbers.amount(found.cross_entropy.value, digits)
    return (
        f"Averaging the two forecasts as shipped: {loss} {unit}, gain over {better} alone "
        f"{numbers.signed(gain.value, digits)} {unit}{interval}"
    )


def infinite(comparison: Comparison) -> list[str]:
    """For a model whose loss is infinite: on how many rows, and the loss on the others."""
    lines: list[str] = []
    for letter, side in (("A", comparison.a), ("B", comparison.b)):
        if math.isinf(side.cross_entropy.value):
            count = side.audit.zero_probability_rows
            finite = side.finite_cross_entropy.value
            rest = (
                ""
                if math.isnan(finite)
                else (
                    f"; {numbers.loss(finite, digits_of(comparison))} {comparison.unit} over its other "
                    f"{numbers.rows(comparison.n - count)}"
                )
            )
            lines.append(f"{letter} gave probability 0 to what happened in {numbers.rows(count)}{rest}")
    return lines
