"""Exact sums of products against fractions, over the whole range of doubles."""

from fractions import Fraction
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xent.evaluation._exact import ONE
from xent.evaluation._products import column_product_totals, product_totals
from xent.evaluation._weighing import Weighing

finite = st.floats(allow_nan=False, allow_infinity=False)
number = st.one_of(finite, st.sampled_from([0.0, 1.0, 5e-324, 1.7e308, 2.0**-200, 2.0**200, 1e-250]))


@settings(max_examples=200, deadline=None)
@given(degree=st.integers(1, 4), data=st.data())
def test_product_totals_are_exact(degree, data):
    rows = data.draw(st.lists(st.tuples(*[number] * degree, st.integers(0, 2)), max_size=12))
    factors = [np.array([row[i] for row in rows], dtype=float) for i in range(degree)]
    group = np.array([row[-1] for row in rows], dtype=np.int64)
    truth = [sum((prod(map(Fraction, row[:-1])) for row in rows if row[-1] == g), Fraction(0)) for g in range(3)]
    assert [Fraction(t, ONE**degree) for t in product_totals(factors, group, 3)] == truth
    assert Fraction(product_totals(factors, None, 1)[0], ONE**degree) == sum(truth)


def test_columns():
    rng = np.random.default_rng(0)
    x, w = rng.random((300, 4)) * 10.0 ** rng.integers(-300, 0, (300, 4)), rng.exponential(size=300)
    truth = [sum(Fraction(a) * Fraction(b) for a, b in zip(x[:, k], w, strict=True)) for k in range(4)]
    assert [Fraction(t, ONE**2) for t in column_product_totals(x, w)] == truth


@pytest.mark.parametrize("scale", [1.0, 2.0**-1000, 2.0**1000])
def test_weights_count_as_they_were_given(scale):
    weight, values = np.array([1.0, 1.5, 1.25]), np.array([0.1, 7.0, 1e-9])
    weighing = Weighing(3, weight, scale)
    for power in (1, 2):
        truth = sum((Fraction(w) * Fraction(scale)) ** power * Fraction(v) for w, v in zip(weight, values, strict=True))
        assert Fraction(weighing.total([values], power), ONE ** (power + 1)) == truth


def test_equal_weights_are_a_factor():
    values, group = np.array([0.1, 7.0, 1e-9]), np.array([0, 1, 0])
    equal, given_one_by_one = Weighing(3, None, 0.3), Weighing(3, np.full(3, 0.3), 1.0)
    for power in (1, 2):
        for factors in ([], [values], [values, values]):
            assert equal.totals(factors, power, group, 2) == given_one_by_one.totals(factors, power, group, 2)
    assert equal.columns(values[:, None]) == given_one_by_one.columns(values[:, None])
