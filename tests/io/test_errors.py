"""What is wrong with a file is said with its name, the column, the row from 0, and how to mend it."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xent.io import read_predictions

HEAD = "label,p_a,p_b\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "a,0.5,0.5\nb,nan,0.5\n", r"t\.csv: row 1 of p_a is nan"),
        (HEAD + "a,0.5,0.5\nb,,0.5\n", r"column 'p_a' row 1 is empty"),
        (HEAD + "a,0.5,0.5\nb,x,0.5\n", r"column 'p_a' row 1 holds 'x', which is not a number"),
        (HEAD + "a,0.5,0.5\nb,1_0,0.5\n", r"holds '1_0'"),
        (HEAD + "a,0.5,0.5\nb,0.5\n", r"row 1 has 2 cells, the header 3"),
        (HEAD + "a,0.5,0.5\nb,0.5,0.5,1\n", r"row 1 has 4 cells, the header 3"),
        (HEAD + "a,0.5,0.5\nc,0.5,0.5\n", r"(?s)'label' row 1 is 'c', not one of the 2 classes.*classes: a, b"),
        (HEAD + "a,0.5,0.5\nb,-0.5,1.5\n", r"(?s)not probabilities: values from -0.5 to 1.5.*row 1 of p_a, -0.5"),
        (HEAD + "a,0.5,0.5\nb,0.5,0.6\n", r"(?s)1 of 2 rows are off 1.*row 1, 1.1.*--renormalize"),
        (HEAD + "a,0.5,inf\n", r"not probabilities"),
        (HEAD + "a,-inf,inf\n", r"not probabilities: values from -inf to inf"),
        (HEAD + "a,1e308,1.7e308\n", r"not probabilities"),
        (HEAD, r"t\.csv: no rows"),
        (HEAD + ",0.5,0.5\n", r"no row has a label in 'label'"),
        ("", r"t\.csv: is empty"),
        ("\n\n", r"is not csv text"),
        ("label,p_a,p_a\na,0.5,0.5\n", r"2 columns are named 'p_a'"),
        (
            "labels,p_a,p_b\na,0.5,0.5\n",
            r"(?s)no label column.*did you mean --label labels\?.*columns: labels, p_a, p_b",
        ),
        ("label,q_a,q_b\na,0.5,0.5\n", r"(?s)no columns of probs.*columns: label, q_a, q_b.*--probs"),
        ("label,p_a\na,0.5\n", r"no columns of probs"),
        ("label,z_a,z_b\na,0.5,0.5\n", r"(?s)named as logits.*--logits.*--probs 'z_\*'"),
        (
            "label,z_a,z_b\na,5,-3\n",
            r"(?s)z_a, z_b are not probabilities: values from -3 to 5, rows sum to 2.*add --logits",
        ),
        ("label,p_a,p_b\na,-0.6931,-0.6931\n", r"add --logprobs"),
        ("label,p_a,p_b\na,50,50\n", r"percentages"),
        ("y,p\n1,1.5\n", r"column p is not probabilities: values from 1.5 to 1.5"),
    ],
)
def test_text(tmp_path, text, words):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=words) as caught:
        read_predictions(tmp_path / "t.csv")
    assert str(tmp_path) in str(caught.value).split("\n")[0]
    assert len(str(caught.value).split("\n")) <= 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"label": "lable"}, r"no column 'lable' for --label; did you mean 'label'\?"),
        ({"weight": "wieght"}, r"did you mean 'weight'\?"),
        ({"cluster": "nothing"}, r"no column 'nothing' for --cluster"),
        ({"id": "iid"}, r"did you mean 'id'\?"),
        ({"probs": "q_*"}, r"matches no column"),
        ({"probs": "p_a*"}, r"matches no column"),
        ({"probs": "p_a,p_c"}, r"no column 'p_c'"),
        ({"probs": "p_a,p_a"}, r"names a column twice"),
        ({"probs": "weigh*"}, r"(?s)matches only 'weight'; it needs one a class.*--probs weight"),
        ({"logits": True, "logprobs": True}, r"not both"),
        ({"logits": "p_*", "probs": "p_*"}, r"name them once"),
        ({"logits": True, "renormalize": True}, r"--renormalize is for probabilities"),
        ({"format": "cvs"}, r"did you mean 'csv'"),
        ({"weight": "neg"}, r"'neg' row 1 is -1; a weight is finite and at least 0"),
        ({"weight": "zero"}, r"'zero' is 0 in every row"),
        ({"cluster": "some"}, r"'some' row 1 names no cluster"),
    ],
)
def test_options(tmp_path, options, words):
    path = tmp_path / "t.csv"
    path.write_text("id,label,p_a,p_b,weight,neg,zero,some\n1,a,.5,.5,1,1,0,x\n2,b,.5,.5,1,-1,0,\n")
    with pytest.raises(ValueError, match=words):
        read_predictions(path, **options)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"y": [0, 1], "probs": [[0.5, 0.5], [1.0]]}, r"row 1 holds 1 numbers, row 0 holds 2"),
        ({"y": [0, 1], "probs": [[0.5, 0.5], None]}, r"'probs' row 1 is empty"),
        ({"y": [0, 1], "probs": [[0.5, 0.5], [0.5, None]]}, r"'probs' row 1 is empty"),
        ({"y": [0, 1], "probs": [[], []]}, r"holds empty lists"),
        ({"y": [0, 1], "probs": [["a", "b"], ["c", "d"]]}, r"holds string, not numbers"),
        ({"y": [[0], [1]], "p": [0.5, 0.5]}, r"'y' holds list<.*, not one value a row"),
        ({"y": [0, 1], "p": ["0.5", "0.5"]}, r"'p' holds string, not numbers"),
        ({"y": [0, 1], "p": [0.5, None]}, r"'p' row 1 is empty"),
        ({"y": [0, 1], "p": [True, False]}, r"'p' holds bool, not numbers"),
        ({"y": [0, 2], "p": [0.5, 0.5]}, r"'y' row 1 is '2', not one of the 2 classes"),
    ],
)
def test_parquet(tmp_path, columns, words):
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=words):
        read_predictions(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("arrays", "options", "words"),
    [
        ({"y": [0, 1], "probs": [[0.5, 0.5]]}, {}, r"different lengths: probs 1, y 2"),
        ({"y": [0, 1], "probs": [[[0.5, 0.5]]]}, {}, r"'probs' has the shape \(1, 1, 2\)"),
        ({"y": [0, 1], "probs": [["a", "b"], ["a", "b"]]}, {}, r"holds <U1, not numbers"),
        ({"y": [[0, 1], [1, 0]], "probs": [[0.5, 0.5], [0.5, 0.5]]}, {}, r"'y' has the shape \(2, 2\), not one value"),
        ({"y": [0, 1], "logits": [[5.0, -3], [1, 2]]}, {}, r"(?s)column logits is not probabilities.*add --logits"),
        ({"y": [0], "logits": [[np.inf, 0.0]]}, {"logits": True}, r"row 0 of logits \(class 0\) is a logit of inf"),
        ({"y": [0], "logits": [[-np.inf, -np.inf]]}, {"logits": True}, r"row 0 has every logit -inf"),
        ({"y": [0], "logits": [[np.nan, 0.0]]}, {"logits": True}, r"row 0 of logits \(class 0\) is nan"),
        ({"y": [0], "probs": [[0.5, -1.0]]}, {"logprobs": True}, r"a log-probability is at most 0"),
        ({"y": [0], "probs": [[-0.5, -1.0]]}, {"logprobs": True}, r"sum to 0.97"),
    ],
)
def test_npz(tmp_path, arrays, options, words):
    np.savez(tmp_path / "t.npz", **{name: np.array(values) for name, values in arrays.items()})
    with pytest.raises(ValueError, match=words):
        read_predictions(tmp_path / "t.npz", **options)


def test_a_row_number_counts_rows_without_a_label(tmp_path):
    frame = pd.DataFrame({"y": ["a", None, "b"], "p_a": [0.5, 0.5, 0.5], "p_b": [0.5, 0.5, 0.9]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ValueError, match="the first is row 2, 1.4"):
        read_predictions(tmp_path / "t.csv")


def test_an_unknown_suffix(tmp_path):
    (tmp_path / "t.dat").write_text("y,p\n1,.5\n0,.5\n")
    with pytest.raises(ValueError, match=r"(?s)not known from the suffix '.dat'.*--format csv"):
        read_predictions(tmp_path / "t.dat")
    assert len(read_predictions(tmp_path / "t.dat", format="csv")) == 2
    with pytest.raises(FileNotFoundError):
        read_predictions(tmp_path / "nothing.csv")
