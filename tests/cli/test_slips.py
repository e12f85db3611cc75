"""Slips of the one who calls: nothing read is overwritten, no column is used for two things, no class is swapped."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import xent as package

SOURCE = Path(package.__file__).parents[1]
TWO = "y,p\n1,.75\n0,.25\n1,.5\n0,.375\n"


@pytest.fixture
def saved(tmp_path):
    """Writes a file of that text; its name."""

    def save(text: str, name: str = "t.csv") -> str:
        (tmp_path / name).write_text(text)
        return name

    return save


def refused(done) -> str:
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


@pytest.mark.parametrize("output", ["-", "x.txt", "x.png", "t.csv", "html"])
def test_the_page_goes_to_a_name_of_a_page(xent, saved, tmp_path, output):
    assert ".html" in refused(xent("report", saved(TWO), "-o", output))
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_the_labels_of_an_array_are_an_input(xent, tmp_path):
    np.save(tmp_path / "q.npy", np.array([0.25, 0.5, 0.75]))
    np.save(tmp_path / "y.npy", np.array([0, 1, 1]))
    (tmp_path / "y.html").symlink_to("y.npy")
    before = (tmp_path / "y.npy").read_bytes()
    assert "input" in refused(xent("report", "q.npy", "--label", "y.npy", "-o", "y.html"))
    assert (tmp_path / "y.npy").read_bytes() == before


def test_standard_input_from_a_file_is_an_input(tmp_path):
    path = tmp_path / "s.html"
    path.write_text(TWO)
    with path.open() as stdin:
        done = subprocess.run(
            [sys.executable, "-m", "xent", "report", "-", "-o", "s.html"],
            stdin=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )
    assert "input" in refused(done)
    assert path.read_text() == TWO


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("y,p_0,p_1\n0,1.02,0\n1,.25,.75\n", "--renormalize"),
        ("y,p_0,p_1\n0,3,1\n1,1,3\n", "--renormalize"),
        ("y,p_0,p_1\n0,-3,1\n1,1,3\n", "--logits"),
        ("y,p_0,p_1\n0,9,1.5\n1,1,30\n", "--logits"),
        ("y,p\n0,1.001\n1,.25\n", "beyond 1"),
        ("y,p\n0,75\n1,25\n", "percentages"),
    ],
)
def test_what_is_advised_fits_the_numbers(xent, saved, text, advice):
    err = refused(xent("report", saved(text)))
    assert advice in err
    assert ("--logits" in err) == (advice == "--logits")


def test_probabilities_called_logits_are_warned_of(xent, saved):
    name = saved("y,p_0,p_1\n0,.75,.25\n1,.25,.75\n")
    assert "warning: t.csv: columns p_0, p_1 are used as logits" in xent("report", name, "--logits").stderr
    assert xent("report", name).stderr == ""


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--label", "y", "--probs", "y"], ("--label", "--probs")),
        (["--cluster", "p", "--weight", "y"], ("--label", "--weight")),
        (["--probs", "w", "--weight", "w"], ("--probs", "--weight")),
        (["--probs", "w", "--cluster", "w"], ("--probs", "--cluster")),
        (["--label", "p"], ("'p' is already the label", "--label")),
        (["--weight", "p"], ("'p' is already --weight",)),
    ],
)
def test_a_column_has_one_job(xent, saved, flags, named):
    err = refused(xent("report", saved("y,p,w\n1,.75,1\n0,.25,1\n"), *flags))
    assert all(words in err for words in named)


def test_classes_in_another_order_are_refused(xent, saved):
    name = saved("label,p_a,p_b\na,.75,.25\nb,.25,.75\n")
    err = refused(xent("report", name, "--classes", "b,a"))
    assert "another order" in err
    assert "a, b" in err
    assert xent("report", name, "--classes", "a,b").returncode == 0


def test_a_row_of_weight_0_is_as_if_left_out(xent, saved):
    kept = "y,p_0,p_1,w,c\n1,.25,.75,1,a\n0,.75,.25,2,b\n1,.5,.5,1,c\n"
    saved(kept + "7,x,,0,\n1,-3,9,0,\n,.5,.5,,d\n", "more.csv")
    saved(kept, "kept.csv")
    found = [
        json.loads(xent("report", name, "--weight", "w", "--cluster", "c", "--json").stdout)
        for name in ("more.csv", "kept.csv")
    ]
    assert found[0].pop("audit") == {**found[1].pop("audit"), "rows": 6, "dropped": 3}
    assert all(document.pop("provenance") for document in found)
    assert found[0] == found[1]
    err = xent("report", "more.csv", "--weight", "w").stderr
    assert "1 of 6 rows have no label" in err
    assert "2 of 6 rows have weight 0" in err


def test_no_number_is_a_misspelt_number(xent, saved):
    assert "did you mean" not in refused(xent("report", saved("y,p\n-1,.25\n1,.75\n")))


def test_names_that_are_there_twice_are_warned_of(xent, saved):
    done = xent("report", saved("id,y,p\na,1,.75\nb,0,.25\na,1,.5\na,0,.5\n"))
    assert "warning: t.csv: column 'id' names 2 of 4 rows as another row before them" in done.stderr


@pytest.mark.parametrize(("flags", "names"), [([], "score_"), (["--logprobs"], "logp_"), (["--logits"], "my_own_z_")])
def test_named_columns_lose_what_they_share(xent, saved, flags, names):
    low = "-.6931471805599453" if flags else ".5"
    name = saved(f"y,{names}a,{names}b\na,{low},{low}\nb,{low},{low}\n")
    done = xent("report", name, "--probs", f"{names}a,{names}b", *flags, "--json")
    assert json.loads(done.stdout)["classes"] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"y":1,"p":"a"}', "column 'p' row 1 holds text, the rows before it a number"),
        ("[1]", "row 1 is not an object a line: it is a list"),
        ('{"y":1', "a comma or a closing } is missing"),
        ("{y:1}", "a name in double quotes is missing"),
        ('{"y" 1}', "a colon is missing"),
        ('{"y":nope}', "none of JSON's"),
    ],
)
def test_json_lines_are_explained_in_plain_words(xent, saved, line, words):
    err = refused(xent("report", saved('{"y":0,"p":0.5}\n' + line + "\n", "t.jsonl")))
    assert words in err
    assert "Column(" not in err


def test_cells_between_other_marks(xent, saved):
    assert "between its names seem to stand ';'" in refused(xent("report", saved(TWO.replace(",", ";"))))
    assert "--format tsv" in refused(xent("report", saved(TWO.replace(",", "\t"))))
    assert "--format csv" in refused(xent("report", saved(TWO, "t.tsv")))


def test_an_option_that_is_given_twice(xent, saved):
    err = refused(xent("report", saved(TWO), "--label", "y", "--label", "p"))
    assert "--label is given twice" in err
    assert xent("report", "t.csv", "--fail-if", "loss>9", "--fail-if", "loss>8").returncode == 0


def test_an_example_is_named_and_not_where_it_lies(xent):
    err = refused(xent("report", "--example", "digits", "--label", "nope"))
    assert err.startswith("error: example digits: no column 'nope'")
    assert "/" not in err


def test_color_goes_for_both_streams(xent, saved):
    saved("y,p\n1,.75\n,.5\n0,.25\n")
    done = xent("report", "t.csv", "--color", "always")
    assert "\x1b[" in done.stdout
    assert "\x1b[" in done.stderr
    assert "\x1b[" not in xent("report", "t.csv").stderr
    done = xent("report", "t.csv", "--color", "never", FORCE_COLOR="1")
    assert "\x1b[" not in done.stdout + done.stderr


def test_a_value_error_that_is_not_raised_here_is_our_bug(xent, saved, monkeypatch):
    monkeypatch.setattr("xent.report._examine.take", lambda *_: int("no number"))
    done = xent("report", saved(TWO))
    assert done.returncode == 101
    assert "a bug in xent" in done.stderr


def test_what_a_run_depends_on_is_in_its_provenance(xent, saved):
    done = xent("report", saved(TWO), "--unit", "bits", "--probs", "p", "--json")
    provenance = json.loads(done.stdout)["provenance"]
    assert provenance["seed"] == 0
    assert provenance["options"] == {"unit": "bits", "probs": "p"}


def test_one_cluster_has_no_standard_errors(xent, saved):
    done = xent("report", saved("y,p,c\n1,.75,a\n0,.25,a\n1,.5,a\n"), "--cluster", "c")
    assert "1 cluster: no standard errors" in done.stderr
    assert "1 clusters" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("report", "t.csv", "--loss-only", "--slice", "y"), "give --slice or --loss-only, not both"),
        (("compare", "t.csv", "t.csv", "--engine", "dask"), "--engine dask is for xent report, leave it out"),
    ],
)
def test_options_that_do_not_go_together(xent, arguments, words):
    done = xent(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
