"""Slope, intercept and AUC of a table against statsmodels, scikit-learn and counting."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.metrics import roc_auc_score

import xent
from xent.evaluation._rows import read_rows
from xent.evaluation._table import Table, binary_table
from xent.evaluation._table_fit import affine_of, auc_of


def table_of(y, q, weight=None):
    return binary_table(read_rows(y, q, None, weight, None), 0)


@pytest.mark.parametrize("weighted", [False, True])
def test_slope_and_intercept_are_those_of_statsmodels(binary, weighted):
    y, x, _ = binary(500)
    x = x.round(1)
    w = np.random.default_rng(0).integers(1, 5, 500) if weighted else None
    model = sm.GLM(y, sm.add_constant(x), family=sm.families.Binomial(), freq_weights=w).fit(tol=1e-12)
    slope, intercept = affine_of(table_of(y, xent.Logits(x), w))
    assert (intercept, slope) == pytest.approx(tuple(model.params), rel=1e-9)


def test_slope_and_intercept_of_spector_are_those_of_logit():
    data = sm.datasets.spector.load()
    x = data.exog["GPA"].to_numpy() - 3
    model = sm.Logit(data.endog, sm.add_constant(x)).fit(disp=0, tol=1e-12)
    y = data.endog.to_numpy().astype(int)
    assert affine_of(table_of(y, xent.Logits(x)))[::-1] == pytest.approx(tuple(model.params), rel=1e-9)


def test_no_best_slope():
    for y, q in (
        ([0, 1], [0.2, 0.8]),
        ([1, 0], [0.2, 0.8]),
        ([1, 1], [0.2, 0.8]),
        ([1, 0, 1], [0.0, 0.5, 0.5]),
        ([0, 1], [0.0, 1.0]),
    ):
        assert all(math.isnan(v) for v in affine_of(table_of(y, q)))
    slope, intercept = affine_of(table_of([1, 0, 0], [0.5, 0.5, 0.5]))
    assert (slope, intercept) == (1.0, pytest.approx(math.log(0.5)))


def test_sure_forecasts_that_came_true_stay_out(binary):
    y, _, q = binary(200)
    assert affine_of(table_of([0, 1, *y], [0.0, 1.0, *q])) == affine_of(table_of(y, q))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("digits", [1, 12])
def test_auc_is_that_of_scikit_learn(binary, weighted, digits):
    y, _, q = binary(700)
    w = np.random.default_rng(0).exponential(size=700) if weighted else None
    truth = roc_auc_score(y, q.round(digits), sample_weight=w)
    assert auc_of(table_of(y, q.round(digits), w)) == pytest.approx(truth, rel=1e-13)


def test_auc_of_large_masses_is_exact():
    mass = np.array([[2**40, 2**41 + 1, 3], [2**39 + 5, 1, 2**42]])
    no, yes = mass.tolist()
    wins = sum(yes[i] * (2 * sum(no[:i]) + no[i]) for i in range(3))
    nothing = np.zeros((2, 3))
    table = Table(np.array([0.1, 0.5, 0.9]), nothing, mass, np.ones(3, dtype=np.int64), 1)
    assert auc_of(table) == wins / (2 * sum(no) * sum(yes))
    assert math.isnan(auc_of(table_of([1, 1], [0.1, 0.2])))
