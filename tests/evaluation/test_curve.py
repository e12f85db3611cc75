"""The loss over temperatures, written out plainly."""

import math

import numpy as np
import pytest
from scipy.special import logsumexp

import xent
from xent.evaluation._curve import TEMPERATURES, temperature_curve
from xent.evaluation._rows import read_rows


@pytest.mark.parametrize("kind", ["plain", "weighted", "soft"])
@pytest.mark.parametrize("k", [2, 5])
def test_curve_is_the_loss_of_tempered_forecasts(several, kind, k):
    y, z, _ = several(200, k=k)
    rng = np.random.default_rng(0)
    w = rng.exponential(size=200) if kind == "weighted" else None
    share = rng.dirichlet([1.0] * k, 200) if kind == "soft" else np.eye(k)[y]
    rows = read_rows(share if kind == "soft" else y, xent.Logits(z), None, w, None)

    def loss(t):
        return np.average((share * (logsumexp(z / t, axis=1, keepdims=True) - z / t)).sum(axis=1), weights=w)

    losses = (share * rows.surprisal).sum(axis=1)
    curve = temperature_curve(rows, losses, loss(1.0), (1.7, loss(1.7)))
    assert [p.temperature for p in curve] == sorted([*TEMPERATURES, 1.7])
    assert [p.cross_entropy for p in curve] == pytest.approx([loss(p.temperature) for p in curve], rel=1e-12)


def test_temperatures():
    assert (TEMPERATURES[0], TEMPERATURES[15], TEMPERATURES[-1]) == (8.0, 1.0, 0.125)
    assert np.diff(np.log(TEMPERATURES)) == pytest.approx(-math.log(2) / 5)


def test_ruled_out_classes_stay_out():
    rows = read_rows([0, 1], [[1.0, 0.0, 0.0], [0.0, 0.5, 0.5]], None, None, None)
    curve = temperature_curve(rows, np.array([0.0, math.log(2)]), math.log(2) / 2, (math.nan, math.nan))
    assert [p.cross_entropy for p in curve] == pytest.approx([math.log(2) / 2] * len(TEMPERATURES))


def test_no_curve_of_an_infinite_loss():
    rows = read_rows([0], [[0.0, 1.0]], None, None, None)
    assert temperature_curve(rows, np.array([math.inf]), math.inf, None) == ()
