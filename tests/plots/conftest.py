"""Evaluations with every part a figure draws, built from known data, for the tests of those figures."""

import dataclasses
import itertools
import math
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("matplotlib")

import xent
from xent.evaluation.results import (
    Averaging,
    ClassDifference,
    Comparison,
    Confusion,
    Estimate,
    JoinAudit,
    LossBin,
    Reliability,
    TemperaturePoint,
)

NAN = math.nan


def sample(n=800, k=3, sharp=1.8, seed=0, unit="nats", **options):
    """Forecasts that are too sure of themselves by the factor `sharp`, and what happened: (evaluation, y, q)."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, k)) * 1.2
    q = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    y = (rng.random((n, 1)) > q.cumsum(axis=1)).sum(axis=1)
    p = q**sharp / (q**sharp).sum(axis=1, keepdims=True)
    return xent.evaluate(y, p, unit=unit, **options), y, p


def isotonic(f, hit):
    """Pool adjacent violators, plainly: distinct forecasts and the fitted frequency there."""
    x, where = np.unique(f, return_inverse=True)
    blocks = [[float(hit[where == i].sum()), int((where == i).sum()), 1] for i in range(len(x))]
    out = []
    for block in blocks:
        out.append(block)
        while len(out) > 1 and out[-2][0] / out[-2][1] >= out[-1][0] / out[-1][1]:
            last = out.pop()
            out[-1] = [a + b for a, b in zip(out[-1], last, strict=True)]
    return x, np.concatenate([np.full(b[2], b[0] / b[1]) for b in out])


def line(f, hit, kind="class", name="1", seed=0, points=65):
    rng = np.random.default_rng(seed)
    x, y = isotonic(f, hit)
    sets = np.array([np.interp(x, *isotonic(f, rng.random(len(f)) < f)) for _ in range(60)])
    keep = np.unique(np.round(np.linspace(0, len(x) - 1, points)).astype(int))
    low, high = np.quantile(sets, [0.025, 0.975], axis=0)
    density = np.histogram(f, 20, (0, 1))[0] / len(f)
    pick = [tuple(map(float, values[keep])) for values in (x, y, low, high)]
    return Reliability(kind, name, *pick, tuple(map(float, density)), 0.0315, 0.0041, 0.004975)


def histogram(losses, k=1.0, per_decade=4):
    edges = [0.0, *(k * 10 ** (np.arange(-3 * per_decade, per_decade + 1) / per_decade)), math.inf]
    finite = np.isfinite(losses)
    total = losses[finite].sum()
    bins = []
    for low, high in itertools.pairwise(edges):
        inside = (losses >= low) & ((losses < high) | (math.isinf(high)))
        part = losses[inside & finite].sum() / total if total else NAN
        bins.append(LossBin(float(low), float(high), float(inside.mean()), float(part)))
    return tuple(bins)


def filled(n=800, k=3, sharp=1.8, seed=0, unit="nats", names=None):
    """An evaluation with all its parts."""
    classes = list(names) if names else None
    labels = {} if classes is None else {"classes": classes}
    _, y, q = sample(n, k, sharp, seed)
    given = np.array(classes, dtype=object)[y] if classes else y
    e = xent.evaluate(given, q, unit=unit, **labels)
    per = {"nats": 1.0, "bits": 1 / math.log(2), "bans": 1 / math.log(10)}[unit]
    losses = -np.log(q[np.arange(n), y]) * per
    top = q.argmax(axis=1)
    lines = [line(q[:, j], y == j, "class", e.classes[j]) for j in range(k)][:20]
    shown = (lines[1],) if k == 2 else (line(q.max(axis=1), top == y, "top_label", ""), *lines)
    temperatures = np.exp(np.linspace(-np.log(8), np.log(8), 41))
    curve = []
    for t in temperatures:
        tempered = np.log(q) / t
        tempered -= np.log(np.exp(tempered).sum(axis=1, keepdims=True))
        curve.append(TemperaturePoint(float(t), float(-tempered[np.arange(n), y].mean() * per)))
    pairs = []
    for a in range(k):
        for b in range(k):
            rows = (y == a) & (top == b)
            if a != b and rows.any():
                part = float(losses[rows].sum() / losses.sum())
                pairs.append(Confusion(e.classes[a], e.classes[b], int(rows.sum()), float(losses[rows].mean()), part))
    pairs.sort(key=lambda pair: -pair.share)
    return dataclasses.replace(
        e,
        reliability=shown,
        loss_histogram=histogram(losses, per),
        temperature_curve=tuple(curve),
        confusions=tuple(pairs[:20]),
    )


def estimate(value, se):
    return Estimate(value, se, value - 1.96 * se, value + 1.96 * se)


@lru_cache
def both():
    return filled(sharp=2.0), filled(sharp=1.0)


def compared(difference=(-0.0269, 0.0021), recalibrated=(0.0071, 0.0012), names=("large", "small"), unpaired=0.012):
    a, b = both()
    made = [d if isinstance(d, Estimate) else estimate(*d) for d in (difference, recalibrated)]
    return Comparison(
        800, "nats", names, a, b, *made, 0.9, unpaired, (0.6, 0.4), JoinAudit(800, 0, 0),
        (ClassDifference("0", 10, 0.1, 0.01),), (), Averaging(estimate(0.9, 0.01), estimate(0.01, 0.002)),
    )  # fmt: skip


@pytest.fixture(scope="session")
def made():
    """The functions above."""
    return SimpleNamespace(filled=filled, histogram=histogram, compared=compared, estimate=estimate)


@pytest.fixture(scope="session")
def binary():
    return filled(k=2)


@pytest.fixture(scope="session")
def three():
    return filled(k=3)


@pytest.fixture(scope="session")
def twenty():
    names = ["$x_1$", '<b>&"bold"</b>', "tab\tnew\nline \u202e", "猫", "long " * 60, "a_{b}^c$"]
    return filled(k=20, names=names + [f"class {i}" for i in range(14)])


@pytest.fixture(scope="session")
def infinite():
    """One row of six had probability 0."""
    e = xent.evaluate([0, 0, 1, 1, 0, 1], [0.2, 0.6, 0.0, 0.8, 0.1, 0.9])
    losses = -np.log([0.8, 0.4, 1.0, 0.8, 0.9, 0.9])
    losses[2] = math.inf
    pairs = (Confusion("1", "0", 1, math.inf, NAN), Confusion("0", "1", 1, 0.916, NAN))
    audit = dataclasses.replace(e.audit, zero_probability_rows=1)
    return dataclasses.replace(e, loss_histogram=histogram(losses), confusions=pairs, audit=audit)


@pytest.fixture(scope="session")
def separated():
    return xent.evaluate([0, 0, 1, 1], [0.2, 0.3, 0.7, 0.8], unit="bits")


@pytest.fixture(scope="session")
def one_class():
    return xent.evaluate([1, 1, 1, 1], [0.2, 0.3, 0.7, 0.8], unit="bans")
