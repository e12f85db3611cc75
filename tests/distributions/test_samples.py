"""The mean surprisal of samples: right, with its error, differentiable, and what it refuses."""

import math

import numpy as np
import pytest

pytest.importorskip("scipy")

from scipy import stats

import xent
from xent import DistributionError, Samples, ShapeError
from xent.distributions._samples import cross_entropy_of_samples, perplexity_of_samples
from xent.distributions._view import View


def view(log_density, batch=(), event=(), discrete=False, library="numpy", dtype="float64"):
    return View(
        "q", None, library, dtype, None, batch, event, discrete, None, None, log_density, None, None, False, None
    )  # fmt: skip


def model(d, **options):
    def log_density(x):
        with np.errstate(all="ignore"):
            return (d.logpmf if options.get("discrete") else d.logpdf)(x)

    return view(log_density, **options)


NORMAL = model(stats.norm(0, 1))
X = np.random.default_rng(0).normal(0.3, 1.2, 500)


def test_mean_and_error_are_those_of_the_surprisals():
    found = cross_entropy_of_samples(Samples(X), NORMAL)
    surprisals = -stats.norm.logpdf(X)
    assert found.value == pytest.approx(surprisals.mean(), rel=1e-14)
    assert found.standard_error == pytest.approx(surprisals.std(ddof=1) / math.sqrt(500), rel=1e-13)
    assert (found.method, found.n, found.error_bound) == ("Monte Carlo", 500, None)


def test_units_carry_the_error_too():
    nats, bits = (cross_entropy_of_samples(Samples(X), NORMAL, unit) for unit in ("nats", "bits"))
    assert bits.value == pytest.approx(nats.value / math.log(2), rel=1e-15)
    assert bits.standard_error == pytest.approx(nats.standard_error / math.log(2), rel=1e-15)
    with pytest.raises(ValueError, match="'bit'"):
        cross_entropy_of_samples(Samples(X), NORMAL, "bit")


def test_intervals_cover():
    rng = np.random.default_rng(1)
    truth = 0.5 * math.log(2 * math.pi) + (1.44 + 0.09) / 2
    runs = [cross_entropy_of_samples(Samples(rng.normal(0.3, 1.2, 1000)), NORMAL) for _ in range(500)]
    assert 0.93 <= np.mean([abs(r.value - truth) < 1.96 * r.standard_error for r in runs]) <= 0.97


def test_perplexity_is_its_exponential():
    found, mean = perplexity_of_samples(Samples(X), NORMAL), cross_entropy_of_samples(Samples(X), NORMAL)
    assert found.value == pytest.approx(math.exp(mean.value), rel=1e-14)
    assert found.standard_error == pytest.approx(math.exp(mean.value) * mean.standard_error, rel=1e-13)
    assert (found.method, found.n) == ("Monte Carlo", 500)


def test_a_batch_of_models_has_a_value_each():
    means = np.array([[0.0, 0.5, 1.0], [2.0, 3.0, 4.0]])
    found = cross_entropy_of_samples(Samples(X), model(stats.norm(means, 1), batch=(2, 3)))
    assert found.value.shape == found.standard_error.shape == (2, 3)
    for i in np.ndindex(2, 3):
        assert found.value[i] == pytest.approx(-stats.norm.logpdf(X, means[i]).mean(), rel=1e-13)


def test_points_and_matrices():
    x = np.random.default_rng(2).normal(size=(50, 3))
    d = stats.multivariate_normal(np.zeros(3), np.eye(3))
    found = cross_entropy_of_samples(Samples(x), model(d, event=(3,)))
    assert found.value == pytest.approx(-d.logpdf(x).mean(), rel=1e-14)
    w = stats.wishart(5, np.eye(2))
    drawn = w.rvs(20, random_state=3)
    matrices = view(lambda x: w.logpdf(np.moveaxis(x, 0, -1)), event=(2, 2))
    assert cross_entropy_of_samples(Samples(drawn), matrices).value == pytest.approx(
        -w.logpdf(np.moveaxis(drawn, 0, -1)).mean()
    )


def test_chunks_do_not_change_the_numbers(monkeypatch):
    whole = cross_entropy_of_samples(Samples(X), NORMAL)
    monkeypatch.setattr("xent.distributions._samples.CHUNK", 64)
    parts = cross_entropy_of_samples(Samples(X), NORMAL)
    assert parts.value == pytest.approx(whole.value, rel=1e-14)
    assert parts.standard_error == pytest.approx(whole.standard_error, rel=1e-12)


def test_one_sample_has_no_error():
    found = cross_entropy_of_samples(Samples([0.0]), NORMAL)
    assert found.value == pytest.approx(0.5 * math.log(2 * math.pi))
    assert math.isnan(found.standard_error)


@pytest.mark.parametrize("d", [stats.uniform(0, 1), stats.expon()])
def test_a_sample_outside_the_support_gives_inf(d):
    found = cross_entropy_of_samples(Samples([0.5, -1.0, 0.2]), model(d))
    assert found.value == math.inf
    assert math.isnan(found.standard_error)
    assert perplexity_of_samples(Samples([0.5, -1.0]), model(d)).value == math.inf


@pytest.mark.parametrize("values", [[0, 3, 2], np.array([0, 3, 2], dtype=np.uint8), np.float32([0, 3, 2])])
def test_integers_under_a_distribution_of_integers(values):
    found = cross_entropy_of_samples(Samples(values), model(stats.poisson(2.0), discrete=True))
    assert found.value == pytest.approx(-stats.poisson.logpmf([0, 3, 2], 2.0).mean(), rel=1e-14)
    outside = cross_entropy_of_samples(Samples([1, -1]), model(stats.poisson(2.0), discrete=True))
    assert outside.value == math.inf


def test_samples_that_cannot_be_written_are_only_read():
    x = X.copy()
    x.flags.writeable = False
    assert cross_entropy_of_samples(Samples(x), NORMAL).value == cross_entropy_of_samples(Samples(X), NORMAL).value


POINTS = model(stats.multivariate_normal(np.zeros(2)), event=(2,))
BETA = model(stats.beta(0.5, 0.5))


@pytest.mark.parametrize(
    ("values", "q", "kind", "says"),
    [
        ([0.0, math.nan, math.nan], NORMAL, DistributionError, "2 of 3 samples .*NaN.* nan at sample 1"),
        ([0.0, math.inf], NORMAL, DistributionError, "as inf at sample 1"),
        ([], NORMAL, DistributionError, "no samples"),
        (np.empty((0, 2)), POINTS, DistributionError, "no samples"),
        (1.0, NORMAL, ShapeError, r"shape \(\); `q` is of numbers: their shape is \(n,\)"),
        ([[1.0], [2.0]], NORMAL, ShapeError, r"shape \(2, 1\); `q` is of numbers: their shape is \(n,\)"),
        ([1.0, 2.0], POINTS, ShapeError, r"`q` is of outcomes of shape \(2,\): their shape is \(n, 2\)"),
        (np.zeros((4, 3)), POINTS, ShapeError, r"shape \(4, 3\)"),
        ([1.0, 1.5], model(stats.poisson(2.0), discrete=True), DistributionError, "1.5 at sample 1, and `q` is a"),
        (["a"], NORMAL, TypeError, "dtype <U1"),
        ([1j], NORMAL, TypeError, "complex128"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), NORMAL, TypeError, "masked"),
        (np.array([object()]), NORMAL, TypeError, "object"),
        ([0.5], model(stats.norm(math.nan, 1)), DistributionError, "log density of NaN at 1 of 1"),
        ([0.5, 0.0], BETA, DistributionError, "infinite density at 1 of 2"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(values, q, kind, says):
    with pytest.raises(kind, match=says):
        cross_entropy_of_samples(Samples(values), q)


# -- torch -------------------------------------------------------------------------------------------------------------


def torch_model(torch, d):
    dtype = str(d.mean.dtype).rsplit(".", 1)[-1]

    def log_density(x):
        return d.log_prob(torch.as_tensor(x, dtype=d.mean.dtype))

    return view(log_density, batch=tuple(d.batch_shape), library="torch", dtype=dtype)


def test_gradients_by_parameters_and_by_samples():
    torch = pytest.importorskip("torch")
    x = torch.tensor(X[:6], requires_grad=True)
    m, s = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in ([0.1, 0.4], [1.0, 1.5]))

    def mean(x, m, s):
        return cross_entropy_of_samples(Samples(x), torch_model(torch, torch.distributions.Normal(m, s))).value

    assert mean(x, m, s).shape == (2,)
    assert torch.autograd.gradcheck(mean, (x, m, s))
    parameters_only = cross_entropy_of_samples(Samples(X), torch_model(torch, torch.distributions.Normal(m, s)))
    (g,) = torch.autograd.grad(parameters_only.value.sum(), (m,))
    np.testing.assert_allclose(g, (m.detach() - X.mean()) / s.detach() ** 2, rtol=1e-12)
    assert not parameters_only.standard_error.requires_grad


def test_torch_results_have_the_model_s_dtype():
    torch = pytest.importorskip("torch")
    q = torch_model(torch, torch.distributions.Normal(0.0, 1.0))
    found = cross_entropy_of_samples(Samples(torch.tensor(X)), q)
    assert found.value.dtype == found.standard_error.dtype == torch.float32
    assert float(found.value) == pytest.approx(-stats.norm.logpdf(X).mean(), rel=1e-6)
    of_scipy = cross_entropy_of_samples(Samples(torch.tensor(X)), NORMAL)
    assert of_scipy.value == cross_entropy_of_samples(Samples(X), NORMAL).value
    assert perplexity_of_samples(Samples(torch.tensor(X)), q).value.dtype == torch.float32


def test_the_form_is_public():
    assert repr(xent.Samples(X)) == "xent.Samples(shape (500,))"
