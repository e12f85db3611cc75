"""Gradients of quadrature where a parameter moves an end of a support: those of finite differences, or refused."""

import pytest
from scipy import stats

import xent
from xent import DistributionError

torch = pytest.importorskip("torch")
D = torch.distributions


def scalar(value):
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


def uniform(low, high):
    return D.Uniform(low, high, validate_args=False)


def moved(d, loc, scale):
    return D.TransformedDistribution(d, [D.AffineTransform(loc, scale)])


def exponential(rate=1.0):
    return D.Exponential(torch.tensor(rate, dtype=torch.float64))


def normal(loc=0.0, scale=2.0):
    return D.Normal(torch.as_tensor(loc, dtype=torch.float64), scale)


def differences(measure, made, at, h=2e-5):
    """Central differences of each parameter."""

    def value(i, step):
        moved_by = [torch.tensor(x + step * (i == j), dtype=torch.float64) for j, x in enumerate(at)]
        return float(measure(*made(*moved_by)))

    return [(value(i, h) - value(i, -h)) / (2 * h) for i in range(len(at))]


PAIRS = {
    "uniform": (lambda a, b: (uniform(a, b), normal()), (0.2, 1.3)),
    "q around p": (lambda a, b, c, d: (uniform(a, b), uniform(c, d)), (0.2, 1.3, -0.1, 1.5)),
    "pareto": (lambda *v: tuple(D.Pareto(*v[i : i + 2], validate_args=False) for i in (0, 2)), (2.0, 3.0, 1.0, 1.0)),
    "shifted exponential": (lambda a, s: (moved(exponential(), a, s), normal()), (0.3, 1.2)),
    "reflected exponential": (lambda a, s: (moved(exponential(), a, s), normal()), (0.3, -1.2)),
    "shared end": (lambda a: (moved(exponential(), a, 1.2), moved(exponential(0.7), a, 1.0)), (0.3,)),
    "beta": (lambda a, s, k: (moved(D.Beta(k, 3.0), a, s), normal()), (0.3, 1.2, 2.5)),
    "steep beta": (lambda a, s, k: (moved(D.Beta(k, 0.7), a, s), normal()), (0.3, 1.2, 0.5)),
}


CASES = [
    *((name, "kl_divergence") for name in PAIRS),
    *((name, "js_divergence") for name in ("uniform", "q around p", "shifted exponential")),
    *((name, "cross_entropy") for name in ("uniform", "pareto", "reflected exponential", "shared end", "beta")),
]


@pytest.mark.parametrize(("name", "measure"), CASES)
def test_gradients_are_those_of_finite_differences(name, measure):
    made, at = PAIRS[name]

    def value(*pair):
        return getattr(xent, measure)(*pair, method="quadrature")

    leaves = [scalar(x) for x in at]
    found = value(*made(*leaves))
    got = torch.autograd.grad(found, leaves)
    assert [float(g) for g in got] == pytest.approx(differences(value, made, at), rel=1e-6, abs=1e-8)
    assert found.item() == float(value(*made(*(x.detach() for x in leaves))))  # bit for bit


def test_the_ends_of_q_inside_the_support_of_p_move_its_js_divergence():
    def value(p, q):
        return xent.js_divergence(p, q, method="quadrature")

    for made, at in (
        (lambda a, b, c, d: (uniform(a, b), uniform(c, d)), (0.2, 1.3, 0.5, 1.6)),
        (lambda m, a: (normal(m), moved(exponential(), a, 1.2)), (0.1, 0.3)),
    ):
        leaves = [scalar(x) for x in at]
        got = torch.autograd.grad(value(*made(*leaves)), leaves)
        assert [float(g) for g in got] == pytest.approx(differences(value, made, at), rel=1e-6)


def test_exact_gradients_of_entropies_and_of_a_batch():
    low, high = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in ([0.0, 1.0], [1.0, 3.0]))
    found = xent.cross_entropy(uniform(low, high), normal(0.0, 1.0), method="quadrature")  # (a² + ab + b²)/6 + ...
    by_low, by_high = torch.autograd.grad(found.sum(), (low, high))
    assert by_low.tolist() == pytest.approx([1 / 6, 5 / 6], rel=1e-12)
    assert by_high.tolist() == pytest.approx([1 / 3, 7 / 6], rel=1e-12)
    entropy = xent.entropy(uniform(low, high), method="quadrature")
    assert torch.autograd.grad(entropy.sum(), low)[0].tolist() == pytest.approx([-1, -0.5], rel=1e-12)


def test_where_ends_are_one_number_and_may_part_the_divergence_grows_by_what_q_has_there():
    a, b = scalar(0.3), scalar(0.3)
    p, q = moved(exponential(), a, 1.0), moved(exponential(0.7), b, 1.0)
    by_a, by_b = torch.autograd.grad(xent.kl_divergence(p, q, method="quadrature"), (a, b))
    assert [float(by_a), float(by_b)] == pytest.approx([0.7, -0.7], rel=1e-9)  # KL = ... + 0.7 (a - b), b <= a


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        (lambda a: (D.Uniform(a, 2.0), stats.norm()), "derivative of `q` by the place"),
        (
            lambda a: (moved(D.Gamma(scalar(0.5).detach(), 1.0), a, torch.tensor(1.0).double()), normal()),
            "not bounded there",
        ),
        (
            lambda a: (
                D.MixtureSameFamily(
                    D.Categorical(torch.tensor([0.5, 0.5])),
                    uniform(torch.stack([a, a + 0.5]), torch.tensor([2.0, 3.0])),
                ),
                normal(),
            ),
            "`p` is a mixture",
        ),
    ],
)
def test_what_cannot_be_had_is_refused_when_it_is_asked_for(pair, says):
    a = scalar(0.0)
    value = xent.cross_entropy(*pair(a), method="quadrature")
    assert value.item() == float(xent.cross_entropy(*pair(a.detach()), method="quadrature"))
    with pytest.raises(DistributionError, match=says):
        value.backward()
