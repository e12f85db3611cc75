"""The public measures: values one can check by hand, forms, axes, dtypes, units, libraries."""

import importlib.util
import math
import warnings

import ml_dtypes
import numpy as np
import pytest

import xent
from xent import Counts, Labels, Logits, LogProbs, Probs

P = [0.1, 0.2, 0.7]
Q = [0.3, 0.3, 0.4]
H_P = -sum(a * math.log(a) for a in P)
H_PQ = -sum(a * math.log(b) for a, b in zip(P, Q, strict=True))


def close(actual, expected, rel=1e-14):
    return float(actual) == pytest.approx(expected, rel=rel)


def test_the_chain():
    assert close(xent.surprisal(0.5), math.log(2))
    assert close(xent.entropy(P), H_P)
    assert close(xent.cross_entropy(P, Q), H_PQ)
    assert close(xent.kl_divergence(P, Q), H_PQ - H_P, 1e-13)
    assert close(xent.perplexity(P), math.exp(H_P))
    assert close(xent.perplexity(P, Q), math.exp(H_PQ))
    m = [(a + b) / 2 for a, b in zip(P, Q, strict=True)]
    js = sum(a * math.log(a / c) / 2 + b * math.log(b / c) / 2 for a, b, c in zip(P, Q, m, strict=True))
    assert close(xent.js_divergence(P, Q), js, 1e-13)
    assert close(xent.js_distance(P, Q), math.sqrt(js), 1e-13)
    assert close(xent.binary_entropy(0.3), -0.3 * math.log(0.3) - 0.7 * math.log(0.7))
    assert close(xent.binary_cross_entropy(0.3, 0.75), -0.3 * math.log(0.75) - 0.7 * math.log(0.25))


FORMS = {
    "probs": lambda p: p,
    "Probs": Probs,
    "logprobs": lambda p: LogProbs(np.log(p)),
    "logits": lambda p: Logits(np.log(p) + 3.0),
    "counts": lambda p: Counts(np.asarray(p) * 10),
}


@pytest.mark.parametrize("first", FORMS)
@pytest.mark.parametrize("second", FORMS)
def test_every_form_in_both_places(first, second):
    p, q = FORMS[first](P), FORMS[second](Q)
    assert close(xent.cross_entropy(p, q), H_PQ, 1e-13)
    assert close(xent.kl_divergence(p, q), H_PQ - H_P, 1e-12)
    assert close(xent.js_divergence(p, q), xent.js_divergence(P, Q), 1e-12)
    assert close(xent.js_distance(p, q), xent.js_distance(P, Q), 1e-12)
    assert close(xent.perplexity(p, q), math.exp(H_PQ), 1e-13)
    assert close(xent.entropy(p), H_P, 1e-13)
    np.testing.assert_allclose(xent.surprisal(p), -np.log(P), rtol=1e-13)


@pytest.mark.parametrize("second", FORMS)
def test_labels_stand_for_one_hot_rows(second):
    q = FORMS[second](np.array([Q, Q, P]))
    labels, one_hot = np.array([0, 2, 1]), np.eye(3)[[0, 2, 1]]
    for measure in (xent.cross_entropy, xent.kl_divergence, xent.js_divergence, xent.js_distance, xent.perplexity):
        np.testing.assert_allclose(measure(Labels(labels), q), measure(one_hot, q), rtol=1e-13)
    assert xent.cross_entropy(Labels(labels), q).shape == (3,)
    assert np.shape(xent.cross_entropy(Labels(1), FORMS[second](Q))) == ()


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_label_dtypes(dtype):
    q = np.tile(Q, (4, 1))
    y = np.array([0, 1, 2, 0], dtype=dtype)
    np.testing.assert_array_equal(xent.cross_entropy(Labels(y), q), xent.surprisal(np.array(Q))[[0, 1, 2, 0]])
    np.testing.assert_allclose(xent.entropy(Counts(np.tile(y[:3], (2, 1)))), [xent.entropy([0, 1 / 3, 2 / 3])] * 2)


def test_axis():
    rng = np.random.default_rng(1)
    p, q = rng.dirichlet(np.ones(4), (2, 3)), rng.dirichlet(np.ones(4), (2, 3))
    for measure in (xent.cross_entropy, xent.kl_divergence, xent.js_divergence):
        last = measure(p, q)
        assert last.shape == (2, 3)
        for axis in (0, 1, -2, -3):
            moved = measure(np.moveaxis(p, -1, axis), np.moveaxis(q, -1, axis), axis=axis)
            np.testing.assert_array_equal(moved, last)
    labels = rng.integers(0, 4, (2, 3))
    np.testing.assert_array_equal(
        xent.cross_entropy(Labels(labels), Logits(np.moveaxis(p, -1, 1)), axis=1),
        xent.cross_entropy(Labels(labels), Logits(p)),
    )
    np.testing.assert_array_equal(
        xent.surprisal(Logits(np.moveaxis(p, -1, 0)), axis=0), np.moveaxis(xent.surprisal(Logits(p)), -1, 0)
    )
    np.testing.assert_array_equal(xent.normalize(np.moveaxis(p, -1, 0), axis=0), np.moveaxis(xent.normalize(p), -1, 0))


def test_leading_axes_broadcast():
    rng = np.random.default_rng(2)
    p, q = rng.dirichlet(np.ones(4), (5, 1)), rng.dirichlet(np.ones(4), (3,))
    out = xent.kl_divergence(p, q)
    assert out.shape == (5, 3)
    assert out[4, 2] == xent.kl_divergence(p[4, 0], q[2])
    assert xent.cross_entropy(Labels(np.zeros((7, 1), int)), q).shape == (7, 3)
    assert xent.cross_entropy(p, q[0]).shape == (5, 1)


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16, "float32", "float64"])
def test_the_result_has_the_dtype_of_the_arguments(dtype):
    p, q = np.array([0.25, 0.75], dtype), np.array([0.5, 0.5], dtype)
    calls = (
        xent.entropy(p), xent.cross_entropy(p, q), xent.kl_divergence(p, q), xent.js_divergence(p, q),
        xent.js_distance(p, q), xent.perplexity(p), xent.surprisal(p), xent.binary_entropy(p),
        xent.binary_cross_entropy(p, q), xent.binary_kl_divergence(p, q), xent.cross_entropy(Labels(1), q),
        xent.cross_entropy(Labels(1), Logits(q)), xent.cross_entropy(Counts([1, 2]), q), xent.normalize(p),
        xent.binary_cross_entropy(np.array([0, 1]), q), xent.surprisal(Logits(p)), xent.joint_entropy(p[None]),
        xent.mutual_information(p[None]), xent.conditional_entropy(p[None], given=1),
    )  # fmt: skip
    assert {np.dtype(getattr(c, "dtype", type(c))) for c in calls} == {np.dtype(dtype)}


def test_promotion():
    half, single, double = (np.array([0.5, 0.5], d) for d in ("float16", "float32", "float64"))
    brain = np.array([0.5, 0.5], ml_dtypes.bfloat16)
    assert xent.kl_divergence(half, single).dtype == np.float32
    assert xent.kl_divergence(single, double).dtype == np.float64
    assert xent.kl_divergence(half, brain).dtype == np.float32
    assert xent.kl_divergence(brain, single).dtype == np.float32
    assert xent.entropy(Counts(np.array([1, 2], np.int32))).dtype == np.float64
    assert xent.cross_entropy(Counts(np.array([1, 2], np.int32)), single).dtype == np.float32
    assert xent.cross_entropy(Counts(np.array([1.0, 2.0])), single).dtype == np.float32
    assert xent.binary_entropy(np.array([True, False])).dtype == np.float64


def test_half_precision_is_the_rounded_wide_result():
    rng = np.random.default_rng(3)
    for dtype in ("float16", ml_dtypes.bfloat16):
        p = rng.dirichlet(np.ones(50), 20).astype(dtype)
        wide = p.astype("float64")
        np.testing.assert_array_equal(xent.entropy(p, check=False), xent.entropy(wide, check=False).astype(dtype))
    z = np.ones(70_000, "float16")
    assert float(xent.entropy(Logits(z))) == float(np.float16(math.log(70_000)))


def test_units():
    for call in (
        lambda u: xent.entropy(P, unit=u),
        lambda u: xent.kl_divergence(P, Q, unit=u),
        lambda u: xent.surprisal(np.array(P), unit=u)[0],
        lambda u: xent.binary_cross_entropy(0.3, 0.6, unit=u),
        lambda u: xent.mutual_information([[0.4, 0.1], [0.2, 0.3]], unit=u),
    ):
        assert close(call("bits"), call("nats") / math.log(2))
        assert close(call("bans"), call("nats") / math.log(10))
    assert close(xent.js_distance(P, Q, unit="bits"), xent.js_distance(P, Q) / math.sqrt(math.log(2)))


def test_infinite_is_an_answer():
    assert xent.cross_entropy([0.5, 0.5], [1.0, 0.0]) == np.inf
    assert xent.kl_divergence([0.5, 0.5], [1.0, 0.0]) == np.inf
    assert xent.cross_entropy([1.0, 0.0], [1.0, 0.0]) == 0
    assert xent.kl_divergence([1.0, 0.0], [1.0, 0.0]) == 0
    assert xent.surprisal(0.0) == np.inf
    assert xent.binary_cross_entropy(1.0, 0.0) == np.inf
    assert xent.binary_cross_entropy(0.0, 0.0) == 0
    assert xent.cross_entropy(Labels(1), Logits([0.0, -np.inf])) == np.inf
    assert xent.cross_entropy([1.0, 0.0], Logits([0.0, -np.inf])) == 0
    assert xent.js_divergence([1.0, 0.0], [0.0, 1.0]) == math.log(2)
    assert xent.perplexity([1.0, 0.0], [0.0, 1.0]) == np.inf


@pytest.mark.parametrize("unit", ["nats", "bits", "bans"])
def test_infinite_and_zero_in_every_unit(make, unit, to_numpy):
    p, q, zero_one = make([0.5, 0.5]), make([1.0, 0.0]), make([0.0, 1.0])
    for call in (
        xent.cross_entropy(p, q, unit=unit),
        xent.kl_divergence(p, q, unit=unit),
        xent.cross_entropy(p, Logits(make([0.0, -np.inf])), unit=unit),
        xent.cross_entropy(Labels(1), q, unit=unit),
    ):
        assert float(call) == math.inf
    for call in (
        xent.surprisal(zero_one, unit=unit),
        xent.surprisal(Logits(make([-np.inf, 0.0])), unit=unit),
        xent.surprisal(Counts(make([0.0, 3.0])), unit=unit),
        xent.binary_cross_entropy(make([1.0, 1.0]), zero_one, unit=unit),
        xent.binary_kl_divergence(make([1.0, 1.0]), zero_one, unit=unit),
    ):
        found = to_numpy(call)
        assert found.tolist() == [math.inf, 0.0]
        assert not np.signbit(found).any()
    assert not np.signbit(to_numpy(xent.entropy(q, unit=unit)))


def test_no_warning_escapes(make):
    zeros = make([[1.0, 0.0], [0.0, 1.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for measure in (xent.cross_entropy, xent.kl_divergence, xent.js_divergence, xent.binary_cross_entropy):
            measure(zeros, zeros)
        xent.entropy(zeros)
        xent.surprisal(zeros)
        xent.entropy(Logits(make([[-np.inf, 0.0]])))
        xent.binary_entropy(Logits(make([np.inf, -np.inf, 1000.0])))


def test_empty_one_row_one_class():
    assert xent.entropy(np.zeros((0, 3))).shape == (0,)
    assert xent.cross_entropy(Labels(np.zeros(0, int)), np.zeros((0, 3))).shape == (0,)
    assert xent.kl_divergence(np.zeros((2, 0, 3)), np.zeros((2, 0, 3))).shape == (2, 0)
    assert xent.binary_entropy([]).shape == (0,)
    assert xent.entropy([1.0]) == 0
    assert xent.cross_entropy(Labels(0), Logits([3.0])) == 0
    assert xent.entropy(Logits([1e300])) == 0


def test_scalars_come_back_as_scalars():
    for value in (xent.entropy(P), xent.surprisal(0.5), xent.binary_entropy(0.5), xent.mutual_information([[1.0]])):
        assert np.ndim(value) == 0
        assert isinstance(value, np.float64)
    assert isinstance(xent.entropy(np.array(P, "float32")), np.float32)


def test_lists_join_the_other_library(make):
    q = make([0.25, 0.75])
    out = xent.cross_entropy([0.5, 0.5], q)
    assert type(out) is type(xent.entropy(q))
    assert float(out) == pytest.approx(-0.5 * math.log(0.25 * 0.75), rel=1e-6)
    assert float(xent.cross_entropy(Labels(1), q)) == pytest.approx(-math.log(0.75), rel=1e-6)


def test_binary_truths():
    q = np.array([0.25, 0.75])
    expected = -np.log([0.75, 0.75])
    for y in (np.array([0, 1]), np.array([False, True]), Labels([0, 1]), [0, 1], np.array([0.0, 1.0])):
        np.testing.assert_array_equal(xent.binary_cross_entropy(y, q), expected)
    logit = np.log(q / (1 - q))
    np.testing.assert_allclose(xent.binary_cross_entropy([0, 1], Logits(logit)), expected, rtol=1e-14)
    np.testing.assert_allclose(xent.binary_cross_entropy([0, 1], LogProbs(np.log(q))), expected, rtol=1e-14)
    np.testing.assert_allclose(xent.binary_entropy(Logits(logit)), xent.binary_entropy(q), rtol=1e-14)
    np.testing.assert_allclose(
        xent.binary_kl_divergence(Logits(logit), 0.5), xent.binary_kl_divergence(q, 0.5), rtol=1e-13
    )


def test_tables():
    joint = np.array([[0.1, 0.2], [0.3, 0.4]])
    px, py = joint.sum(1), joint.sum(0)
    h = xent.joint_entropy(joint)
    assert close(h, xent.entropy(joint.ravel()))
    assert close(xent.conditional_entropy(joint, given=0), h - xent.entropy(px), 1e-13)
    assert close(xent.conditional_entropy(joint, given=1), h - xent.entropy(py), 1e-13)
    assert close(xent.mutual_information(joint), xent.entropy(px) + xent.entropy(py) - h, 1e-11)
    counts = Counts((joint * 10).astype(int))
    assert close(xent.mutual_information(counts), xent.mutual_information(joint), 1e-12)
    assert xent.mutual_information(np.outer([0.5, 0.5], [0.25, 0.75])) == 0
    assert xent.mutual_information(np.stack([joint, joint.T])).shape == (2,)
    assert close(xent.mutual_information(Counts(np.diag([10**10, 10**10]))), math.log(2))


def test_normalize(make, to_numpy):
    out = xent.normalize(make([[1.0, 1.0, 2.0], [0.0, 3.0, 0.0]]))
    np.testing.assert_array_equal(to_numpy(out), [[0.25, 0.25, 0.5], [0, 1, 0]])
    np.testing.assert_array_equal(xent.normalize(np.array([1, 3])), [0.25, 0.75])
    assert xent.normalize(np.array([1, 3], "float32")).dtype == np.float32
    np.testing.assert_allclose(xent.normalize(Logits([0.0, math.log(3.0)])), [0.25, 0.75], rtol=1e-15)


def test_rows_off_one_by_rounding_are_used_as_given():
    p = np.array([0.5, 0.5 + 5e-7])
    assert xent.entropy(p) == pytest.approx(-0.5 * math.log(0.5) - p[1] * math.log(p[1]), rel=1e-15)
    single = np.float32([0.2] * 5)
    assert np.isfinite(xent.entropy(single.astype("float64")))
    with pytest.raises(xent.DistributionError):
        xent.entropy(np.array([0.5, 0.5 + 2e-6]))
    assert np.isfinite(xent.entropy(np.array([0.5, 0.5 + 9e-5], "float32")))


def test_strided_misaligned_byteswapped_and_read_only():
    rng = np.random.default_rng(4)
    p = rng.dirichlet(np.ones(6), 5)
    expected = xent.entropy(p)
    wide = np.zeros((5, 12))
    wide[:, ::2] = p
    raw = np.zeros(p.nbytes + 1, np.uint8)
    misaligned = raw[1:].view(np.float64).reshape(p.shape)
    misaligned[:] = p
    for same in (wide[:, ::2], p[::-1][::-1], np.asfortranarray(p), p.astype(">f8"), misaligned, p[:, ::-1][:, ::-1]):
        np.testing.assert_array_equal(xent.entropy(same), expected)
    np.testing.assert_allclose(xent.entropy(p[:, ::-1]), expected, rtol=1e-15)


def test_data_frames_and_memoryviews():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [0.5, 0.1], "b": [0.5, 0.9]})
    np.testing.assert_array_equal(xent.entropy(frame), xent.entropy(frame.to_numpy()))
    np.testing.assert_array_equal(
        xent.binary_cross_entropy(pandas.Series([0, 1]), pandas.Series([0.5, 0.25])), [math.log(2), 2 * math.log(2)]
    )


def test_about():
    facts = xent.about()
    assert facts.version == xent.__version__
    assert facts.native or facts.native_reason
    assert xent.__version__ in str(facts)
    assert set(facts.to_dict()) >= {"version", "native", "isa", "threads", "libraries"}


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({"torch", "triton"}, "Triton kernels on a GPU"),
        ({"torch"}, 'torch operations on a GPU: pip install "xent[triton]" for its kernels'),
        (set(), "torch is not installed"),
    ],
)
def test_about_says_what_computes_the_losses(monkeypatch, there, said):
    found = importlib.util.find_spec
    hidden = {"torch", "triton"} - there
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in hidden else found(name) or name)
    assert said in xent.about().backends["torch losses"]
