"""Ends of the range: joint tables of logs, underflowed weights, overflowing sums, unchecked values."""

import numpy as np
import oracle
import pytest
from mpmath import mp, mpf
from oracle import ulp

import xent
from xent import Counts, Logits, LogProbs

LEAST = np.finfo(np.float64).min
JOINT = np.array([[0.4, 0.1], [0.2, 0.3]])
NAMES = (("joint_entropy", None), ("conditional_entropy", 0), ("conditional_entropy", 1), ("mutual_information", None))


def joint(name, given, form):
    options = {} if given is None else {"given": given}
    return getattr(xent, name)(form, **options)


@pytest.mark.parametrize(("name", "given"), NAMES)
def test_joint_tables_of_logs(name, given):
    key = name if given is None else f"given {given}"
    rng = np.random.default_rng(1)
    for shape in ((1, 1), (2, 3), (9, 8), (2, 530)):
        z = rng.standard_normal(shape) * 5 + 30
        z[0, 1:2] = -np.inf
        top = z.max()
        exact = np.array([[mp.exp(mpf(float(v)) - mpf(float(top))) if v > LEAST else mpf(0) for v in row] for row in z])
        want = joint_of(key, exact)
        assert ulp(joint(name, given, Logits(z)), want) <= 1, shape
        normalised = z - top - np.log(np.exp(z - top).sum())
        assert joint(name, given, LogProbs(normalised)) == pytest.approx(float(want), rel=1e-12, abs=1e-15)


def joint_of(key, p):
    total = mp.fsum(p.ravel())
    p = p / total
    rows, columns = [mp.fsum(r) for r in p], [mp.fsum(c) for c in p.T]
    values = {
        "joint_entropy": lambda v, r, c: -mp.log(v),
        "given 0": lambda v, r, c: mp.log(r / v),
        "given 1": lambda v, r, c: mp.log(c / v),
        "mutual_information": lambda v, r, c: mp.log(v / (r * c)),
    }
    cells = [(v, rows[i], columns[j]) for (i, j), v in np.ndenumerate(p) if v > 0]
    return mp.fsum(v * values[key](v, r, c) for v, r, c in cells)


def test_joint_known_values():
    for form in (Logits(np.log(JOINT)), Logits(np.log(JOINT) + 700), LogProbs(np.log(JOINT)), JOINT, Counts(JOINT)):
        assert xent.mutual_information(form) == pytest.approx(0.0863046217355343, rel=1e-14)
    assert xent.mutual_information(Logits(np.zeros((2, 2)))) == 0
    assert xent.joint_entropy(Logits([[0.0]])) == 0
    for away in (LEAST, -np.inf, -1e300):
        table = Logits([[away, 0.0], [0.0, away]])
        assert [joint(n, g, table) for n, g in NAMES] == [np.log(2), 0, 0, np.log(2)]
    for scale in (1e307, 5e-324, 2e-310):
        table = Counts(np.array([[4, 1], [1, 4]]) * scale)
        assert xent.mutual_information(table) == pytest.approx(0.19274475702175742, rel=1e-13)
        assert xent.joint_entropy(table) == pytest.approx(1.1935496040981333, rel=1e-13)
    far = np.array([[1.0, 0], [0, 1e-300]])
    want = joint_of("mutual_information", np.array([[mpf(float(v)) for v in row] for row in far]))
    assert ulp(xent.mutual_information(Counts(far)), want) <= 2


@pytest.mark.parametrize("fault", [[[np.nan, 0], [0, 0]], [[np.inf, 0], [0, 0]], [[-np.inf] * 2] * 2])
def test_joint_tables_of_logs_are_checked(fault):
    for form in (Logits, LogProbs):
        with pytest.raises(ValueError, match="joint"):
            xent.joint_entropy(form(fault))


def test_an_underflowed_weight_is_not_an_impossible_one():
    for truth in (Logits([0.0, -800.0]), LogProbs([0.0, -800.0]), Logits([0.0, LEAST])):
        assert xent.cross_entropy(truth, [1.0, 0.0]) == np.inf
        assert xent.cross_entropy(truth, Logits([0.0, -np.inf])) == np.inf
        assert xent.cross_entropy(truth, Counts([3, 0])) == np.inf
    assert xent.cross_entropy(Logits([0.0, -np.inf]), [1.0, 0.0]) == 0
    assert xent.binary_cross_entropy(Logits(800.0), 1.0) == np.inf
    assert xent.binary_cross_entropy(Logits(-800.0), 0.0) == np.inf
    assert xent.binary_cross_entropy(LogProbs(-800.0), 0.0) == np.inf
    assert xent.binary_cross_entropy(LogProbs(-800.0), Logits(-np.inf)) == np.inf
    assert xent.binary_cross_entropy(Logits(np.inf), 1.0) == 0
    assert xent.binary_cross_entropy(LogProbs(-np.inf), LogProbs(-np.inf)) == 0


def test_binary_ends():
    assert ulp(xent.binary_kl_divergence(1.0, 0.5), mp.log(2)) <= 1
    assert ulp(xent.binary_kl_divergence(0.0, 0.5), mp.log(2)) <= 1
    for x in (-2.6e-309, -5e-324):
        p = oracle.two("logprobs", x)
        assert ulp(xent.binary_entropy(LogProbs(x)), oracle.entropy(p)) <= 1
        want = oracle.cross_entropy(oracle.two("probs", 0.4), p)
        assert ulp(xent.binary_cross_entropy(0.4, LogProbs(x)), want) <= 1


@pytest.mark.parametrize("x", [-41.0, -147.11776269543066, -300.0])
@pytest.mark.parametrize("change", [0.0, 1e-13, -1e-6, 0.3])
def test_log_odds_against_nearly_the_same_log_probability(x, change):
    log_p = x * (1 + change / 100)
    p, q = oracle.two("logits", x), oracle.two("logprobs", log_p)
    for a, b, u, v in ((Logits(x), LogProbs(log_p), p, q), (LogProbs(log_p), Logits(x), q, p)):
        want = mp.fsum(s * mp.log(s / t) for s, t in zip(u, v, strict=True))
        assert ulp(xent.binary_kl_divergence(a, b), want) <= 1


@pytest.mark.parametrize("scale", [1e308, 5e-324, 1e-310, 2.0**1023])
def test_counts_at_the_ends_of_the_range(scale):
    half, pair = Counts([scale, scale]), np.array([0.5, 0.5])
    assert xent.entropy(half) == np.log(2)
    assert np.array_equal(xent.normalize([scale, scale]), pair)
    assert np.array_equal(xent.surprisal(half), [np.log(2)] * 2)
    for many in (1, 40):
        a, b = np.tile([scale, 0], many), np.tile([scale, scale], many)
        assert xent.cross_entropy(Counts(a), Counts(b)) == pytest.approx(np.log(2 * many), rel=1e-15)
        assert xent.kl_divergence(Counts(a), Counts(b)) == pytest.approx(np.log(2), rel=1e-15)
        assert xent.kl_divergence(Counts(b), Counts(a)) == np.inf
    assert xent.kl_divergence(pair, half) == xent.js_divergence(half, pair) == 0
    assert xent.cross_entropy(xent.Labels(0), half) == np.log(2)
    rows = np.array([[1.0, 3.0], [scale, scale], [2.0, 2.0]])
    assert np.array_equal(xent.entropy(Counts(rows)), [xent.entropy(Counts([1, 3])), np.log(2), np.log(2)])


def test_counts_too_far_apart_are_not_impossible():
    assert np.isfinite(xent.cross_entropy([0.5, 0.25, 0.25], Counts([1e308, 1e308, 5e-324])))
    with pytest.raises(ValueError, match="row 1"):
        xent.entropy(Counts([[1e308, 1e308], [np.inf, 1.0]]))


def test_logits_whose_difference_overflows():
    a = 1.7e308
    near, far = Logits([-a, a]), Logits([a, -a])
    assert xent.kl_divergence(near, far) == xent.cross_entropy(near, far) == np.inf
    assert xent.kl_divergence(near, near) == xent.cross_entropy(near, near) == 0
    assert xent.kl_divergence(Logits([a, a]), Logits([-a, -a])) == 0
    assert xent.cross_entropy([0.5, 0.5], near) == pytest.approx(a, rel=1e-15)
    assert xent.cross_entropy([1e-300, 1.0], near) == pytest.approx(3.4e8, rel=1e-15)
    assert xent.cross_entropy([0.3, 0.3, 0.4], Logits([a, -a, 0.0])) == pytest.approx(a, rel=1e-15)
    assert xent.kl_divergence(Logits([-8e307, 8e307]), Logits([8e307, -8e307])) == pytest.approx(1.6e308, rel=1e-15)
    assert xent.cross_entropy(Logits([0.0, -700.0]), far) == pytest.approx(np.exp(-700) * a * 2, rel=1e-13)
    for z in (1e300, a):
        for forms in ((near, Logits([z, -z])), ([0.5, 0.5], Logits([z, -z])), (Counts([1, 2]), Logits([z, -z]))):
            assert not np.isnan(xent.cross_entropy(*forms))
            assert not np.isnan(xent.kl_divergence(*forms))


def test_unchecked_is_computed_as_given():
    assert xent.binary_cross_entropy(1.5, 0.5, check=False) == pytest.approx(np.log(2), rel=1e-15)
    assert xent.binary_cross_entropy(1.5, 0.25, check=False) == pytest.approx(1.5 * np.log(4) + 0.5 * np.log(0.75))
    assert np.isnan(xent.binary_cross_entropy(2, 0.25, check=False))  # an outcome that is neither 0 nor 1
    assert xent.cross_entropy([-0.5, 1.5], [0.5, 0.5], check=False) == pytest.approx(np.log(2), rel=1e-15)
    with pytest.raises(ValueError, match="y"):
        xent.binary_cross_entropy(1.5, 0.5)
    with pytest.raises(ValueError, match="p"):
        xent.cross_entropy([-0.5, 1.5], [0.5, 0.5])


@pytest.mark.parametrize("p", [0.0, -0.0, 5e-324, 1e-300, 2.0**-47, 0.5, 1.0])
@pytest.mark.parametrize("q", [5e-324, 1e-300, 2.0**-47, 0.4, 0.75, 1.0])
def test_divergence_of_any_two_exponents(p, q):
    for K in (1, 40):
        got = xent.kl_divergence([p] * K, [q] * K, check=False)
        want = K * oracle.kl([mpf(p)], [mpf(q)])
        assert abs(mpf(float(got)) - want) <= abs(want) * mpf(2) ** -52 + mpf(2) ** -1070
    assert xent.kl_divergence([p, 0.0], [q, -0.0], check=False) == xent.kl_divergence([p], [q], check=False)
    assert (xent.kl_divergence([p], [0.0], check=False) == np.inf) == (p > 0)
