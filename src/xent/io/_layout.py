"""Which column is which: what the user said, else the guesses, each with the flag that overrides it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from xent.io._source import columns_line
from xent.io._table import Table
from xent.io._text import did_you_mean, listed, message, nearest, printable, quoted, span

Kind = Literal["probs", "logits", "logprobs"]

LABEL_NAMES = ("label", "target", "y", "y_true", "ground_truth")
PREFIXES = ("p_", "prob_", "proba_", "y_pred_proba_")
LISTS = ("probs", "predictions")
SINGLES = ("p", "prob", "probs")
# What else is looked at, first, when the call says that the columns hold logits or log-probabilities.
_OWN_PREFIXES = {"probs": (), "logits": ("z_", "logit_"), "logprobs": ("logp_", "logprob_")}
_OWN_LISTS = {"probs": (), "logits": ("logits",), "logprobs": ("logprobs",)}
_OWN_SINGLES = {"probs": (), "logits": ("z", "logit", "logits"), "logprobs": ("logp", "logprob", "logprobs")}


@dataclass(frozen=True, slots=True)
class Guess:
    """A column that was found without being named: what for, which, and the flag that overrides it."""

    what: str
    found: str
    flag: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the call said about the columns; None is left to the guesses."""

    kind: Kind = "probs"
    label: str | None = None
    scores: str | Sequence[str] | None = None
    id: str | None = None
    weight: str | None = None
    cluster: str | None = None
    slices: tuple[str, ...] = ()

    def named(self) -> tuple[str, ...]:
        """Columns with another job, which a pattern for the scores passes over."""
        return tuple(
            name for name in (self.label, self.id, self.weight, self.cluster, *self.slices) if name is not None
        )


@dataclass(frozen=True, slots=True)
class Scores:
    """The columns of the scores: one a class with its class's name, or a single one, of lists or of plain numbers."""

    shape: Literal["wide", "list", "single"]
    columns: tuple[str, ...]
    classes: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Layout:
    """Every column's job."""

    label: str
    scores: Scores
    id: str | None
    weight: str | None
    cluster: str | None
    guesses: tuple[Guess, ...]
    slices: tuple[str, ...] = ()

    def columns(self) -> list[str]:
        """The columns to read, each once."""
        others = (self.label, self.id, self.weight, self.cluster, *self.slices)
        return list(dict.fromkeys([*self.scores.columns, *(name for name in others if name is not None)]))


def choose(table: Table, asked: Asked) -> Layout:
    """Every column's job in this table; ValueError where one cannot be told."""
    slices = [("--slice", name) for name in asked.slices]
    for flag, name in (("--id", asked.id), ("--weight", asked.weight), ("--cluster", asked.cluster), *slices):
        if name is not None:
            require(table, name, flag)
    guesses: list[Guess] = []
    label = _label(table, asked, guesses)
    _refuse_two_jobs(table.shown, label, (), asked)
    scores = _scores(table, asked, label, guesses)
    _refuse_two_jobs(table.shown, label, scores.columns, asked)
    identity = asked.id
    if identity is None and "id" in table.names and "id" not in scores.columns:
        identity = "id"
        guesses.append(Guess("id", "id", "--id"))
    return Layout(label, scores, identity, asked.weight, asked.cluster, tuple(guesses), asked.slices)


def _refuse_two_jobs(shown: str, label: str, scores: tuple[str, ...], asked: Asked) -> None:
    """A column that is a score cannot also say what happened, weigh the rows or group them; nor can labels weigh."""
    jobs = {"--label": label, "--weight": asked.weight, "--cluster": asked.cluster}
    clashes = [("--probs", flag, name) for flag, name in jobs.items() if name in scores]
    if label == asked.weight:
        clashes.append(("--label", "--weight", label))
    for one, other, name in clashes:
        raise ValueError(
            message(
                f"{shown}: column {quoted(name)} is taken for both {one} and {other}",
                f"a column has one job: name another one with {one} or {other}",
            )
        )


def require(table: Table, name: str, flag: str) -> str:
    """`name`, which must be a column; the error names the nearest one."""
    if name in table.names:
        return name
    raise ValueError(
        message(
            f"{table.shown}: no column {quoted(name)}{f' for {flag}' if flag else ''}{did_you_mean(name, table.names)}",
            columns_line(table.names),
        )
    )


def _label(table: Table, asked: Asked, guesses: list[Guess]) -> str:
    if asked.label is not None:
        return require(table, asked.label, "--label")
    for name in LABEL_NAMES:
        if name in table.names:
            guesses.append(Guess("label", name, "--label"))
            return name
    near = next((found for name in LABEL_NAMES if (found := nearest(name, table.names))), None)
    hint = f"; did you mean --label {printable(near, 60)}?" if near else ""
    raise ValueError(
        message(
            f"{table.shown}: no label column (looked for {', '.join(LABEL_NAMES)}){hint}",
            columns_line(table.names),
            "say which holds what happened: --label COLUMN",
        )
    )


def _scores(table: Table, asked: Asked, label: str, guesses: list[Guess]) -> Scores:
    taken = {*asked.named(), label}
    if asked.scores is not None:
        return named_scores(table, asked.scores, f"--{asked.kind}" if asked.kind == "probs" else "--probs", taken)
    found = _guess_scores(table, asked.kind, taken)
    if found is None:
        raise _nothing_found(table, asked, label, taken)
    guesses.append(Guess("probs" if asked.kind == "probs" else asked.kind, span(found.columns), "--probs"))
    return found


def _guess_scores(table: Table, kind: Kind, taken: set[str]) -> Scores | None:
    """The first of: a column a class, a list column, a single column for two classes."""
    names = [name for name in table.names if name not in taken]
    for prefix in (*_OWN_PREFIXES[kind], *PREFIXES):
        wide = [name for name in names if name.startswith(prefix) and len(name) > len(prefix)]
        if len(wide) > 1 and not any(table.is_list(name) for name in dict.fromkeys(wide)):
            return Scores("wide", tuple(wide), tuple(name[len(prefix) :] for name in wide))
    for name in (*_OWN_LISTS[kind], *LISTS):
        if name in names and table.is_list(name):
            return Scores("list", (name,), None)
    for name in (*_OWN_SINGLES[kind], *SINGLES):
        if name in names:
            return Scores("single", (name,), None)
    # NumPy users keep a vector of probabilities under the same name as a matrix of them.
    for name in LISTS:
        if name in names:
            return Scores("single", (name,), None)
    return None


def _taken_already(table: Table, asked: Asked, label: str) -> str:
    """Which column would have been the scores, had it no other job."""
    found = _guess_scores(table, asked.kind, set())
    jobs = {"--weight": asked.weight, "--cluster": asked.cluster, "--id": asked.id}
    taken = {name: flag for flag, name in jobs.items()} | {label: "the label (--label)"}
    names = () if found is None else tuple(name for name in found.columns if name in taken)
    return f"column {quoted(names[0])} is already {taken[names[0]]}" if names else ""


def _nothing_found(table: Table, asked: Asked, label: str, taken: set[str]) -> ValueError:
    kind = asked.kind
    if kind == "probs":
        for other in ("logits", "logprobs"):
            found = _guess_scores(table, other, taken)
            if found is not None:
                words = "logits" if other == "logits" else "log-probabilities"
                return LooksLikeError(
                    found,
                    message(
                        f"{table.shown}: {columns_of(found)} named as {words}, not as probabilities",
                        f"if they are {words}: add --{other}",
                        f"if they are probabilities: add --probs {quoted(_pattern(found))}",
                    ),
                )
    prefixes = [f"{prefix}*" for prefix in (*_OWN_PREFIXES[kind], *PREFIXES)]
    looked = ", ".join(dict.fromkeys([*prefixes, *_OWN_LISTS[kind], *LISTS, *SINGLES]))
    return ValueError(
        message(
            f"{table.shown}: no columns of {kind} (looked for {looked})",
            _taken_already(table, asked, label),
            columns_line(table.names),
            "say which: --probs A,B,C or --probs 'score_*' (the star is the class), or one list column",
        )
    )


class LooksLikeError(ValueError):
    """Scores of another kind than asked for; what they are is worth a look at their values."""

    def __init__(self, scores: Scores, text: str) -> None:
        """`scores` are the columns, `text` what to say if their values say nothing clearer."""
        super().__init__(text)
        self.scores = scores


def columns_of(scores: Scores) -> str:
    """`columns p_0..p_9 are` or `column probs is`, for the start of a sentence."""
    many = len(scores.columns) > 1
    return f"column{'s' if many else ''} {span(scores.columns)} {'are' if many else 'is'}"


def _pattern(scores: Scores) -> str:
    if scores.classes is None:
        return scores.columns[0]
    return f"{scores.columns[0][: len(scores.columns[0]) - len(scores.classes[0])]}*"


def named_scores(table: Table, spec: str | Sequence[str], flag: str, taken: set[str]) -> Scores:
    """The scores that `--probs` names: a column, several, or a pattern whose star is the class."""
    if not isinstance(spec, str):
        return _several(table, tuple(spec), flag)
    if spec in table.names:
        return Scores("list" if table.is_list(spec) else "single", (spec,), None)
    if spec.count("*") == 1:
        return _matching(table, spec, flag, taken)
    parts = tuple(part for part in spec.split(",") if part)
    if len(parts) > 1:
        return _several(table, parts, flag)
    require(table, spec, flag)
    raise ValueError(f"{table.shown}: {flag or 'the call'} names no column")


def _matching(table: Table, pattern: str, flag: str, taken: set[str]) -> Scores:
    before, after = pattern.split("*")
    least = len(pattern)  # so that the star is never empty
    found = tuple(
        name
        for name in table.names
        if len(name) >= least and name.startswith(before) and name.endswith(after) and name not in taken
    )
    if len(found) < 2:
        what = f"only {quoted(found[0])}" if found else "no column"
        more = (
            f"for two classes and one column, name it: {_after(flag)}{printable(found[0], 60)}"
            if found
            else columns_line(table.names)
        )
        raise ValueError(
            message(f"{table.shown}: {_after(flag)}{quoted(pattern)} matches {what}; it needs one a class", more)
        )
    return Scores("wide", found, tuple(name[len(before) : len(name) - len(after)] for name in found))


def _several(table: Table, names: tuple[str, ...], flag: str) -> Scores:
    if len(names) == 1:
        return named_scores(table, names[0], flag, set())
    for name in names:
        require(table, name, flag)
    prefix = _shared_prefix(names)
    classes = tuple(name[len(prefix) :] for name in names)
    if len(set(classes)) < len(classes):
        raise ValueError(f"{table.shown}: {flag or 'the call'} names a column twice: {listed(names)}")
    return Scores("wide", names, classes)


def _shared_prefix(names: tuple[str, ...]) -> str:
    """What all names begin with, up to an underscore: what follows it is the class."""
    known = (*PREFIXES, *(prefix for own in _OWN_PREFIXES.values() for prefix in own))
    for prefix in known:
        if all(name.startswith(prefix) and len(name) > len(prefix) for name in names):
            return prefix
    first = names[0]
    heads = (first[: place + 1] for place, character in enumerate(first) if character == "_")
    return max((head for head in heads if all(n.startswith(head) and n != head for n in names)), key=len, default="")


def _after(flag: str) -> str:
    return f"{flag} " if flag else ""
