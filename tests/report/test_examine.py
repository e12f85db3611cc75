"""From what was read to what a report is about: rows under their own names, the audit of the file."""

import time

import numpy as np
import pytest

from xent import _native, examples
from xent._errors import DistributionError
from xent.evaluation import _held, evaluate
from xent.io import read_predictions, scan_predictions
from xent.report import examine
from xent.report._examine import gathered


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


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_threads_change_no_digit(workers, monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    q = rng.dirichlet([0.5] * 3, 2000).round(3)
    y = rng.integers(3, size=2000)
    lines = [f"{label},{','.join(map(repr, row))}" for label, row in zip(y.tolist(), q.tolist(), strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["y,p_0,p_1,p_2", *lines]))
    monkeypatch.setattr(_held, "MOST_ROWS", 300)

    def examined(threads):
        monkeypatch.setattr(_native, "threads", lambda: threads)
        seen = []
        with scan_predictions(tmp_path / "t.csv", batch_rows=60) as scan:
            found = examine(scan, advance=lambda done, of: seen.append(done))
        assert seen == sorted(seen)
        assert seen[-1] == 2000
        return found.evaluation.to_json()

    assert examined(workers) == examined(1)


class Refusing:
    """Takes batches, slowly the earlier they are, and refuses some."""

    def __init__(self, bad):
        self.bad = bad

    def update(self, labels, q, *, id, **_):
        number = int(id[0])
        time.sleep(max(0.0, 0.05 - 0.01 * number))
        if number in self.bad:
            raise DistributionError(f"batch {number}")

    def merge(self, other):
        return self


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize(("bad", "unread", "wanted"), [({2, 3}, 5, "2"), ({4}, 4, "4"), ({3}, 4, "3"), (set(), 2, "2")])
def test_the_first_bad_batch_is_the_error(workers, bad, unread, wanted, predictions):
    def batches():
        for number in range(9):
            if number == unread:
                raise DistributionError(f"batch {number}")
            yield predictions([0], [0.5], rows=[number])

    told = []
    with pytest.raises(DistributionError, match=f"^batch {wanted}$"):
        gathered(batches(), lambda: Refusing(bad), lambda batch: told.append(int(batch.rows[0])), workers)
    assert told == list(range(len(told)))
    assert all(number < int(wanted) for number in told)


@pytest.mark.parametrize("workers", [2, 4])
def test_an_interrupt_stops_it(workers, predictions):
    taken = []

    def batches():
        for number in range(100):
            taken.append(number)
            yield predictions([0], [0.5], rows=[number])

    def told(batch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gathered(batches(), lambda: Refusing(set()), told, workers)
    assert len(taken) == workers + 1
