"""The 95 % intervals of both differences cover what they estimate, in 19 of 20 samples."""

import numpy as np
import pytest

import xent
from xent.evaluation._compare_parts import difference
from xent.evaluation._estimates import Sampling
from xent.evaluation._losses import row_losses
from xent.evaluation._recalibration import recalibrate
from xent.evaluation._rows import read_rows


def sample(rng, n, clusters):
    """Labels, logits of a timid model and of a rash one that knows less, and clusters that share what is hard."""
    groups = n if clusters is None else clusters
    g = np.arange(n) if clusters is None else rng.integers(0, groups, n)
    truth = rng.normal(size=(n, 3)) * 1.5 + (0 if clusters is None else rng.normal(size=(groups, 3))[g])
    blur = 0.7 * rng.normal(size=(n, 3)) + (0 if clusters is None else 0.7 * rng.normal(size=(groups, 3))[g])
    return (truth + rng.gumbel(size=(n, 3))).argmax(axis=1), 0.5 * truth, 2.0 * (truth + blur), g


def loss(y, z):
    return np.logaddexp.reduce(z, axis=1) - z[np.arange(len(y)), y]


def best_loss(y, z):
    """After the temperature that is best for all."""
    return min(loss(y, z / t).mean() for t in np.geomspace(0.3, 5, 120))


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [None, 100])
def test_intervals_cover(clusters):
    rng = np.random.default_rng(11)
    y, a, b, _ = sample(rng, 200_000, None if clusters is None else 40_000)
    truth = (loss(y, a) - loss(y, b)).mean(), best_loss(y, a) - best_loss(y, b)
    samples, hits = 500, np.zeros(2)
    for _ in range(samples):
        y, a, b, g = sample(rng, 500, clusters)
        rows = [read_rows(y, xent.Logits(z), None, None, None if clusters is None else g) for z in (a, b)]
        shipped = [row_losses(r) for r in rows]
        falls = [recalibrate(r, x, x.mean(), 0).fall for r, x in zip(rows, shipped, strict=True)]
        mended = [x - fall for x, fall in zip(shipped, falls, strict=True)]
        for place, pair in enumerate((shipped, mended)):
            found = difference(pair[0], pair[1], Sampling.of(rows[0]))
            hits[place] += found.low <= truth[place] <= found.high
    assert (hits / samples >= 0.93).all()
    assert (hits / samples <= 0.97).all()
