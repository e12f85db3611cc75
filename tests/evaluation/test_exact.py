"""Exact sums against fractions and `math.fsum`, in any order, over the whole range of doubles."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xent.evaluation import _exact

finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=200, deadline=None)
@given(st.lists(finite, max_size=40))
def test_total_is_exact(values):
    assert Fraction(_exact.total(np.array(values, dtype=float)), _exact.ONE) == sum(map(Fraction, values), Fraction(0))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(finite, finite), max_size=30))
def test_dot_is_exact(pairs):
    a, b = (np.array([pair[i] for pair in pairs], dtype=float) for i in (0, 1))
    assert _exact.dot(a, b) == sum((Fraction(x) * Fraction(y) for x, y in pairs), Fraction(0))


@pytest.mark.parametrize("size", [1, 7, 4096, 4097, 16384, 16385, 100_000])
def test_exact_sum_is_that_of_fsum(size):
    rng = np.random.default_rng(size)
    x = rng.standard_normal(size) * 10.0 ** rng.integers(-30, 30, size)
    assert _exact.exact_sum(x) == math.fsum(x.tolist())
    assert _exact.exact_sum(x[::-1]) == _exact.exact_sum(x)


def test_group_sums_and_totals_are_those_of_each_group():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(5000) * 10.0 ** rng.integers(-20, 20, 5000)
    group = rng.integers(0, 300, 5000)
    truth = [math.fsum(x[group == g].tolist()) for g in range(301)]
    assert _exact.group_sums(x, group, 301).tolist() == truth
    assert [_exact.as_float(t) for t in _exact.group_totals(x, group, 301)] == truth


def test_column_totals_are_those_of_each_column():
    rng = np.random.default_rng(0)
    x, w = rng.random((3000, 700)) * 10.0 ** rng.integers(-300, 0, (3000, 700)), rng.random(3000)
    for weight in (None, w):
        sums = _exact.column_totals(x, weight)
        for k in (0, 1, 699):
            assert sums[k] == _exact.total(x[:, k] if weight is None else x[:, k] * w)


def test_ratio_edge_cases():
    assert math.isnan(_exact.ratio(0, 0))
    assert _exact.ratio(_exact.as_units(1e308) * 10, _exact.ONE) == math.inf
    assert _exact.ratio(-_exact.as_units(1e308) * 10, _exact.ONE) == -math.inf


@pytest.mark.parametrize("power", [-2000, -701, -1, 0, 1, 900, 1999])
def test_root_of_any_size(power):
    truth = math.ldexp(1.5 * math.sqrt(2) ** (power % 2), power // 2)
    assert _exact.root(Fraction(2) ** power * 9 / 4) == pytest.approx(truth, rel=1e-15)
    assert _exact.root(Fraction(0)) == 0.0
