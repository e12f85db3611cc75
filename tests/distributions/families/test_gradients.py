"""Derivatives of the closed forms, by torch's checks against differences."""

import pytest

torch = pytest.importorskip("torch")

import xent.measures._namespace as ns  # noqa: E402  # after the check that torch is there
from xent.distributions.families import FORMULAS, PAIRS  # noqa: E402


def t(*values):
    return torch.tensor(values, dtype=torch.float64)


ZERO = t(0.0, 0.0)
TRIANGLES = t([2.0, 0.0], [0.3, 1.0]), t([2.1, 0.0], [0.2, 1.1]), t([5.0, 0.0], [1.0, 0.5])
CASES = {
    "normal": ({"loc": t(0.0, 1.0), "scale": t(1.0, 2.0)}, {"loc": t(0.5, 1.0), "scale": t(1.1, 7.0)}, {}),
    "lognormal": ({"mu": t(0.0, 1.0), "sigma": t(1.0, 2.0)}, {"mu": t(0.5, 1.0), "sigma": t(1.1, 7.0)}, {"loc": ZERO}),
    "uniform": (
        {"low": t(0.0, 1.0), "high": t(1.0, 2.0), "width": t(1.0, 1.0)},
        {"low": t(-0.5, 0.5), "high": t(1.1, 7.0), "width": t(1.6, 6.5)},
        {},
    ),
    "exponential": ({"scale": t(1.0, 2.0), "loc": t(1.0, 2.0)}, {"scale": t(1.1, 7.0), "loc": t(0.5, 1.0)}, {}),
    "pareto": (
        {"alpha": t(1.0, 2.0), "scale": t(1.0, 2.0)},
        {"alpha": t(1.1, 7.0), "scale": t(0.5, 1.9)},
        {"loc": ZERO},
    ),
    "laplace": ({"loc": t(0.0, 1.0), "scale": t(1.0, 2.0)}, {"loc": t(0.5, 1.2), "scale": t(1.1, 7.0)}, {}),
    "logistic": ({"loc": t(0.0, 1.0)}, {"loc": t(0.1, 5.1)}, {"scale": ZERO + 2.0}),
    "bernoulli": ({"log_odds": t(0.0, 1.0)}, {"log_odds": t(0.5, -1.2)}, {"loc": ZERO}),
    "geometric": ({"success": t(0.2, 0.7)}, {"success": t(0.5, 0.71)}, {"loc": ZERO}),
    "binomial": ({"log_odds": t(0.0, -6.0)}, {"log_odds": t(0.5, -6.1)}, {"loc": ZERO, "n": t(2000.0, 7.0)}),
    "negative_binomial": ({"success": t(0.3, 0.7)}, {"success": t(0.5, 0.2)}, {"loc": ZERO, "n": t(700.0, 7.0)}),
    "poisson": ({"rate": t(0.3, 120.0)}, {"rate": t(0.5, 110.0)}, {"loc": ZERO}),
    "categorical": ({"log_probs": t([0.1, 0.2], [-3.0, 2.0])}, {"log_probs": t([0.7, 0.2], [3.0, 2.0])}, {"loc": ZERO}),
    "multivariate_normal": (
        {"loc": t([0.0, 1.0], [0.0, 1.0]), "scale_tril": TRIANGLES[0]},
        {"loc": t(0.1, 1.1), "scale_tril": torch.stack(TRIANGLES[1:])},
        {},
    ),
}


MEASURES = ("entropy", "kl", "cross_entropy", "renyi")
KNOWN = [(name, measure) for name in CASES for measure in MEASURES if getattr(FORMULAS[name], measure) is not None]


@pytest.mark.parametrize(("name", "measure"), KNOWN)
def test_derivatives(name, measure):
    formula = getattr(FORMULAS[name], measure)
    mine, theirs, fixed = CASES[name]
    members = (mine,) if measure == "entropy" else (mine, theirs)
    arrays = [a.clone().requires_grad_() for m in members for a in m.values()]
    xp = ns.namespace(arrays[0])
    extra = (0.7,) if measure == "renyi" else ()

    def function(*given):
        values = iter(given)
        return formula(xp, *({key: next(values) for key in m} | fixed for m in members), *extra)

    assert torch.autograd.gradcheck(function, arrays)
    if (name, measure) != ("multivariate_normal", "renyi"):
        assert torch.autograd.gradgradcheck(function, arrays, fast_mode=True)


def test_the_least_is_reached_with_no_slope():
    loc, scale = t(1.0).requires_grad_(), t(2.0).requires_grad_()
    p = {"loc": loc, "scale": scale}
    xp = ns.namespace(loc)
    value = FORMULAS["normal"].kl(xp, p, {"loc": loc.detach(), "scale": scale.detach()})
    assert [g.item() for g in torch.autograd.grad(value.sum(), (loc, scale))] == [0.0, 0.0]
    tril = torch.eye(2, dtype=torch.float64).requires_grad_()
    q = {"loc": ZERO, "scale_tril": tril.detach()}
    (slope,) = torch.autograd.grad(FORMULAS["multivariate_normal"].kl(xp, {"loc": ZERO, "scale_tril": tril}, q), tril)
    assert slope.abs().max() == 0.0


def test_slopes_of_huge_and_tiny_parameters_are_finite():
    rate = t(1e-300, 1e-8, 1e15).requires_grad_()
    xp = ns.namespace(rate)
    (slope,) = torch.autograd.grad(FORMULAS["poisson"].entropy(xp, {"rate": rate, "loc": 0.0 * rate}).sum(), rate)
    assert slope[:2].tolist() == pytest.approx([-torch.log(rate[i]).item() for i in range(2)], rel=1e-6)
    assert slope[2].item() == pytest.approx(0.5e-15, rel=1e-5)


def test_pairs_have_derivatives_too():
    p = [t(0.0).requires_grad_(), t(2.0).requires_grad_()]
    q = [t(0.5).requires_grad_(), t(3.0).requires_grad_()]
    xp = ns.namespace(p[0])
    pair = PAIRS["laplace", "normal"]
    assert torch.autograd.gradcheck(
        lambda a, b, c, d: pair(xp, {"loc": a, "scale": b}, {"loc": c, "scale": d}), (*p, *q)
    )
