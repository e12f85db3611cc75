import math
from dataclasses import replace

import numpy as np
import pytest

from xent.evaluation import (
    Also,
    Classwise,
    Confusion,
    Estimate,
    Isotonic,
    LossBin,
    Reliability,
    Slice,
    TemperaturePoint,
)
from xent.io import Facts, Guess, Predictions
from xent.report import Subject, examine


def made(y, q, classes=None, *, form="probs", rows=None, ids=None, file="t.csv", weight=None, cluster=None):
    """What reading a file would have given."""
    y, q = np.asarray(y), np.asarray(q, dtype=np.float64)
    count = 2 if q.ndim == 1 else q.shape[1]
    names = tuple(map(str, range(count))) if classes is None else tuple(classes)
    facts = Facts(file, "csv", len(y), 0, 0, "y", ("p",), "the columns", (Guess("label", "y", "--label"),))
    numbers = np.arange(len(y)) if rows is None else np.asarray(rows)
    return Predictions(y, q, form, names, numbers, ids, weight, cluster, facts)


def estimate(value, se=0.01):
    return Estimate(value, se, value - 2 * se, value + 2 * se)


def line(kind, name, points=40):
    x = np.linspace(0.02, 0.98, points)
    y = np.round(x**1.4, 2)
    density = np.linspace(2, 1, 20)
    return Reliability(
        kind,
        name,
        tuple(x.tolist()),
        tuple(y.tolist()),
        tuple(np.clip(x - 0.08, 0, 1).tolist()),
        tuple(np.clip(x + 0.08, 0, 1).tolist()),
        tuple((density / density.sum()).tolist()),
        0.0123,
        0.0087,
        0.12,
    )


def slices(e, columns):
    loss = e.finite_cross_entropy.value
    return tuple(
        Slice(
            column,
            value,
            e.n // len(values),
            estimate(loss * (1.4 - 0.2 * i)),
            e.uncertainty,
            estimate(1 - (1.4 - 0.2 * i) * loss / e.uncertainty if e.uncertainty else math.nan),
            (1.4 - 0.2 * i) / len(values),
            0.9,
            0.03 - 0.02 * i,
        )
        for column, values in columns.items()
        for i, value in enumerate(values)
    )


def filled(e, columns=None):
    """`e` with made-up numbers wherever it has none."""
    binary, infinite = len(e.classes) == 2, math.isinf(e.cross_entropy.value)
    loss = e.finite_cross_entropy.value
    share = math.nan if infinite else 0.05
    names = e.classes[:20]
    curve = [TemperaturePoint(t, loss * (1 + 0.3 * math.log(t / 1.3) ** 2)) for t in np.geomspace(0.25, 4, 41).tolist()]
    parts = np.geomspace(4, 1, 12)
    return replace(
        e,
        isotonic=Isotonic(0.0123, 0.5, 0.0087, 0.0151, 0.12) if binary and not infinite else None,
        classwise=None
        if binary or infinite
        else Classwise((1.0,) * len(e.classes), (0.0,) * len(e.classes), estimate(0.013, 0.004), 0.03, e.n),
        per_class=tuple(replace(row, slope=0.9 + 0.05 * i, intercept=0.1) for i, row in enumerate(e.per_class)),
        confusions=tuple(
            Confusion(a, b, 7, 1.5 * loss, share) for a, b in zip(names, [*names[1:], names[0]], strict=True)
        ),
        slices=slices(e, columns or {}),
        also=Also(0.913, 0.0721, 0.987 if binary else math.nan, 0.0312),
        reliability=(line("class", e.classes[1]),)
        if binary
        else (line("top_label", ""), *(line("class", name) for name in names)),
        loss_histogram=tuple(
            LossBin(0.25 * i, 0.25 * (i + 1) if i < 11 else math.inf, part, 1 / 12)
            for i, part in enumerate((parts / parts.sum()).tolist())
        ),
        temperature_curve=() if infinite else tuple(curve),
    )


@pytest.fixture
def subject() -> Subject:
    """Three classes, 300 rows, over-confident."""
    rng = np.random.default_rng(5)
    z = rng.normal(size=(300, 3))
    q = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    y = np.array([rng.choice(3, p=row) for row in q])
    sharp = q**3 / (q**3).sum(axis=1, keepdims=True)
    return examine(made(y, sharp, ["ant", "bee", "cat"]))


@pytest.fixture
def full(subject) -> Subject:
    """The same with every part filled, slices too."""
    columns = {"region": ["north", "south"], "device": [f"d{i}" for i in range(30)]}
    return replace(subject, evaluation=filled(subject.evaluation, columns))


@pytest.fixture
def binary() -> Subject:
    """Two classes, every part filled."""
    rng = np.random.default_rng(6)
    q = rng.beta(2, 2, 400)
    found = examine(made((rng.random(400) < q).astype(int), q, ["no", "yes"]))
    return replace(found, evaluation=filled(found.evaluation, {"region": ["north", "south"]}))


@pytest.fixture
def predictions():
    """Makes predictions from arrays."""
    return made


@pytest.fixture
def fill():
    """Fills an evaluation with made-up numbers wherever it has none."""
    return filled
