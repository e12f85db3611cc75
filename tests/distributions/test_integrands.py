"""What stands under each integral, place by place, against its definition; and what is averaged over draws."""

import math

import mpmath
import numpy as np
import pytest

from xent.distributions._integrands import INTEGRANDS, KL_DIVERGENCE
from xent.measures._namespace import namespace

LOGS = [-800.0, -40.0, -1.0, -0.7, -0.7 - 1e-9, 0.0, 1.0, 5.0, -math.inf]


def exact(measure, lp, lq):
    """The term by its definition at 60 digits."""
    with mpmath.workdps(60):
        p, q = mpmath.exp(mpmath.mpf(lp)), mpmath.exp(mpmath.mpf(lq))
        x = mpmath.mpf(lp) - mpmath.mpf(lq) if p and q else mpmath.mpf(0)
        if measure == "entropy":
            return -p * mpmath.mpf(lp) if p else mpmath.mpf(0)
        if measure == "cross_entropy":
            return (mpmath.inf if not q else -p * mpmath.mpf(lq)) if p else mpmath.mpf(0)
        if measure == "kl_divergence":
            return (mpmath.inf if not q else p * x - p + q) if p else q
        m = (p + q) / 2
        parts = [a * mpmath.log(a / m) for a in (p, q) if a]
        return sum(parts, mpmath.mpf(0)) / 2


@pytest.mark.parametrize("measure", ["entropy", "cross_entropy", "kl_divergence", "js_divergence"])
def test_terms_are_right_to_the_last_digits(measure):
    lp, lq = (a.reshape(-1) for a in np.meshgrid(LOGS, LOGS))
    with np.errstate(all="ignore"):
        found = INTEGRANDS[measure].term(namespace(lp), lp, lq)
    for value, a, b in zip(found, lp, lq, strict=True):
        truth = exact(measure, a, b)
        if mpmath.isinf(truth):
            assert value == math.inf
            continue
        size = max([1.0, *(abs(c) for c in (a, b) if math.isfinite(c))])
        # exp of a large negative number is right to its rounding times that number
        assert abs(value - truth) <= 1e-15 * abs(truth) * size + 1e-320
        if measure.endswith("divergence"):
            assert value >= 0.0


def test_near_equal_densities_do_not_cancel():
    lp = np.array([-0.5])
    for d in (1e-3, 1e-8, 1e-15):
        lq = lp + d
        term = KL_DIVERGENCE.term(namespace(lp), lp, lq)[0]
        truth = float(exact("kl_divergence", lp[0], lq[0]))
        assert abs(term - truth) <= 1e-15 * truth


@pytest.mark.parametrize("measure", ["entropy", "cross_entropy", "kl_divergence", "js_divergence"])
def test_no_gradient_of_a_density_of_0_is_nan(measure):
    torch = pytest.importorskip("torch")
    pairs = [(-math.inf, -math.inf), (-math.inf, -1.0), (-1.0, -2.0), (-800.0, -1.0), (-1.0, -1.0)]
    lp, lq = (torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in zip(*pairs, strict=True))
    value = INTEGRANDS[measure].term(namespace(lp), lp, lq)
    gradients = torch.autograd.grad(value.sum(), (lp, lq), allow_unused=True)
    assert all(torch.isfinite(g).all() for g in gradients if g is not None)


def test_gradients_are_those_of_the_terms():
    torch = pytest.importorskip("torch")
    lp, lq = (torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in ([-1.0, 0.3, -4.0], [-1.1, -2.0, 0.1]))
    for measure in ("entropy", "cross_entropy", "kl_divergence", "js_divergence"):
        term = INTEGRANDS[measure].term
        assert torch.autograd.gradcheck(lambda a, b, term=term: term(namespace(a), a, b), (lp, lq))


def test_what_is_averaged_over_draws_has_the_measure_as_its_mean():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.6, 0.3])
    lp, lq = np.log(p), np.log(q)
    xp = namespace(lp)
    m = (p + q) / 2
    truths = {
        "entropy": -np.sum(p * lp),
        "cross_entropy": -np.sum(p * lq),
        "kl_divergence": np.sum(p * (lp - lq)),
        "js_divergence": np.sum(p * np.log(p / m) + q * np.log(q / m)) / 2,
    }
    for measure, truth in truths.items():
        assert abs(np.sum(p * INTEGRANDS[measure].drawn(xp, lp, lq)) - truth) < 1e-15
    assert INTEGRANDS["js_divergence"].drawn(xp, np.array([0.0]), np.array([-math.inf]))[0] == 0.5 * math.log(2)


def test_a_distance_of_0_has_a_gradient_of_0():
    torch = pytest.importorskip("torch")
    value = torch.tensor([0.0, 0.25], dtype=torch.float64, requires_grad=True)
    root = INTEGRANDS["js_distance"].finish(namespace(value), value)
    root.sum().backward()
    assert root.tolist() == [0.0, 0.5]
    assert value.grad.tolist() == [0.0, 1.0]
