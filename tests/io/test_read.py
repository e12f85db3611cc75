"""Reading predictions: every format gives the same arrays, and every guess is the one that was promised."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xent import Logits, LogProbs, Probs
from xent.io import Guess, Limits, read_columns, read_predictions

Q = np.array([[0.5, 0.25, 0.25], [0.1, 0.7, 0.2], [0.2, 0.2, 0.6], [0.3, 0.3, 0.4], [0.125, 0.125, 0.75]])


def write(folder: Path, columns: dict[str, object], name: str = "t.csv") -> Path:
    frame = pd.DataFrame(columns)
    path = folder / name
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.parquet"])
def test_wide_columns(tmp_path, table, name):
    found = read_predictions(write(tmp_path, table, name))
    assert found.classes == ("ant", "bee", "dog")
    assert found.labels.tolist() == [0, 1, 0, 1, 0]
    np.testing.assert_array_equal(found.scores, Q)
    assert found.scores.dtype == np.float64
    assert found.id.tolist() == ["r0", "r1", "r2", "r3", "r4"]
    assert isinstance(found.q, Probs)
    assert found.facts.guesses == (
        Guess("label", "label", "--label"),
        Guess("probs", "p_ant, p_bee, p_dog", "--probs"),
        Guess("id", "id", "--id"),
    )
    assert (found.facts.rows, found.facts.dropped, len(found)) == (5, 0, 5)


def test_classes_never_come_from_the_labels_that_occur(tmp_path, table):
    assert read_predictions(write(tmp_path, table)).classes == ("ant", "bee", "dog")


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.large_list(pa.float64()), pa.list_(pa.float64(), 3)])
def test_list_columns_are_as_wide_ones(tmp_path, kind):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"y": pa.array([0, 1, 0, 1, 0]), "probs": pa.array(Q.tolist(), kind)}), path)
    found = read_predictions(path)
    np.testing.assert_array_equal(found.scores, Q)
    assert found.classes == ("0", "1", "2")


def test_row_groups_do_not_matter(tmp_path, table):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table(table), path, row_group_size=2)
    np.testing.assert_array_equal(read_predictions(path).scores, Q)


def test_class_names_in_the_metadata_of_a_list_column(tmp_path):
    field = pa.field("probs", pa.list_(pa.float64()), metadata={"classes": '["ant", "bee", "dog"]'})
    schema = pa.schema([pa.field("y", pa.string()), field])
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"y": ["dog", "bee", "ant", "ant", "bee"], "probs": Q.tolist()}, schema=schema), path)
    found = read_predictions(path)
    assert found.classes == ("ant", "bee", "dog")
    assert found.labels.tolist() == [2, 1, 0, 0, 1]


def test_npz(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, target=np.array([0, 1, 0, 1, 2]), predictions=Q, id=np.arange(5))
    found = read_predictions(path)
    assert found.labels.tolist() == [0, 1, 0, 1, 2]
    assert found.id.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(found.scores, Q)


def test_npz_with_class_names_takes_names_or_places(tmp_path):
    for labels in (np.array(["dog", "ant", "ant", "bee", "bee"]), np.array([2, 0, 0, 1, 1])):
        path = tmp_path / "t.npz"
        np.savez_compressed(path, label=labels, probs=np.asfortranarray(Q), classes=np.array(["ant", "bee", "dog"]))
        found = read_predictions(path)
        assert found.labels.tolist() == [2, 0, 0, 1, 1]
        np.testing.assert_array_equal(found.scores, Q)


def test_npy_with_labels_beside_it(tmp_path):
    np.save(tmp_path / "q.npy", Q)
    np.save(tmp_path / "y.npy", np.array([0.0, 1, 0, 1, 2]))
    found = read_predictions(tmp_path / "q.npy", label=str(tmp_path / "y.npy"))
    assert found.labels.tolist() == [0, 1, 0, 1, 2]
    with pytest.raises(ValueError, match=r"(?s)one array and no labels.*--label"):
        read_predictions(tmp_path / "q.npy")


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_floats_keep_their_type(tmp_path, dtype):
    np.savez(tmp_path / "t.npz", y=np.array([0, 1, 0, 1, 2]), probs=Q.astype(dtype))
    pq.write_table(pa.table({"y": [0, 1, 0, 1, 2], "probs": list(Q.astype(dtype))}), tmp_path / "t.parquet")
    for name in ("t.npz", "t.parquet"):
        assert read_predictions(tmp_path / name).scores.dtype == dtype


def test_big_endian(tmp_path):
    np.savez(tmp_path / "t.npz", y=np.array([0, 1, 0, 1, 2], ">i4"), probs=Q.astype(">f8"))
    np.testing.assert_array_equal(read_predictions(tmp_path / "t.npz").scores, Q)


@pytest.mark.parametrize("prefix", ["p_", "prob_", "proba_", "y_pred_proba_"])
def test_prefixes(tmp_path, prefix):
    path = write(tmp_path, {"y_true": ["b", "a"], f"{prefix}b": [0.5, 0.25], f"{prefix}a": [0.5, 0.75]})
    assert read_predictions(path).classes == ("b", "a")


@pytest.mark.parametrize("name", ["label", "target", "y", "y_true", "ground_truth"])
def test_label_names(tmp_path, name):
    assert len(read_predictions(write(tmp_path, {"p": [0.5, 0.25], name: [1, 0]}))) == 2


@pytest.mark.parametrize("name", ["p", "prob", "probs"])
def test_one_column_for_two_classes(tmp_path, name):
    found = read_predictions(write(tmp_path, {name: [0.5, 0.25], "y": [1, 0]}))
    assert found.classes == ("0", "1")
    assert found.scores.tolist() == [0.5, 0.25]
    assert found.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    "labels", [["0", "1"], [0, 1], [0.0, 1.0], [False, True], ["false", "true"], ["False", "TRUE"]]
)
@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_two_class_labels_of_every_kind(tmp_path, labels, name):
    assert read_predictions(write(tmp_path, {"p": [0.5, 0.25], "y": labels}, name)).labels.tolist() == [0, 1]


@pytest.mark.parametrize("labels", [[10, 2], [10.0, 2.0], ["10", "2"], ["10.0", " 2"], pd.Categorical([10, 2])])
@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_number_labels_match_as_text(tmp_path, labels, name):
    path = write(tmp_path, {"y": labels, "p_2": [0.5, 0.25], "p_10": [0.5, 0.75]}, name)
    found = read_predictions(path)
    assert found.classes == ("2", "10")
    assert found.labels.tolist() == [1, 0]


def test_class_columns_named_by_floats_and_truth(tmp_path):
    path = write(tmp_path, {"y": [1, 2], "p_1.0": [0.5, 0.25], "p_2.0": [0.5, 0.75]})
    assert read_predictions(path).labels.tolist() == [0, 1]
    path = write(tmp_path, {"y": [1, 0], "p_True": [0.5, 0.25], "p_False": [0.5, 0.75]})
    assert read_predictions(path).labels.tolist() == [0, 1]


def test_spellings_that_two_classes_share_match_only_to_the_letter(tmp_path):
    path = write(tmp_path, {"y": ["1.0", "1"], "p_1": [0.5, 0.25], "p_1.0": [0.5, 0.75]}, "t.parquet")
    assert read_predictions(path).labels.tolist() == [1, 0]
    path = write(tmp_path, {"y": ["01", "1"], "p_1": [0.5, 0.25], "p_1.0": [0.5, 0.75]}, "t.parquet")
    with pytest.raises(ValueError, match="row 0 is '01'"):
        read_predictions(path)


def test_logits_and_logprobs(tmp_path):
    z = np.log(Q)
    np.savez(tmp_path / "t.npz", y=[0, 1, 0, 1, 2], logits=z + 3)
    assert isinstance(read_predictions(tmp_path / "t.npz", logits=True).q, Logits)
    np.savez(tmp_path / "t.npz", y=[0, 1, 0, 1, 2], scores=z)
    assert isinstance(read_predictions(tmp_path / "t.npz", logprobs="scores").q, LogProbs)
    path = write(tmp_path, {"y": [0, 1], "z_0": [1.0, -3], "z_1": [2.0, 5], "p_0": [0.5, 0.5], "p_1": [0.5, 0.5]})
    assert read_predictions(path, logits=True).facts.columns == ("z_0", "z_1")
    assert read_predictions(path).facts.columns == ("p_0", "p_1")
    path = write(tmp_path, {"y": [0, 1], "logit_0": [1.0, -3], "logit_1": [2.0, 5]})
    assert read_predictions(path, logits=True).facts.columns == ("logit_0", "logit_1")


@pytest.mark.parametrize(
    ("spec", "classes"),
    [
        ("score_*", ("a", "b")),
        ("*_x", ("score_a", "score_b")),
        ("score_b_x,score_a_x", ("score_b_x", "score_a_x")),
        (["score_b_x", "score_a_x"], ("score_b_x", "score_a_x")),
        ("score_*_x", ("a", "b")),
    ],
)
def test_named_scores(tmp_path, spec, classes):
    columns = {"y": [0, 1], "score_a_x": [0.5, 0.25], "score_b_x": [0.5, 0.75]}
    if spec == "score_*":
        columns = {name.removesuffix("_x"): values for name, values in columns.items()}
    found = read_predictions(write(tmp_path, {**columns, "y": [classes[0], classes[1]]}), probs=spec)
    assert found.classes == classes


def test_a_column_whose_name_has_commas_or_stars(tmp_path):
    path = write(tmp_path, {"y": [0, 1], "a,b": [0.5, 0.25], "c*": [0.5, 0.75]})
    assert read_predictions(path, probs="a,b").scores.tolist() == [0.5, 0.25]
    assert read_predictions(path, probs="c*").scores.tolist() == [0.5, 0.75]


def test_given_class_names(tmp_path):
    path = write(tmp_path, {"y": ["no", "yes"], "p": [0.5, 0.25]})
    assert read_predictions(path, classes=["no", "yes"]).labels.tolist() == [0, 1]
    with pytest.raises(ValueError, match="1 class names"):
        read_predictions(path, classes=["no"])
    with pytest.raises(ValueError, match="'no' is named twice"):
        read_predictions(path, classes=["no", "no"])


def test_weight_and_cluster_are_only_taken_when_named(tmp_path):
    path = write(tmp_path, {"y": [0, 1], "p": [0.5, 0.25], "weight": [1, 2.5], "cluster": [7, 8]})
    assert read_predictions(path).weight is None
    found = read_predictions(path, weight="weight", cluster="cluster")
    assert found.weight.tolist() == [1, 2.5]
    assert found.cluster.tolist() == [7, 8]


def test_ids_are_the_same_from_every_format(tmp_path):
    for ids in ([3, 1, 2], ["3", "1", "2"], ["007", "1", "2"], ["a", "b", "c"]):
        columns = {"id": ids, "y": [0, 1, 1], "p": [0.5, 0.25, 0.5]}
        both = [read_predictions(write(tmp_path, columns, name)).id.tolist() for name in ("t.csv", "t.parquet")]
        assert both[0] == both[1]
    assert both[0] == ["a", "b", "c"]


def test_rows_without_a_label_are_left_out_and_counted(tmp_path):
    for name in ("t.csv", "t.parquet"):
        path = write(tmp_path, {"y": ["a", None, "b"], "p_a": [0.5, 0.25, 1], "p_b": [0.5, 0.75, 0]}, name)
        found = read_predictions(path)
        assert (found.facts.rows, found.facts.dropped) == (3, 1)
        assert found.rows.tolist() == [0, 2]
        assert found.row_name(1) == 2
        assert found.scores.tolist() == [[0.5, 0.5], [1, 0]]


def test_renormalize(tmp_path):
    path = write(tmp_path, {"y": ["a", "b"], "p_a": [1.0, 0.25], "p_b": [3.0, 0.75]})
    found = read_predictions(path, renormalize=True)
    assert found.scores.tolist() == [[0.25, 0.75], [0.25, 0.75]]
    assert found.facts.renormalized == 1


def test_quotes_line_ends_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(
        b'\xef\xbb\xbflabel,"p_a ""x"", y","p_two\nlines"\r\n"a ""x"", y",0.5,0.5\r\n"two\nlines",.25,7.5E-1\r\n'
    )
    found = read_predictions(path)
    assert found.classes == ('a "x", y', "two\nlines")
    assert found.scores.tolist() == [[0.5, 0.5], [0.25, 0.75]]


def test_numbers_as_people_write_them(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("y,p\n1, 0.5\n0,+.25\n1,1e-3\n0,1\n")
    assert read_predictions(path).scores.tolist() == [0.5, 0.25, 0.001, 1]


def test_floats_read_back_to_the_bit(tmp_path):
    p = np.random.default_rng(0).random(1000)
    path = write(tmp_path, {"y": [0, 1] * 500, "p": p})
    np.testing.assert_array_equal(read_predictions(path).scores, p)


def test_stdin(tmp_path, table, monkeypatch):
    for name, file_format in (("t.csv", None), ("t.parquet", "parquet")):
        data = write(tmp_path, table, name).read_bytes()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        found = read_predictions("-", format=file_format)
        np.testing.assert_array_equal(found.scores, Q)
        assert found.facts.file == "standard input"


def test_a_link_is_followed(tmp_path, table):
    (tmp_path / "link.csv").symlink_to(write(tmp_path, table))
    assert len(read_predictions(tmp_path / "link.csv")) == 5


def test_columns_by_name(tmp_path, table):
    (p, names), (ant, one) = read_columns(write(tmp_path, table), ["p_*", "p_ant"])
    np.testing.assert_array_equal(p, Q)
    assert names == ("p_ant", "p_bee", "p_dog")
    np.testing.assert_array_equal(ant, Q[:, 0])
    assert one == ("p_ant",)


def test_limits_are_frozen_and_shown():
    with pytest.raises(AttributeError):
        Limits().columns = 3  # type: ignore[misc]
    assert Limits(columns=1000).shown("columns") == "limit columns = 1,000"


def test_json_lines(tmp_path):
    path = tmp_path / "t.jsonl"
    names = ("ant", "bee", "dog")
    rows = [
        {"label": names[i % 2], **dict(zip([f"p_{n}" for n in names], q, strict=True))}
        for i, q in enumerate(Q.tolist())
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    found = read_predictions(path)
    assert found.classes == names
    np.testing.assert_array_equal(found.scores, Q)
    path.write_text("\n".join(json.dumps({"probs": q, "y": i % 3}) for i, q in enumerate(Q.tolist())))
    np.testing.assert_array_equal(read_predictions(path).scores, Q)
    path.write_text('{"y": 1, "p": 0.5}\n{"p": 1, "y": 0}\n{"y": null, "p": 0}\n')
    assert read_predictions(path).scores.tolist() == [0.5, 1]
