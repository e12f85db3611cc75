"""Estimators of the entropy of counts: by hand, by enumeration, by simulation, in batches, and what they refuse."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest

import xent
from xent.estimators import Estimate, _bootstrap, _coverage, _intervals, entropy
from xent.estimators._histograms import histograms
from xent.estimators._methods import ENTROPY

EXAMPLE = [4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1]  # the example of the R package `entropy` (Hausser and Strimmer 2009)
METHODS = list(ENTROPY)


def value(counts, method, **options):
    return entropy(xent.Counts(counts), method=method, interval=None, **options).value


def shares(counts):
    return [mp.mpf(c) / sum(counts) for c in counts if c]


def plug_in(p):
    return -sum(x * mp.log(x) for x in p if x)


def by_definition(counts, method, k):
    """Each estimator as its paper writes it."""
    n, seen, once = sum(counts), [c for c in counts if c], counts.count(1)
    if method == "plug-in":
        return plug_in(shares(counts))
    if method == "miller-madow":
        return plug_in(shares(counts)) + mp.mpf(len(seen) - 1) / (2 * n)
    if method == "grassberger":
        half = mp.mpf(1) / 2
        g = [mp.psi(0, c) + half * (-1) ** c * (mp.psi(0, (c + 1) * half) - mp.psi(0, c * half)) for c in seen]
        return mp.log(n) - sum(c * x for c, x in zip(seen, g, strict=True)) / n
    if method == "chao-shen":
        cover = 1 - mp.mpf(once if once < n else n - 1) / n
        return -sum(cover * p * mp.log(cover * p) / (1 - (1 - cover * p) ** n) for p in shares(counts))
    if method == "chao-wang-jost":
        return chao_wang_jost(seen, n, once, counts.count(2))
    if method == "shrinkage":
        p = [mp.mpf(c) / n for c in counts] + [mp.mpf(0)] * (k - len(counts))
        far = sum((mp.mpf(1) / k - x) ** 2 for x in p)
        weight = min(1, (1 - sum(x * x for x in p)) / ((n - 1) * far)) if n > 1 and far else 1
        return plug_in([weight / k + (1 - weight) * x for x in p])
    alpha = [c + mp.mpf(1) / 2 for c in counts] + [mp.mpf(1) / 2] * (k - len(counts))
    return mp.psi(0, sum(alpha) + 1) - sum(a * mp.psi(0, a + 1) for a in alpha) / sum(alpha)


def chao_wang_jost(seen, n, once, twice):
    first = sum(mp.mpf(c) / n * mp.fsum(mp.mpf(1) / k for k in range(c, n)) for c in seen if c < n)
    if twice:
        a = mp.mpf(2 * twice) / ((n - 1) * once + 2 * twice)
    else:
        a = mp.mpf(2) / ((n - 1) * (once - 1) + 2) if once else mp.mpf(1)
    if once == 0 or a == 1:
        return first
    rest = -mp.log(a) - mp.fsum((1 - a) ** r / r for r in range(1, n))
    return first + mp.mpf(once) / n * (1 - a) ** (1 - n) * rest


HISTOGRAMS = [
    EXAMPLE,
    [1],
    [1, 1],
    [1, 1, 1, 1, 1, 0],
    [5, 0],
    [2, 2, 2],
    [1, 2],
    [300, 40, 12, 2, 2, 1, 1, 1, 0],
    [900, 1],
    [250, 2, 2, 2, 2, 2, 2, 2, 1],
    [1] * 60 + [2],
]


@pytest.mark.parametrize("method", [m for m in METHODS if m != "nsb"])
def test_agree_with_their_papers(method):
    with mp.workdps(60):
        for counts in HISTOGRAMS:
            expected = float(by_definition(counts, method, len(counts)))
            assert value(counts, method) == pytest.approx(expected, rel=1e-13, abs=1e-15), counts


@pytest.mark.parametrize("method", ["shrinkage", "dirichlet"])
def test_more_outcomes_than_the_axis_has(method):
    with mp.workdps(40):
        expected = float(by_definition(EXAMPLE, method, 50))
    assert value(EXAMPLE, method, outcomes=50) == pytest.approx(expected, rel=1e-13)
    assert value(EXAMPLE + [0] * 39, method) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("a", [0.5, 1.0, 1 / 11, math.sqrt(19) / 11])
def test_pseudocounts_of_the_r_package_are_counts(a):
    """entropy.Dirichlet(y, a) of R is the plug-in of y + a: no method of its own is needed."""
    p = (np.array(EXAMPLE) + a) / (19 + 11 * a)
    assert value(np.array(EXAMPLE) + a, "plug-in") == pytest.approx(-sum(x * math.log(x) for x in p), rel=1e-14)


def test_the_unseen_part_of_chao_wang_jost():
    """The sum it stands for, also where its closed form cancels or overflows: small A, large n, large nA."""
    a = np.array([0.5, 2 / 3, 0.3, 0.05, 1e-3, 1e-9, 1e-15, 1e-3, 0.1, 1e-12])
    n = np.array([3.0, 2.0, 7.0, 40.0, 60.0, 1e6, 1e9, 1e6, 1e4, 1e15])
    with mp.workdps(40):
        # the sum is (1-A) Phi(1-A, 1, n) = (1-A)/n 2F1(1, n; n+1; 1-A), here by the integral of its Laplace transform
        def term(a, n):
            return mp.quad(lambda v: mp.exp(-v) / (a / (1 - a) - mp.expm1(-v / n)), [0, a * n, 1, 10, 100, 200]) / n

        expected = [float(term(mp.mpf(float(x)), mp.mpf(float(y)))) for x, y in zip(a, n, strict=True)]
    np.testing.assert_allclose(_coverage._unseen(a, n), expected, rtol=3e-14)


def test_the_plug_in_is_the_measure():
    counts = np.random.default_rng(3).integers(0, 9, (5, 7)) + 1
    np.testing.assert_array_equal(value(counts, "plug-in"), xent.entropy(xent.Counts(counts)))


def expectation(method, p, n):
    """Over all data sets of n observations, each with its probability."""
    total = 0.0
    for counts in itertools.product(range(n + 1), repeat=len(p)):
        if sum(counts) == n:
            ways = math.factorial(n) / math.prod(math.factorial(c) for c in counts)
            total += ways * math.prod(x**c for x, c in zip(p, counts, strict=True)) * value(counts, method)
    return total


def test_expectation_by_enumeration():
    """Against the binomial sums for one outcome at a time, and how much of the bias each correction leaves.

    Grassberger's is derived for a number of observations that is random: with log N in the place of psi(N) a bias of
    about 1/(2N) stays for a fixed one.
    """
    p, n = (0.5, 0.3, 0.2), 8
    truth = -sum(x * math.log(x) for x in p)
    mean = {m: expectation(m, p, n) for m in ("plug-in", "miller-madow", "grassberger", "chao-wang-jost")}
    shares = [(c / n, math.comb(n, c) * x**c * (1 - x) ** (n - c)) for x in p for c in range(1, n + 1)]
    by_outcome = -sum(weight * s * math.log(s) for s, weight in shares)
    assert mean["plug-in"] == pytest.approx(by_outcome, rel=1e-12)
    seen = sum(1 - (1 - x) ** n for x in p)
    assert mean["miller-madow"] == pytest.approx(by_outcome + (seen - 1) / (2 * n), rel=1e-12)
    off = [abs(m - truth) for m in mean.values()]
    assert off[0] > 0.1
    assert off[1] < 0.3 * off[0]
    assert off[2] == pytest.approx(1 / (2 * n), rel=0.02)
    assert off[3] < 0.5 * off[1]


def test_jackknife_is_that_of_every_observation():
    counts = np.array(EXAMPLE)
    left = []
    for k, c in [(k, c) for k, c in enumerate(EXAMPLE) if c]:
        fewer = counts.copy()
        fewer[k] -= 1
        left += [value(fewer, "chao-wang-jost")] * c
    expected = math.sqrt(18 / 19 * np.sum((np.array(left) - np.mean(left)) ** 2))
    assert entropy(xent.Counts(EXAMPLE)).standard_error == pytest.approx(expected, rel=1e-12)


def test_the_short_way_to_the_jackknife():
    """What is known of each estimate that leaves one out is the estimate, but for a constant: with every case of f1, f2
    and counts of 3, which are pairs when one is left out."""
    rng = np.random.default_rng(0)
    dense = np.vstack([rng.poisson(mean, (40, 9)) for mean in (0.3, 1, 3)] + [np.eye(9)[:2] * 2, np.eye(9)[:2] * 3 + 1])
    h = histograms(dense[dense.sum(axis=1) > 1].astype(float))
    short = _coverage.chao_wang_jost_left_out(h)
    direct = _intervals.left_out(_coverage.chao_wang_jost, h)
    off = np.where(h.multiplicity > 0, direct - short, np.nan)
    np.testing.assert_allclose(np.nanmax(off, axis=1), np.nanmin(off, axis=1), atol=1e-14)


def test_the_jackknife_of_many_distinct_counts():
    """20,000 of them: each in turn from the start would be 4e8 terms. All were seen often: it is near the plug-in's."""
    counts = xent.Counts(np.arange(1, 20_001))
    errors = [entropy(counts, method=method).standard_error for method in ("chao-wang-jost", "plug-in")]
    assert errors[0] == pytest.approx(errors[1], rel=1e-4)


@pytest.mark.parametrize("method", ["chao-wang-jost", "chao-shen", "shrinkage"])
@pytest.mark.parametrize("n", [3e12, 3e14, 3e15, 3e18, 3e24])
def test_the_jackknife_of_huge_counts_is_no_rounding(method, n):
    found = entropy(xent.Counts([2 * n / 3, n / 3]), method=method)
    assert found.standard_error == pytest.approx(math.log(2) * math.sqrt(2 / 9 / n), rel=0.01)


def test_posterior_of_a_dirichlet_prior_by_drawing():
    found = entropy(xent.Counts(EXAMPLE), method="dirichlet", prior="laplace", confidence=0.9)
    p = np.random.default_rng(0).dirichlet(np.array(EXAMPLE) + 1.0, size=200_000)
    drawn = -(p * np.log(p)).sum(axis=1)
    assert found.value == pytest.approx(drawn.mean(), abs=4 * drawn.std() / math.sqrt(len(drawn)))
    assert found.standard_error == pytest.approx(drawn.std(), rel=0.01)
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.05, 0.95]), abs=0.005)


@pytest.mark.parametrize("prior", ["jeffreys", "laplace", "perks", "minimax"])
def test_priors_by_name(prior):
    a = {"jeffreys": 0.5, "laplace": 1.0, "perks": 1 / 11, "minimax": math.sqrt(19) / 11}[prior]
    assert value(EXAMPLE, "dirichlet", prior=prior) == value(EXAMPLE, "dirichlet", prior=a)


@pytest.mark.parametrize("confidence", [1e-300, 1e-17, np.float32(0.5), 1 - 2.0**-53])
@pytest.mark.parametrize("method", METHODS)
def test_confidence_at_its_ends(method, confidence):
    """No warning, no NaN; an error of 0 and an infinite one stay what they are, a finite one has finite ends."""
    sure = entropy(xent.Counts([5, 0]), method=method, confidence=confidence)
    assert 0 <= sure.low <= sure.high < math.inf
    unknown = entropy(xent.Counts([1, 1, 1]), method=method, confidence=confidence)
    assert 0 <= unknown.low <= unknown.high
    assert (unknown.high == math.inf) == (unknown.standard_error == math.inf)
    some = entropy(xent.Counts(EXAMPLE), method=method, confidence=confidence)
    assert 0 <= some.low <= some.high < 10
    if confidence > 0.9:  # 8.29 standard errors
        assert some.high >= min(some.value + 8 * some.standard_error, 0.99 * math.log(11))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("interval", ["analytic", "bootstrap"])
def test_batches_are_loops(method, interval):
    counts = np.random.default_rng(1).multinomial(40, [0.4, 0.3, 0.1, 0.1, 0.05, 0.05], size=(2, 3))
    whole = entropy(xent.Counts(np.moveaxis(counts, -1, 0)), axis=0, method=method, interval=interval)
    assert whole.value.shape == whole.low.shape == whole.n.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        one = entropy(xent.Counts(counts[i, j]), method=method, interval=interval)
        for name in ("value", "standard_error", "low", "high"):
            assert getattr(one, name) == pytest.approx(getattr(whole, name)[i, j], rel=1e-11, abs=1e-15)


@pytest.mark.parametrize(("method", "least"), [("miller-madow", 0.9), ("chao-wang-jost", 0.9), ("nsb", 0.9)])
def test_intervals_cover(method, least):
    p = np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.05])
    counts = np.random.default_rng(2).multinomial(150, p, size=400)
    found, truth = entropy(xent.Counts(counts), method=method), float(xent.entropy(p))
    assert least <= np.mean((found.low <= truth) & (truth <= found.high)) <= 0.99


def test_bootstrap_and_jackknife_agree():
    counts = np.random.default_rng(4).multinomial(500, np.full(40, 1 / 40))
    both = [entropy(xent.Counts(counts), interval=i).standard_error for i in ("analytic", "bootstrap")]
    assert both[1] == pytest.approx(both[0], rel=0.35)


def test_the_seed_is_all_there_is_to_chance():
    first, again, other = (entropy(xent.Counts(EXAMPLE), interval="bootstrap", seed=s).low for s in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("method", METHODS)
def test_huge_counts(method):
    p = [0.5, 0.3, 0.2]
    found = entropy(xent.Counts([int(1e15 * x) for x in p]), method=method)
    assert found.value == pytest.approx(-sum(x * math.log(x) for x in p), rel=1e-13)
    assert 1e-9 < found.standard_error < 3e-8


@pytest.mark.parametrize("method", METHODS)
def test_nearly_one_outcome_keeps_its_digits(method):
    """n log n of one outcome and log N agree to 14 digits here; their difference is the answer."""
    found = value([10**15, 10], method)
    assert 2.9e-13 < found < 4.2e-13


@pytest.mark.parametrize("method", METHODS)
def test_many_outcomes(method):
    """A million outcomes, and as many observations of a few of them: the cost goes with the distinct counts."""
    counts = np.zeros(1_000_000)
    counts[::1000] = np.random.default_rng(5).poisson(30, size=1000)
    found = entropy(xent.Counts(counts), method=method)
    assert math.isfinite(found.value)
    if method not in ("dirichlet", "shrinkage"):  # which believe in the outcomes that were not seen
        assert 6.8 < found.value < 7.0


@pytest.mark.parametrize("method", METHODS)
def test_one_possible_outcome_is_certain(method):
    expected = math.log(7) - (2 * (1 + 1 / 3 + 1 / 5) - np.euler_gamma - math.log(2)) if method == "grassberger" else 0
    assert value([7], method) == pytest.approx(expected, rel=1e-14)


def test_one_observation():
    for method in ("chao-shen", "chao-wang-jost", "shrinkage"):
        assert entropy(xent.Counts([1, 0]), method=method).standard_error == math.inf
    assert value([1, 0, 0], "shrinkage") == pytest.approx(math.log(3), rel=1e-15)
    for method in ("plug-in", "miller-madow"):
        found = entropy(xent.Counts([1, 0]), method=method)
        assert (found.value, found.low, found.high) == (0, 0, 0)


def test_without_a_repeat_the_error_is_infinite():
    for method in ("chao-shen", "chao-wang-jost"):
        found = entropy(xent.Counts([1, 1, 1, 1]), method=method)
        assert (found.standard_error, found.low, found.high) == (math.inf, 0, math.inf)
        assert math.isfinite(found.value)


def test_units_scale_everything():
    nats, bits = (entropy(xent.Counts(EXAMPLE), unit=u) for u in ("nats", "bits"))
    for name in ("value", "standard_error", "low", "high"):
        assert getattr(bits, name) == pytest.approx(getattr(nats, name) / math.log(2), rel=1e-15)


def test_weights():
    with pytest.raises(xent.DistributionError, match="may be rescaled"):
        value([1e-300, 1], "plug-in")
    half = np.array(EXAMPLE) / 2
    assert value(half, "plug-in") == pytest.approx(value(EXAMPLE, "plug-in"), rel=1e-15)
    for method in ("chao-wang-jost", "chao-shen", "grassberger"):
        with pytest.raises(
            xent.DistributionError, match="`data` holds 1.5, no whole number; .* pass `method='plug-in'`"
        ):
            value(half, method)
    with pytest.raises(xent.DistributionError, match="this interval of 'plug-in' needs"):
        entropy(xent.Counts(half), method="plug-in", interval="bootstrap")
    with pytest.raises(xent.DistributionError, match="this interval of 'shrinkage' needs.*pass `interval=None`"):
        entropy(xent.Counts(half), method="shrinkage")


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([1, -1], r"`data` is -1.0 at \[1\]"),
        ([[1, 2], [3, math.nan]], r"`data` is nan at \[1, 1\]"),
        ([1, math.inf], "a count is a finite number"),
        ([0, 0], "counts nothing: all are 0"),
        ([[1, 0], [0, 0]], "counts nothing in row 1"),
        ([1e300, 1e300], "`data` holds 1e\\+300; estimates are for"),
    ],
)
def test_refuses_what_are_no_counts(counts, message):
    with pytest.raises(xent.DistributionError, match=message):
        entropy(xent.Counts(counts))


@pytest.mark.parametrize("method", METHODS)
def test_no_histogram_at_all(method):
    for interval in ("analytic", "bootstrap"):
        found = entropy(xent.Counts(np.zeros((0, 3))), method=method, interval=interval)
        assert found.value.shape == found.standard_error.shape == found.low.shape == (0,)


@pytest.mark.parametrize("method", METHODS)
def test_extremes_without_a_warning(method):
    """The largest counts that are taken, with the most outcomes; the smallest weights with the smallest prior."""
    found = entropy(xent.Counts([1e49, 1e49, 1.0]), method=method)
    assert found.value == pytest.approx(math.log(2), rel=1e-12)
    for k in (3.0, 1e30, 1e50):
        if ENTROPY[method].possible:
            assert 0 < entropy(xent.Counts([1, 2]), method=method, outcomes=k).value <= math.log(k)
            assert 0 < value([1e-50, 1e-49], method, outcomes=k) <= math.log(k) * (1 + 1e-15)


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint64", "bool"])
def test_any_numbers(dtype):
    counts = np.array([3, 1, 0, 1, 1]).astype(dtype)
    counts.flags.writeable = False
    assert entropy(xent.Counts(counts)).value == entropy(xent.Counts(counts.tolist())).value


def test_half_precision_of_torch():
    torch = pytest.importorskip("torch")
    for dtype in (torch.bfloat16, torch.float16):
        assert value(torch.tensor([3, 1, 1], dtype=dtype), "nsb") == value([3, 1, 1], "nsb")


def test_the_bootstrap_says_how_much_it_can_draw():
    for method in ("plug-in", "chao-wang-jost"):
        with pytest.raises(xent.DistributionError, match=r"here 2e\+19; it can draw up to 9\.22e\+18\. `interval='ana"):
            entropy(xent.Counts([1e19, 1e19]), method=method, interval="bootstrap")


def test_the_bootstrap_of_many_outcomes_is_drawn_in_parts(monkeypatch):
    monkeypatch.setattr(_bootstrap, "_CELLS", 100)
    counts = np.arange(1.0, 31.0)
    for draw in (_bootstrap.resamples, _bootstrap.assemblages):
        parts = list(draw(counts, 0))
        assert len(parts) > 100
        assert sum(map(len, parts)) == _bootstrap.RESAMPLES
        assert all((part.sum(axis=1) == counts.sum()).all() for part in parts)


def test_refuses_shapes():
    with pytest.raises(xent.ShapeError, match="axis"):
        entropy(xent.Counts(3))
    with pytest.raises(xent.ShapeError, match="no outcome"):
        entropy(xent.Counts(np.zeros((2, 0))))
    with pytest.raises(xent.ShapeError, match="`axis` is 2"):
        entropy(xent.Counts(EXAMPLE), axis=2)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "chaoshen"}, ValueError, "Did you mean 'chao-shen'"),
        ({"method": "nsb", "outcomes": 3}, ValueError, "8 different ones were seen"),
        ({"method": "nsb", "outcomes": 20.5}, ValueError, "whole number"),
        ({"method": "nsb", "outcomes": math.inf}, ValueError, "whole number"),
        ({"method": "nsb", "outcomes": "20"}, TypeError, "one number"),
        ({"outcomes": 20}, ValueError, "'chao-wang-jost' does not depend"),
        ({"prior": 1.0}, ValueError, "`prior` is for 'dirichlet'"),
        ({"method": "nsb", "outcomes": 10**400}, ValueError, "too large"),
        ({"method": "dirichlet", "prior": -1.0}, ValueError, "a number from"),
        ({"method": "dirichlet", "prior": 1e300}, ValueError, "a number from"),
        ({"method": "dirichlet", "prior": "flat"}, ValueError, "'jeffreys', 'laplace'"),
        ({"interval": "jackknife"}, ValueError, "`interval` is 'jackknife'"),
        ({"confidence": 95}, ValueError, "`confidence` is 95"),
        ({"method": "nsb", "outcomes": math.nan}, ValueError, "`outcomes` is nan; it is a whole number"),
        ({"seed": -1}, ValueError, "`seed` is -1; it is an integer, at least 0"),
        ({"seed": 1.5}, ValueError, "`seed` is 1.5"),
        ({"seed": None}, ValueError, "`seed` is None"),
        ({"k": 3}, TypeError, "`k` is for `xent.Samples`"),
        ({"unit": "bit"}, ValueError, "Did you mean 'bits'"),
    ],
)
def test_refuses_options(options, error, message):
    with pytest.raises(error, match=message):
        entropy(xent.Counts(EXAMPLE), **options)


@pytest.mark.parametrize("data", [[1, 2], np.array([0.5, 0.5]), xent.Probs([0.5, 0.5]), "counts", None])
def test_asks_what_the_data_are(data):
    with pytest.raises(xent.DistributionError, match=r"xent\.Counts.*xent\.Samples"):
        entropy(data)


def test_the_estimate_reads_well():
    found = entropy(xent.Counts(EXAMPLE), method="miller-madow")
    assert isinstance(found, Estimate)
    assert repr(found) == (
        "Estimate(value=2.15259, standard_error=0.141979, low=1.87432, high=2.43087, method='miller-madow', n=19)"
    )
    assert repr(entropy(xent.Counts([EXAMPLE] * 2), method="plug-in", interval=None)) == (
        "Estimate(value=[1.968382, 1.968382], standard_error=None, low=None, high=None, method='plug-in', n=[19., 19.])"
    )


def test_the_estimate_of_one_data_set_is_a_number():
    found = entropy(xent.Counts(EXAMPLE))
    assert float(found) == found.value
    assert f"{float(found):.3f}" == "2.197"
    for batch in ([EXAMPLE], [EXAMPLE] * 2):
        with pytest.raises(TypeError, match=r"a batch of shape \(\d,\), no single number; see `.value`"):
            float(entropy(xent.Counts(batch)))
