import numpy as np
import pytest

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
def predictions():
    """Makes predictions from arrays."""
    return made
