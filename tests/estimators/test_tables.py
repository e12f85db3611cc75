"""Mutual information of contingency tables: by hand, against definitions, intervals, and what is refused."""

import math

import mpmath as mp
import numpy as np
import pytest

import xent
from xent.estimators import entropy, mutual_information
from xent.estimators._methods import ENTROPY

METHODS = list(ENTROPY)
TABLE = [[12, 3, 0], [2, 9, 4]]


def value(table, method, **options):
    return mutual_information(xent.Counts(table), method=method, interval=None, **options).value


def test_the_plug_in_is_the_measure():
    table = np.random.default_rng(0).integers(0, 9, (4, 3, 5)) + 1
    np.testing.assert_array_equal(value(table, "plug-in"), xent.mutual_information(xent.Counts(table)))


def test_miller_madow_by_hand():
    """Rows 2, columns 3, cells 5 were seen: (1 + 2 - 4)/(2 x 30)."""
    assert value(TABLE, "miller-madow") == pytest.approx(value(TABLE, "plug-in") - 1 / 60, rel=1e-14)


@pytest.mark.parametrize("method", ["plug-in", "miller-madow", "grassberger", "chao-shen", "chao-wang-jost", "nsb"])
def test_is_the_sum_of_three_entropies(method):
    table = np.array(TABLE)
    parts = [table.sum(axis=1), table.sum(axis=0), table.reshape(-1)]
    x, y, both = (entropy(xent.Counts(part), method=method, interval=None).value for part in parts)
    assert value(TABLE, method) == pytest.approx(x + y - both, rel=1e-12)


def test_shrinkage_by_hand():
    p = np.array(TABLE).reshape(-1) / 30
    weight = (1 - (p**2).sum()) / (29 * ((1 / 6 - p) ** 2).sum())
    shrunk = (weight / 6 + (1 - weight) * p).reshape(2, 3)
    assert value(TABLE, "shrinkage") == pytest.approx(float(xent.mutual_information(shrunk)), rel=1e-13)


def test_posterior_of_a_dirichlet_prior_by_drawing():
    found = mutual_information(xent.Counts(TABLE), method="dirichlet", prior=1.0)
    p = np.random.default_rng(0).dirichlet(np.array(TABLE).reshape(-1) + 1.0, size=100_000).reshape(-1, 2, 3)
    drawn = np.asarray(xent.mutual_information(p))
    assert found.value == pytest.approx(drawn.mean(), abs=4 * drawn.std() / math.sqrt(len(drawn)))
    assert found.standard_error == pytest.approx(drawn.std(), rel=0.03)
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.01)


def test_delta_method_by_hand():
    p = np.array([[0.4, 0.1], [0.1, 0.4]])
    ratio = np.log(p / 0.25)
    expected = ((p * ratio**2).sum() - (p * ratio).sum() ** 2) / 100 + 1 / (2 * 100**2)
    found = mutual_information(xent.Counts(100 * p), method="plug-in")
    assert found.standard_error == pytest.approx(math.sqrt(expected), rel=1e-13)


@pytest.mark.parametrize("method", ["chao-wang-jost", "chao-shen", "nsb"])
def test_jackknife_is_that_of_every_observation(method):
    table = np.array(TABLE)
    left = []
    for i, j in zip(*np.nonzero(table), strict=True):
        fewer = table.copy()
        fewer[i, j] -= 1
        left += [value(fewer, method)] * table[i, j]
    expected = math.sqrt(29 / 30 * np.sum((np.array(left) - np.mean(left)) ** 2))
    floor = mutual_information(xent.Counts(TABLE), method="plug-in").standard_error
    found = mutual_information(xent.Counts(TABLE), method=method).standard_error
    assert found == pytest.approx(max(expected, floor), rel=1e-10)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("interval", ["analytic", "bootstrap"])
def test_batches_are_loops(method, interval):
    size = 1 if (method, interval) == ("nsb", "bootstrap") else 3
    tables = np.random.default_rng(1).multinomial(30, [0.3, 0.1, 0.1, 0.2, 0.2, 0.1], size=size).reshape(size, 1, 2, 3)
    whole = mutual_information(xent.Counts(tables), method=method, interval=interval)
    assert whole.value.shape == (size, 1)
    for i in range(size):
        one = mutual_information(xent.Counts(tables[i, 0]), method=method, interval=interval)
        for name in ("value", "standard_error", "low", "high"):
            assert getattr(one, name) == pytest.approx(getattr(whole, name)[i, 0], rel=1e-9, abs=1e-13)


def test_intervals_cover():
    p = np.array([[0.25, 0.1, 0.05], [0.05, 0.15, 0.4]])
    truth = float(xent.mutual_information(p))
    tables = np.random.default_rng(2).multinomial(80, p.reshape(-1), size=300).reshape(-1, 2, 3)
    for method in ("nsb", "miller-madow"):
        found = mutual_information(xent.Counts(tables), method=method)
        assert 0.91 <= np.mean((found.low <= truth) & (truth <= found.high)) <= 0.98


@pytest.mark.parametrize("method", METHODS)
def test_huge_counts(method):
    table = np.array([[4, 1], [1, 4]]) * 10**14
    expected = float(xent.mutual_information(xent.Counts(table)))
    assert value(table, method) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "grassberger"])
def test_one_row_or_column_tells_nothing(method):
    for table in ([[3, 4, 5]], [[3], [4]], [[7]]):
        assert value(table, method) == pytest.approx(0, abs=1e-14)


def test_less_its_bias_it_may_fall_below_zero():
    found = mutual_information(xent.Counts([[1, 2, 3], [2, 4, 6]]), method="miller-madow")
    assert found.value == pytest.approx(-2 / 36, rel=1e-12)
    assert found.low == 0 < found.high


@pytest.mark.parametrize("method", ["nsb", "chao-shen", "chao-wang-jost"])
@pytest.mark.parametrize("n", [1e12, 1e14, 1e18])
def test_the_jackknife_of_huge_counts_is_no_rounding(method, n):
    counts = xent.Counts(n * np.array([[2, 1], [3, 7]]))
    error = mutual_information(counts, method="plug-in").standard_error
    assert mutual_information(counts, method=method).standard_error == pytest.approx(error, rel=0.02)


@pytest.mark.parametrize("method", [m for m in ENTROPY if m != "grassberger"])
def test_one_row_is_certain_however_little_was_seen(method):
    for table in ([[1]], [[1, 0]], [[3], [1]]):
        found = mutual_information(xent.Counts(table), method=method)
        assert (found.value, found.low, found.high) == (0, 0, 0)
        assert found.standard_error < 1e-15


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ([1, 2, 3], xent.ShapeError, "two axes"),
        (np.zeros((2, 0)), xent.ShapeError, "none of them empty"),
        ([[0, 0], [0, 0]], xent.DistributionError, "counts nothing"),
        ([[1, -2], [0, 0]], xent.DistributionError, r"`x` is -2.0 at \[0, 1\]"),
        ([[0.5, 1], [1, 2]], xent.DistributionError, "no whole number; this interval of 'nsb'.*`interval=None`"),
    ],
)
def test_refuses_what_is_no_table(table, error, message):
    with pytest.raises(error, match=message):
        mutual_information(xent.Counts(table))


def test_refuses_two_arguments_with_counts():
    with pytest.raises(xent.DistributionError, match="one argument"):
        mutual_information(xent.Counts(TABLE), xent.Counts(TABLE))


def test_asks_for_the_other_variable():
    with pytest.raises(xent.DistributionError, match="`y` is missing"):
        mutual_information(xent.Samples([1.0, 2.0]))
    with pytest.raises(TypeError, match="`k` is for `xent.Samples`"):
        mutual_information(xent.Counts(TABLE), k=3)


def test_no_table_at_all():
    for method in METHODS:
        assert mutual_information(xent.Counts(np.zeros((0, 2, 3))), method=method).value.shape == (0,)


def test_weights_have_a_plug_in():
    half = np.array(TABLE) / 2
    assert value(half, "plug-in") == pytest.approx(value(TABLE, "plug-in"), rel=1e-14)


def test_exact_digits_of_the_posterior_mean():
    """Hutter (2001), equation 12, at 40 digits."""
    with mp.workdps(40):
        alpha = [[mp.mpf(c) + mp.mpf(1) / 2 for c in row] for row in TABLE]
        a = sum(map(sum, alpha))
        rows, columns = [sum(r) for r in alpha], [sum(c) for c in zip(*alpha, strict=True)]
        terms = [
            x * (mp.psi(0, x + 1) - mp.psi(0, rows[i] + 1) - mp.psi(0, columns[j] + 1) + mp.psi(0, a + 1))
            for i, row in enumerate(alpha)
            for j, x in enumerate(row)
        ]
        expected = float(sum(terms) / a)
    assert value(TABLE, "dirichlet") == pytest.approx(expected, rel=1e-13)
