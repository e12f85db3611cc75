"""What a report is about: rows under their own names, and what was said of them."""

import numpy as np
import pytest

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


@pytest.mark.parametrize(
    ("form", "q", "name", "probability"),
    [
        ("probs", [[0.25, 0.75], [0.5, 0.5]], "1", 0.75),
        ("logits", [[0.0, np.log(3)], [0.0, 0.0]], "1", 0.75),
        ("logits", [[-np.inf, 5], [0.0, 0.0]], "1", 1.0),
        ("logprobs", [[np.log(0.25), np.log(0.75)], [np.log(0.5)] * 2], "1", 0.75),
        ("probs", [0.75, 0.5], "1", 0.75),
        ("logits", [np.log(3), 0], "1", 0.75),
        ("logprobs", [np.log(0.75), np.log(0.5)], "1", 0.75),
        ("probs", [0.25, 0.5], "0", 0.75),
    ],
)
def test_what_was_said(predictions, form, q, name, probability):
    found = examine(predictions([0 if name == "1" else 1, 1], q, form=form))
    assert found.said[0].name == name
    assert found.said[0].probability == pytest.approx(probability, rel=1e-15)


def test_accuracy_is_weighted(predictions):
    found = examine(predictions([1, 0, 1], [0.75, 0.75, 0.25], weight=np.array([2.0, 1, 1])))
    assert found.accuracy == 0.5


def test_errors_of_the_evaluation_name_the_file(predictions):
    with pytest.raises(ValueError, match=r"^t\.csv: "):
        examine(predictions([0, 1], [[0.5, 0.7], [0.5, 0.5]]))
