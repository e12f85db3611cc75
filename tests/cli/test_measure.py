"""`xent measure`: the numbers, their units, and every way to give them."""

import json
import math

import numpy as np
import pytest


def test_the_line_of_kl(xent):
    line = "0.736966 bits   KL(p || q), p = 0.5,0.5  q = 0.9,0.1        reverse 0.531004\n"
    assert xent("measure", "kl", "0.5,0.5", "0.9,0.1", "--unit", "bits").stdout == line


@pytest.mark.parametrize(
    ("args", "value"),
    [
        (["entropy", "0.5,0.25,0.25"], "1.03972 nats"),
        (["entropy", "0.5,0.25,0.25", "--unit", "bits"], "1.5 bits"),
        (["entropy", "0.5 0.25 0.25", "--unit", "bits"], "1.5 bits"),
        (["entropy", "1/3,1/3,1/3", "--unit", "bans"], "0.477121 bans"),
        (["entropy", "2,1,1", "--counts", "--unit", "bits"], "1.5 bits"),
        (["entropy", "counts:2,1,1", "--unit", "bits"], "1.5 bits"),
        (["entropy", "--logits", "-1,-1"], "0.693147 nats"),
        (["entropy", "-inf,0", "--logits"], "0 nats"),
        (["cross-entropy", "0.5,0.5", "0.9,0.1"], "1.20397 nats"),
        (["cross-entropy", "0.5,0.5", "1,0"], "inf nats"),
        (["cross-entropy", "--label", "2", "0.1,0.2,0.7"], "0.356675 nats"),
        (["cross-entropy", "label:0", "--logits", "0,0"], "0.693147 nats"),
        (["cross-entropy", "0.5,0.5", "--logprobs", "-0.6931471805599453,-0.6931471805599453"], "0.693147 nats"),
        (["kl", "logits:0,0", "logits:0,0"], "0 nats"),
        (["js", "1,0", "0,1", "--unit", "bits"], "1 bit"),
        (["bce", "1", "0.9"], "0.105361 nats"),
        (["bce", "1", "2.5", "--logits"], "0.0788897 nats"),
        (["bce", "1", "-2.5", "--logits"], "2.57889 nats"),
        (["perplexity", "0.25,0.25,0.25,0.25"], "4 outcomes"),
        (["perplexity", "label:0", "0.25,0.75"], "4 outcomes"),
        (["surprisal", "0.125", "--unit", "bits"], "3 bits"),
        (["renyi", "0.5,0.5", "0.25,0.75", "--alpha", "inf", "--unit", "bits"], "1 bit"),
        (["tsallis", "0.5,0.5", "0.25,0.75", "--alpha", "2"], "0.333333"),
        (["alpha", "0.5,0.5", "0.25,0.75", "--alpha", "-1"], "0.125"),
        (["hellinger", "1,0", "0,1"], "1"),
        (["tv", "label:0", "0.25,0.75"], "0.75"),
        (["chi2", "0.5,0.5", "0.25,0.75"], "0.333333"),
    ],
)
def test_values(xent, args, value):
    done = xent("measure", *args)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{value}   ")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["renyi", "1,0", "0,1"], "renyi has an order: give it with --alpha"),
        (["kl", "1,0", "0,1", "--alpha", "2"], "kl has no order"),
        (["tsallis", "1,0", "0,1", "--alpha", "-1"], "`alpha` is -1.0"),
    ],
)
def test_orders(xent, args, words):
    done = xent("measure", *args)
    assert done.returncode != 0
    assert words in done.stderr


def test_number_by_number(xent):
    lines = xent("measure", "bce", "1,0", "0.5,0.75", "--unit", "bits").stdout.split("\n")
    assert lines[:3] == [
        "1 bit   BCE(y, q), y = 1  q = 0.5",
        "2 bits   BCE(y, q), y = 0  q = 0.75",
        "1.5 bits   mean of the 2",
    ]


def test_json(xent):
    found = json.loads(xent("measure", "kl", "0.5,0.5", "0.9,0.1", "--json").stdout)
    assert found["schema_version"] == 1
    assert (found["measure"], found["unit"], found["nonfinite"]) == ("kl", "nats", {})
    assert found["values"] == [pytest.approx(0.5108256237659907, rel=1e-15)]
    assert found["reverse"] == pytest.approx(0.3680642071684971, rel=1e-15)
    found = json.loads(xent("measure", "kl", "0.5,0.5", "1,0", "--json").stdout)
    assert found["values"] == [None]
    assert found["nonfinite"] == {"values.0": "inf", "mean": "inf"}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["entropy", "0.5,0.6"], "1.1"),
        (["entropy", "0.5,-0.5"], "-0.5"),
        (["entropy", "nan,1"], "NaN"),
        (["kl", "0.5,0.5", "0.2,0.3,0.5"], ""),
        (["bce", "1,0", "0.5"], "2 and 1"),
        (["bce", "2", "0.5"], "2"),
        (["cross-entropy", "--label", "3", "0.5,0.5"], "3"),
        (["cross-entropy", "--label", "0.5", "0.5,0.5"], "a label is one whole number"),
        (["entropy", "--counts", "--logits", "1,2"], "cannot be both --counts and --logits"),
        (["entropy", "lgits:1,2"], "'lgits' is no form"),
        (["entropy", ","], "holds no numbers"),
        (["entropy", "1e5/3"], "not a number"),
        (["entropy", "0.5,0.5", "--rows"], "--rows and --format go with --file"),
    ],
)
def test_errors(xent, args, words):
    done = xent("measure", *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_columns_of_a_file(xent, good):
    done = xent("measure", "entropy", "--file", "good.csv", "p_*")
    q = np.array([[0.7, 0.2, 0.1], [0.25, 0.5, 0.25], [0.125, 0.125, 0.75], [0.5, 0.25, 0.25], [0.5, 0.25, 0.25]])
    mean = float(np.mean(-(q * np.log(q)).sum(axis=1)))
    assert done.stdout == f"{mean:.6g} nats   mean H(p) of 60 rows, p = p_cat, p_dog, p_fish\n"
    rows = xent("measure", "surprisal", "--file", "good.csv", "p_cat", "--rows", "--unit", "bits").stdout.split("\n")
    assert rows[1] == "2 bits   row 1"
    assert len(rows) == 61
    found = json.loads(xent("measure", "kl", "--file", "good.csv", "p_*", "p_fish,p_dog,p_cat", "--json").stdout)
    assert len(found["values"]) == 60
    assert math.isfinite(found["mean"])


def test_errors_in_a_file_name_it(xent, good):
    done = xent("measure", "entropy", "--file", "good.csv", "p_cat,p_dog")
    assert done.returncode == 2
    assert done.stderr.startswith("error: good.csv: ")


def test_one_column_of_a_file_is_no_distribution(xent, tmp_path):
    (tmp_path / "t.csv").write_text("y,p,p_cat,p_dog\ndog,.5,.25,.75\ncat,.25,.5,.5\n")
    done = xent("measure", "entropy", "--file", "t.csv", "p")
    assert (done.returncode, done.stdout) == (2, "")
    assert "t.csv: entropy needs a column for each outcome, and 'p' is one column" in done.stderr
    assert "A,B,C" in done.stderr


def test_labels_of_a_file_may_be_names(xent, tmp_path):
    (tmp_path / "t.csv").write_text("y,p_cat,p_dog\ndog,.5,.5\ncat,.5,.5\n")
    done = xent("measure", "cross-entropy", "--label", "--file", "t.csv", "y", "p_*", "--unit", "bits")
    assert done.stdout.startswith("1 bit   mean H(p, q) of 2 rows, y = y  q = p_cat, p_dog")
    assert "did you mean" not in done.stderr


def test_the_form_is_shown_and_one_is_singular(xent):
    assert "logit q = 3" in xent("measure", "bce", "1", "--logits", "3").stdout
    assert xent("measure", "entropy", "0.5,0.5", "--unit", "bits").stdout.startswith("1 bit   ")
    assert xent("measure", "entropy", "0.25,0.25,0.25,0.25", "--unit", "bits").stdout.startswith("2 bits   ")


@pytest.mark.parametrize(
    "args",
    [
        ["kl", "0.5,0.5", "0.9,0.1,0"],
        ["cross-entropy", "--label", "5", "0.5,0.5"],
        ["entropy", "0.5,0.6"],
        ["bce", "2", "0.5"],
        ["kl", "0.5,0.5", "-1,2"],
        ["cross-entropy", "0.5,0.5", "--logits", "inf,1"],
    ],
)
def test_errors_do_not_speak_of_arrays(xent, args):
    done = xent("measure", *args)
    assert done.returncode == 2
    assert not any(word in done.stderr for word in ("axis", "shape", "xent.", "`", "array"))
