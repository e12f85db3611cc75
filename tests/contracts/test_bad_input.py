"""Bad input gets one error that names the argument, the place, what was found and what to do; never a silent number."""

import warnings

import numpy as np
import pytest

import xent
from xent import Counts, DistributionError, Labels, Logits, LogProbs, Probs, ShapeError

ROW_MEASURES = {
    "entropy": lambda p, q: xent.entropy(p),
    "cross_entropy": xent.cross_entropy,
    "kl": xent.kl_divergence,
    "js": xent.js_divergence,
    "js_distance": xent.js_distance,
    "perplexity": lambda p, q: xent.perplexity(p),
    "perplexity of two": xent.perplexity,
}


@pytest.mark.parametrize("measure", ROW_MEASURES)
@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([0.5, 0.7, -0.2], ["`p`", "row 1", "negative", "-0.2", "outcome 2", "xent.Logits(p)"]),
        ([0.5, np.nan, 0.5], ["`p`", "row 1", "NaN", "outcome 1", "check=False"]),
        ([0.5, np.inf, 0.5], ["`p`", "row 1", "inf", "outcome 1"]),
        ([0.5, 0.4, 0.0987], ["`p`", "row 1", "sums to 0.9987, not 1", "xent.Logits(p)", "xent.normalize(p)"]),
        ([3.0, 4.0, 5.0], ["`p`", "row 1", "sums to 12", "xent.Counts(p)"]),
        ([0.0, 0.0, 0.0], ["`p`", "row 1", "sums to 0"]),
    ],
)
def test_rows_that_are_no_distribution(make, measure, row, words):
    p, q = make([[0.25, 0.25, 0.5], row, row]), make([0.25, 0.25, 0.5])
    with pytest.raises(DistributionError) as error:
        ROW_MEASURES[measure](p, q)
    for word in words:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_the_model_is_checked_too(make):
    p, q = make([[0.5, 0.5]] * 3), make([[0.5, 0.5], [0.5, 0.5], [0.5, 0.6]])
    for measure in (xent.cross_entropy, xent.kl_divergence, xent.js_divergence, xent.perplexity):
        with pytest.raises(DistributionError, match="`q` row 2 sums to 1.1, not 1"):
            measure(p, q)


def test_place_in_many_dimensions_and_broadcast_rows():
    p = np.full((2, 3, 4), 0.25)
    p[1, 2, 0] = -1
    with pytest.raises(DistributionError, match=r"`p` row \(1, 2\) has a negative probability, -1 at outcome 0"):
        xent.entropy(p)
    with pytest.raises(DistributionError, match=r"`q` has a negative probability"):
        xent.cross_entropy(np.full((5, 2), 0.5), np.array([1.5, -0.5]))
    bad = np.full((3, 4), 0.25)
    bad[0, 2] = 9.0
    with pytest.raises(DistributionError, match=r"`p` row 2 sums to 9.75"):
        xent.entropy(np.vstack([bad, np.zeros((1, 4))]) + np.array([[0], [0], [0], [0.25]]), axis=0)


@pytest.mark.parametrize(
    ("form", "row", "words"),
    [
        (Logits, [0.0, np.nan, 1.0], ["`p` row 1", "NaN", "outcome 1"]),
        (Logits, [0.0, np.inf, 1.0], ["`p` row 1", "+inf", "outcome 1"]),
        (Logits, [-np.inf] * 3, ["`p` row 1", "-inf in every outcome"]),
        (LogProbs, [0.0, -1.0, -2.0], ["`p` row 1", "sum to 1.503", "xent.Logits(p)"]),
        (LogProbs, [np.nan, -1.0, -2.0], ["`p` row 1", "NaN"]),
        (Counts, [1.0, -1.0, 3.0], ["`p` row 1", "negative count", "-1"]),
        (Counts, [0.0, 0.0, 0.0], ["`p` row 1", "every entry is 0"]),
        (Counts, [np.inf, 0.0, 0.0], ["`p` row 1", "inf"]),
        (Counts, [np.nan, 0.0, 0.0], ["`p` row 1", "NaN"]),
    ],
)
def test_other_forms(make, form, row, words):
    good = {Logits: [0.0, 1.0, 2.0], LogProbs: np.log([0.25, 0.25, 0.5]).tolist(), Counts: [1.0, 2.0, 3.0]}[form]
    with pytest.raises(DistributionError) as error:
        xent.entropy(form(make([good, row])))
    for word in words:
        assert word in str(error.value)


def test_labels_out_of_range(make):
    q = make(np.full((6, 21), 1 / 21))
    labels = np.array([0, 20, 3, 1, 255, -1])
    labels = labels if make.library == "numpy" else make(labels, "int32")
    for measure in (xent.cross_entropy, xent.kl_divergence, xent.perplexity, xent.js_divergence):
        with pytest.raises(DistributionError) as error:
            measure(Labels(labels), q)
        assert "`p` has 2 labels outside [0, 21); the first is 255 at row 4" in str(error.value)


@pytest.mark.parametrize("labels", [[0.0, 1.0], [0.5, 1.0], ["a", "b"], [None, 1]])
def test_labels_that_are_no_integers(labels):
    with pytest.raises(DistributionError, match="`p`"):
        xent.cross_entropy(Labels(np.array(labels)), [[0.5, 0.5], [0.5, 0.5]])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint64", "bool"])
def test_integer_arrays_need_a_form(dtype):
    p = np.array([1, 0], dtype=dtype)
    for measure in (xent.entropy, lambda a: xent.kl_divergence(a, [0.5, 0.5]), lambda a: xent.surprisal(a)):
        with pytest.raises(DistributionError) as error:
            measure(p)
        assert ("`p` is an array of booleans" if dtype == "bool" else "`p` is an integer array") in str(error.value)
        assert "xent.Counts(p)" in str(error.value)
    with pytest.raises(DistributionError, match=r"xent.Labels\(p\)"):
        xent.cross_entropy(p, [0.5, 0.5])
    with pytest.raises(DistributionError, match="`q` is an "):
        xent.cross_entropy([0.5, 0.5], p)


def test_labels_make_no_sense_as_a_model_or_alone():
    for call in (
        lambda: xent.entropy(Labels([0, 1])),
        lambda: xent.perplexity(Labels([0, 1])),
        lambda: xent.surprisal(Labels([0, 1])),
        lambda: xent.cross_entropy([0.5, 0.5], Labels(1)),
        lambda: xent.kl_divergence([0.5, 0.5], Labels(1)),
    ):
        with pytest.raises(DistributionError, match="Counts"):
            call()


@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan, np.inf, -np.inf])
def test_binary_truth_and_model_outside_the_interval(make, bad):
    good, wrong = make([0.5, 0.5, 0.5]), make([0.5, 0.5, bad])
    for call, name in (
        (lambda: xent.binary_entropy(wrong), "y"),
        (lambda: xent.binary_cross_entropy(wrong, good), "y"),
        (lambda: xent.binary_cross_entropy(good, wrong), "q"),
        (lambda: xent.binary_kl_divergence(wrong, good), "y"),
        (lambda: xent.binary_kl_divergence(good, wrong), "q"),
    ):
        with pytest.raises(DistributionError, match=f"`{name}` at 2 is"):
            call()


def test_binary_integers_other_than_zero_and_one():
    with pytest.raises(DistributionError, match=r"`y` has 1 label outside \{0, 1\}; 2 at row 1"):
        xent.binary_cross_entropy(np.array([0, 2, 1]), np.array([0.5, 0.5, 0.5]))
    with pytest.raises(DistributionError, match="`q` is an integer array"):
        xent.binary_cross_entropy(np.array([0, 1]), np.array([0, 1]))


def test_binary_other_forms():
    with pytest.raises(DistributionError, match="`q` at 1 is NaN"):
        xent.binary_cross_entropy([0.5, 0.5], Logits([0.0, np.nan]))
    with pytest.raises(DistributionError, match="`q` at 0 is 0.5; a log-probability is at most 0"):
        xent.binary_cross_entropy([0.5], LogProbs([0.5]))
    with pytest.raises(DistributionError, match="`y`"):
        xent.binary_entropy(Counts([1, 2]))


@pytest.mark.parametrize("value", [1.5, -0.5, np.nan, np.inf])
def test_surprisal_outside_the_interval(value):
    with pytest.raises(DistributionError, match="`p` at 1 is"):
        xent.surprisal([0.5, value])


def test_shapes_that_do_not_match(make):
    p2, p3 = make([[0.5, 0.5]] * 3), make([[0.2, 0.3, 0.5]] * 3)
    for measure in (xent.cross_entropy, xent.kl_divergence, xent.js_divergence, xent.perplexity):
        with pytest.raises(ShapeError, match="`p` has 2 outcomes along axis -1 and `q` has 3"):
            measure(p2, p3)
        with pytest.raises(ShapeError, match="`p`.*`q`"):
            measure(p2, make([[0.5, 0.5]] * 4))
        with pytest.raises(ShapeError):
            measure(make([[1.0]] * 3), p2)
    with pytest.raises(ShapeError, match=r"`p` \(4,\) and `q` \(3,\)"):
        xent.cross_entropy(Labels([0, 1, 1, 0]), np.full((3, 2), 0.5))
    with pytest.raises(ShapeError, match="`y`.*`q`"):
        xent.binary_cross_entropy([0.5, 0.5], [0.5, 0.5, 0.5])


def test_no_outcomes_and_no_axis(make):
    for measure in (xent.entropy, xent.perplexity, xent.normalize):
        with pytest.raises(ShapeError, match="no outcome"):
            measure(make(np.zeros((3, 0))))
        with pytest.raises(ShapeError, match="axis of outcomes"):
            measure(make(1.0))
    with pytest.raises(ShapeError):
        xent.entropy([])


@pytest.mark.parametrize("axis", [2, -3, 100])
def test_axis_out_of_range(make, axis):
    for call in (
        lambda a: xent.entropy(a, axis=axis),
        lambda a: xent.kl_divergence(a, a, axis=axis),
        lambda a: xent.normalize(a, axis=axis),
        lambda a: xent.surprisal(Logits(a), axis=axis),
    ):
        with pytest.raises(ShapeError, match=f"`axis` is {axis}, but the input has 2 dimensions"):
            call(make([[0.5, 0.5]]))


@pytest.mark.parametrize("axis", [None, 1.5, "0", (0,), True])
def test_axis_that_is_no_integer(axis):
    with pytest.raises(TypeError, match="`axis`"):
        xent.entropy([[0.5, 0.5]], axis=axis)


@pytest.mark.parametrize("unit", ["bit", "nat", "Bits", "shannon", "", None, 2])
def test_unknown_unit(unit):
    for call in (
        lambda: xent.entropy([0.5, 0.5], unit=unit),
        lambda: xent.binary_entropy(0.5, unit=unit),
        lambda: xent.mutual_information([[1.0]], unit=unit),
        lambda: xent.surprisal(0.5, unit=unit),
    ):
        with pytest.raises(ValueError, match="'nats', 'bits', 'bans'"):
            call()


def test_unknown_unit_is_found_before_the_work_and_suggests():
    with pytest.raises(ValueError, match="Did you mean 'bits'"):
        xent.entropy([0.5, 0.5], unit="bit")


@pytest.mark.parametrize(
    "value",
    [
        np.array([0.5, "x", None], dtype=object),
        np.array(["0.5", "0.5"]),
        np.array([0.5 + 0j, 0.5]),
        np.array([0.5, 0.5], dtype=np.longdouble),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        np.ma.masked_array([0.5, 0.5], mask=[False, True]),
        [[0.5, 0.5], [1.0]],
    ],
    ids=["object", "str", "complex", "longdouble", "datetime", "masked", "ragged"],
)
def test_dtypes_and_containers_without_plain_numbers(value):
    for call in (
        xent.entropy,
        xent.normalize,
        lambda v: xent.binary_entropy(v),
        lambda v: xent.cross_entropy([0.5, 0.5], v),
    ):
        with pytest.raises(DistributionError):
            call(value)


def test_longdouble_is_ordinary_double_where_they_are_the_same():
    if np.finfo(np.longdouble).nmant == 52:
        pytest.skip("longdouble is float64 on this machine")
    with pytest.raises(DistributionError, match="float64"):
        xent.entropy(np.array([0.5, 0.5], dtype=np.longdouble))


@pytest.mark.parametrize("value", [None, "0.5,0.5", {"a": 0.5}, {0.5}, object(), xent.entropy])
def test_things_that_are_no_arrays(value):
    with pytest.raises(TypeError, match="`p`"):
        xent.entropy(value)


def test_sparse_is_refused():
    import scipy.sparse

    with pytest.raises(DistributionError, match="sparse"):
        xent.entropy(scipy.sparse.csr_matrix([[0.5, 0.5]]))


def test_two_libraries_in_one_call():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="`p` is a torch array and `q` is a numpy array"):
        xent.kl_divergence(torch.tensor([0.5, 0.5]), np.array([0.5, 0.5]))


def test_topk_is_for_the_losses():
    with pytest.raises(DistributionError, match="TopK"):
        xent.entropy(xent.TopK([0], [1.0]))


def test_form_inside_a_form():
    with pytest.raises(DistributionError, match="form inside a form"):
        xent.entropy(Probs(Logits([0.0, 1.0])))


def test_check_false_computes_as_given():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(xent.entropy([0.5, np.nan], check=False))
        assert xent.entropy([1.0, 1.0], check=False) == 0
        assert np.isnan(xent.cross_entropy(Labels([5, -1, 0]), np.full((3, 2), 0.5), check=False)[:2]).all()
        assert np.isnan(xent.binary_cross_entropy(np.array([2, 1]), np.array([0.5, 0.5]), check=False)[0])
        assert xent.cross_entropy([0.5, 0.5], [0.5, 0.25], check=False) == pytest.approx(0.5 * np.log(8))


def test_axis_is_looked_at_where_it_plays_no_part():
    for axis in (7, -3):
        with pytest.raises(ShapeError, match="`axis`"):
            xent.surprisal(np.array([0.5, 0.5]), axis=axis)
    with pytest.raises(TypeError, match="`axis`"):
        xent.surprisal(0.5, axis="x")


def test_axis_of_operands_with_fewer_dimensions():
    with pytest.raises(ShapeError, match=r"`p` has shape \(4,\) and no axis 0 \(of the 2 dimensions"):
        xent.kl_divergence(np.full(4, 0.25), np.full((4, 3), 0.25), axis=0)


def test_normalize_takes_what_has_shares():
    with pytest.raises(DistributionError, match="Labels"):
        xent.normalize(Labels([0, 1, 2]))
    np.testing.assert_allclose(xent.normalize(LogProbs(np.log([0.2, 0.2]))), [0.5, 0.5], rtol=1e-15)
    with pytest.raises(DistributionError, match="negative value, -1 at outcome 0"):
        xent.normalize([-1.0, 2.0])


def test_lists_do_not_widen_and_are_not_narrowed(make):
    half = make([0.0, 0.0], "float32")
    out = xent.kl_divergence(Logits([1000.5, 1001.0]), Logits(half))
    assert out.dtype == half.dtype
    assert float(out) == pytest.approx(float(xent.kl_divergence(Logits([0.0, 0.5]), Logits([0.0, 0.0]))), rel=1e-6)
    assert xent.binary_cross_entropy(half + 0.5, 0.5).dtype == half.dtype


def test_counts_keep_their_digits_beside_a_narrow_model(make):
    if make.library == "jax":
        pytest.skip("JAX has no float64 unless x64 is switched on")
    q = make([0.5, 0.5], "float32")
    found = xent.kl_divergence(Counts(make([2**24 + 1, 2**24 - 1], "int64")), q)
    assert float(found) == pytest.approx(1.7763568394002505e-15, rel=1e-6)
    assert float(xent.cross_entropy(Counts(make([3e-60, 1e-60])), q)) == pytest.approx(np.log(2), rel=1e-6)


def test_other_containers_of_numbers():
    import array

    expected = xent.entropy([0.5, 0.5])
    for same in (memoryview(np.array([0.5, 0.5])), array.array("d", [0.5, 0.5]), np.array([0.5, 0.5]).tolist()):
        assert xent.entropy(same) == expected
    np.testing.assert_array_equal(xent.normalize(range(1, 4)), np.array([1, 2, 3]) / 6)


def test_missing_labels_are_named():
    with pytest.raises(DistributionError, match="missing label, NaN at row 1"):
        xent.cross_entropy(Labels(np.array([0.0, np.nan])), [[0.5, 0.5], [0.5, 0.5]])


def test_arrays_on_another_device():
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    p = strict.asarray([0.5, 0.5], device=device)
    assert xent.entropy(p).device == device
    with pytest.raises(DistributionError, match="`p` sums to 1.1"):
        xent.entropy(strict.asarray([0.5, 0.6], device=device))


def test_nothing_is_written_to_the_arguments():
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(5), 4), rng.dirichlet(np.ones(5), 4)
    before = p.copy(), q.copy()
    for array in (p, q):
        array.setflags(write=False)
    xent.kl_divergence(p, q)
    xent.entropy(p, axis=1)
    xent.normalize(p)
    xent.binary_cross_entropy(p, q)
    np.testing.assert_array_equal(p, before[0])
    np.testing.assert_array_equal(q, before[1])


def test_conditional_entropy_given():
    for given in (2, -1, None, "x", True, 1.0, np.True_, np.array([0, 1])):
        with pytest.raises(ValueError, match="`given`"):
            xent.conditional_entropy([[0.5, 0.5]], given=given)


def test_joint_tables():
    for measure in (xent.joint_entropy, xent.mutual_information, lambda j: xent.conditional_entropy(j, given=0)):
        with pytest.raises(ShapeError, match="`joint`"):
            measure([0.5, 0.5])
        with pytest.raises(ShapeError, match="`joint`"):
            measure(np.zeros((0, 2)))
        with pytest.raises(DistributionError, match="`joint`.*sums to 2"):
            measure([[1.0, 0.0], [0.5, 0.5]])
        with pytest.raises(DistributionError, match="`joint` row 1.*negative"):
            measure([[[0.5, 0.5]], [[1.5, -0.5]]])
        with pytest.raises(DistributionError, match="integer array"):
            measure(np.array([[1, 2], [3, 4]]))


@pytest.mark.parametrize("row", [[0.0, 0.0], [1.0, -1.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_normalize_refuses_what_has_no_share(row):
    with pytest.raises(DistributionError, match="`a` row 1"):
        xent.normalize([[1.0, 2.0], row])


def test_what_nothing_answers_for_is_no_array(monkeypatch):
    """The message stays where no room of distributions is there to be asked."""
    monkeypatch.setattr("xent._objects._implementations", {})
    monkeypatch.setattr("xent._objects._loaders", [])
    with pytest.raises(TypeError, match="`p` is a NoneType; pass an array"):
        xent.entropy(None)
    with pytest.raises(TypeError, match="`p` is a dict; pass an array"):
        xent.kl_divergence({}, [0.5, 0.5])
