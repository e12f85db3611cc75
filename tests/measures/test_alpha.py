"""The alpha family and f-divergences: against mpmath, at their limits and edges, in every form and library."""

import math

import array_api_compat.torch as xt
import array_api_strict
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from mpmath import mp, mpf

import xent
from xent import Counts, DistributionError, Labels, Logits, LogProbs, Probs, ShapeError
from xent.measures import _alpha_rows
from xent.testing import ulp_error

INF = math.inf
ORDERS = (0.0, 0.1, 0.5, 1 - 1e-9, 1.0, 1 + 1e-12, 2.0, 5.0, 50.0, INF)
DIVERGENCES = ("renyi_divergence", "tsallis_divergence", "alpha_divergence")
FORMS = {"probs": Probs, "logprobs": LogProbs, "logits": Logits, "counts": Counts}
ULPS, OTHERS = 4, 8  # in NumPy, and in other libraries


# -- the truth, for the numbers as given (Bregman terms) and for normalised rows ---------------------------------------


def numbers(kind, row):
    row = [mpf(float(x)) for x in row]
    if kind in ("logits", "logprobs"):
        top = max(row) if kind == "logits" else 0
        row = [mp.exp(x - top) if x != -mp.inf else mpf(0) for x in row]
    return normalised(row) if kind in ("logits", "counts") else row


def normalised(row):
    total = mp.fsum(row)
    return [x / total for x in row]


def amari(p, q, alpha):
    if alpha == 0:
        return amari(q, p, mpf(1))
    if alpha == 1:
        return mp.fsum((x * mp.log(x / y) if x else 0) - x + y for x, y in zip(p, q, strict=True))
    terms = (alpha * x + (1 - alpha) * y - (x**alpha * y ** (1 - alpha) if x else 0) for x, y in zip(p, q, strict=True))
    return mp.fsum(terms) / (alpha * (1 - alpha))


def renyi(p, q, alpha):
    if alpha == 0:
        return -mp.log(mp.fsum(y for x, y in zip(p, q, strict=True) if x))
    if alpha == mp.inf:
        return max(mp.log(x / y) for x, y in zip(p, q, strict=True) if x)
    if alpha == 1:
        return amari(p, q, alpha)
    moment = 1 - alpha * (1 - alpha) * amari(p, q, alpha)
    if not 0.5 < moment < 2:
        moment = mp.fsum(x**alpha * y ** (1 - alpha) for x, y in zip(p, q, strict=True) if x)
    return mp.log(moment) / (alpha - 1)


def tsallis(p, q, alpha):
    return mp.fsum(y for x, y in zip(p, q, strict=True) if not x) if alpha == 0 else alpha * amari(p, q, alpha)


TRUTH = {
    "renyi_divergence": renyi,
    "tsallis_divergence": tsallis,
    "alpha_divergence": amari,
    "hellinger_distance": lambda p, q: mp.sqrt(amari(p, q, mpf("0.5"))) / 2,
    "total_variation": lambda p, q: mp.fsum(abs(x - y) for x, y in zip(p, q, strict=True)) / 2,
    "chi_square_divergence": lambda p, q: 2 * amari(p, q, mpf(2)),
}


def truths(name, p, q, *order):
    """Both readings; at order infinity and 0 the difference of their sums is no matter of rounding."""
    with mp.workdps(110):
        order = [mpf(x) for x in order]
        return tuple(TRUTH[name](*rows, *order) for rows in ((p, q), (normalised(p), normalised(q))))


def rows_of(kind, z, dtype="float64"):
    p = np.exp(z - z.max())
    p = p / p.sum()
    made = {"probs": p, "logprobs": np.log(p), "logits": z, "counts": np.ceil(p * 1e6)}
    return made[kind].astype(dtype)


def pairs(kp, kq, sizes, steps, scales=(0.1, 2.0, 6.0), dtype="float64"):
    rng = np.random.default_rng(5)
    for k in sizes:
        for step in steps:
            for scale in scales:
                z = scale * rng.normal(size=k)
                w = z + step * rng.normal(size=k)
                yield rows_of(kp, z, dtype), rows_of(kq, w, dtype) + (kq == "counts")


def cases(name):
    if name not in DIVERGENCES:
        return [{}]
    return [{"alpha": a} for a in ORDERS if a < INF or name == "renyi_divergence"]


@pytest.mark.parametrize("name", TRUTH)
def test_probabilities_within_four_ulp(name):
    for p, q in pairs("probs", "probs", (2, 12), (1e-12, 1e-4, 0.3, 5.0), (0.1, 4.0)):
        for options in cases(name):
            exact = numbers("probs", p), numbers("probs", q)
            value = getattr(xent, name)(p, q, **options)
            error = ulp_error(float(value), truths(name, *exact, *options.values()), "float64")
            assert error <= ULPS, (options, error)


@pytest.mark.parametrize("name", ["renyi_divergence", "total_variation"])
def test_long_rows(name):
    for p, q in pairs("probs", "probs", (200,), (1e-10, 1.0), (2.0,)):
        for options in cases(name)[1::2]:
            exact = numbers("probs", p), numbers("probs", q)
            value = getattr(xent, name)(p, q, **options)
            assert ulp_error(float(value), truths(name, *exact, *options.values()), "float64") <= ULPS


MIXED = [(kp, kq) for kp in FORMS for kq in FORMS if (kp, kq) != ("probs", "probs")]


@pytest.mark.parametrize(("kp", "kq"), MIXED)
def test_other_forms_within_four_ulp(kp, kq):
    for p, q in pairs(kp, kq, (3,), (1e-9, 0.5), (2.0,)):
        with mp.workdps(110):
            exact = numbers(kp, p), numbers(kq, q)
        for name in TRUTH:
            for options in cases(name)[1:9:3]:
                value = getattr(xent, name)(FORMS[kp](p), FORMS[kq](q), **options)
                error = ulp_error(float(value), truths(name, *exact, *options.values()), "float64")
                assert error <= ULPS, (name, options, error)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("xp", "convert"), [(xt, torch.as_tensor), (array_api_strict, array_api_strict.asarray)])
def test_other_libraries(xp, convert, dtype):
    for p, q in pairs("probs", "probs", (5,), (1e-3, 1.0), (1.0,), dtype):
        exact = numbers("probs", p), numbers("probs", q)
        for name in TRUTH:
            for options in cases(name)[1::3]:
                value = getattr(_alpha_rows, name)(xp, "probs", convert(p), "probs", convert(q), **options)
                found = truths(name, *exact, *options.values())
                assert ulp_error(float(value), found, dtype) <= OTHERS, (name, options)


def test_compiled_by_jax():
    """At the float32 that most of its users run."""
    with jax.enable_x64(False):
        both = jax.jit(
            jax.value_and_grad(lambda p, q: xent.alpha_divergence(p, q, alpha=0.9, check=False), argnums=(0, 1))
        )
        for p, q in pairs("probs", "probs", (4,), (1e-3, 1.0), (1.0,), "float32"):
            value, slopes = both(jnp.asarray(p), jnp.asarray(q))
            found = truths("alpha_divergence", numbers("probs", p), numbers("probs", q), 0.9)
            assert ulp_error(float(value), found, "float32") <= OTHERS
            assert all(np.isfinite(np.asarray(slope)).all() for slope in slopes)
        for p, q in (([0.5, 0.5, 0.0, 0.0], [0.25, 0.25, 0.5, 0.0]), ([0.2, 0.3, 0.5, 0.0], [0.2, 0.3, 0.5, 0.0])):
            value, slopes = both(jnp.asarray(p), jnp.asarray(q))
            assert all(np.isfinite(np.asarray(slope)).all() for slope in slopes)


# -- entropies ---------------------------------------------------------------------------------------------------------


def entropies(p, alpha):
    """Rényi and Tsallis by their terms p (1 - p^(alpha - 1))/(alpha - 1)."""
    b = alpha - 1
    if alpha == 0:
        support = mpf(sum(1 for x in p if x))
        return mp.log(support), support - 1
    if alpha == mp.inf:
        return -mp.log(max(p)), mpf(0)
    if b == 0:
        h = -mp.fsum(x * mp.log(x) for x in p if x)
        return h, h
    t = mp.fsum(x * (1 - x**b) for x in p if x) / b
    moment = 1 - b * t
    if not 0.5 < moment < 2:
        moment = mp.fsum(x**alpha for x in p if x)
    return -mp.log(moment) / b, t


@pytest.mark.parametrize("kind", FORMS)
def test_entropies_within_four_ulp(kind):
    rng = np.random.default_rng(6)
    for k in (2, 60):
        for scale in (0.1, 5.0):
            p = rows_of(kind, scale * rng.normal(size=k))
            for alpha in (*ORDERS, 0.9, 1e-6):
                with mp.workdps(110):
                    exact = numbers(kind, p)
                    found = list(zip(*(entropies(x, mpf(alpha)) for x in (exact, normalised(exact))), strict=True))
                for name, answers in zip(("renyi_entropy", "tsallis_entropy"), found, strict=True):
                    value = getattr(xent, name)(FORMS[kind](p), alpha=alpha)
                    error = ulp_error(float(value), answers, "float64")
                    assert error <= ULPS, (name, alpha, k, scale, error)


def test_entropies_at_their_limits():
    p = [0.5, 0.25, 0.25, 0.0]
    assert xent.renyi_entropy(p, alpha=0) == math.log(3)
    assert xent.renyi_entropy(p, alpha=INF, unit="bits") == 1.0
    assert xent.renyi_entropy(p, alpha=1) == pytest.approx(xent.entropy(p), rel=1e-15)
    assert xent.tsallis_entropy(p, alpha=0) == 2.0
    assert xent.tsallis_entropy(p, alpha=2) == 0.625
    assert xent.tsallis_entropy(p, alpha=INF) == 0.0
    for alpha in (0, 1e-310, 0.5, 1, 3, 1e50, 1e300, INF):
        assert xent.renyi_entropy([1.0, 0.0], alpha=alpha) == 0.0
        assert xent.renyi_entropy([0.125] * 8, alpha=alpha, unit="bits") == pytest.approx(3.0, rel=1e-15)
    # an outcome that underflowed is possible all the same
    assert xent.renyi_entropy(Logits([0.0, -800.0]), alpha=0) == math.log(2)


# -- edges and limits --------------------------------------------------------------------------------------------------


def test_where_the_supports_differ():
    p, q = [0.5, 0.5, 0.0, 0.0], [0.25, 0.0, 0.75, 0.0]
    for alpha in (1, 1 + 1e-12, 2, 50, 1e200):
        assert xent.renyi_divergence(p, q, alpha=alpha) == INF
        assert xent.alpha_divergence(p, q, alpha=alpha) == INF
        assert xent.alpha_divergence(p, q, alpha=1 - alpha) == INF or alpha == 1 + 1e-12
    assert xent.renyi_divergence(p, q, alpha=0) == pytest.approx(math.log(4), rel=1e-15)
    assert xent.renyi_divergence(p, q, alpha=1e-310) == pytest.approx(math.log(4), rel=1e-15)
    assert xent.renyi_divergence(p, q, alpha=INF) == INF
    assert xent.tsallis_divergence(p, q, alpha=0) == 0.75
    bhattacharyya = math.sqrt(0.125)
    assert xent.renyi_divergence(p, q, alpha=0.5) == pytest.approx(-2 * math.log(bhattacharyya), rel=1e-15)
    assert xent.hellinger_distance(p, q) == pytest.approx(math.sqrt(1 - bhattacharyya), rel=1e-15)
    assert xent.total_variation(p, q) == 0.75
    assert xent.chi_square_divergence(p, q) == INF


def test_disjoint_and_equal_rows():
    p, q = [0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.25, 0.75]
    for alpha in (0, 1e-12, 0.5, 1 - 1e-12, 1, 2, INF):
        assert xent.renyi_divergence(p, q, alpha=alpha) == INF
        assert xent.renyi_divergence(q, q, alpha=alpha) == 0.0
    for alpha in (-3, 0, 1e-310, 0.5, 1, 2, 1e50, 1e200):
        assert xent.alpha_divergence(q, q, alpha=alpha) == 0.0
    assert xent.hellinger_distance(p, q) == xent.total_variation(p, q) == 1.0
    assert xent.hellinger_distance(q, q) == xent.total_variation(q, q) == xent.chi_square_divergence(q, q) == 0.0


def test_far_logits():
    """The sum of p^50 q^-49 is e^34300, the divergence 700."""
    p, q = Logits([0.0, 700.0]), Logits([700.0, 0.0])
    for alpha in (2, 50, 1e50, 1e200, INF):
        assert xent.renyi_divergence(p, q, alpha=alpha) == pytest.approx(700.0, rel=1e-15)
    assert xent.renyi_divergence(p, q, alpha=0.5) == pytest.approx(2 * (350 - math.log(2)), rel=1e-15)
    assert xent.alpha_divergence(p, q, alpha=50) == INF
    masked = xent.renyi_divergence(Logits([0.0, 1.0, -INF]), Logits([1.0, 0.0, -INF]), alpha=3)
    assert masked == pytest.approx(xent.renyi_divergence(Logits([0.0, 1.0]), Logits([1.0, 0.0]), alpha=3), rel=1e-15)


def test_labels_are_one_hot():
    q = np.array([[0.25, 0.75], [0.5, 0.5]])
    for alpha in (0, 0.3, 1, 2, 50, INF):
        assert xent.renyi_divergence(Labels([1, 0]), q, alpha=alpha) == pytest.approx(-np.log([0.75, 0.5]), rel=1e-15)
    assert xent.total_variation(Labels([1, 0]), q).tolist() == [0.25, 0.5]


def test_identities():
    rng = np.random.default_rng(8)
    p, q = rng.dirichlet(np.ones(6), 4), rng.dirichlet(np.ones(6), 4)
    for alpha in (-1.0, 0.0, 0.25, 0.5, 1.0, 2.0):
        changed = xent.alpha_divergence(q, p, alpha=1 - alpha)
        if alpha != 0.5:
            assert np.array_equal(xent.alpha_divergence(p, q, alpha=alpha), changed)
    assert xent.alpha_divergence(p, q, alpha=1) == pytest.approx(xent.kl_divergence(p, q), rel=1e-14)
    assert xent.alpha_divergence(p, q, alpha=0) == pytest.approx(xent.kl_divergence(q, p), rel=1e-14)
    assert xent.hellinger_distance(p, q) == pytest.approx(xent.hellinger_distance(q, p), rel=1e-15)
    assert np.array_equal(xent.total_variation(p, q), xent.total_variation(q, p))
    found = [xent.renyi_divergence(p, q, alpha=a) for a in (0, 0.1, 0.5, 0.9, 1, 1.1, 2, 10, 1000, INF)]
    assert (np.diff(found, axis=0) > 0).all()
    sizes = [xent.renyi_entropy(p, alpha=a) for a in (0, 0.1, 0.5, 0.9, 1, 1.1, 2, 10, 1000, INF)]
    assert (np.diff(sizes, axis=0) < 0).all()
    assert xent.renyi_divergence(p, q, alpha=2, unit="bits") == pytest.approx(
        np.log2(1 + xent.chi_square_divergence(p, q)), rel=1e-14
    )


def test_f_divergence_is_that_of_its_function():
    rng = np.random.default_rng(9)
    p, q = rng.dirichlet(np.ones(5), 3), rng.dirichlet(np.ones(5), 3)
    named = {
        "total_variation": (lambda t: abs(t - 1) / 2, 0.5),
        "chi_square_divergence": (lambda t: (t - 1) ** 2, INF),
        "kl_divergence": (lambda t: t * np.log(np.where(t > 0, t, 1.0)), INF),
    }
    for name, (f, slope) in named.items():
        assert xent.f_divergence(p, q, f=f, slope=slope) == pytest.approx(getattr(xent, name)(p, q), rel=1e-12)
        a, b = [0.5, 0.5, 0.0, 0.0], [0.5, 0.0, 0.5, 0.0]
        assert xent.f_divergence(a, b, f=f, slope=slope) == getattr(xent, name)(a, b)
        assert xent.f_divergence(b, b, f=f, slope=slope) == 0.0
    t = torch.tensor(p, requires_grad=True)
    value = xent.f_divergence(t, torch.tensor(q), f=lambda t: (t - 1) ** 2).sum()
    (slope,) = torch.autograd.grad(value, t)
    assert slope.numpy() == pytest.approx(2 * (p - q) / q, rel=1e-12)


# -- what is asked and refused -----------------------------------------------------------------------------------------


def test_shapes_dtypes_and_axes():
    p, q = np.full((3, 2, 4), 0.25, dtype=np.float32), np.full(4, 0.25)
    p.setflags(write=False)
    assert xent.renyi_divergence(p, q, alpha=2).shape == (3, 2)
    assert xent.renyi_divergence(p, p, alpha=2).dtype == np.float32
    assert xent.tsallis_entropy(np.moveaxis(p, -1, 0), alpha=2, axis=0).shape == (3, 2)
    assert xent.hellinger_distance(np.zeros((0, 4)), q).shape == (0,)
    half = xent.renyi_entropy(np.full(4, 0.25, dtype=np.float16), alpha=3, unit="bits")
    assert half.dtype == np.float16
    assert half == 2.0
    told = xent.renyi_divergence(q, q, alpha=2, details=True)
    assert (told.value, told.method) == (0.0, "closed form")
    with pytest.raises(TypeError, match="`seed` is for distributions"):
        xent.total_variation(q, q, seed=1)


@pytest.mark.parametrize("alpha", ["2", True, None, 1j, np.array([1.0, 2.0])])
def test_orders_that_are_no_numbers(alpha):
    with pytest.raises(TypeError, match=r"`alpha` is .*; it is one real number"):
        xent.renyi_entropy([0.5, 0.5], alpha=alpha)


@pytest.mark.parametrize(
    ("name", "alpha", "words"),
    [
        ("renyi_divergence", -1, "`alpha` is -1.0; the orders of this measure are 0 and above"),
        ("renyi_divergence", math.nan, "`alpha` is nan"),
        ("tsallis_divergence", INF, "`alpha` is inf; the orders of this measure are 0 and above, finite"),
        ("alpha_divergence", -INF, "`alpha` is -inf; the orders of this measure are any finite number"),
    ],
)
def test_orders_that_do_not_exist(name, alpha, words):
    with pytest.raises(ValueError, match=words):
        getattr(xent, name)([0.5, 0.5], [0.5, 0.5], alpha=alpha)


def test_bad_rows_and_functions():
    with pytest.raises(DistributionError, match="`p` row 1 sums to 0.9"):
        xent.renyi_divergence([[0.5, 0.5], [0.5, 0.4]], [0.5, 0.5], alpha=2)
    with pytest.raises(DistributionError, match="`q` has a negative probability"):
        xent.hellinger_distance([0.5, 0.5], [1.5, -0.5])
    with pytest.raises(ShapeError):
        xent.total_variation([0.5, 0.5], [0.2, 0.3, 0.5])
    with pytest.raises(TypeError, match="`f` is 3"):
        xent.f_divergence([0.5, 0.5], [0.5, 0.5], f=3)
    with pytest.raises(ValueError, match=r"`f\(1\)` is 1; it must be 0"):
        xent.f_divergence([0.5, 0.5], [0.5, 0.5], f=lambda t: t)
    with pytest.raises(ShapeError, match=r"`f` gave shape \(\) for ratios of shape \(2,\)"):
        xent.f_divergence([0.5, 0.5], [0.5, 0.5], f=lambda t: (t - 1).sum())
    assert math.isnan(xent.renyi_divergence([math.nan, 0.5], [0.5, 0.5], alpha=2, check=False))
    assert math.isnan(xent.renyi_divergence(Labels(7), [0.5, 0.5], alpha=2, check=False))
    for name in DIVERGENCES:
        for row in (Counts([0, 0]), [math.inf, 1.0]):
            assert math.isnan(getattr(xent, name)(row, [0.5, 0.5], alpha=2.5, check=False)), (name, row)
            assert math.isnan(getattr(xent, name)([0.5, 0.5], row, alpha=0.5, check=False)), (name, row)


# -- gradients ---------------------------------------------------------------------------------------------------------


def leaf(values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


P, Q = [[0.2, 0.3, 0.5], [0.01, 0.09, 0.9]], [[0.25, 0.35, 0.4], [0.7, 0.2, 0.1]]
GRADED = [
    *((name, {"alpha": a}) for name in DIVERGENCES[::2] for a in (0.1, 1 - 1e-9, 1, 2, 50)),
    ("hellinger_distance", {}),
    ("total_variation", {}),
    ("chi_square_divergence", {}),
]


@pytest.mark.parametrize(("name", "options"), GRADED)
def test_derivatives(name, options):
    """Softmax keeps rows normalised; as logits, as probabilities and as logs."""
    z, w = leaf(np.log(P)), leaf(np.log(Q))
    function = getattr(xent, name)
    assert torch.autograd.gradcheck(
        lambda a, b: function(Logits(a), Logits(b), **options), (z, w), rtol=1e-4, fast_mode=True
    )
    if options.get("alpha") in (0.1, 1, None):

        def of_rows(a, b):
            return function(torch.softmax(a, -1), LogProbs(torch.log_softmax(b, -1)), **options)

        assert torch.autograd.gradcheck(of_rows, (z, w), fast_mode=True)


@pytest.mark.parametrize(("name", "options"), [*GRADED, ("renyi_divergence", {"alpha": 0})])
def test_derivatives_are_finite_at_zeros_and_at_equal_rows(name, options):
    function = getattr(xent, name)
    for p, q in (
        ([0.5, 0.5, 0.0], [0.5, 0.5, 0.0]),
        ([0.5, 0.5, 0.0], [0.25, 0.25, 0.5]),
        ([0.25, 0.25, 0.5], [0.5, 0.5, 0.0]),
        ([0.2, 0.3, 0.5], [0.2, 0.3, 0.5]),
    ):
        a, b = leaf(p), leaf(q)
        value = function(a, b, **options)
        if torch.isfinite(value):
            slopes = torch.autograd.grad(value, (a, b))
            assert all(torch.isfinite(slope).all() for slope in slopes)
            if p == q and 0 not in p:
                assert all((slope == 0).all() for slope in slopes)
        z, w = leaf(np.log(np.maximum(p, 1e-300))), leaf(np.log(np.maximum(q, 1e-300)))
        with torch.no_grad():
            z[z < -600], w[w < -600] = -INF, -INF
        value = function(Logits(z), Logits(w), **options)
        if torch.isfinite(value):
            for leaf_of, slope in zip((z, w), torch.autograd.grad(value, (z, w)), strict=True):
                assert torch.isfinite(slope).all()
                assert (slope[leaf_of == -INF] == 0).all()


@pytest.mark.parametrize("alpha", [0.1, 0.9, 1, 1 + 1e-9, 3, 1e200])
def test_derivatives_of_entropies(alpha):
    z = leaf([[0.1, -0.4, 1.0], [3.0, 0.0, -5.0]])
    for function in (xent.renyi_entropy, xent.tsallis_entropy):
        assert torch.autograd.gradcheck(
            lambda a, function=function: function(Logits(a), alpha=alpha), z, fast_mode=True
        )
        p = leaf([0.5, 0.5, 0.0])
        (slope,) = torch.autograd.grad(function(p, alpha=alpha), p)
        assert torch.isfinite(slope).all()


def test_slopes_are_those_of_the_formulas():
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.25, 0.35, 0.4])
    for alpha in (0.3, 2.0, 5.0):
        a, b = leaf(p), leaf(q)
        slopes = torch.autograd.grad(xent.alpha_divergence(a, b, alpha=alpha), (a, b))
        by_p = (1 - (p / q) ** (alpha - 1)) / (1 - alpha)
        by_q = (1 - (p / q) ** alpha) / alpha
        assert slopes[0].numpy() == pytest.approx(by_p, rel=1e-12)
        assert slopes[1].numpy() == pytest.approx(by_q, rel=1e-12)


def test_a_steep_slope_is_finite_in_float32_too():
    for alpha in (0.1, 0.5, 1 - 1e-9):
        p = torch.tensor([0.5, 0.5, 0.0], requires_grad=True)
        xent.renyi_divergence(p, torch.tensor([0.25, 0.5, 0.25]), alpha=alpha).backward()
        assert torch.isfinite(p.grad).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_function_without_its_limit_at_0(dtype):
    p, q = np.array([0.5, 0.5, 0.0], dtype), np.array([0.3, 0.3, 0.4], dtype)
    found = xent.f_divergence(p, q, f=lambda t: t * np.log(t))
    assert found == pytest.approx(xent.kl_divergence(p, q), rel=1e-6)
    assert xent.f_divergence(p, q, f=lambda t: -np.log(t)) == np.inf


# -- rows of NumPy whose powers are not extreme have a way of their own ------------------------------------------------


def test_where_the_short_way_ends():
    """Tiny probabilities and powers out of range go the other way, which agrees."""
    rng = np.random.default_rng(10)
    p, q = rng.dirichlet(np.ones(3), 2)
    tiny = np.array([1e-200, 1e-300, 1.0])
    for alpha in (-2.0, 0.3, 1 + 1e-9, 3.0, 80.0):
        for a, b in ((p, q), (p, tiny), (tiny, q)):
            exact = numbers("probs", a), numbers("probs", b)
            found = truths("alpha_divergence", *exact, alpha)
            value = xent.alpha_divergence(a, b, alpha=alpha)
            assert ulp_error(float(value), found, "float64") <= ULPS, (alpha, a, b)
        alone = xent.alpha_divergence(p, q, alpha=alpha)
        beside = xent.alpha_divergence(np.stack([p, tiny]), q, alpha=alpha)[0]
        assert beside == pytest.approx(alone, rel=ULPS * 2.0**-52)


def test_the_short_way_has_edges_and_broadcasts():
    p = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [0.25, 0.25, 0.5]])
    q = np.array([0.25, 0.75, 0.0])
    for name in ("renyi_divergence", "tsallis_divergence", "alpha_divergence"):
        for alpha in (0.3, 0.5, 1.0, 2.0):
            value = getattr(xent, name)(p, q, alpha=alpha)
            rows = [
                float(
                    getattr(xent, name)(LogProbs(torch.tensor(r).log()), LogProbs(torch.tensor(q).log()), alpha=alpha)
                )
                for r in p
            ]
            assert value == pytest.approx(rows, rel=1e-14)
            assert math.isinf(value[2]) == (alpha >= 1)
    assert xent.alpha_divergence(np.ones((2, 1)), [1.0], alpha=2).tolist() == [0.0, 0.0]
    assert xent.alpha_divergence(np.ones((0, 3)), q, alpha=2).shape == (0,)
