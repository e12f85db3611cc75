"""What goes wrong in other libraries, right in ours: NumPy, PyTorch and JAX in float32 and float64."""

import math
import warnings

import array_api_compat.numpy as xnp
import array_api_compat.torch as xtorch
import array_api_strict
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from xent import Logits
from xent.measures import _elementwise, _joint, _rows
from xent.testing import reference, ulp_error

INF = math.inf


def jax_array(values, dtype):
    return jnp.asarray(np.asarray(values, dtype=dtype))


LIBRARIES = {
    "numpy": (xnp, lambda values, dtype: np.asarray(values, dtype=dtype)),
    "torch": (xtorch, lambda values, dtype: torch.as_tensor(np.asarray(values, dtype=dtype))),
    "jax": (jnp, jax_array),
}


@pytest.fixture(params=["float64", "float32"])
def dtype(request):
    with jax.enable_x64(request.param == "float64"):
        yield request.param


# JAX compiles every operation for every shape: slow where shapes are many or rows long
WITHOUT_JAX = pytest.mark.parametrize("xp", ["numpy", "torch"], indirect=True)


@pytest.fixture(params=LIBRARIES)
def xp(request, dtype):
    if request.param == "jax" and dtype == "float64" and "nearly" not in request.node.name:
        pytest.skip("in float32, the harder case for XLA")
    return LIBRARIES[request.param][0]


@pytest.fixture
def make(xp, dtype):
    convert = next(c for n, c in LIBRARIES.values() if n is xp)
    return lambda values: convert(values, dtype)


def test_divergences_of_nearly_equal_rows(xp, make, dtype):
    rng = np.random.default_rng(1)
    step = 1e-8 if dtype == "float64" else 1e-4
    p = rng.dirichlet(np.ones(5), size=20).astype(dtype)
    q = (p * (1 + step * rng.normal(size=p.shape))).astype(dtype)
    for name in ("kl_divergence", "js_divergence", "js_distance"):
        values = np.asarray(getattr(_rows, name)(xp, "probs", make(p), "probs", make(q)))
        assert (values >= 0).all()
        answers = [getattr(reference, name)(x, y) for x, y in zip(p, q, strict=True)]
        assert max(ulp_error(float(v), a, dtype) for v, a in zip(values, answers, strict=True)) <= 4


@WITHOUT_JAX
def test_a_distribution_does_not_differ_from_itself(xp, make):
    p = make([[0.1, 0.2, 0.7], [0.0, 0.5, 0.5]])
    for name in ("kl_divergence", "js_divergence", "js_distance"):
        assert np.asarray(getattr(_rows, name)(xp, "probs", p, "probs", p)).tolist() == [0.0, 0.0]


@WITHOUT_JAX
def test_js_is_symmetric_to_the_bit_and_ln_2_when_disjoint(xp, make):
    rng = np.random.default_rng(2)
    p, q = (make(rng.dirichlet(np.ones(7), size=50)) for _ in range(2))
    there, back = (np.asarray(_rows.js_divergence(xp, "probs", a, "probs", b)) for a, b in ((p, q), (q, p)))
    assert (there == back).all()
    apart = _rows.js_divergence(xp, "probs", make([0.5, 0.5, 0.0]), "probs", make([0.0, 0.0, 1.0]))
    assert float(apart) == np.asarray(make(math.log(2)))


def test_loss_of_a_certain_and_right_prediction(xp, make, dtype):
    gap = 40.0 if dtype == "float64" else 20.0
    label = xp.asarray(0)
    value = float(_rows.cross_entropy(xp, "labels", label, "logits", make([gap, 0.0])))
    assert ulp_error(value, reference.cross_entropy(Logits([0.0, -1e9]), Logits([gap, 0.0])).given, dtype) <= 2
    assert value == pytest.approx(math.exp(-gap), rel=1e-6)


@WITHOUT_JAX
def test_entropy_of_nearly_certain_logits_at_any_offset(xp, make, dtype):
    for offset in (0.0, 1e4):
        value = float(_rows.entropy(xp, "logits", make([offset, offset - 20, offset - 20])))
        assert ulp_error(value, reference.entropy(Logits([0.0, -20.0, -20.0])), dtype) <= 4
    assert float(_rows.entropy(xp, "logits", make([0.0, -INF, 0.0]))) == pytest.approx(math.log(2))


@WITHOUT_JAX
def test_binary_cross_entropy_far_out(xp, make):
    bce = _elementwise.binary_cross_entropy
    assert float(bce(xp, "probs", make(1e-9), "logits", make(-100.0))) == pytest.approx(1e-7, rel=1e-6)
    cases = [(1.0, INF, 0.0), (1.0, -INF, INF), (0.0, -INF, 0.0), (0.0, INF, INF), (0.5, INF, INF)]
    for y, x, value in cases:
        assert float(bce(xp, "probs", make(y), "logits", make(x))) == value
    for y, q, value in [(1.0, 1.0, 0.0), (0.0, 0.0, 0.0), (1.0, 0.0, INF), (0.0, 1.0, INF), (0.5, 1.0, INF)]:
        assert float(bce(xp, "probs", make(y), "probs", make(q))) == value


def test_binary_loss_is_not_clipped(xp, make, dtype):
    if dtype == "float64":
        q = 1 / (1 + math.exp(200.0))
        assert float(_elementwise.binary_cross_entropy(xp, "probs", make(1.0), "probs", make(q))) == 200.0


@WITHOUT_JAX
def test_soft_truth_with_a_masked_logit(xp, make):
    z = make([0.0, 0.0, -INF])
    for name, value in (("cross_entropy", math.log(2)), ("kl_divergence", 0.0), ("js_divergence", 0.0)):
        got = float(getattr(_rows, name)(xp, "probs", make([0.5, 0.5, 0.0]), "logits", z))
        assert got == pytest.approx(value, rel=1e-6, abs=1e-13)
    assert float(_rows.cross_entropy(xp, "probs", make([0.5, 0.25, 0.25]), "logits", z)) == INF
    assert float(_rows.kl_divergence(xp, "logits", z, "logits", z)) == 0.0


@WITHOUT_JAX
def test_zeros_of_both(xp, make):
    p, q = make([0.0, 0.5, 0.5]), make([0.0, 0.25, 0.75])
    assert float(_rows.kl_divergence(xp, "probs", p, "probs", q)) == pytest.approx(0.5 * math.log(4 / 3))
    assert float(_rows.kl_divergence(xp, "probs", make([0.5, 0.5, 0.0]), "probs", q)) == INF
    assert float(_rows.cross_entropy(xp, "labels", xp.asarray(0), "probs", q)) == INF
    assert float(_rows.perplexity(xp, "labels", xp.asarray(0), "probs", q)) == INF


@WITHOUT_JAX
def test_a_weight_that_underflowed_is_no_impossible_outcome(xp, make):
    """e^-800 is 0 in floats, and still the model rules out what can happen."""
    p, q = make([0.0, -800.0]), make([0.0, -INF])
    assert float(_rows.cross_entropy(xp, "logits", p, "logits", q)) == INF
    assert float(_rows.kl_divergence(xp, "logits", p, "logits", q)) == INF
    assert float(_rows.kl_divergence(xp, "logits", q, "logits", p)) == 0.0


def test_perplexity_is_infinite_where_the_cross_entropy_is(xp, make):
    p, q = make([-783.0, 0.0]), make([0.0, 1.0])
    assert float(_rows.cross_entropy(xp, "logprobs", p, "probs", q)) == INF
    assert float(_rows.perplexity(xp, "logprobs", p, "probs", q)) == INF
    assert float(_rows.perplexity(xp, "logprobs", make([-INF, 0.0]), "probs", q)) == 1.0


def test_logits_farther_apart_than_the_largest_number():
    for xp, convert in (LIBRARIES["numpy"], LIBRARIES["torch"]):
        z, back = (convert(x, "float64") for x in ([-1.7e308, 1.7e308], [1.7e308, -1.7e308]))
        for name, value in (("entropy", 0.0), ("surprisal", None)):
            got = getattr(_rows, name)(xp, "logits", z)
            assert got.tolist() == ([INF, 0.0] if value is None else value)
        for name, other, value in (
            ("kl_divergence", back, INF),
            ("cross_entropy", back, INF),
            ("kl_divergence", z, 0.0),
            ("cross_entropy", z, 0.0),
            ("perplexity", z, 1.0),
        ):
            assert float(getattr(_rows, name)(xp, "logits", z, "logits", other)) == value, name


@pytest.mark.parametrize("kind", ["uint8", "uint16", "uint32", "uint64", "int8"])
def test_labels_of_every_integer_type(kind):
    labels = torch.tensor([0, 1, 2]).to(getattr(torch, kind))
    z = torch.tensor([[0.0, 1.0]])
    values = _rows.cross_entropy(xtorch, "labels", labels, "logits", z)
    assert values[:2].tolist() == pytest.approx([1.3132617, 0.3132617])
    assert torch.isnan(values[2])
    assert _rows.validity(xtorch, "labels", labels, 2).tolist() == [True, True, False]


def test_a_label_beyond_the_index_type_is_out_of_range():
    for xp, labels in ((xnp, np.asarray([2**64 - 1, 1], dtype="uint64")), (xtorch, np.asarray([2**63, 1], "uint64"))):
        labels = xp.asarray(labels)
        assert np.asarray(_rows.validity(xp, "labels", labels, 2)).tolist() == [False, True]


def test_boolean_labels_of_a_strict_library():
    labels = array_api_strict.asarray([True, False])
    assert np.asarray(_rows.validity(array_api_strict, "labels", labels, 2)).all()


def test_a_device_without_float64():
    device = array_api_strict.Device("no_float64")
    p = array_api_strict.asarray([0.25, 0.75], dtype=array_api_strict.float32, device=device)
    z = array_api_strict.asarray([0.0, 1.0], dtype=array_api_strict.float32, device=device)
    for value in (
        _rows.entropy(array_api_strict, "probs", p),
        _rows.kl_divergence(array_api_strict, "probs", p, "logits", z),
        _rows.perplexity(array_api_strict, "counts", p, "logits", z),
    ):
        assert value.device == device
        assert math.isfinite(float(value))
    assert bool(_rows.validity(array_api_strict, "probs", p, 1e-4))


@WITHOUT_JAX
def test_mutual_information_of_huge_counts(xp, make):
    table = make([[1e10, 0.0], [0.0, 1e10]])
    assert float(_joint.mutual_information(xp, "counts", table)) == pytest.approx(math.log(2), rel=1e-7)
    independent = make([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    assert float(_joint.mutual_information(xp, "counts", independent)) == 0.0


@WITHOUT_JAX
def test_many_even_outcomes(xp, make, dtype):
    value = float(_rows.entropy(xp, "counts", make(np.ones(70000))))
    assert ulp_error(value, reference.logsumexp([0.0] * 70000), dtype) <= 2


@WITHOUT_JAX
def test_perplexity_does_not_magnify_errors(xp, make, dtype):
    q = 1e-300 if dtype == "float64" else 1e-30
    assert float(_rows.perplexity(xp, "labels", xp.asarray(1), "probs", make([1.0, q]))) == pytest.approx(
        1 / q, rel=3e-7
    )
    z = make([0.0, 80.0])
    answer = reference.perplexity(Logits([100.0, 0.0]), Logits([0.0, 80.0]))
    assert ulp_error(float(_rows.perplexity(xp, "logits", make([100.0, 0.0]), "logits", z)), answer, dtype) <= 4


@WITHOUT_JAX
def test_huge_and_tiny_counts(xp, make, dtype):
    for size in (1e-300, 1e300) if dtype == "float64" else (1e-30, 1e37):
        counts = make([size, size, 0.0])
        assert float(_rows.entropy(xp, "counts", counts)) == pytest.approx(math.log(2))
        assert float(_rows.kl_divergence(xp, "counts", counts, "probs", make([0.5, 0.5, 0.0]))) == pytest.approx(
            0.0, abs=1e-30
        )


@WITHOUT_JAX
def test_labels_out_of_range_are_nan_and_never_read(xp, make):
    labels = xp.asarray([-1, 0, 2, 3, 1_000_000])
    for kind, row in (("probs", [0.2, 0.3, 0.5]), ("logits", [0.0, 1.0, 2.0])):
        for name in ("cross_entropy", "kl_divergence", "js_divergence", "perplexity"):
            values = np.asarray(getattr(_rows, name)(xp, "labels", labels, kind, make([row])))
            assert np.isnan(values).tolist() == [True, False, False, True, True]
    assert np.asarray(_rows.validity(xp, "labels", labels, 3)).tolist() == [False, True, True, False, False]


@WITHOUT_JAX
def test_rows_that_are_no_distributions_give_nan_or_are_told(xp, make):
    nan = math.nan
    for bad in ([nan, 0.0], [-INF, -INF], [INF, 0.0]):
        assert math.isnan(float(_rows.entropy(xp, "logits", make(bad))))
        assert not bool(_rows.validity(xp, "logits", make(bad), 0.0))
    for bad in ([nan, 1.0], [-0.5, 1.5], [0.5, 0.6], [INF, 0.0]):
        assert not bool(_rows.validity(xp, "probs", make(bad), 1e-4))
    assert bool(_rows.validity(xp, "probs", make([0.5, 0.5]), 1e-4))
    assert bool(_rows.validity(xp, "logprobs", make([0.0, -INF]), 1e-4))
    assert not bool(_rows.validity(xp, "logprobs", make([0.0, 0.0]), 1e-4))
    assert not bool(_rows.validity(xp, "counts", make([0.0, 0.0]), 0.0))
    assert bool(_rows.validity(xp, "counts", make([0.0, 3.0]), 0.0))
    good = np.asarray(_elementwise.validity(xp, "probs", make([0.0, 1.0, -0.1, 1.1, nan])))
    assert good.tolist() == [True, True, False, False, False]


@WITHOUT_JAX
def test_rows_broadcast(xp, make):
    p, q = make(np.full((4, 1, 3), 1 / 3)), make(np.full((5, 3), 1 / 3))
    for name in ("cross_entropy", "kl_divergence", "js_divergence", "perplexity"):
        assert getattr(_rows, name)(xp, "probs", p, "probs", q).shape == (4, 5)
        assert getattr(_rows, name)(xp, "labels", xp.asarray([[0], [1]]), "logits", q).shape == (2, 5)


def test_no_numpy_warning_escapes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        p, q = np.asarray([[0.0, 1.0], [0.0, 0.0]]), np.asarray([[1.0, 0.0], [-1.0, np.nan]])
        for name in ("cross_entropy", "kl_divergence", "js_distance", "perplexity"):
            getattr(_rows, name)(xnp, "probs", p, "probs", q)
            getattr(_rows, name)(xnp, "logits", np.where(p > 0, -INF, 0.0), "logits", q)
        _joint.mutual_information(xnp, "counts", p)
        _elementwise.binary_kl_divergence(xnp, "probs", p, "logits", q / 1e-300)
