"""Entropy and KL divergence from nearest neighbours: brute force, known truths, invariances, what is refused."""

import math

import numpy as np
import pytest
from scipy.special import digamma, gammaln

from xent import DistributionError, Samples, ShapeError, estimators
from xent.estimators import _neighbours


def entropy(x, **options):
    return estimators.entropy(Samples(x), **options)


def divergence(x, y, **options):
    return estimators.kl_divergence(Samples(x), Samples(y), **options)


def distances(x, y, norm):
    return np.linalg.norm(x[:, None] - y[None], ord=norm, axis=-1)


def kth(table, k):
    return np.sort(table, axis=1)[:, k]


def points(n, d, seed=0):
    return np.random.default_rng(seed).standard_t(3, size=(n, d))


@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("k", [1, 3, 20])
@pytest.mark.parametrize("norm", ["euclidean", "max"])
def test_entropy_by_brute_force(d, k, norm):
    x = points(60, d)
    radius = kth(distances(x, x, 2 if norm == "euclidean" else np.inf), k)
    ball = d / 2 * math.log(math.pi) - gammaln(d / 2 + 1) if norm == "euclidean" else d * math.log(2)
    truth = digamma(60) - digamma(k) + ball + d * np.log(radius).mean()
    assert entropy(x, k=k, norm=norm).value == pytest.approx(truth, rel=1e-13)


@pytest.mark.parametrize("d", [1, 2, 4])
@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("m", [5, 90])
def test_divergence_by_brute_force(d, k, m):
    x, y = points(50, d), points(m, d, seed=1) * 2
    own, other = kth(distances(x, x, 2), k), kth(distances(x, y, 2), k - 1)
    truth = d * np.mean(np.log(other / own)) + math.log(m / 49)
    assert divergence(x, y, k=k).value == pytest.approx(truth, rel=1e-13)
    assert divergence(x, y, k=k).n == (50, m)


def test_by_hand():
    # 0, 1, 3 with k = 1: the nearest are at 1, 1, 2.
    truth = (1 + 1 / 2) + math.log(2) + math.log(2) / 3  # psi(3) - psi(1) = 3/2
    assert entropy([3.0, 0.0, 1.0], k=1).value == pytest.approx(truth, rel=1e-15)
    # Of p = {0, 4} from q = {1, 6, 7}: the nearest in q at 1 and 2, in p at 4 and 4.
    assert divergence([0.0, 4.0], [6.0, 1.0, 7.0], k=1).value == pytest.approx(math.log(3 * math.sqrt(2) / 4))


def test_searches_by_brute_force():
    """Also where distances are tied with the bound that was searched for, which rounds."""
    rng = np.random.default_rng(3)
    x = np.sort(np.round(rng.normal(size=300), 2) + 0.1)
    table = np.abs(x[:, None] - x)
    for radius in (kth(table, 3), rng.choice(table.ravel(), 300), np.full(300, 0.01)):
        for closed in (False, True):
            within = (table <= radius[:, None] if closed else table < radius[:, None]).sum(axis=1)
            counts = _neighbours.count_between(x, x, radius, closed=closed)
            positive = radius > 0
            assert (counts[positive] == within[positive]).all()


@pytest.mark.parametrize("closed", [False, True])
def test_counts_where_differences_are_rounded(closed):
    """Numbers near 0 that are all the same from 1e8, and long runs of ties."""
    rng = np.random.default_rng(4)
    x = np.sort(np.r_[rng.normal(size=200) * 1e-10, np.repeat([0.1, 0.2, 0.3], 100), 1e8 + rng.normal(size=9)])
    table = np.abs(x[:, None] - x)
    for radius in (kth(table, 150), kth(table, 450), rng.choice(table[table > 0], len(x))):
        within = (table <= radius[:, None] if closed else table < radius[:, None]).sum(axis=1)
        assert (_neighbours.count_between(x, x, radius, closed=closed)[radius > 0] == within[radius > 0]).all()


def test_neighbours_of_duplicates_are_others():
    x = np.repeat(points(8, 2), 6, axis=0)
    ordered, others = _neighbours.nearest_others(x, 4)
    assert others.shape == (48, 4)
    assert (others != np.arange(48)[:, None]).all()
    assert (ordered[others] == ordered[:, None]).all()


# (what is sampled, its entropy); the spread of the estimate is its own standard error, tested below.
NORMAL = 0.5 * math.log(2 * math.pi * math.e)
KNOWN = {
    "normal": (lambda rng, n: rng.normal(size=n), NORMAL),
    "uniform": (lambda rng, n: rng.uniform(0, 5, n), math.log(5)),
    "exponential": (lambda rng, n: rng.exponential(2.0, n), 1 + math.log(2)),
    "normal, two": (
        lambda rng, n: rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], n),
        2 * NORMAL + math.log(0.8),
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_entropies_that_are_known(name):
    draw, truth = KNOWN[name]
    found = entropy(draw(np.random.default_rng(0), 20_000))
    assert found.standard_error < 0.012
    assert abs(found.value - truth) < 3.5 * found.standard_error  # 1 in 2000 by chance


@pytest.mark.parametrize("name", KNOWN)
def test_the_standard_error_is_the_spread(name):
    draw, _ = KNOWN[name]
    rng = np.random.default_rng(1)
    found = [entropy(draw(rng, 400)) for _ in range(250)]
    spread = np.std([f.value for f in found], ddof=1)
    said = math.sqrt(np.mean([f.standard_error**2 for f in found]))
    assert said == pytest.approx(spread, rel=0.15)  # 3.3 times 1/sqrt(2 * 250), the error of a standard deviation


def test_divergence_that_is_known():
    rng = np.random.default_rng(0)
    for shift, truth in ((0.0, 0.0), (1.0, 0.5)):
        found = divergence(rng.normal(size=20_000), rng.normal(shift, 1, 20_000))
        assert found.standard_error < 0.02
        assert (found.method, found.n) == ("nearest-neighbour", (20_000, 20_000))
        assert abs(found.value - truth) < 4.8 * found.standard_error  # of nine degrees of freedom: 1 in 1000


def test_the_interval_of_a_divergence_covers():
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(100):
        found = divergence(rng.normal(size=1000), rng.normal(0, 2, 1000))
        inside += found.low <= math.log(2) - 3 / 8 <= found.high
    assert 88 <= inside <= 100  # 95 expected, 3.2 standard deviations


@pytest.mark.parametrize("d", [1, 2])
def test_place_order_and_scale(d):
    x = np.random.default_rng(5).integers(0, 2**40, (80, d)) * 2.0**-20
    y = np.random.default_rng(6).integers(0, 2**40, (70, d)) * 2.0**-20
    value, other = entropy(x).value, divergence(x, y).value
    assert entropy(x + 2.0**20).value == pytest.approx(value, rel=1e-14)
    assert entropy(x[::-1]).value == pytest.approx(value, rel=1e-14)
    for scale in (2.0**-1000, 2.0**-30, 3.0, 2.0**980):
        assert entropy(x * scale).value == pytest.approx(value + d * math.log(scale), rel=1e-12)
        assert divergence(x * scale, y * scale).value == pytest.approx(other, rel=1e-12)
    if d == 2:
        turn = np.array([[0.6, -0.8], [0.8, 0.6]])
        assert entropy(x @ turn).value == pytest.approx(value, rel=1e-9)


def test_a_large_offset_loses_nothing_but_digits_of_the_data():
    x = np.random.default_rng(0).integers(0, 2**20, 200) * 2.0**-26  # exact beside 1e8
    assert entropy(1e8 + x).value == entropy(x).value


def test_the_widest_range_of_floats():
    x = points(50, 2) / 100
    for scale in (2.0**1023, 2.0**-1030):
        found = entropy(x * scale).value
        assert found == pytest.approx(entropy(x).value + 2 * math.log(2) * math.log2(scale), rel=1e-6)


def test_of_floats_of_any_width_and_library():
    x = points(50, 2).astype(np.float32)
    assert entropy(x).value == entropy(x.astype(float)).value
    assert entropy(x.tolist()).value == entropy(x).value
    torch = pytest.importorskip("torch")
    assert entropy(torch.tensor(x, requires_grad=True)).value == entropy(x).value
    half = torch.tensor(x[:, :1], dtype=torch.bfloat16)
    assert entropy(half, k=9).value == entropy(half.double(), k=9).value
    for same in (np.asfortranarray(x), x.astype(">f4"), x[::-1][::-1], np.array(x, order="F")[:, ::-1][:, ::-1]):
        assert entropy(same).value == entropy(x).value
    frozen = x.copy()
    frozen.flags.writeable = False
    assert entropy(frozen).value == entropy(x).value
    assert entropy(x[:, 0].reshape(-1, 1)).value == entropy(x[:, 0]).value


def test_units_confidence_and_fields():
    x = points(500, 1)
    nats, bits = entropy(x), entropy(x, unit="bits")
    assert bits.value == pytest.approx(nats.value / math.log(2))
    assert bits.standard_error == pytest.approx(nats.standard_error / math.log(2))
    assert nats.high - nats.value == pytest.approx(1.959963984540054 * nats.standard_error)
    assert entropy(x, confidence=0.5).high < nats.high
    assert entropy(x, confidence=np.float32(0.5)).high == entropy(x, confidence=0.5).high
    assert (nats.method, nats.n) == ("kozachenko-leonenko", 500)
    none = entropy(x, interval=None)
    assert (none.value, none.standard_error, none.low, none.high) == (nats.value, None, None, None)


def test_the_same_seed_the_same_error():
    x, y = points(900, 1), points(900, 1, seed=1)
    assert divergence(x, y, seed=4).standard_error == divergence(x, y, seed=4).standard_error
    assert divergence(x, y, seed=4).standard_error != divergence(x, y, seed=5).standard_error


def test_no_interval_where_bias_outgrows_the_spread():
    found = entropy(points(500, 3))
    assert found.standard_error > 0
    assert (found.low, found.high) == (None, None)
    with pytest.raises(DistributionError, match="In so many dimensions"):
        entropy(points(500, 3), interval="analytic")
    assert divergence(points(900, 2), points(900, 2, 1)).low is None
    assert divergence(points(900, 2), points(900, 2, 1)).standard_error > 0


def test_few_samples_have_no_parts():
    assert divergence(points(100, 1), points(900, 1, 1)).standard_error is None
    with pytest.raises(DistributionError, match="100 samples are too few"):
        divergence(points(100, 1), points(900, 1, 1), interval="subsampling")
    with pytest.raises(ValueError, match="subsampling"):
        divergence(points(100, 1), points(900, 1, 1), interval="analytic")


def test_ties_are_refused_and_not_jittered():
    x = np.r_[np.arange(20.0), 7.0, 7.0, 7.0]
    with pytest.raises(DistributionError, match=r"4 of the 23 samples of `data` have their 3rd nearest.*jittered"):
        entropy(x)
    assert math.isfinite(entropy(x, k=4).value)
    with pytest.raises(DistributionError, match="1 of the 3 samples of `p` has its 1st"):
        divergence([0.0, 4.0, 5.0], [4.0, 6.0, 8.0], k=1)
    with pytest.raises(DistributionError, match="20 of the 20 samples of `p` are samples of `q` too"):
        divergence(np.arange(20.0), np.arange(20.0))
    with pytest.raises(DistributionError, match="of `p` have their 1st"):
        divergence([0.0, 0.0, 5.0], [4.0, 6.0, 8.0], k=1)
    with pytest.raises(DistributionError, match="1st nearest"):
        entropy(np.repeat(points(9, 2), 2, axis=0), k=1)


def test_constant_and_badly_scaled_columns():
    with pytest.raises(DistributionError, match=r"`data` is constant \(2\)"):
        entropy(np.full(9, 2.0))
    with pytest.raises(DistributionError, match=r"constant in column 1"):
        entropy(np.column_stack([np.arange(9.0), np.ones(9)]))
    with pytest.raises(DistributionError, match=r"`q` is constant"):
        divergence(np.arange(9.0), np.ones(9))
    with pytest.raises(DistributionError, match="Rescale"):
        entropy(points(200, 2) * [1.0, 1e6])
    assert math.isfinite(entropy(points(200, 2) * [1.0, 20.0]).value)


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_points_in_a_hyperplane(scale):
    x = points(300, 3) * scale
    line = np.column_stack([x[:, 0], 3 - 2 * x[:, 0] if scale == 1 else -2 * x[:, 0]])
    plane = np.column_stack([x[:, :2], x[:, 0] - x[:, 1] / 3, x[:, 2]])
    for bad in (line, plane, plane + 7 * scale):
        with pytest.raises(DistributionError, match=r"`data` lie in a hyperplane: column \d is"):
            entropy(bad)
    with pytest.raises(DistributionError, match="`p` lie in"):
        divergence(line, x[:, :2])
    with pytest.raises(DistributionError, match="`q` lie in"):
        divergence(x[:, :2], line)
    # One outlier, or a narrow ridge, is no plane.
    far = np.vstack([x[:, :2], [[1e10 * scale, 1e10 * scale]]])
    assert math.isfinite(entropy(far).value)
    ridge = np.column_stack([x[:, 0], x[:, 0] + 1e-5 * x[:, 1]])
    assert math.isfinite(entropy(ridge).value)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_too_few(n):
    with pytest.raises(DistributionError, match=f"`data` has {n} sample.*at least 4"):
        entropy(np.arange(float(n)))
    with pytest.raises(DistributionError, match="`q` has"):
        divergence(np.arange(5.0), np.arange(float(n)))


def test_arguments_that_are_none():
    with pytest.raises(DistributionError, match=r"1 value that is not finite; the first is nan at 2"):
        entropy([0.0, 1.0, np.nan, 3.0, 5.0])
    with pytest.raises(DistributionError, match=r"inf at \(1, 0\)"):
        entropy([[0.0, 1.0], [np.inf, 3.0], [1.0, 1.0]])
    with pytest.raises(DistributionError, match="not finite; the first is inf at 1"):
        entropy(np.array([1, "1e4000", 2, 3, 4], dtype=np.longdouble))
    with pytest.raises(DistributionError, match="int64"):
        entropy(np.arange(20))
    with pytest.raises(DistributionError, match="an object array"):
        entropy(np.array([1.0, None]))
    with pytest.raises(DistributionError, match="complex"):
        entropy(np.arange(20) * 1j)
    with pytest.raises(DistributionError, match="masked"):
        entropy(np.ma.masked_array(np.arange(20.0), np.arange(20) == 3))
    with pytest.raises(ShapeError, match="ragged"):
        entropy([[1.0], [1.0, 2.0]])
    for shape in ((), (2, 3, 4), (5, 0)):
        with pytest.raises(ShapeError, match="shape"):
            entropy(np.zeros(shape))
    with pytest.raises(ShapeError, match="1 dimensions and `q` of 2"):
        divergence(points(9, 1), points(9, 2))
    for k in (0, -1, 1.5, True, "3"):
        with pytest.raises(ValueError, match="`k`"):
            entropy(points(9, 1), k=k)
    with pytest.raises(ValueError, match=r"no bootstrap.*twice"):
        entropy(points(9, 1), interval="bootstrap")
    for options in (
        {"method": "vasiceck"},
        {"method": ""},
        {"norm": "l1"},
        {"norm": ["max"]},
        {"interval": "student"},
        {"confidence": 1},
    ):
        with pytest.raises(ValueError, match=next(iter(options))):
            entropy(points(9, 1), **options)
    with pytest.raises(ValueError, match="interval"):
        entropy(points(9, 1), interval="subsampling")
