"""Objects that merely have a log density: what is read off them, and that the measures come out right."""

import math

import numpy as np
import pytest

from xent import DistributionError
from xent.distributions._generic import recognise
from xent.distributions._integrands import ENTROPY, KL_DIVERGENCE
from xent.distributions._quadrature import integrate
from xent.distributions._summation import summate

LOG_ROOT = 0.5 * math.log(2 * math.pi)


class Normal:
    def __init__(self, loc, scale):
        self.loc, self.scale = loc, scale

    def logpdf(self, x):
        return -0.5 * ((x - self.loc) / self.scale) ** 2 - np.log(self.scale) - LOG_ROOT


class Exponential:
    """A function of single numbers, that fails outside its support."""

    support = (0.0, math.inf)

    def logpdf(self, x):
        if x < 0:
            raise RuntimeError("outside")
        return -x if math.isfinite(x) else -math.inf


class Geometric:
    support = (1, math.inf)

    def __init__(self, p):
        self.p = p

    def logpmf(self, k):
        return (k - 1) * math.log1p(-self.p) + math.log(self.p)

    def rvs(self, size, random_state):
        return random_state.geometric(self.p, size)


def view(value, name="p"):
    found = recognise(name, value)
    assert found is not None
    return found


@pytest.mark.parametrize("value", [3.0, "x", None, np.ones(3), Normal, object()])
def test_what_has_no_log_density_is_not_recognised(value):
    assert recognise("p", value) is None


def test_a_density_of_arrays():
    result = integrate(KL_DIVERGENCE, view(Normal(1e4, 1e-2)), view(Normal(1e4 + 1e-2, 2e-2), "q"))
    truth = math.log(2) + (1 + 1) / 8 - 0.5
    assert abs(result.value - truth) <= result.error_bound + 2e-9  # 1e4 + 1e-2 is rounded
    assert result.error_bound < 1e-12


def test_a_batch_is_found_by_asking():
    p = view(Normal(np.zeros(3), np.array([1.0, 2.0, 3.0])))
    assert p.batch == (3,)
    assert p.low is None
    result = integrate(ENTROPY, p, None)
    np.testing.assert_allclose(result.value, LOG_ROOT + 0.5 + np.log([1.0, 2.0, 3.0]), rtol=1e-13)


def test_a_function_of_single_numbers_is_called_for_each():
    p = view(Exponential())
    assert (p.low, p.high) == (0.0, math.inf)
    assert p.log_density(np.array([-1.0, 2.0])).tolist() == [-math.inf, -2.0]
    result = integrate(ENTROPY, p, None)
    assert abs(result.value - 1.0) <= result.error_bound < 1e-12


def test_a_probability_of_integers():
    p = view(Geometric(0.25))
    assert p.discrete
    result = summate(ENTROPY, p, None)
    truth = -(math.log(0.25) + 3 * math.log(0.75))
    assert abs(result.value - truth) <= result.error_bound < 1e-13


def test_draws_repeat_with_the_seed():
    p = view(Geometric(0.25))
    assert p.draw is not None
    assert not p.reparametrised
    one, same, other = (p.draw(50, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.shape == (50,)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_sampler_without_a_seed_leaves_the_global_one_as_it_was():
    class Sampled(Normal):
        def sample(self, n):
            return np.random.normal(size=n)

    p = view(Sampled(0.0, 1.0))
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    one = p.draw(5, np.random.default_rng(1))
    assert np.random.random() == expected
    assert np.array_equal(one, p.draw(5, np.random.default_rng(1)))


def test_supports_are_read_in_every_form():
    class Ends:
        lower, upper = -1.0, 2.0

    class Uniform:
        def logpdf(self, x):
            return np.where(abs(np.asarray(x) - 0.5) <= 1.5, -math.log(3.0), -math.inf)

    for support in ((-1.0, 2.0), [-1, 2], Ends(), lambda: (-1.0, 2.0)):
        uniform = Uniform()
        uniform.support = support
        found = view(uniform)
        assert (found.low, found.high) == (-1.0, 2.0)
        assert abs(integrate(ENTROPY, found, None).value - math.log(3.0)) < 1e-14


def test_bounds_stand_for_a_support_that_is_not_told():
    class Ramp:
        def logpdf(self, x):
            return np.log(2.0 * x)

    result = integrate(ENTROPY, view(Ramp()), None, bounds=(0.0, 1.0))
    assert abs(result.value - (0.5 - math.log(2.0))) <= result.error_bound < 1e-13


def test_what_is_not_normalised_is_refused_with_its_mass():
    class Loose(Normal):
        def logpdf(self, x):
            return super().logpdf(x) + math.log(2.0)

    with pytest.raises(DistributionError, match="`p` integrates to 2 .*bounds="):
        integrate(ENTROPY, view(Loose(0.0, 1.0)), None)


def test_a_log_density_that_fails_says_why():
    class Broken:
        def logpdf(self, x):
            raise KeyError("no such thing")

    with pytest.raises(DistributionError, match="`p` has a log density that fails at 0.5: KeyError"):
        recognise("p", Broken())


def test_a_torch_density_keeps_its_gradients():
    torch = pytest.importorskip("torch")
    loc, scale = (torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (0.5, 2.0))

    class Mine:
        def __init__(self):
            self.loc, self.scale = loc, scale

        def log_prob(self, x):
            return -0.5 * ((x - self.loc) / self.scale) ** 2 - torch.log(self.scale) - LOG_ROOT

    p, q = view(Mine()), view(Normal(0.0, 1.0), "q")
    assert p.library == "torch"
    value = integrate(KL_DIVERGENCE, p, q).value
    assert abs(value.item() - (0.5 * (4 + 0.25 - 1) - math.log(2))) < 1e-13
    value.backward()
    assert abs(loc.grad.item() - 0.5) < 1e-12
    assert abs(scale.grad.item() - (2.0 - 0.5)) < 1e-12
