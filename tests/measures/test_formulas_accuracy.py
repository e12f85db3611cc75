"""Every formula within a stated number of ulps of mpmath: forms x sizes x dtypes x libraries."""

import functools

import array_api_compat.numpy as xnp
import array_api_compat.torch as xtorch
import array_api_strict
import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import torch

from xent import Counts, Labels, Logits, LogProbs, Probs
from xent.measures import _double, _elementwise, _joint, _primitives, _rows
from xent.testing import reference, ulp_error

ULPS = 4
FORMS = {"probs": Probs, "logprobs": LogProbs, "logits": Logits, "counts": Counts, "labels": Labels}
KINDS = ("probs", "logprobs", "logits", "counts")
EAGER = {
    "numpy": (xnp, np.asarray),
    "torch": (xtorch, torch.as_tensor),
    "strict": (array_api_strict, array_api_strict.asarray),
}
PAIRS = [(kp, kq) for kp in (*KINDS, "labels") for kq in KINDS]


def rows_of(kind, z, dtype):
    """Rows of a kind that stand for about softmax(z)."""
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    p = p / p.sum(axis=-1, keepdims=True)
    if kind == "labels":
        return np.arange(z.shape[0]) % z.shape[-1]
    made = {"probs": lambda: p, "logprobs": lambda: np.log(p), "logits": lambda: z, "counts": lambda: np.ceil(p * 1e5)}
    return made[kind]().astype(dtype)


@functools.cache
def logits_of(k):
    """Rows that are even, ragged, near one-hot and of wide range; and partners, the first two nearly equal to them."""
    rng = np.random.default_rng(k)
    n = 4 if k < 20 else 2
    z = rng.normal(size=(n, k)) * np.asarray([0.1, 2.0, 5.0, 20.0])[:n, None] + rng.normal(size=(n, 1)) * 3
    z[2:3, 0] += 30.0
    other = rng.normal(size=(n, k)) * np.asarray([1e-3, 1e-7, 5.0, 20.0])[:n, None]
    other[:2] += z[:2]
    return z, other


def model_of(kind, z, dtype):
    return rows_of(kind, z, dtype) + (kind == "counts")


@functools.cache
def truth(name, kp, kq, k, dtype):
    z, other = logits_of(k)
    p = rows_of(kp, z, dtype)
    if kq is None:
        return [getattr(reference, name)(FORMS[kp](row)) for row in p]
    return [
        getattr(reference, name)(FORMS[kp](x), FORMS[kq](y)) for x, y in zip(p, model_of(kq, other, dtype), strict=True)
    ]


def worst(values, answers, dtype):
    values = np.asarray(values)
    assert str(values.dtype) == dtype
    return max(ulp_error(float(v), a, dtype) for v, a in zip(values, answers, strict=True))


# every size by NumPy, one each by the other libraries, which run the same formulas
SIZES = [("numpy", 1), ("numpy", 2), ("torch", 3), ("strict", 8), ("numpy", 30)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("library", "k"), SIZES)
def test_pairs_of_rows(library, k, dtype):
    xp, convert = EAGER[library]
    z, other = logits_of(k)
    for kp, kq in PAIRS:
        p, q = convert(rows_of(kp, z, dtype)), convert(model_of(kq, other, dtype))
        for name in ("cross_entropy", "kl_divergence", "js_divergence", "perplexity"):
            error = worst(getattr(_rows, name)(xp, kp, p, kq, q), truth(name, kp, kq, k, dtype), dtype)
            assert error <= ULPS, (name, kp, kq, error)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("library", "k"), [*SIZES, ("torch", 500)])
def test_single_rows(library, k, dtype):
    xp, convert = EAGER[library]
    for kind in KINDS:
        p = convert(rows_of(kind, logits_of(k)[0], dtype))
        assert worst(_rows.entropy(xp, kind, p), truth("entropy", kind, None, k, dtype), dtype) <= ULPS
        answers = truth("perplexity", kind, None, k, dtype)
        assert worst(_rows.perplexity(xp, kind, p, None, None), answers, dtype) <= ULPS


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_long_rows(dtype):
    z, other = logits_of(500)
    for kp, kq in (("probs", "probs"), ("logits", "logits")):
        p, q = rows_of(kp, z, dtype), rows_of(kq, other, dtype)
        for name in ("cross_entropy", "kl_divergence", "js_divergence"):
            answers = [getattr(reference, name)(FORMS[kp](x), FORMS[kq](y)) for x, y in zip(p, q, strict=True)]
            assert worst(getattr(_rows, name)(xnp, kp, p, kq, q), answers, dtype) <= ULPS


JITTED = [
    ("entropy", "logits", None),
    ("cross_entropy", "labels", "logits"),
    ("kl_divergence", "probs", "probs"),
    ("kl_divergence", "logits", "logits"),
    ("js_divergence", "counts", "probs"),
    ("perplexity", "probs", "logits"),
]


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize(("name", "kp", "kq"), JITTED)
def test_compiled_by_jax(name, kp, kq, x64):
    """XLA keeps the error-free sums and products: without them float32 would lose all digits of a divergence."""
    k, dtype = 8, "float64" if x64 else "float32"
    z, other = logits_of(k)
    answers = truth(name, kp, kq, k, dtype)
    with jax.enable_x64(x64):
        function = getattr(_rows, name)
        p = jnp.asarray(rows_of(kp, z, dtype))
        if kq is None:
            values = jax.jit(lambda p: function(jnp, kp, p))(p)
        else:
            values = jax.jit(lambda p, q: function(jnp, kp, p, kq, q))(p, jnp.asarray(model_of(kq, other, dtype)))
        assert worst(values, answers, dtype) <= ULPS


def test_eager_jax():
    z, other = logits_of(3)
    with jax.enable_x64(False):
        p, q = (jnp.asarray(rows_of("probs", x, "float32")) for x in (z, other))
        for name in ("cross_entropy", "kl_divergence", "js_divergence"):
            values = getattr(_rows, name)(jnp, "probs", p, "probs", q)
            assert worst(values, truth(name, "probs", "probs", 3, "float32"), "float32") <= ULPS


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("library", EAGER)
def test_surprisal_and_normalize(library, dtype):
    xp, convert = EAGER[library]
    for kind in KINDS:
        rows = rows_of(kind, logits_of(8)[0], dtype)
        for function, definition in ((_rows.surprisal, reference.surprisal), (_rows.normalize, reference.normalize)):
            values = np.asarray(function(xp, kind, convert(rows)))
            assert values.shape == rows.shape
            for row, got in zip(rows, values, strict=True):
                for j in range(8):
                    assert ulp_error(float(got[j]), definition(FORMS[kind](row), j), dtype) <= 4


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("library", EAGER)
def test_binary(library, dtype):
    xp, convert = EAGER[library]
    rng = np.random.default_rng(7)
    odds = np.concatenate([rng.normal(size=6) * s for s in (0.1, 3, 25, 100)])
    near = odds + np.where(odds > 30, 1e-3, 1e-5) * (1 + rng.uniform(size=odds.size))
    far = np.roll(odds, 1)

    def numbers(kind, x):
        made = {"probs": 1 / (1 + np.exp(-x)), "logprobs": -np.logaddexp(0, -x), "logits": x}
        return made[kind].astype(dtype)

    kinds = ("probs", "logprobs", "logits")
    for ky in kinds:
        y = numbers(ky, odds)
        answers = [reference.binary_entropy(FORMS[ky](v)) for v in y]
        assert worst(_elementwise.binary_entropy(xp, ky, convert(y)), answers, dtype) <= ULPS
        for kq in kinds:
            for name in ("binary_cross_entropy", "binary_kl_divergence"):
                for other in (near, far):
                    q = numbers(kq, other)
                    pairs = zip(y, q, strict=True)
                    answers = [getattr(reference, name)(FORMS[ky](v), FORMS[kq](w)) for v, w in pairs]
                    values = getattr(_elementwise, name)(xp, ky, convert(y), kq, convert(q))
                    assert worst(values, answers, dtype) <= ULPS, (name, ky, kq)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("library", "shape"), [("numpy", (2, 2)), ("torch", (3, 5)), ("strict", (1, 4))])
def test_joint(library, dtype, shape):
    xp, convert = EAGER[library]
    rng = np.random.default_rng(11)
    z = rng.normal(size=(3, shape[0] * shape[1])) * np.asarray([0.01, 1.0, 15.0])[:, None]
    cases = [("joint_entropy", {}), ("mutual_information", {})]
    cases += [("conditional_entropy", {"given": given}) for given in (0, 1)]
    for kind in KINDS:
        tables = rows_of(kind, z, dtype).reshape(3, *shape)
        for name, options in cases:
            if name == "mutual_information" and shape[0] == 1:
                continue  # 0, up to the last bits of the sum
            answers = [getattr(reference, name)(FORMS[kind](t), **options) for t in tables]
            values = getattr(_joint, name)(xp, kind, convert(tables), **options)
            assert worst(values, answers, dtype) <= ULPS, (name, kind, options)


SPREAD = ("probs", "logprobs", "logits", "counts")


@pytest.mark.parametrize("step", [1e-6, 1e-9, 1e-12])
def test_nearly_equal_rows_of_different_kinds(step):
    """Logs against numbers: the surprisals are subtracted at twice the precision."""
    rng = np.random.default_rng(3)
    for kp in SPREAD:
        for kq in SPREAD:
            z = rng.normal(size=(4, 3)) * np.asarray([0.1, 1.0, 2.0, 6.0])[:, None]
            p, q = rows_of(kp, z, "float64"), rows_of(kq, z + rng.normal(size=z.shape) * step, "float64")
            answers = [reference.kl_divergence(FORMS[kp](x), FORMS[kq](y)) for x, y in zip(p, q, strict=True)]
            assert worst(_rows.kl_divergence(xnp, kp, p, kq, q), answers, "float64") <= ULPS, (kp, kq)
    p, q = (
        np.asarray([-9.45142880182412, -7.858030111158693e-05]),
        np.asarray([7.857721376053169e-05, 0.9999214227862394]),
    )
    answers = [reference.kl_divergence(LogProbs(p), Probs(q))]
    assert worst(_rows.kl_divergence(xnp, "logprobs", p[None], "probs", q[None]), answers, "float64") <= ULPS


@pytest.mark.parametrize("step", [1e-6, 1e-9, 1e-12])
def test_nearly_equal_bernoullis_of_different_kinds(step):
    rng = np.random.default_rng(4)
    odds = rng.normal(size=12) * np.asarray([0.1, 2.0, 8.0] * 4)
    near = odds + step * rng.normal(size=12)
    made = {"probs": lambda x: 1 / (1 + np.exp(-x)), "logprobs": lambda x: -np.logaddexp(0, -x), "logits": lambda x: x}
    for ky in made:
        for kq in made:
            y, q = made[ky](odds), made[kq](near)
            pairs = zip(y, q, strict=True)
            answers = [reference.binary_kl_divergence(FORMS[ky](v), FORMS[kq](w)) for v, w in pairs]
            assert worst(_elementwise.binary_kl_divergence(xnp, ky, y, kq, q), answers, "float64") <= ULPS, (ky, kq)


@pytest.mark.parametrize(("dtype", "bound"), [("float64", 4e-30), ("float32", 4e-14)])
def test_twice_the_precision(dtype, bound):
    rng = np.random.default_rng(5)
    x = np.exp(3 * rng.normal(size=60)).astype(dtype)
    zero = np.zeros_like(x)
    with mpmath.workdps(60):
        for f, truth_of, given in (
            (_double.exact_log, mpmath.log, x),
            (_double.exact_exp, mpmath.exp, -x),
            (_double.exact_exp, mpmath.exp, x / 20),
        ):
            high, low = f(xnp, given, zero)
            for a, b, v in zip(high, low, given, strict=True):
                truth = truth_of(mpmath.mpf(float(v)))
                if abs(v) < 50:  # within reach of the tables
                    assert abs((mpmath.mpf(float(a)) + mpmath.mpf(float(b))) - truth) <= bound * max(1, truth)


def test_polynomials():
    """The coefficients are those of the functions they say."""
    p = _primitives
    with mpmath.workdps(50):
        for x in (mpmath.mpf(1) / 10**4, mpmath.mpf("0.3"), mpmath.mpf("0.5")):
            s, v = x, x * 2.19
            terms = (1 + s) * mpmath.log1p(s) + (1 - s) * mpmath.log1p(-s)
            t = mpmath.tanh(v / 2)
            wide = (1 + t) * mpmath.log1p(t) + (1 - t) * mpmath.log1p(-t)
            for coefficients, at, truth in (
                (p._ATANH, s * s, (mpmath.atanh(s) / s - 1) / s**2),
                (p._JENSEN, s * s, terms / (2 * s * s)),
                (p._JENSEN_OF_RATIO, v * v, wide / (4 * v * v)),
                (p._PSI, v, (mpmath.expm1(-v) + v) / v**2),
                (p._PSI, -v, (mpmath.expm1(v) - v) / v**2),
            ):
                assert mpmath.almosteq(p.horner(at, coefficients), truth, rel_eps=2e-16)
