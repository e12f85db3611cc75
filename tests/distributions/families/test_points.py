"""Multivariate normal distributions and products against mpmath."""

import mpmath
import numpy as np
import pytest
import scipy.stats

import xent
import xent.measures._namespace as ns
from xent.distributions._view import Family
from xent.distributions.families import FORMULAS, PAIRS
from xent.testing import ulp_error

XP = ns.namespace(np.zeros(1))
F = FORMULAS["multivariate_normal"]


def member(loc, covariance, keep=True):
    tril = np.linalg.cholesky(covariance)
    return {"loc": loc, "scale_tril": tril} | ({"covariance": covariance} if keep else {})


def truth(m, s, n, u):
    with mpmath.workdps(60):
        s, u, shift = mpmath.matrix(s.tolist()), mpmath.matrix(u.tolist()), mpmath.matrix((m - n).tolist())
        inverse = u**-1
        trace = mpmath.fsum((inverse * s)[i, i] for i in range(len(shift)))
        return (trace - len(shift) - mpmath.log(mpmath.det(s) / mpmath.det(u)) + (shift.T * inverse * shift)[0]) / 2


@pytest.mark.parametrize("size", [1e-12, 1e-8, 1e-4, 0.1, 0.4, 1.0, 30.0])
def test_divergences_from_nearly_equal_to_far(size):
    generator = np.random.default_rng(7)
    for d in (1, 2, 4):
        root = generator.normal(size=(d, d))
        u = root @ root.T + np.eye(d)
        u = 0.5 * (u + u.T)
        s = u + size * np.diag(generator.random(d))
        zero = np.zeros(d)
        found = F.kl(XP, member(zero, s), member(zero, u))
        assert ulp_error(float(found), truth(zero, s, zero, u), "float64") <= 64


def test_without_the_covariance_the_triangles_are_compared():
    generator = np.random.default_rng(8)
    root = generator.normal(size=(3, 3))
    s, m = root @ root.T + np.eye(3), generator.normal(size=3)
    u = s * 1.01
    found = F.kl(XP, member(m, s, keep=False), member(m + 0.1, u, keep=False))
    assert float(found) == pytest.approx(float(truth(m, s, m + 0.1, u)), rel=1e-11)


def test_entropy_cross_entropy_and_the_alpha_family():
    s, u = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.0, -0.25], [-0.25, 3.0]])
    p, q = member(np.array([0.0, 1.0]), s), member(np.array([1.0, -1.0]), u)
    entropy, kl = F.entropy(XP, p), F.kl(XP, p, q)
    assert float(entropy) == pytest.approx(0.5 * np.log(np.linalg.det(2 * np.pi * np.e * s)), rel=1e-15)
    assert float(F.cross_entropy(XP, p, q)) == pytest.approx(float(entropy + kl), rel=1e-14)
    assert F.renyi(XP, p, q, 1.0) == kl
    assert F.renyi(XP, p, q, 0.0) == F.kl(XP, q, p)
    assert float(F.renyi(XP, p, q, 1 - 1e-13)) == pytest.approx(float(kl), rel=1e-12)
    # Gil, Alajaji and Linder (2013), Information Sciences 249, table 2
    alpha, shift = 0.3, np.array([-1.0, 2.0])
    mean = alpha * u + (1 - alpha) * s
    det = np.linalg.det
    gap = 0.5 * np.log(det(mean) / (det(s) ** (1 - alpha) * det(u) ** alpha)) / (alpha * (1 - alpha))
    direct = gap + 0.5 * shift @ np.linalg.solve(mean, shift)
    assert float(F.renyi(XP, p, q, alpha)) == pytest.approx(direct, rel=1e-14)
    assert F.renyi(XP, p, q, 3.0) == np.inf


def test_batches_broadcast():
    triangles = np.broadcast_to(np.eye(2), (3, 1, 2, 2))
    p = {"loc": np.zeros(2), "scale_tril": triangles}
    q = {"loc": np.ones((4, 2)), "scale_tril": np.eye(2)}
    assert F.kl(XP, p, q).shape == F.cross_entropy(XP, p, q).shape == F.renyi(XP, p, q, 0.5).shape == (3, 4)
    assert F.kl(XP, p, q) == pytest.approx(np.ones((3, 4)))
    assert F.entropy(XP, p).shape == (3, 1)


def product(loc, scale):
    part = Family("normal", {"loc": np.asarray(loc, dtype=np.float64), "scale": np.asarray(scale, dtype=np.float64)})
    return {"parts": (part,), "axes": 1}


def test_products_are_sums():
    p, q = product([[0.0, 1.0], [2.0, 3.0]], [[1.0, 2.0]] * 2), product([0.0, 0.0], [1.0, 1.0])
    f, g = FORMULAS["product"], FORMULAS["normal"]
    mine, theirs = p["parts"][0].parameters, q["parts"][0].parameters
    assert f.entropy(XP, p).tolist() == g.entropy(XP, mine).sum(-1).tolist()
    assert f.kl(XP, p, q).tolist() == g.kl(XP, mine, theirs).sum(-1).tolist()
    assert f.cross_entropy(XP, p, q).tolist() == g.cross_entropy(XP, mine, theirs).sum(-1).tolist()
    assert f.renyi(XP, p, q, 0.3).tolist() == g.renyi(XP, mine, theirs, 0.3).sum(-1).tolist()


def test_products_of_two_families_and_those_without_a_formula():
    p = {
        "parts": (
            Family("uniform", {k: np.asarray(v) for k, v in (("low", [0.0]), ("high", [1.0]), ("width", [1.0]))}),
        ),
        "axes": 1,
    }
    q = product([0.0], [1.0])
    one = PAIRS["uniform", "normal"](XP, p["parts"][0].parameters, q["parts"][0].parameters)
    assert FORMULAS["product"].kl(XP, p, q) == one.sum(-1)
    assert FORMULAS["product"].kl(XP, q, p) is None
    assert FORMULAS["product"].cross_entropy(XP, p, q) == FORMULAS["product"].entropy(XP, p) + one.sum(-1)
    assert FORMULAS["product"].kl(XP, p, q | {"axes": 2}) is None


def test_independent_coordinates_against_joint_ones():
    p = product([[0.0, 1.0], [2.0, 3.0]], [[1.0, 2.0]] * 2)
    joint = {"loc": np.zeros(2), "scale_tril": np.array([[1.0, 0.0], [0.5, 1.0]])}
    same = {"loc": p["parts"][0].parameters["loc"], "scale_tril": np.diag([1.0, 2.0])}
    assert PAIRS["product", "multivariate_normal"](XP, p, joint) == pytest.approx(F.kl(XP, same, joint))
    assert PAIRS["multivariate_normal", "product"](XP, joint, p) == pytest.approx(F.kl(XP, joint, same))
    assert PAIRS["product", "multivariate_normal"](XP, p | {"axes": 2}, joint) is None


@pytest.mark.parametrize("spread", [1e-4, 1e-9])
def test_bounds_hold_for_matrices_that_are_nearly_singular(spread):
    turn = np.array([[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]]) @ np.array(
        [[1.0, 0.0, 0.0], [0.0, 0.28, 0.96], [0.0, -0.96, 0.28]]
    )
    p, q = ((turn * scale) @ turn.T for scale in ([1.0, 0.1, spread], [spread, 0.3, 1.0]))
    p, q, mean = (p + p.T) / 2, (q + q.T) / 2, np.array([0.3, -0.2, 0.5])
    laws = scipy.stats.multivariate_normal(np.zeros(3), p), scipy.stats.multivariate_normal(mean, q)
    with mpmath.workdps(60):
        a, b, m = (mpmath.matrix(x.tolist()) for x in (p, q, mean))
        solved = b**-1 * a
        kl = sum(solved[i, i] for i in range(3)) - 3 + (m.T * b**-1 * m)[0] + mpmath.log(mpmath.det(b) / mpmath.det(a))
        entropy = 3 * mpmath.log(2 * mpmath.pi * mpmath.e) + mpmath.log(mpmath.det(a))
        for found, truth in (
            (xent.kl_divergence(*laws, details=True), kl / 2),
            (xent.entropy(laws[0], details=True), entropy / 2),
            (xent.cross_entropy(*laws, details=True), (kl + entropy) / 2),
        ):
            assert abs(float(found.value) - truth) <= found.error_bound < 1e-3 * abs(truth)
