"""Two files of predictions are compared row for row: which rows are partners, and which have none."""

import numpy as np
import pytest

from xent.io import join, read_predictions


def predictions(folder, name, rows, head="id,y,p"):
    (folder / name).write_text("\n".join([head, *rows]) + "\n")
    return read_predictions(folder / name)


def row(name):
    return f"{name},1,.5"


def test_by_id_in_any_order(tmp_path):
    a = predictions(tmp_path, "a.csv", map(row, (3, 1, 2, 9)))
    b = predictions(tmp_path, "b.csv", map(row, (2, 7, 3)))
    found = join(a, b)
    assert a.id[found.a].tolist() == b.id[found.b].tolist() == [3, 2]
    assert (found.only_a, found.only_b) == (2, 1)


def test_numbers_and_text_are_one(tmp_path):
    a = predictions(tmp_path, "a.csv", map(row, (3, 1, 2)))
    b = predictions(tmp_path, "b.csv", map(row, ("x", "1", "03", "3")))
    assert a.id.dtype == np.int64
    assert b.id.dtype == object
    rows_a, rows_b, only_a, only_b = join(a, b)
    assert (rows_a.tolist(), rows_b.tolist(), only_a, only_b) == ([0, 1], [3, 1], 1, 2)


@pytest.mark.parametrize("names", [("b", "a", "c", "a", "b"), (5, 1, 2, 1, 5)])
def test_copies_are_refused_by_name_and_row(tmp_path, names):
    a = predictions(tmp_path, "a.csv", map(row, names))
    b = predictions(tmp_path, "b.csv", map(row, names[:3]))
    for pair in ((a, b), (b, a)):
        with pytest.raises(ValueError, match=rf"a\.csv: the id '{names[1]}' names two rows, 1 and 3"):
            join(*pair)


def test_a_row_without_an_id_is_no_row_of_its_number(tmp_path):
    a = predictions(tmp_path, "a.csv", map(row, (5, "", 7)))
    b = predictions(tmp_path, "b.csv", map(row, (1, 5, 7)))
    with pytest.raises(ValueError, match=r"a\.csv: row 1 has no id"):
        join(a, b)


def test_row_by_row(tmp_path):
    a = predictions(tmp_path, "a.csv", ["1,.5", ",.5", "0,.5"], "y,p")
    b = predictions(tmp_path, "b.csv", ["1,.5", "1,.5", ",.5"], "y,p")
    found = join(a, b)
    assert (found.a.tolist(), found.b.tolist(), found.only_a, found.only_b) == ([0], [0], 1, 1)
    one = predictions(tmp_path, "c.csv", map(row, (5, 6)))
    with pytest.raises(ValueError, match=r"(?s)c\.csv: 2 rows, but .*a\.csv has 3.*no id column in .*a\.csv\n.*--id"):
        join(a, one)
