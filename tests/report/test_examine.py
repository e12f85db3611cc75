"""From what was read to what a report is about: rows under their own names, the audit of the file."""

import numpy as np
import pytest

from xent.evaluation import evaluate
from xent.report import examine


def test_rows_go_by_their_numbers_in_the_file(predictions):
    found = examine(predictions([0, 1, 1], [0.5, 0.25, 0.125], rows=[4, 7, 9])).evaluation
    assert [row.row for row in found.worst_rows] == [9, 7, 4]


def test_rows_go_by_their_ids(predictions):
    ids = np.array(["a", "b", "c"], dtype=object)
    assert [row.row for row in examine(predictions([0, 1, 1], [0.5, 0.25, 0.125], ids=ids)).evaluation.worst_rows] == [
        "c",
        "b",
        "a",
    ]


def test_the_numbers_are_those_of_evaluate(predictions):
    y, q = [0, 1, 1, 0, 1], [0.5, 0.25, 0.125, 0.75, 0.5]
    weight = np.array([1.0, 2, 1, 1, 3])
    found = examine(predictions(y, q, weight=weight), unit="bits", seed=3)
    assert (found.weighted, found.seed, found.loss_only) == (True, 3, False)
    assert found.evaluation.to_json() == evaluate(y, q, weight=weight, unit="bits", seed=3).to_json()


def test_errors_of_the_evaluation_name_the_file(predictions):
    with pytest.raises(ValueError, match=r"^t\.csv: "):
        examine(predictions([0, 1], [[0.5, 0.7], [0.5, 0.5]]))


def test_only_the_loss(predictions):
    fields = examine(predictions([0, 1, 1], [0.5, 0.25, 0.125]), loss_only=True).fields()
    assert set(fields) >= {"n", "classes", "unit", "cross_entropy", "uncertainty", "skill", "audit"}
    assert not set(fields) & {"recalibration", "isotonic", "worst_rows", "reliability"}
