"""A row for a row, and joint tables."""

import numpy as np
import oracle
import pytest
from mpmath import mp, mpf
from oracle import ulp

from xent import _native


def test_surprisal_of_logits_and_counts():
    rng = np.random.default_rng(1)
    for K in (1, 2, 8, 33, 600):
        z, n = rng.standard_normal((3, K)) * 5, rng.integers(0, 50, (3, K)) + (np.arange(K) == 0)
        z[0, K // 2 + 1 :] = -np.inf
        for form, a in (("logits", z), ("counts", n)):
            got, bad = _native.rowwise("surprisal", form, a, -1, tol=0.0)
            assert bad == -1
            for i in range(3):
                p = oracle.probabilities(form, a[i])
                for k in range(0, K, max(1, K // 20)):
                    assert ulp(got[i, k], -mp.log(p[k]) if p[k] else oracle.INF) <= 1, (form, K, i, k)


@pytest.mark.parametrize("axis", [-1, -2])
def test_normalize_rounds_correctly(axis):
    a = np.random.default_rng(2).random((7, 40)) * 1e-5
    got, bad = _native.rowwise("normalize", "probs", a, axis, tol=0.0)
    assert bad == -1
    for row, out in zip(np.moveaxis(a, axis, -1), np.moveaxis(got, axis, -1), strict=True):
        total = mp.fsum(mpf(float(v)) for v in row)
        assert all(ulp(g, mpf(float(v)) / total) <= 0.5 + 1e-9 for v, g in zip(row, out, strict=True))
    assert np.array_equal(
        _native.rowwise("normalize", "counts", np.array([1, 2, 5], np.uint8), -1)[0], [0.125, 0.25, 0.625]
    )


def test_normalize_refuses():
    rows = np.array([[1.0, 2], [0, 0], [-1, 2], [np.nan, 1], [np.inf, 1]])
    for i, row in enumerate(rows):
        got, bad = _native.rowwise("normalize", "probs", row, -1, tol=0.0)
        assert bad == (-1 if i == 0 else 0)
        assert np.isnan(got).all() == (i > 0)


NAMES = (("joint_entropy", None), ("conditional_entropy", 0), ("conditional_entropy", 1), ("mutual_information", None))


@pytest.mark.parametrize(("name", "given"), NAMES)
def test_joint(name, given):
    rng = np.random.default_rng(3)
    key = name if given is None else f"given {given}"
    for shape in ((1, 1), (2, 3), (9, 8), (2, 530), (30, 5)):
        tables = rng.integers(0, 1000, (2, *shape)) + 1
        tables[0, :, -1] = 0 if shape[1] > 1 else 1
        p = tables / tables.sum((1, 2), keepdims=True)
        for kind, a, tol in (("counts", tables, 0.0), ("probs", p, 1e-6)):
            got, bad = _native.joint(name, kind, a, given=given, tol=tol)
            assert bad == -1
            for g, table in zip(got, a, strict=True):
                assert ulp(g, oracle.joint(key, table)) <= 1, (shape, kind)


def test_mutual_information_hard_cases():
    assert _native.joint("mutual_information", "counts", np.array([[10**10, 0], [0, 10**10]]))[0] == np.log(2)
    assert _native.joint("mutual_information", "counts", np.outer([1, 2, 3], [4, 5]))[0] < 1e-30
    r, c = np.random.default_rng(4).random(6), np.random.default_rng(5).random(9)
    near = np.outer(r / r.sum(), c / c.sum()) * (1 + np.random.default_rng(6).standard_normal((6, 9)) * 1e-6)
    assert ulp(_native.joint("mutual_information", "probs", near)[0], oracle.joint("mutual_information", near)) <= 1


def test_joint_checks():
    p = np.full((3, 2, 2), 0.25)
    p[1, 0, 0] = 0.5
    assert _native.joint("joint_entropy", "probs", p, tol=1e-6)[1] == 1
    p[0, 0, 0] = -1
    out, bad = _native.joint("mutual_information", "probs", p, tol=1e-6)
    assert bad == 0
    assert np.isnan(out[0])
