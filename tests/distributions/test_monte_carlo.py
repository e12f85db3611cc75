"""Means over draws: right, with errors that cover, the same for the same seed, and differentiable."""

import math

import numpy as np
import pytest

pytest.importorskip("scipy")

from scipy import stats

from xent import DistributionError
from xent.distributions._integrands import Integrand
from xent.distributions._moments import merged, moments, regression
from xent.distributions._monte_carlo import DRAWS, estimate
from xent.distributions._view import View


def view(d, name="p", batch=(), low=-np.inf, high=np.inf, draws=True, discrete=False):
    """A SciPy distribution as the room sees it; `batch` repeats it."""

    def log_density(x):
        with np.errstate(all="ignore"):
            return (d.logpmf if discrete else d.logpdf)(x)

    def draw(n, rng):
        return np.asarray(d.rvs(size=(n, *batch), random_state=rng), dtype=float)

    ends = np.full(batch, low), np.full(batch, high)
    return View(
        name, d, "numpy", "float64", None, batch, (), discrete, *ends, log_density, None, draw if draws else None,
        False, None,
    )  # fmt: skip


def points(mean, name="p", covariance=1.0):
    """Normal points of several dimensions, the ends of whose support nobody tells."""
    d = stats.multivariate_normal(mean, covariance * np.eye(len(mean)))

    def draw(n, rng):
        return d.rvs(size=n, random_state=rng).reshape(n, len(mean))

    return View(
        name, d, "numpy", "float64", None, (), (len(mean),), False, None, None, d.logpdf, None, draw, False, None
    )  # fmt: skip


def js_term(xp, lp, lq):
    p, q = xp.exp(lp), xp.exp(lq)
    m = 0.5 * (p + q)
    return sum(0.5 * xp.where(a > 0, a * xp.log(xp.where(a > 0, a, m) / m), 0.0 * m) for a in (p, q))


KL = Integrand(None, lambda xp, lp, lq: lp - lq, "p")
ENTROPY = Integrand(None, lambda xp, lp, lq: -lp, "p")
CROSS_ENTROPY = Integrand(None, lambda xp, lp, lq: -lq, "p")
PERPLEXITY = Integrand(None, lambda xp, lp, lq: -lq, "p", lambda xp, value: xp.exp(value))
JS = Integrand(js_term, None, "both")
JS_DISTANCE = Integrand(js_term, None, "both", lambda xp, value: xp.sqrt(value))
HELLINGER = Integrand(lambda xp, lp, lq: 0.5 * (xp.exp(0.5 * lp) - xp.exp(0.5 * lq)) ** 2, None, "both")
STANDARD = stats.norm(0, 1)
JS_TRUTH, JS_SLOPE = 0.1114214821847362, 0.1989864335916249  # of N(0, 1) and N(m, 1), m = 1, and by m: mpmath.quad
H = 0.5 * math.log(2 * math.pi * math.e)


def kl(p, q, **options):
    return estimate("kl_divergence", KL, p, q, **options)


# -- intervals cover ---------------------------------------------------------------------------------------------------

RUNS = (500,)
NEAR = stats.norm(0.1, 1)
COVERED = {
    "k1": (STANDARD, stats.norm(1, 1), {"estimator": "k1"}, 0.5),
    "k2": (STANDARD, stats.norm(1, 1), {"estimator": "k2"}, 0.625),  # the mean of k2: E (x - ½)² / 2
    "k3": (STANDARD, NEAR, {"estimator": "k3"}, 0.005),
    "near": (STANDARD, NEAR, {}, 0.005),
    "moved": (STANDARD, stats.norm(1, 1), {}, 0.5),
    "H known": (STANDARD, stats.norm(1, 1), {"known": {"entropy": H}}, 0.5),
    "H(p, q) known": (STANDARD, stats.norm(2, 1), {"known": {"cross_entropy": H + 2}}, 2.0),
    "narrow q": (STANDARD, stats.norm(0, 0.7), {"n": 6000}, math.log(0.7) + 0.5 / 0.49 - 0.5),
    "wide q": (STANDARD, stats.norm(0, 2), {}, math.log(2) + 0.125 - 0.5),  # q/p has infinite variance
    "far": (STANDARD, stats.norm(6, 1), {}, 18.0),
}


@pytest.mark.parametrize("name", COVERED)
def test_intervals_of_kl_cover_the_truth(name):
    p, q, options, truth = COVERED[name]
    found = kl(view(p, batch=RUNS), view(q, "q", RUNS), **{"n": 2000, **options})
    assert found.value.shape == found.standard_error.shape == RUNS
    assert 0.93 <= np.mean(np.abs(found.value - truth) < 1.96 * found.standard_error) <= 0.97
    assert abs(found.value.mean() - truth) < 4 * found.value.std() / math.sqrt(RUNS[0])


# where controls explain what common draws do, and leave a tail that is seldom seen; the truths are mpmath.quad's
TAILS = {
    "t, normal": (stats.t(10), stats.norm(0, 1.2), 0.01402537480072431),
    "logistic, normal": (stats.logistic(), stats.norm(0.2, 2), 0.02831923047667466),
    "normal, logistic": (stats.norm(0.2, 2), stats.logistic(), 0.029397089374854867),
}


@pytest.mark.parametrize("name", TAILS)
def test_controls_that_leave_a_tail_are_not_used(name):
    p, q, truth = TAILS[name]
    found, plain = (kl(view(p, batch=RUNS), view(q, "q", RUNS), n=2048, estimator=e) for e in (None, "k1"))
    held, of_k1 = (np.mean(np.abs(f.value - truth) < 1.96 * f.standard_error) for f in (found, plain))
    assert held >= 0.92
    assert held >= of_k1 - 0.025


def test_third_moments_of_chunks_merge_to_those_of_the_whole():
    columns = np.random.default_rng(3).exponential(size=(2, 3, 1000)) + 4.0
    whole = moments(columns)
    first, second, third = (moments(c) for c in np.split(columns, [10, 300], axis=2))
    np.testing.assert_allclose(merged(merged(first, second), third).third, whole.third, rtol=1e-9)
    deviations = columns - columns.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(whole.third, np.einsum("bin,bjn,bkn->bijk", *[deviations] * 3), rtol=1e-9)


OTHERS = {
    "entropy": ("entropy", ENTROPY, None, H),
    "cross_entropy": ("cross_entropy", CROSS_ENTROPY, stats.norm(1, 1), H + 0.5),
    "perplexity": ("perplexity", PERPLEXITY, stats.norm(1, 1), math.exp(H + 0.5)),
    "perplexity of p": ("perplexity", PERPLEXITY, None, math.exp(H)),
    "js": ("js_divergence", JS, stats.norm(1, 1), JS_TRUTH),
    "js_distance": ("js_distance", JS_DISTANCE, stats.norm(1, 1), math.sqrt(JS_TRUTH)),
    "hellinger": ("hellinger", HELLINGER, stats.norm(1, 1), 1 - math.exp(-1 / 8)),
    "other": ("squared", Integrand(None, lambda xp, lp, lq: (lp - lq) ** 2, "p"), stats.norm(1, 1), 1.25),
}


@pytest.mark.parametrize("name", OTHERS)
def test_intervals_of_other_measures_cover_the_truth(name):
    measure, integrand, q, truth = OTHERS[name]
    found = estimate(measure, integrand, view(STANDARD, batch=RUNS), None if q is None else view(q, "q", RUNS), n=2000)
    assert 0.93 <= np.mean(np.abs(found.value - truth) < 1.96 * found.standard_error) <= 0.97


def test_intervals_cover_where_draws_stop_by_rtol():
    p, q = stats.norm(0, 1), stats.norm(1, 1)
    runs = [kl(view(p), view(q, "q"), estimator="k1", rtol=0.02, seed=s) for s in range(250)]
    value, error, n = map(np.array, zip(*runs, strict=True))
    assert (error <= 0.02 * value).all()
    assert set(n) <= {4096 * 2**k for k in range(4)}
    assert 0.92 <= np.mean(np.abs(value - 0.5) < 1.96 * error) <= 0.98


# -- what the controls do ----------------------------------------------------------------------------------------------


def test_controls_narrow_the_error_of_near_distributions():
    p, q = view(STANDARD), view(NEAR, "q")
    plain, best = kl(p, q, estimator="k1"), kl(p, q)
    assert best.standard_error < plain.standard_error / 10
    assert abs(best.value - 0.005) < 4 * best.standard_error


def test_nothing_cancels_between_nearly_equal_distributions():
    found = kl(view(STANDARD), view(stats.norm(1e-6, 1), "q"))
    assert found.value == pytest.approx(0.5e-12, rel=0.02)
    assert abs(found.value - 0.5e-12) < 5 * found.standard_error


def test_what_closed_forms_explain_whole_is_right_to_rounding():
    found = kl(view(STANDARD), view(stats.norm(0, 2), "q"), known={"entropy": H})  # log q is linear in log p
    assert found.value == pytest.approx(math.log(2) + 0.125 - 0.5, abs=1e-9)
    assert found.standard_error < 1e-9


def test_what_is_known_of_p_narrows_the_cross_entropy():
    p, q = view(STANDARD), view(NEAR, "q")
    plain = estimate("cross_entropy", CROSS_ENTROPY, p, q)
    known = estimate("cross_entropy", CROSS_ENTROPY, p, q, known={"entropy": H})
    assert known.standard_error < plain.standard_error / 10
    assert abs(known.value - H - 0.005) < 5 * known.standard_error


@pytest.mark.parametrize("ends", [True, False])
def test_where_p_does_not_cover_q_the_ratio_is_no_control(ends):
    p, q = stats.uniform(0, 1), stats.uniform(0, 1.25)  # E r - 1 = -0.2 under p
    low, high = (0.0, 1.0) if ends else (-np.inf, np.inf)
    found = kl(view(p, low=low, high=high), view(q, "q", low=low, high=1.25 if ends else high), n=4000)
    assert found.value == pytest.approx(math.log(1.25), rel=1e-12)
    alone = kl(view(p, low=0, high=1), view(q, "q", low=0, high=1.25), n=4000, estimator="k3")
    assert alone.value == pytest.approx(math.log(1.25) - 0.2, rel=1e-12)


def test_a_control_of_infinite_variance_is_left_out():
    p, q = view(STANDARD), view(stats.norm(0, 3), "q")
    best, plain = kl(p, q), kl(p, q, estimator="k1")
    assert (best.value, best.standard_error) == pytest.approx((plain.value, plain.standard_error), rel=1e-12)


def test_collinear_controls_count_once():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 1, 500))
    columns = np.concatenate([x + rng.normal(size=x.shape), x, 2 * x, 0 * x], axis=1)
    one, all_ = regression(moments(columns), 0, (1,)), regression(moments(columns), 0, (1, 2, 3))
    assert all_.value == pytest.approx(one.value, rel=1e-12)
    assert all_.error == pytest.approx(one.error, rel=1e-12)


def test_regression_is_that_of_least_squares_with_an_intercept():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4000, 2)) @ [[1, 0.5], [0, 1]]
    y = x @ [2.0, -1.0] + rng.normal(size=4000)
    found = regression(moments(np.column_stack([y, x]).T[None]), 0, (1, 2))
    design = np.column_stack([np.ones(4000), x])
    beta, rest, *_ = np.linalg.lstsq(design, y, rcond=None)
    error = math.sqrt(rest[0] / 3997 * np.linalg.inv(design.T @ design)[0, 0])
    assert (found.value[0], found.error[0]) == pytest.approx((beta[0], error), rel=1e-12)


def test_moments_of_chunks_merge_to_those_of_the_whole():
    columns = np.random.default_rng(2).normal(5, 1, size=(3, 2, 1000))
    columns[1, 0, 7] = np.inf
    whole, parts = moments(columns), [moments(c) for c in np.split(columns, [10, 300], axis=2)]
    found = merged(merged(parts[0], parts[1]), parts[2])
    assert found.count == 1000
    np.testing.assert_allclose(found.co[::2], whole.co[::2], rtol=1e-10)
    np.testing.assert_allclose(found.mean, whole.mean, rtol=1e-12)
    np.testing.assert_array_equal(found.top, whole.top)
    np.testing.assert_array_equal(found.wild, [[False, False], [True, False], [False, False]])


# -- draws -------------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_digits_and_no_global_state_moves():
    before = np.random.get_state()[1].copy()
    p, q = view(STANDARD), view(NEAR, "q")
    assert kl(p, q) == kl(p, q, seed=0) == kl(p, q)
    assert kl(p, q).value != kl(p, q, seed=1).value
    assert kl(p, q).n == DRAWS
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_memory_is_bounded_whatever_the_draws():
    asked = []
    p = view(STANDARD)

    def draw(n, rng):
        asked.append(n)
        return rng.standard_normal(n)

    p = View(*[draw if name == "draw" else getattr(p, name) for name in View.__dataclass_fields__])
    found = estimate("entropy", ENTROPY, p, None, n=3_000_000)
    assert found.n == sum(asked) == 3_000_000
    assert max(asked) <= 2**18
    assert abs(found.value - H) < 4 * found.standard_error < 0.002


def test_rtol_stops_at_its_limit_with_an_honest_error():
    found = kl(view(STANDARD), view(stats.norm(1, 1), "q"), estimator="k1", rtol=1e-4, n=10_000)
    assert found.n == 10_000
    assert found.standard_error > 1e-4 * found.value
    assert abs(found.value - 0.5) < 4 * found.standard_error


def test_rtol_of_a_batch_asks_it_of_all():
    batch = (3,)
    means = np.array([0.5, 1.0, 2.0])
    found = kl(view(STANDARD, batch=batch), view(stats.norm(means, 1), "q", batch), estimator="k1", rtol=0.01)
    assert (found.standard_error <= 0.01 * found.value).all()
    assert (np.abs(found.value - means**2 / 2) < 4 * found.standard_error).all()


@pytest.mark.parametrize(("p_batch", "q_batch"), [((), (3,)), ((3,), ()), ((2, 1), (3,)), ((3,), (2, 1))])
def test_batches_broadcast(p_batch, q_batch):
    shape = np.broadcast_shapes(p_batch, q_batch)
    means = np.linspace(0.2, 1, math.prod(q_batch)).reshape(q_batch)
    found = kl(view(STANDARD, batch=p_batch), view(stats.norm(means, 1), "q", q_batch), n=3000)
    assert found.value.shape == shape
    assert (np.abs(found.value - means**2 / 2) < 5 * found.standard_error).all()


def test_points_whose_ends_nobody_knows():
    p, q = points([0.0, 0.0, 0.0]), points([0.3, 0.0, -0.4], "q")
    found, plain = kl(p, q), kl(p, q, estimator="k1")
    assert abs(found.value - 0.125) < 4 * found.standard_error
    assert found.standard_error < plain.standard_error / 2
    js = estimate("js_divergence", JS, p, q)
    assert 0 < js.value < math.log(2)


def test_far_points_whose_densities_underflow():
    p, q = points([0.0] * 3, covariance=1e-8), points([1e3, 0.0, 0.0], "q", 1e-8)
    assert estimate("js_divergence", JS, p, q, n=1000)[:2] == pytest.approx((math.log(2), 0.0), rel=1e-14)


def test_integers():
    p, q = stats.poisson(3.0), stats.poisson(4.0)
    truth = 3 * math.log(3 / 4) + 1
    found = kl(view(p, low=0, discrete=True), view(q, "q", low=0, discrete=True))
    assert abs(found.value - truth) < 4 * found.standard_error < 0.01


# -- what is infinite, nothing, or refused ----------------------------------------------------------------------------


def test_a_draw_that_the_model_rules_out_gives_inf():
    p, q = view(stats.uniform(0, 2)), view(stats.uniform(0, 1), "q", low=0, high=1)
    for options in ({}, {"estimator": "k1"}, {"estimator": "k2"}, {"estimator": "k3"}, {"rtol": 0.1}):
        found = kl(p, q, **options)
        assert found.value == np.inf
        assert np.isnan(found.standard_error)
    assert estimate("perplexity", PERPLEXITY, p, q).value == np.inf


def test_one_infinite_of_a_batch_leaves_the_others():
    p, q = view(stats.uniform(0, 2), batch=(2,)), view(stats.uniform(0, [1.0, 4.0]), "q", (2,))
    found = kl(p, q, n=1000)
    assert list(found.value) == [np.inf, pytest.approx(math.log(2))]
    assert list(np.isnan(found.standard_error)) == [True, False]


def test_equal_distributions():
    p, q = view(STANDARD), view(STANDARD, "q")
    for options in ({}, {"rtol": 1e-9}, {"estimator": "k3"}):
        assert kl(p, q, **options)[:2] == (0.0, 0.0)
    assert estimate("js_distance", JS_DISTANCE, p, q)[:2] == (0.0, 0.0)


def test_an_empty_batch_has_no_values():
    assert kl(view(STANDARD, batch=(0,)), view(NEAR, "q", (0,)), n=10).value.shape == (0,)


def test_disjoint_distributions():
    p, q = view(stats.uniform(0, 1), low=0, high=1), view(stats.uniform(2, 1), "q", low=2, high=3)
    assert kl(p, q).value == np.inf
    assert estimate("js_divergence", JS, p, q)[:2] == pytest.approx((math.log(2), 0.0), rel=1e-14)


def test_one_draw_has_no_error():
    found = kl(view(STANDARD), view(NEAR, "q"), n=1)
    assert np.isfinite(found.value)
    assert np.isnan(found.standard_error)


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: kl(view(STANDARD, draws=False), view(NEAR, "q")), DistributionError, "`p` cannot be drawn from"),
        (lambda: kl(view(STANDARD), view(NEAR, "q"), estimator="k4"), ValueError, "`estimator` is 'k4'"),
        (lambda: estimate("entropy", ENTROPY, view(STANDARD), None, estimator="k1"), ValueError, "one estimator only"),
        (lambda: kl(view(STANDARD), view(NEAR, "q"), n=0), ValueError, "`n` is 0"),
        (lambda: kl(view(STANDARD), view(NEAR, "q"), n=1.5), TypeError, "integer"),
        (lambda: kl(view(STANDARD), view(NEAR, "q"), rtol=0.0), ValueError, "`rtol` is 0.0"),
        (lambda: kl(view(STANDARD), view(NEAR, "q"), rtol=math.nan), ValueError, "`rtol` is nan"),
        (lambda: kl(view(stats.norm(0, math.nan)), view(NEAR, "q")), (DistributionError, ValueError), "NaN|Domain"),
        (lambda: kl(view(STANDARD), view(stats.norm(math.nan, 1), "q")), DistributionError, "NaN at .* draws of `p`"),
        (lambda: kl(view(stats.gamma(0.001)), view(STANDARD, "q")), DistributionError, "draws of its own.*quadrature"),
        (
            lambda: estimate("js_divergence", JS, view(STANDARD, high=9), view(NEAR, "q", draws=False)),
            DistributionError,
            "`q` cannot be drawn from: the js_divergence needs draws of both",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(call, kind, says):
    with pytest.raises(kind, match=says):
        call()


# -- torch -------------------------------------------------------------------------------------------------------------


def torch_view(torch, d, name="p", reparametrised=True):
    """A torch distribution as the room sees it."""

    def log_density(x):
        return d.log_prob(torch.as_tensor(x, dtype=d.mean.dtype))

    def draw(n, rng):
        with torch.random.fork_rng():
            torch.manual_seed(int(rng.integers(2**31)))
            return d.rsample((n,)) if reparametrised else d.sample((n,))

    dtype, batch = str(d.mean.dtype).rsplit(".", 1)[-1], tuple(d.batch_shape)
    ends = np.full(batch, -np.inf), np.full(batch, np.inf)
    return View(
        name, d, "torch", dtype, torch.device("cpu"), batch, tuple(d.event_shape), False, *ends, log_density, None,
        draw, reparametrised, None,
    )  # fmt: skip


def parameters(torch, runs, *values):
    return [torch.full((runs,), v, dtype=torch.float64, requires_grad=True) for v in values]


@pytest.mark.parametrize("reparametrised", [True, False])
@pytest.mark.parametrize("estimator", ["k1", "k3", None])
def test_gradients_of_kl_are_unbiased(estimator, reparametrised):
    torch = pytest.importorskip("torch")
    runs = 100
    a, s, b, t = parameters(torch, runs, 0.2, 1.0, 0.0, 1.3)
    normal = torch.distributions.Normal
    known = {"entropy": torch.log(s) + H} if estimator is None else None
    p = torch_view(torch, normal(a, s), reparametrised=reparametrised)
    q = torch_view(torch, normal(b, t), "q")
    found = kl(p, q, estimator=estimator, n=2000, known=known)
    assert found.value.dtype == torch.float64
    assert not found.standard_error.requires_grad
    got = torch.autograd.grad(found.value.sum(), (a, s, b, t))
    exact = torch.autograd.grad(torch.distributions.kl_divergence(normal(a, s), normal(b, t)).sum(), (a, s, b, t))
    for g, e in zip(got, exact, strict=True):
        spread = float(g.std()) / math.sqrt(runs)
        assert abs(float(g.mean() - e[0])) < 4 * spread + 1e-12
        assert spread < 0.03


def test_gradient_of_k2_is_that_of_its_own_mean():
    torch = pytest.importorskip("torch")
    a, b = parameters(torch, 400, 1.0, 0.0)
    ones = torch.ones(400, dtype=torch.float64)
    normal = torch.distributions.Normal
    for reparametrised in (True, False):
        p = torch_view(torch, normal(a, ones), reparametrised=reparametrised)
        found = kl(p, torch_view(torch, normal(b, ones), "q"), estimator="k2", n=2000)
        (g,) = torch.autograd.grad(found.value.sum(), (a,))
        truth = 1 + 0.5  # of (d² + d⁴/4)/2, d = a - b
        assert abs(float(g.mean()) - truth) < 4 * float(g.std()) / 20


@pytest.mark.parametrize(("measure", "integrand"), [("js_divergence", JS), ("js_distance", JS_DISTANCE)])
@pytest.mark.parametrize("reparametrised", [True, False])
def test_gradients_of_measures_of_both(measure, integrand, reparametrised):
    torch = pytest.importorskip("torch")
    a, b = parameters(torch, 100, 1.0, 0.0)
    ones = torch.ones(100, dtype=torch.float64)
    normal = torch.distributions.Normal
    p, q = (torch_view(torch, normal(m, ones), name, reparametrised) for m, name in ((a, "p"), (b, "q")))
    found = estimate(measure, integrand, p, q, n=2000)
    ga, gb = torch.autograd.grad(found.value.sum(), (a, b))
    slope = JS_SLOPE if measure == "js_divergence" else JS_SLOPE / (2 * math.sqrt(JS_TRUTH))
    for g, truth in ((ga, slope), (gb, -slope)):
        assert abs(float(g.mean()) - truth) < 4 * float(g.std()) / math.sqrt(100)


def test_a_numpy_model_of_a_torch_truth_takes_the_score_function():
    torch = pytest.importorskip("torch")
    (a,) = parameters(torch, 100, 1.0)
    ones = torch.ones(100, dtype=torch.float64)
    p = torch_view(torch, torch.distributions.Normal(a, ones))
    found = kl(p, view(STANDARD, "q", (100,)), n=2000)
    (g,) = torch.autograd.grad(found.value.sum(), (a,))
    assert abs(float(g.mean()) - 1.0) < 4 * float(g.std()) / math.sqrt(100)


def test_torch_results_have_the_dtype_the_numbers_of_the_draws_and_leave_the_generator():
    torch = pytest.importorskip("torch")
    normal = torch.distributions.Normal
    before = torch.random.get_rng_state()
    p = torch_view(torch, normal(torch.zeros(2), torch.ones(2)))
    q = torch_view(torch, normal(torch.ones(2), torch.ones(2)), "q")
    first, again = kl(p, q), kl(p, q)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.value, again.value)
    assert first.value.dtype == first.standard_error.dtype == torch.float32
    assert first.value.shape == (2,)
    assert not first.value.requires_grad
    assert (abs(first.value - 0.5) < 4 * first.standard_error).all()


def test_a_torch_model_of_a_numpy_truth_has_gradients_of_its_parameters():
    torch = pytest.importorskip("torch")
    m = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    found = kl(view(STANDARD), torch_view(torch, torch.distributions.Normal(m, 1.0), "q"))
    assert found.value.shape == (2,)
    (g,) = torch.autograd.grad(found.value.sum(), (m,))
    np.testing.assert_allclose(g, m.detach(), atol=0.02)


def test_an_infinite_value_of_torch_leaves_the_gradients_of_the_others():
    torch = pytest.importorskip("torch")
    low = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    uniform = torch.distributions.Uniform
    p = torch_view(torch, uniform(low, torch.full_like(low, 2.0), validate_args=False))
    model = uniform(torch.zeros(2, dtype=torch.float64), torch.tensor([1.0, 4.0]).double(), validate_args=False)
    found = kl(p, torch_view(torch, model, "q"), n=1000)
    assert found.value[0].item() == math.inf
    assert found.value[1].item() == pytest.approx(math.log(2))
    (g,) = torch.autograd.grad(found.value[1], (low,))
    assert g.tolist() == [0, pytest.approx(0.5)]


def test_where_the_distributions_are_equal_the_gradient_is_0():
    torch = pytest.importorskip("torch")
    a, b = parameters(torch, 1, 0.0, 0.0)
    p, q = (torch_view(torch, torch.distributions.Normal(m, torch.ones_like(m)), n) for m, n in ((a, "p"), (b, "q")))
    for estimator in (None, "k2", "k3"):
        found = kl(p, q, estimator=estimator, n=1000)
        assert [g.item() for g in (found.value, *torch.autograd.grad(found.value.sum(), (a, b)))] == [0, 0, 0]
