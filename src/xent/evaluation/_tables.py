"""Where the loss comes from: by class, by row, in the tail."""

from __future__ import annotations

import math

import numpy as np

from xent.evaluation._exact import Floats, column_totals, group_totals, ratio, total
from xent.evaluation._rows import Rows
from xent.evaluation.results import ClassRow, WorstRow

WORST = 20
"""How many of the costliest rows are named."""


def class_table(rows: Rows, losses: Floats, scale: float) -> tuple[ClassRow, ...]:
    """Return one entry a class; `scale` turns nats into the unit."""
    weight = rows.weights()
    whole = total(weight)
    count, mass, cost = _by_class(rows, losses, weight)
    forecast = column_totals(rows.probs, rows.weight)
    grand = total(losses * weight) if np.isfinite(losses).all() else None
    return tuple(
        ClassRow(
            name=rows.classes[k],
            n=count[k],
            loss=math.inf if own is None else ratio(own, mass[k]) * scale,
            share=math.nan if own is None or grand is None else ratio(own, grand),
            frequency=ratio(mass[k], whole),
            mean_probability=ratio(forecast[k], whole),
            slope=math.nan,
            intercept=math.nan,
        )
        for k, own in enumerate(cost)
    )


def _by_class(rows: Rows, losses: Floats, weight: Floats) -> tuple[list[int], list[int], list[int | None]]:
    """Rows, weight and loss of each class, the last two as exact totals; None for a loss that is infinite."""
    if rows.labels is not None:
        finite = np.isfinite(losses)
        ruled_out = np.bincount(rows.labels[~finite], minlength=rows.k)
        part = np.where(finite, losses, 0.0) * weight
        cost = group_totals(part, rows.labels, rows.k)
        count = np.bincount(rows.labels, minlength=rows.k).tolist()
        mass = group_totals(weight, rows.labels, rows.k)
        return count, mass, [None if ruled_out[k] else cost[k] for k in range(rows.k)]
    columns = [_soft_class(rows.column(k), rows.surprisal[:, k], weight) for k in range(rows.k)]
    return [c[0] for c in columns], [c[1] for c in columns], [c[2] for c in columns]


def _soft_class(column: Floats, surprisal: Floats, weight: Floats) -> tuple[int, int, int | None]:
    mine = column > 0.0
    mass = column[mine] * weight[mine]
    cost = mass * surprisal[mine]
    return int(mine.sum()), total(mass), total(cost) if np.isfinite(cost).all() else None


def worst_rows(rows: Rows, losses: Floats, scale: float) -> tuple[WorstRow, ...]:
    """Return up to 20 rows, costliest first, ties by class, then probability, then row."""
    label = rows.main_label()
    count = min(WORST, rows.n)
    least = np.partition(losses, rows.n - count)[rows.n - count]
    candidates = np.flatnonzero(losses >= least)
    given = rows.of_label(rows.probs)
    order = np.lexsort((candidates, given[candidates], label[candidates], -losses[candidates]))[:count]
    chosen = candidates[order]
    said = rows.probs[chosen].argmax(axis=1)
    return tuple(
        WorstRow(
            row=int(rows.position[i]),
            label=rows.classes[label[i]],
            probability=float(given[i]),
            loss=float(losses[i]) * scale,
            said=rows.classes[top],
            said_probability=float(rows.probs[i, top]),
        )
        for i, top in zip(chosen.tolist(), said.tolist(), strict=True)
    )


def frequencies(rows: Rows) -> Floats:
    """Return the weighted label frequencies, which sum to 1."""
    weight = rows.weights()
    if rows.labels is not None:
        masses = group_totals(weight, rows.labels, rows.k)
    else:
        masses = [total(rows.column(k) * weight) for k in range(rows.k)]
    whole = sum(masses)
    return np.array([ratio(mass, whole) for mass in masses])


def mean_or_inf(values: Floats, rows: Rows) -> float:
    """Return the weighted mean of `values`, infinite if one of them is."""
    if not np.isfinite(values).all():
        return math.inf
    weight = rows.weights()
    return ratio(total(values * weight), total(weight))
