"""What a comparison refuses, and that the message says which of the two it is about."""

import re

import pytest

import xent
from xent.evaluation import compare

Q2 = [0.2, 0.7, 0.4]
Q3 = [[0.2, 0.3, 0.5], [0.1, 0.8, 0.1], [0.25, 0.5, 0.25]]
NAN = float("nan")


def refused(message, *args, **options):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        compare(*args, **options)
    assert "`q`" not in str(caught.value)
    assert "(q)" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_values():
    refused("`q_a` row 1 is nan", [0, 1, 1], [0.2, NAN, 0.4], Q2)
    refused("`q_b` row 2 is 1.5", [0, 1, 1], Q2, [0.2, 0.1, 1.5])
    refused(
        "`q_b` row 2 is 1.5; a probability is in [0, 1]. If these are logits, pass `xent.Logits(q_b)`",
        [0, 1, 1],
        Q2,
        [0.2, 0.1, 1.5],
    )
    refused("`q_b` row 0 sums to 2, not 1.", [0, 1, 1], Q3, [[1, 1, 0.0], *Q3[1:]])
    refused("`xent.normalize(q_b)`", [0, 1, 1], Q3, [[1, 1, 0.0], *Q3[1:]])
    refused("`q_b` is an integer array", [0, 1, 1], Q3, [[1, 0, 0]] * 3)
    refused("`q_a` is given as `xent.Counts`", [0, 1, 1], xent.Counts(Q3), Q3)


def test_shapes():
    refused("`q_b` has 2 rows and `q_a` has 3; row i of both is about `y[i]`", [0, 1, 1], Q2, Q2[:2])
    refused("`q_b` has 2 classes and `q_a` has 3", [0, 1, 1], Q3, Q2)
    refused("`y` has 2 rows and `q_a` has 3", [0, 1], Q3, Q3)
    refused("`q_a` has no row", [], [], [])
    refused("`classes` names 2 classes and `q_a` has 3", [0, 1, 1], Q3, Q3, classes=["a", "b"])


def test_labels_weights_clusters():
    refused("`y` row 1 is 3; a label is a whole number in 0..2", [0, 3, 1], Q3, Q3)
    refused("`weight` row 2 is -1", [0, 1, 1], Q3, Q3, weight=[1, 1, -1])
    refused("`cluster` has shape (2,) and there are 3 rows", [0, 1, 1], Q3, Q3, cluster=["a", "b"])
    refused("`cluster` row 1 is None", [0, 1, 1], Q3, Q3, cluster=["a", None, "b"])


def test_names():
    refused("`names` has 1 entries; it is two names", [0, 1, 1], Q3, Q3, names="AB")
    refused("`names` has 3 entries; it is two names", [0, 1, 1], Q3, Q3, names=("a", "b", "c"))


def test_units():
    with pytest.raises(ValueError, match="nat"):
        compare([0, 1, 1], Q3, Q3, unit="nat")


def test_what_can_be_read_once_is_read_once():
    cluster = iter("aabbc")
    c = compare(
        [0, 1, 1, 0, 1],
        iterable := [0.2, 0.7, 0.4, 0.3, 0.6],
        iterable,
        cluster=cluster,
        classes=iter(["no", "yes"]),
    )
    assert (c.a.clusters, c.b.clusters, c.b.classes) == (3, 3, ("no", "yes"))
