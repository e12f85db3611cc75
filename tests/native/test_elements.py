"""Accuracy of the elementwise measures against mpmath: 1 ulp."""

import numpy as np
import oracle
import pytest
from mpmath import mp, mpf
from oracle import two, ulp

from xent import _native

FORMS = ("probs", "logprobs", "logits")
BOUND = 1.0


def values(form: str, rng: np.random.Generator, n: int = 40) -> np.ndarray:
    if form == "logits":
        scale = rng.choice([0.01, 1, 10, 100], n)
        return np.concatenate([rng.standard_normal(n) * scale, [0, np.inf, -np.inf, 1e-300, -1e-20, 600]])
    if form == "logprobs":
        return -np.concatenate([10.0 ** rng.uniform(-20, 2.7, n), [0, np.inf, 1e-300, 0.6931, 600]])
    if form == "labels":
        return rng.integers(0, 2, n)
    edges = [0, 1, 0.5, 5e-324, np.nextafter(1, 0), 1e-300]
    return np.concatenate(
        [rng.random(n), 10.0 ** rng.uniform(-300, 0, n // 2), 1 - 10.0 ** rng.uniform(-16, -1, n // 2), edges]
    )


def value(op, *operands, **options):
    return _native.elementwise(op, operands, **options)[0]


def kl_two(p, q):
    if any(a > 0 and b == 0 for a, b in zip(p, q, strict=True)):
        return oracle.INF
    return mp.fsum(a * mp.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


@pytest.mark.parametrize("form", ["probs", "logprobs"])
def test_surprisal(form):
    x = values(form, np.random.default_rng(1))
    for v, got in zip(x, value("surprisal", (form, x)), strict=True):
        want = (
            oracle.INF if v == (0 if form == "probs" else -np.inf) else -(mp.log(mpf(v)) if form == "probs" else mpf(v))
        )
        assert ulp(got, want) <= BOUND, v


@pytest.mark.parametrize("form", FORMS)
def test_binary_entropy(form):
    x = values(form, np.random.default_rng(2))
    for v, got in zip(x, value("binary_entropy", (form, x)), strict=True):
        assert ulp(got, oracle.entropy(two(form, v))) <= BOUND, v
    assert not value("binary_entropy", ("labels", np.array([0, 1]))).any()


@pytest.mark.parametrize("q_form", FORMS)
@pytest.mark.parametrize("y_form", [*FORMS, "labels"])
def test_binary_cross_entropy_and_kl(y_form, q_form):
    rng = np.random.default_rng([3, len(y_form), FORMS.index(q_form)])
    y, q = rng.permutation(values(y_form, rng)), rng.permutation(values(q_form, rng))
    n = min(len(y), len(q))
    y, q = y[:n], q[:n]
    pair = (y_form, y), (q_form, q)
    for a, b, h, d in zip(y, q, value("binary_cross_entropy", *pair), value("binary_kl", *pair), strict=True):
        p, m = two(y_form, a), two(q_form, b)
        assert ulp(h, oracle.cross_entropy(p, m)) <= BOUND, (a, b)
        assert ulp(d, kl_two(p, m)) <= BOUND, (a, b)


@pytest.mark.parametrize("form", FORMS)
def test_binary_kl_of_near_equal(form):
    rng = np.random.default_rng(4)
    y = values(form, rng)
    y = y[np.isfinite(y)]
    q = y * (1 + rng.standard_normal(y.shape) * 10.0 ** rng.uniform(-15, -1, y.shape))
    q = np.clip(q, 0, 1) if form == "probs" else np.minimum(q, 0) if form == "logprobs" else q
    for a, b, got in zip(y, q, value("binary_kl", (form, y), (form, q)), strict=True):
        assert ulp(got, kl_two(two(form, a), two(form, b))) <= BOUND, (a, b)


def test_binary_kl_of_near_equal_across_forms():
    x = np.linspace(-20, 20, 41)
    y = 1 / (1 + np.exp(-x * (1 + 1e-9)))
    for pair in (
        (("probs", y), ("logits", x)),
        (("logits", x), ("probs", y)),
        (("probs", y), ("logprobs", np.log(y) * (1 + 1e-9))),
    ):
        for i, got in enumerate(value("binary_kl", *pair)):
            assert ulp(got, kl_two(two(pair[0][0], pair[0][1][i]), two(pair[1][0], pair[1][1][i]))) <= BOUND, x[i]


def test_units_and_narrow_results():
    q = np.array([0.1, 0.9, 0.5])
    H = value("binary_entropy", ("probs", q), post="bits")
    assert H[2] == 1
    assert ulp(H[0], oracle.entropy(two("probs", 0.1)) / mp.log(2)) <= BOUND
    for dtype in (np.float32, np.float16):
        for v, got in zip(
            q.astype(dtype), value("binary_entropy", ("probs", q.astype(dtype)), dtype=dtype), strict=True
        ):
            assert ulp(got, oracle.entropy(two("probs", v)), dtype) <= 0.5 + 1e-9


def test_outside_the_domain():
    y = np.array([0.5, 1.5, -0.1, np.nan])
    q = np.full(4, 0.5)
    out, bad = _native.elementwise("binary_cross_entropy", (("probs", y), ("probs", q)))
    assert bad == (1, -1)
    assert np.isnan(out[3]).all()
    assert np.isfinite(out[:3]).all()
    assert _native.elementwise("binary_cross_entropy", (("labels", np.array([0, 1, 2])), ("probs", q[:3])))[1] == (
        2,
        -1,
    )
    assert _native.elementwise("binary_cross_entropy", (("probs", q), ("logits", np.array([1, np.inf, np.nan, 0]))))[
        1
    ] == (-1, 2)
    assert _native.elementwise("binary_entropy", (("logprobs", np.array([-1.0, 0.0, 0.1])),))[1] == (2,)
    out, bad = _native.elementwise("surprisal", (("probs", np.array([1 + 2**-52, 2.0])),), checked=False)
    assert bad == (-1,)
    assert np.array_equal(out, -np.log([1 + 2**-52, 2.0]))


@pytest.mark.parametrize("dtype", ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_outcomes_of_any_integer_type(dtype):
    y = np.array([0, 1, 1, 0]).astype(dtype)
    q = np.array([0.2, 0.3, 1.0, 1.0])
    assert np.array_equal(
        value("binary_cross_entropy", ("labels", y), ("probs", q)), [-np.log1p(-0.2), -np.log(0.3), 0, np.inf]
    )
