"""The core's exact sums against fractions and against the sums by NumPy, over the whole range of doubles."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xent import _native_evaluation as core
from xent.evaluation import _layers

FINITE = st.floats(allow_nan=False, allow_infinity=False)
HARD = st.one_of(
    FINITE,
    st.floats(-1.0, 1.0),
    st.floats(-2.3e-308, 2.3e-308),  # subnormal, mostly
    st.sampled_from(
        [5e-324, -5e-324, 2.0**-1022, 1.7976931348623157e308, -1.7976931348623157e308, 2.0**900, 0.0, -0.0]
    ),
)
SIZES = [0, 1, 24, 25, 2047, 2048, 2049, 65536, 65537, 140_001]


def whole_range(seed: int, n: int) -> np.ndarray:
    """Any finite bits: every exponent as likely as any other."""
    bits = np.random.default_rng(seed).integers(0, 2**64, n, dtype=np.uint64)
    x = bits.view(np.float64)
    return np.where(np.isfinite(x), x, 0.0)


def true_total(x: np.ndarray) -> int:
    return sum(_layers.as_units(v) for v in x.tolist())


def rounded(units: int) -> float:
    try:
        return units / _layers.ONE
    except OverflowError:
        return math.inf if units > 0 else -math.inf


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(HARD, max_size=60), max_size=4))
def test_totals_of_several_arrays(lists):
    arrays = [np.array(x, dtype=float) for x in lists]
    assert core.totals(arrays) == [true_total(x) for x in arrays] == _layers.totals(arrays)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(HARD, HARD), max_size=60))
def test_dot(pairs):
    a, b = (np.array([p[i] for p in pairs], dtype=float) for i in (0, 1))
    truth = sum((Fraction(x) * Fraction(y) for x, y in pairs), Fraction(0))
    assert Fraction(core.dot(a, b), 1 << 2148) == truth == _layers.dot(a, b)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(HARD, st.integers(0, 5)), max_size=120))
def test_groups(pairs):
    x, g = np.array([p[0] for p in pairs], dtype=float), np.array([p[1] for p in pairs], dtype=np.int64)
    truth = [true_total(x[g == k]) for k in range(7)]
    assert core.group_totals(x, g, 7) == truth == _layers.group_totals(x, g, 7)
    assert core.group_sums(x, g, 7).tolist() == [rounded(t) for t in truth] == _layers.group_sums(x, g, 7).tolist()


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5), st.lists(HARD, max_size=150), st.booleans(), st.booleans())
def test_columns(columns, values, weighted, fortran):
    rows = len(values) // columns
    x = np.array(values[: rows * columns], dtype=float).reshape(rows, columns)
    w = np.linspace(0.1, 1.0, rows) if weighted else None
    given_x = np.asfortranarray(x) if fortran else x
    truth = [true_total(x[:, k] if w is None else x[:, k] * w) for k in range(columns)]
    assert core.column_totals(given_x, w) == truth == _layers.column_totals(x, w)


@pytest.mark.parametrize("n", SIZES)
def test_every_size_and_every_exponent(n):
    x = whole_range(n, n)
    assert core.totals([x, x[: n // 2], -x]) == [true_total(x), true_total(x[: n // 2]), -true_total(x)]
    tame = np.where(np.abs(x) > 2.0**800, x * 2.0**-300, x)  # through the layers, not one by one
    assert core.totals([tame]) == [true_total(tame)]


@pytest.mark.parametrize("n", SIZES)
def test_products_of_every_size(n):
    a, b = whole_range(n, n), whole_range(n + 1, n)
    safe = np.random.default_rng(n).standard_normal((2, n)) * 10.0 ** np.arange(n).clip(max=50)
    for x, y in ((a, b), tuple(safe)):
        m, k = ([_layers.as_units(v) for v in z.tolist()] for z in (x, y))
        assert core.dot(x, y) == sum(p * q for p, q in zip(m, k, strict=True))


@pytest.mark.parametrize("groups", [1, 10, 4096, 4097, 30_000])
def test_few_and_many_groups(groups):
    x, g = whole_range(1, 20_000), np.random.default_rng(2).integers(0, groups, 20_000)
    truth = [0] * groups
    for value, k in zip(x.tolist(), g.tolist(), strict=True):
        truth[k] += _layers.as_units(value)
    assert core.group_totals(x, g, groups) == truth
    assert core.group_sums(x, g, groups).tolist() == [rounded(t) for t in truth]


def test_cancellation_leaves_the_least():
    x = np.concatenate([whole_range(3, 5000), [5e-324]])
    x = np.concatenate([x, -x[:5000]])
    assert core.totals([x]) == [1]
    assert core.group_sums(x, np.zeros(x.size, dtype=np.int64), 1).tolist() == [5e-324]


@pytest.mark.parametrize(
    "parts",
    [
        [1.0, 2.0**-53],  # a tie, to even
        [1.0, 2.0**-53, 5e-324],  # above the tie
        [1.0, 3 * 2.0**-53],
        [-1.0, -(2.0**-53), -5e-324],
        [1.7976931348623157e308, 2.0**969],  # below the border of infinity
        [1.7976931348623157e308, 2.0**970],
        [-1.7976931348623157e308, -(2.0**970)],
        [2.0**-1022, -5e-324],
    ],
)
def test_a_sum_is_rounded_once(parts):
    x = np.array(parts)
    assert core.group_sums(x, np.zeros(x.size, dtype=np.int64), 1)[0] == rounded(true_total(x))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("n", [1, 3000])
@pytest.mark.parametrize("way", [core, _layers])
def test_what_is_not_finite_has_no_sum(bad, n, way):
    x, zeros = np.linspace(0.0, 1.0, n), np.zeros(n, dtype=np.int64)
    x[n // 2] = bad
    calls = (
        lambda: way.totals([x]),
        lambda: way.dot(x, np.ones(n)),
        lambda: way.dot(np.ones(n), x),
        lambda: way.group_totals(x, zeros, 1),
        lambda: way.group_sums(x, zeros, 1),
        lambda: way.column_totals(x[:, None], None),
    )
    for call in calls:
        with pytest.raises(ValueError, match="only finite numbers"):
            call()


def test_groups_outside_are_refused():
    for g in (-1, 2):
        with pytest.raises(ValueError, match=r"0\.\.groups-1"):
            core.group_totals(np.ones(2), np.array([0, g]), 2)
        with pytest.raises(ValueError, match=r"0\.\.groups-1"):
            core.group_sums(np.ones(2), np.array([0, g]), 2)


def test_any_layout_is_read():
    x = whole_range(5, 6000)
    assert core.totals([x[::3]]) == [true_total(x[::3])]
    table = x.reshape(60, 100)
    assert core.column_totals(table[::-2, ::3], None) == [true_total(c) for c in table[::-2, ::3].T]
