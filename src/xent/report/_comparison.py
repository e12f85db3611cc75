"""From two files of predictions to what a comparison's report is about: joined, in one order of classes, compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xent._errors import DistributionError, ShapeError
from xent._forms import Form, Labels, Logits, LogProbs, Probs
from xent.evaluation import Comparison, Evaluation, JoinAudit, Mover, WorstRow, compare
from xent.io import Facts, Predictions, join, nearest, printable
from xent.report._subject import Subject

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Contest:
    """All that the report of a comparison shows.

    `facts` are of A's and B's file, None where the numbers came from arrays. `by_id` says how rows found each other,
    `reordered` whether B's columns were put into A's order of classes.
    """

    comparison: Comparison
    facts: tuple[Facts, Facts] | None = None
    seed: int | None = None
    weighted: bool = False
    by_id: bool = False
    reordered: bool = False

    def sides(self) -> tuple[Subject, ...]:
        """Each model alone, as a report takes it; the clusters, which both share, are told of the first."""
        a, b = self.comparison.a, replace(self.comparison.b, clusters=None)
        files = self.facts or (None, None)
        return tuple(Subject(side, facts, self.seed, self.weighted) for side, facts in zip((a, b), files, strict=True))


def contend(
    a: Predictions, b: Predictions, *, names: tuple[str, str] | None = None, unit: str = "nats", seed: int = 0
) -> Contest:
    """Join two predictions, check that they are about the same things, and compare them."""
    order = _order_of_classes(a, b)
    rows_a, rows_b, only_a, only_b = join(a, b)
    if not rows_a.size:
        raise ValueError(
            f"{b.facts.file}: no row has a partner in {a.facts.file} ({_ids(b)} here, {_ids(a)} there)\n"
            "name the column that both share with --id"
        )
    _check_labels(a, b, (rows_a, rows_b), order)
    _check_same(a, b, (rows_a, rows_b))
    try:
        found = compare(
            Labels(a.labels[rows_a]),
            _form(a.form, a.scores[rows_a]),
            _in_order(b, rows_b, order),
            names=(a.facts.file, b.facts.file) if names is None else names,
            classes=a.classes,
            weight=None if a.weight is None else a.weight[rows_a],
            cluster=None if a.cluster is None else a.cluster[rows_a],
            unit=unit,
            seed=seed,
        )
    except (DistributionError, ShapeError) as error:
        raise type(error)(f"{a.facts.file} (q_a), {b.facts.file} (q_b): {error}") from None
    found = replace(
        found,
        a=_of_file(found.a, a, rows_a),
        b=_of_file(found.b, b, rows_b),
        movers=tuple(_named_mover(mover, a, rows_a) for mover in found.movers),
        audit=JoinAudit(matched=int(rows_a.size), only_a=only_a, only_b=only_b),
    )
    by_id = a.id is not None and b.id is not None
    return Contest(found, (a.facts, b.facts), seed, a.weight is not None, by_id, order is not None)


def _order_of_classes(a: Predictions, b: Predictions) -> list[int] | None:
    """Where each class of A stands in B; None if the order is the same."""
    if a.classes == b.classes:
        return None
    for one, other in ((a, b), (b, a)):
        missing = [name for name in one.classes if name not in other.classes]
        if missing:
            near = nearest(missing[0], other.classes)
            raise ValueError(
                f"{other.facts.file}: has no class {_quoted(missing[0])}, which {one.facts.file} has"
                + (f"; did you mean {_quoted(near)}?" if near else "")
                + f"\nboth must forecast the same classes; {len(a.classes):,} in {a.facts.file}, "
                f"{len(b.classes):,} in {b.facts.file}"
            )
    place = {name: k for k, name in enumerate(b.classes)}
    return [place[name] for name in a.classes]


def _check_labels(a: Predictions, b: Predictions, rows: tuple[Places, Places], order: list[int] | None) -> None:
    """What happened is one thing, whatever was forecast."""
    own, other = a.labels[rows[0]], b.labels[rows[1]]
    mine = own if order is None else np.asarray(order, dtype=np.int64)[own]
    differ = mine != other
    if not differ.any():
        return
    i = int(np.argmax(differ))
    more = f" ({int(differ.sum()):,} rows in all)" if differ.sum() > 1 else ""
    raise ValueError(
        f"{b.facts.file}: {_row(b, rows[1][i])} is labelled {_quoted(b.classes[other[i]])}, and "
        f"{_quoted(a.classes[own[i]])} in {a.facts.file}{more}\n"
        "a comparison needs the same rows in both files; join them by a column with --id"
    )


def _check_same(a: Predictions, b: Predictions, rows: tuple[Places, Places]) -> None:
    """Weights and clusters belong to the rows, so both files must say the same."""
    for flag, one, other in (("--weight", a.weight, b.weight), ("--cluster", a.cluster, b.cluster)):
        if one is None or other is None:
            continue
        own, theirs = one[rows[0]].tolist(), other[rows[1]].tolist()
        differ = next((i for i, (x, y) in enumerate(zip(own, theirs, strict=True)) if x != y), None)
        if differ is not None:
            raise ValueError(
                f"{b.facts.file}: {_row(b, rows[1][differ])} has {_quoted(theirs[differ])} in the column of {flag}, "
                f"and {_quoted(own[differ])} in {a.facts.file}"
            )


def _in_order(b: Predictions, rows: Places, order: list[int] | None) -> Form:
    """B's scores in A's order of classes; a single column of the other class becomes two."""
    scores = b.scores[rows]
    if order is None:
        return _form(b.form, scores)
    if scores.ndim == 2:
        return _form(b.form, scores[:, order])
    if b.form == "logits":
        return Logits(-scores)
    q = scores.astype(np.float64)
    with np.errstate(divide="ignore"):
        rest = 1.0 - q if b.form == "probs" else np.log1p(-np.exp(q))
    return _form(b.form, np.stack([q, rest], axis=1))


def _form(kind: str, scores: NDArray[Any]) -> Form:
    return {"probs": Probs, "logits": Logits, "logprobs": LogProbs}[kind](scores)


def _of_file(found: Evaluation, predictions: Predictions, rows: Places) -> Evaluation:
    """Rows by the names they have in the file, and an audit that counts the file's rows."""
    facts = predictions.facts
    audit = replace(found.audit, rows=facts.rows, dropped=facts.rows - found.n, renormalized_rows=facts.renormalized)
    return replace(found, audit=audit, worst_rows=tuple(_named(row, predictions, rows) for row in found.worst_rows))


def _named(row: WorstRow, predictions: Predictions, rows: Places) -> WorstRow:
    return row if row.row is None else replace(row, row=predictions.row_name(int(rows[int(row.row)])))


def _named_mover(row: Mover, predictions: Predictions, rows: Places) -> Mover:
    return row if row.row is None else replace(row, row=predictions.row_name(int(rows[int(row.row)])))


def _row(predictions: Predictions, place: Any) -> str:
    """`row 3`, or `the row with id 'x'`."""
    name = predictions.row_name(int(place))
    return f"row {name}" if predictions.id is None else f"the row with id {_quoted(name)}"


def _ids(predictions: Predictions) -> str:
    """The first ids of a file, to show how they are written."""
    names: Sequence[Any] = [] if predictions.id is None else predictions.id[:2].tolist()
    return f"ids {', '.join(_quoted(name) for name in names)}, ..." if names else "no ids"


def _quoted(name: object) -> str:
    return f"'{printable(name, 60)}'"
