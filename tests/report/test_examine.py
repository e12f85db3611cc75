"""From what was read to what a report is about: rows under their own names, the audit of the file."""

import numpy as np
import pytest

from xent import examples
from xent.evaluation import evaluate
from xent.io import read_predictions, scan_predictions
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


@pytest.mark.parametrize("name", ["cancer", "digits-naive-bayes"])
def test_batches_give_what_all_rows_at_once_give(name):
    whole = examine(read_predictions(examples.path(name)))
    seen = []
    with scan_predictions(examples.path(name), batch_rows=100) as scan:
        found = examine(scan, advance=lambda done, of: seen.append((done, of)))
    assert found.evaluation.to_json() == whole.evaluation.to_json()
    assert found.facts == whole.facts
    assert len(seen) == -(-whole.evaluation.n // 100)
    assert seen[-1] == (whole.evaluation.n, whole.evaluation.n)


def test_rows_without_an_id_go_by_their_number(tmp_path):
    (tmp_path / "t.csv").write_text("id,y,p\na,0,.5\n,1,.25\n,1,.125\n")
    found = examine(read_predictions(tmp_path / "t.csv"))
    assert [row.row for row in found.evaluation.worst_rows] == [2, 1, "a"]


def test_the_audit_is_of_the_whole_file(tmp_path):
    (tmp_path / "t.csv").write_text("y,p,w\n0,.5,1\n,.25,1\n1,.125,0\n1,.75,2\n")
    audit = examine(read_predictions(tmp_path / "t.csv", weight="w")).evaluation.audit
    assert (audit.rows, audit.dropped) == (4, 2)
