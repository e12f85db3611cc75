"""What is refused, and that the message names the argument, the first row and what is there."""

import re

import numpy as np
import pandas as pd
import pytest

import xent
from xent.evaluation import evaluate

Q2 = [0.2, 0.7, 0.4]
Q3 = [[0.2, 0.3, 0.5], [0.1, 0.8, 0.1], [1 / 3, 1 / 3, 1 / 3]]
NAN, INF = float("nan"), float("inf")


def refused(message, y, q, **options):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        evaluate(y, q, **options)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("bad", "shown"), [(NAN, "nan"), (INF, "inf"), (-INF, "-inf"), (-0.1, "-0.1"), (1.5, "1.5"), (1 + 1e-9, "1")]
)
def test_probabilities_of_class_1(bad, shown):
    refused(f"`q` row 1 is {shown}", [0, 1, 1], [0.2, bad, 0.4])


@pytest.mark.parametrize(("bad", "shown"), [(NAN, "nan"), (INF, "inf"), (-0.1, "-0.1"), (1.5, "1.5")])
def test_probabilities(bad, shown):
    refused(f"`q` row 2, class 1, is {shown}", [0, 1, 1], [[0.2, 0.8], [0.5, 0.5], [0.3, bad]])


@pytest.mark.parametrize("row", [[0.5, 0.4], [0.5, 0.52], [0.0, 0.0]])
def test_sums(row):
    refused(f"`q` row 1 sums to {sum(row):.6g}, not 1", [0, 1], [[0.5, 0.5], row])
    if sum(row):
        refused("`q` row 1 sums to", [0, 1], xent.LogProbs(np.log(np.array([[0.5, 0.5], row]))))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sums_off_by_a_hundredth_are_used_and_counted(dtype):
    q = np.array([[0.5, 0.5], [0.5, 0.49], [0.6, 0.41]], dtype=dtype)
    assert evaluate([0, 1, 0], q).audit.unnormalized_rows == 2


def test_what_is_near_a_whole_number_is_not_shown_as_one():
    refused("`q` row 1 is 1.000000001;", [0, 1, 1], [0.2, 1 + 1e-9, 0.4])
    refused("`y` row 2 is 0.9999999999;", [0, 1, 1 - 1e-10], [[0.5, 0.5]] * 3)


def test_labels_beyond_64_bits():
    refused(f"`y` row 1 is {10**30}; a label is a whole number", [0, 10**30, 1], Q2)


def test_classes_that_are_no_sequence():
    refused("`classes` is 2; it is a sequence of names", [0, 1, 1], Q2, classes=2)


@pytest.mark.parametrize(
    "cluster",
    [
        [1, None, 1],
        [1, np.float32("nan"), "a"],
        pd.Series([1, NAN, 1]),
        [1, pd.NA, 1],
        np.array(["2020-01-01", "NaT", "2020-01-01"], dtype="datetime64[D]"),
    ],
)
def test_clusters_without_a_name(cluster):
    refused("`cluster` row 1 is", [0, 1, 1], Q2, cluster=cluster)


def test_the_first_bad_row_is_named():
    refused("`q` row 1, class 0, is nan", [0, 1, 1], [[0.5, 0.5], [NAN, 0.5], [2.0, -1.0]])


@pytest.mark.parametrize("bad", [NAN, 0.1, INF])
def test_log_probabilities(bad):
    refused("`q` row 1 is", [0, 1], xent.LogProbs([-0.5, bad]))
    refused("`q` row 1, class 1, is", [0, 1], xent.LogProbs([[-0.6931471805599453] * 2, [-1.0, bad]]))


def test_logits():
    refused("`q` row 1, class 0, is nan", [0, 1], xent.Logits([[0.0, 1.0], [NAN, 1.0]]))
    refused("`q` row 1, class 0, is inf", [0, 1], xent.Logits([[0.0, 1.0], [INF, 1.0]]))
    refused("`q` row 0, class 0, is -inf", [0, 1], xent.Logits([[-INF, -INF], [0.0, 1.0]]))
    refused("`q` row 1 is nan", [0, 1], xent.Logits([0.0, NAN]))


def test_infinite_logits_of_one_column_are_0_and_1():
    e = evaluate([1, 0, 1], xent.Logits([INF, -INF, 0.5]))
    assert e.cross_entropy.value == pytest.approx(np.logaddexp(0, -0.5) / 3)
    e = evaluate([0, 1, 0], xent.Logits([[0.0, -INF], [0.0, 0.0], [1.0, 0.0]]))
    assert np.isfinite(e.cross_entropy.value)


@pytest.mark.parametrize(
    ("y", "shown"),
    [([0, 3, 1], "3"), ([0, -1, 1], "-1"), ([0, 0.5, 1], "0.5"), ([0, NAN, 1], "nan"), ([0, INF, 1], "inf")],
)
def test_labels_outside(y, shown):
    refused(f"`y` row 1 is {shown}", y, Q3)


def test_huge_labels():
    refused("`y` row 1 is 18446744073709551615", np.array([0, 2**64 - 1, 1], dtype=np.uint64), Q3)


def test_names():
    e = evaluate(["cat", "dog", "emu"], Q3, classes=["cat", "dog", "emu"])
    assert e.to_json().replace("cat", "0").replace("dog", "1").replace("emu", "2") == evaluate([0, 1, 2], Q3).to_json()
    refused(
        "`y` row 1 is 'dgo', which is not in `classes`. Did you mean 'dog'?",
        ["cat", "dgo", "emu"],
        Q3,
        classes=["cat", "dog", "emu"],
    )
    for names in (np.array(["cat", "dog", "emu"]), iter(("cat", "dog", "emu"))):
        assert evaluate(["cat", "dog", "emu"], Q3, classes=names).to_json() == e.to_json()
    refused("`y` row 0 is 'cat'; pass the class names", ["cat", "dog", "emu"], Q3)
    refused("`y` row 1 is None", ["0", None, "2"], Q3, classes=["0", "1", "2"])
    refused("`y` row 1 is None", np.array([0, None, 1], dtype=object), Q3)
    refused("`classes` has 'a' twice, at 0 and 2", [0, 1, 2], Q3, classes=["a", "b", "a"])
    refused("`classes` names 2 classes and `q` has 3", [0, 1, 2], Q3, classes=["a", "b"])
    refused("`classes` names 4 classes and `q` has 3", [0, 1, 2], Q3, classes=["a", "b", "c", "d"])
    refused("`classes` is the text 'abc'", [0, 1, 2], Q3, classes="abc")


def test_names_that_are_numbers():
    assert evaluate([3, 5, 9], Q3, classes=[3, 5, 9]).classes == ("3", "5", "9")
    assert evaluate([2, 0, 1], Q3, classes=[2, 0, 1]).cross_entropy == evaluate([0, 1, 2], Q3).cross_entropy
    assert evaluate(xent.Labels([0, 1, 2]), Q3, classes=[3, 5, 9]).n == 3
    assert evaluate([0, 1, 2], Q3, classes=["3", "5", "9"]).n == 3
    refused("`y` row 0 is 0, which is not in `classes`", [0, 5, 9], Q3, classes=[3, 5, 9])
    assert evaluate([True, False, True], Q2, classes=[False, True]).classes == ("False", "True")
    assert evaluate([True, False, True], Q2).cross_entropy == evaluate([1, 0, 1], Q2).cross_entropy


def test_soft_labels():
    refused("`y` row 1 has -0.1", [[0.5, 0.5, 0], [-0.1, 1, 0.1], [1, 0, 0]], Q3)
    refused("`y` row 1 sums to 0.5, not 1", [[0.5, 0.5, 0], [0.5, 0, 0], [1, 0, 0]], Q3)
    refused("`y` has shape (3, 2), 2 classes a row; `q` has 3", np.full((3, 2), 0.5), Q3)
    refused("`y` row 2 has 1.5", xent.Probs([0.5, 0.0, 1.5]), Q2)
    refused("`y` row 2 is 2", [0.0, 1.0, 2.0], Q2)
    refused("soft labels for 3 classes are (rows, 3)", xent.Probs([0.5, 0.0, 1.0]), Q3)


def test_lengths_and_shapes():
    refused("`y` has 2 rows and `q` has 3", [0, 1], Q3)
    refused("`q` has no row", [], np.zeros((0, 3)))
    refused("`q` has no row", [], np.zeros(0))
    refused("`q` has shape (3, 1), 1 class", [0, 0, 0], np.ones((3, 1)))
    refused("`q` has shape (3, 0), 0 class", [0, 0, 0], np.ones((3, 0)))
    refused("`q` has shape ()", 1, 0.5)
    refused("`q` has shape (1, 3, 3)", [[0, 1, 2]], [Q3])
    refused("`y` has shape (1, 3, 3)", [Q3], Q3)
    refused("`y` has shape ()", 1, Q3)
    refused("`q` is not a rectangular array", [0, 1], [[0.5, 0.5], [1.0]])


def test_kinds():
    refused("`q` is an integer array", [0, 1], [[1, 0], [0, 1]])
    refused("`q` has dtype", [0, 1], ["a", "b"])
    refused("`q` has dtype", [0, 1], np.array([0.5, 0.5j]))
    refused("`q` is given as `xent.Labels`", [0, 1], xent.Labels([0, 1]))
    refused("`q` is given as `xent.Counts`", [0, 1], xent.Counts([[0, 1], [1, 1]]))
    refused("`y` is given as `xent.Logits`", xent.Logits([0, 1]), [0.5, 0.5])
    refused("`q` is a masked array", [0, 1], np.ma.masked_array([0.5, 0.5], [False, True]))
    refused("`unit` is 'nat'", [0, 1], [0.5, 0.5], unit="nat")
    with pytest.raises(TypeError):
        evaluate([0, 1], [0.5, 0.5], seed="a")


def test_weights():
    refused("`weight` row 1 is -1", [0, 1, 1], Q2, weight=[1, -1, 1])
    refused("`weight` row 2 is nan", [0, 1, 1], Q2, weight=[1, 1, NAN])
    refused("`weight` row 0 is inf", [0, 1, 1], Q2, weight=[INF, 1, 1])
    refused("`weight` is 0 in every row", [0, 1, 1], Q2, weight=[0, 0, 0])
    refused("`weight` has shape (2,) and there are 3 rows", [0, 1, 1], Q2, weight=[1, 1])
    refused("`weight` has dtype", [0, 1, 1], Q2, weight=["a", "b", "c"])


def test_clusters():
    refused("`cluster` has shape (2,) and there are 3 rows", [0, 1, 1], Q2, cluster=[1, 1])
    refused("`cluster` is 3", [0, 1, 1], Q2, cluster=3)
    refused("`cluster` row 1 is nan", [0, 1, 1], Q2, cluster=[1.0, NAN, 1.0])
    refused("`cluster` row 1 is None", [0, 1, 1], Q2, cluster=["a", None, "a"])
    refused("`cluster` row 1 is [2]", [0, 1, 1], Q2, cluster=["a", [2], "a"])


def test_rows_off_1_are_used_as_given_and_counted():
    q = np.array([[0.2, 0.8], [0.2, 0.805], [0.2, 0.8 - 1e-9], [0.5, 0.5 - 0.0099]])
    e = evaluate([1, 1, 1, 0], q)
    assert e.audit.unnormalized_rows == 2
    assert e.cross_entropy.value == -np.log(q[[0, 1, 2, 3], [1, 1, 1, 0]]).sum() / 4
    assert e.audit.renormalized_rows == 0
    assert evaluate([0, 1, 2], np.array(Q3, dtype=np.float32)).audit.unnormalized_rows == 0
    assert evaluate([0, 1, 2], np.array(Q3, dtype=np.float32).astype(float)).audit.unnormalized_rows == 0
    coarse = np.array([[0.2, 0.30002, 0.5]] * 3)
    assert evaluate([0, 1, 2], coarse).audit.unnormalized_rows == 3
    for dtype in (np.float32, ">f4", np.float16):
        assert evaluate([0, 1, 2], coarse.astype(dtype)).audit.unnormalized_rows == 0


def test_nothing_that_was_given_is_changed(several):
    y, _, q = several(50)
    w = np.random.default_rng(0).exponential(size=50)
    before = y.copy(), q.copy(), w.copy()
    for array in (y, q, w):
        array.flags.writeable = False
    evaluate(y, q, weight=w)
    evaluate(np.eye(5)[y], xent.LogProbs(np.log(q)), weight=w)
    assert all((a == b).all() for a, b in zip((y, q, w), before, strict=True))


def test_arrays_of_other_libraries(several):
    torch = pytest.importorskip("torch")
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    y, _, q = several(50)
    plain = evaluate(y, q).to_json()
    assert evaluate(torch.tensor(y), torch.tensor(q, requires_grad=True)).to_json() == plain
    assert evaluate(pandas.Series(y), pandas.DataFrame(q)).to_json() == plain
    assert evaluate(pandas.Series(y, dtype="Int64"), pandas.DataFrame(q)).to_json() == plain
    assert evaluate(polars.Series(y), polars.DataFrame(q)).to_json() == plain
    single = pandas.DataFrame(q.astype(np.float32))
    assert evaluate(y, single).to_json() == evaluate(y, q.astype(np.float32)).to_json()
    half = torch.tensor(q, dtype=torch.bfloat16)
    assert evaluate(y, half).cross_entropy == evaluate(y, half.double()).cross_entropy
    assert evaluate(y, half).audit.unnormalized_rows == 0 < evaluate(y, half.double()).audit.unnormalized_rows
    names = pandas.Series([f"c{k}" for k in y], dtype="category")
    assert evaluate(names, q, classes=[f"c{k}" for k in range(5)]).cross_entropy == evaluate(y, q).cross_entropy
    assert evaluate(y, q, cluster=names).to_json() == evaluate(y, q, cluster=y).to_json()
