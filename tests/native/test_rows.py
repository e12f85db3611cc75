"""Accuracy of the row reductions against mpmath: 2 ulp are promised, nearly all values are correctly rounded."""

import numpy as np
import oracle
import pytest
from mpmath import mp, mpf
from oracle import ulp

from xent import _native

FORMS = ("probs", "counts", "logprobs", "logits")
SIZES = (1, 2, 3, 7, 8, 9, 31, 32, 33, 100)
PATTERNS = ("flat", "usual", "peaked", "holes", "offset", "ties")
BOUND = 1.0  # ulp; promised are 2


def make(form: str, K: int, pattern: str, rng: np.random.Generator) -> np.ndarray:
    z = rng.standard_normal(K) * {"flat": 1e-3, "peaked": 30}.get(pattern, 2)
    if pattern == "peaked":
        z[rng.integers(K)] += 60
    if pattern == "holes":
        z[1::3] = -np.inf
    if pattern == "ties":
        z = np.round(z)
    if form == "logits":
        return z + (1e4 if pattern == "offset" else 0)
    if form == "counts":
        return np.floor(np.exp(z - z.max()) * 10.0 ** rng.integers(1, 12) + (0 if pattern == "holes" else 1))
    total = np.log(np.exp(z - z.max()).sum()) + z.max()
    return z - total if form == "logprobs" else np.exp(z - total)


def nudged(form: str, a: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    noise = rng.standard_normal(a.shape) * size
    if form == "logits":
        return a + noise
    if form == "logprobs":
        b = a + noise
        return b - np.log(np.exp(b).sum())
    b = a * (1 + noise)
    return np.round(b) if form == "counts" else b / b.sum()


def value(op, *operands, **options):
    return _native.reduce(op, operands, -1, **options)[0]


def kl_error(got, p, q):
    """Of the floats as given, or exactly normalised: either is right."""
    return min(ulp(got, oracle.kl(p, q)), ulp(got, oracle.kl(oracle.normalised(p), oracle.normalised(q))))


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("form", FORMS)
def test_entropy_perplexity_and_units(form, pattern):
    rng = np.random.default_rng([1, PATTERNS.index(pattern)])
    for K in SIZES:
        a = make(form, K, pattern, rng)
        H = oracle.entropy(oracle.probabilities(form, a))
        for post, want in (("nats", H), ("bits", H / mp.log(2)), ("bans", H / mp.log(10)), ("exp", mp.exp(H))):
            assert ulp(value("entropy", (form, a), post=post), want) <= BOUND, (K, post)


@pytest.mark.parametrize("q_form", FORMS)
@pytest.mark.parametrize("p_form", FORMS)
def test_cross_entropy_kl_and_js(p_form, q_form):
    rng = np.random.default_rng([2, FORMS.index(p_form), FORMS.index(q_form)])
    for i, K in enumerate(SIZES):
        for pattern in (PATTERNS[i % 6], PATTERNS[(i + 3) % 6]):
            a, b = make(p_form, K, pattern, rng), make(q_form, K, PATTERNS[(i + 1) % 6], rng)
            p, q = oracle.probabilities(p_form, a), oracle.probabilities(q_form, b)
            pair = (p_form, a), (q_form, b)
            assert ulp(value("cross_entropy", *pair), oracle.cross_entropy(p, q)) <= BOUND, (K, pattern)
            assert kl_error(value("kl", *pair), p, q) <= BOUND, (K, pattern)
            J = oracle.js(p, q)
            assert ulp(value("js", *pair), J) <= BOUND, (K, pattern)


@pytest.mark.parametrize("form", FORMS)
def test_near_equal(form):
    rng = np.random.default_rng(3)
    for K in (2, 9, 33, 100):
        for size in (1e-12, 1e-8, 1e-4, 1e-1):
            if form == "counts":
                a = np.floor(rng.random(K) * 1e13) + 1e12
            else:
                a = make(form, K, "usual", rng)
            b = nudged(form, a, size, rng)
            p, q = oracle.probabilities(form, a), oracle.probabilities(form, b)
            assert kl_error(value("kl", (form, a), (form, b)), p, q) <= BOUND, (K, size)
            assert ulp(value("js", (form, a), (form, b)), oracle.js(p, q)) <= BOUND, (K, size)


def test_near_equal_across_forms():
    rng = np.random.default_rng(4)
    for K in (2, 9, 40):
        for size in (1e-11, 1e-6, 1e-2):
            z = rng.standard_normal(K)
            p = np.exp(z) / np.exp(z).sum() * (1 + rng.standard_normal(K) * size)
            p /= p.sum()
            for pair in (
                (("probs", p), ("logits", z)),
                (("logits", z), ("probs", p)),
                (("probs", p), ("logprobs", np.log(p) * (1 + size))),
            ):
                a, b = (oracle.probabilities(*one) for one in pair)
                assert kl_error(value("kl", *pair), a, b) <= BOUND, (K, size)
                assert ulp(value("js", *pair), oracle.js(a, b)) <= BOUND, (K, size)


@pytest.mark.parametrize("form", FORMS)
def test_labels(form):
    rng = np.random.default_rng(5)
    for K in SIZES:
        a = np.stack([make(form, K, pattern, rng) for pattern in PATTERNS])
        y = rng.integers(0, K, len(a))
        for i, (row, label) in enumerate(zip(a, y, strict=True)):
            q = oracle.probabilities(form, row)
            want = oracle.cross_entropy([oracle.ONE], [q[label]])
            got = value("cross_entropy", ("labels", y), (form, a))
            assert ulp(got[i], want) <= BOUND, (K, i)
            assert ulp(value("kl", ("labels", y), (form, a))[i], want) <= BOUND
            hot = [oracle.ONE if k == label else oracle.ZERO for k in range(K)]
            assert ulp(value("js", ("labels", y), (form, a))[i], oracle.js(hot, q)) <= BOUND, (K, i)


def test_known_values():
    big = np.array([40.0, 0.0])
    assert ulp(value("cross_entropy", ("labels", np.array(0)), ("logits", big)), mp.log1p(mp.exp(-40))) <= 0.51
    small = np.array([0, -20, -20], np.float32)
    H = value("entropy", ("logits", small), dtype=np.float32)
    assert ulp(H, oracle.entropy(oracle.probabilities("logits", small)), np.float32) <= 0.51
    p, q = np.array([0.2, 0.8, 0, 0]), np.array([0, 0, 0.7, 0.3])
    assert value("js", ("probs", p), ("probs", q)) == np.log(2)
    assert value("js", ("probs", p), ("probs", p)) == 0
    assert value("kl", ("probs", p), ("probs", p)) == 0
    assert value("kl", ("probs", p), ("probs", q)) == np.inf
    assert value("cross_entropy", ("probs", p), ("logits", np.array([1.0, 2.0, -np.inf, -np.inf]))) < 3
    assert value("cross_entropy", ("probs", p), ("logits", np.array([-np.inf, 2.0, 1.0, 1.0]))) == np.inf
    assert value("entropy", ("counts", np.array([10**10, 10**10]))) == np.log(2)
    assert value("entropy", ("probs", np.full(70000, 1 / 70000, np.float16)), dtype=np.float64) > 11


def test_js_is_symmetric_bit_for_bit():
    rng = np.random.default_rng(6)
    p, q = rng.dirichlet(np.ones(37), 200), rng.dirichlet(np.ones(37), 200)
    for a, b in ((("probs", p), ("probs", q)), (("probs", p), ("logits", q)), (("logits", p * 9), ("logits", q))):
        assert np.array_equal(value("js", a, b), value("js", b, a))


def test_every_exponent():
    tiny = 2.0 ** np.arange(-1074, 0)
    rows = np.stack([tiny, 1 - tiny], 1)
    H = value("entropy", ("probs", rows))
    D = value("kl", ("probs", np.array([0.0, 1.0])), ("probs", rows))
    for i in range(0, len(tiny), 13):
        p = oracle.probabilities("probs", rows[i])
        assert ulp(H[i], oracle.entropy(p)) <= BOUND, i
        assert ulp(D[i], oracle.kl([oracle.ZERO, oracle.ONE], p)) <= BOUND, i


def test_ascending_logits_over_many_blocks():
    z = np.arange(3000) * 0.25
    assert ulp(value("logsumexp", ("logits", z)), oracle.logsumexp(z)) <= BOUND
    y = np.array([0, 1500, 2999])
    got = value("cross_entropy", ("labels", y), ("logits", z))
    for g, label in zip(got, y, strict=True):
        assert ulp(g, oracle.logsumexp(z) - mpf(float(z[label]))) <= BOUND


def test_a_vocabulary():
    rng = np.random.default_rng(8)
    K = 128256
    uniform = np.full(K, 1 / K)
    H = -mpf(float(uniform[0])) * mp.log(mpf(float(uniform[0]))) * K
    assert ulp(value("entropy", ("probs", uniform)), H) <= BOUND
    z = np.zeros(K)
    z[rng.integers(K)] = 20.0
    assert ulp(value("logsumexp", ("logits", z)), mp.log(mp.exp(20) + (K - 1))) <= BOUND
    p, q = np.tile([1.0, 3.0], K // 2) / (2 * K), np.tile([3.0, 1.0], K // 2) / (2 * K)
    assert (
        ulp(
            value("kl", ("probs", p), ("probs", q)),
            K * oracle.kl([mpf(float(p[0]))], [mpf(float(q[0]))]) / 2
            + K * oracle.kl([mpf(float(p[1]))], [mpf(float(q[1]))]) / 2,
        )
        <= BOUND
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_narrow_results_are_rounded_once(dtype):
    rng = np.random.default_rng(9)
    for K in (1, 3, 8, 40, 300):
        z = (rng.standard_normal((4, K)) * 3).astype(dtype)
        p = np.exp(z.astype(np.float64))
        p = (p / p.sum(1, keepdims=True)).astype(dtype)
        for form, a in (("logits", z), ("probs", p)):
            got = value("entropy", (form, a), dtype=dtype)
            assert got.dtype == dtype
            for g, row in zip(got, a, strict=True):
                assert ulp(g, oracle.entropy(oracle.probabilities(form, row)), dtype) <= 0.5 + 1e-9


def test_bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    z = (np.random.default_rng(10).standard_normal((5, 50)) * 3).astype(ml_dtypes.bfloat16)
    got = value("cross_entropy", ("labels", np.arange(5)), ("logits", z), dtype=ml_dtypes.bfloat16)
    exact = value("cross_entropy", ("labels", np.arange(5)), ("logits", z.astype(np.float64)))
    assert got.dtype == ml_dtypes.bfloat16
    assert np.array_equal(got, exact.astype(ml_dtypes.bfloat16))


def test_half_overflow_and_subnormals():
    q = np.array([[1 - 1e-7, 1e-7], [1 - 1e-8, 1e-8]])
    got = value("cross_entropy", ("labels", np.array([0, 0])), ("probs", q), dtype=np.float16)
    assert np.array_equal(got, (-np.log(q[:, 0])).astype(np.float16))
    far = np.array([0.0, -70000.0])
    assert value("cross_entropy", ("labels", np.array(1)), ("logits", far), dtype=np.float16) == np.inf
