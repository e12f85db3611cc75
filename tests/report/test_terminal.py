"""The report in the terminal: its order, its width, its units, and what it says where numbers are undefined."""

import re

import numpy as np
import pytest
from rich.cells import cell_len

from xent.report import examine, render

Q2 = [0.9, 0.2, 0.6, 0.4, 0.3, 0.5, 0.75, 0.125]
Y2 = [1, 0, 1, 1, 0, 0, 1, 0]


def test_order(subject):
    text = render(subject)
    places = [
        text.index(words)
        for words in (
            "t.csv",
            "label: y",
            "better than always",
            "Cross-entropy",
            "Skill",
            "label entropy",
            "- explained",
            "+ miscalibration",
            "= cross-entropy",
            "Over-confident: temperature",
            "cross-fitted gain",
            "costliest class",
            "costliest row",
            "the costliest 1%",
            "rows: 300 read, 300 used",
            "seed 0",
        )
    ]
    assert places == sorted(places)


def test_two_classes_have_slope_intercept_and_geometric_mean(predictions):
    text = render(examine(predictions(Y2, Q2)))
    assert "slope" in text
    assert "intercept" in text
    assert "geometric-mean probability" in text
    assert "log K" not in text


def test_every_line_fits_in_80_columns_whatever_the_names(predictions):
    names = ["日本語" * 30, "x" * 500, "\x1b[31mred\x07", "a\nb", "​zero", "‮evil", "[bold]markup[/bold]", ":smile:"]
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(8), 100)
    ids = np.array(["id" * 200] * 100, dtype=object)
    subject = examine(predictions(rng.integers(0, 8, 100), q, names, ids=ids, file="f" * 300 + ".csv"))
    for color in (False, True):
        text = render(subject, color=color)
        bare = re.sub(r"\x1b\[[0-9;]*m", "", text)
        assert all(cell_len(line) <= 80 for line in bare.split("\n"))
        assert all(c.isprintable() or c == "\n" for c in bare)
        assert "[bold]markup[/bold]" in text
        assert ":smile:" in text


def test_the_same_text_with_colour(subject):
    assert re.sub(r"\x1b\[[0-9;]*m", "", render(subject, color=True)) == render(subject)


@pytest.mark.parametrize("unit", ["nats", "bits", "bans"])
def test_units(predictions, unit):
    text = render(examine(predictions(Y2, Q2), unit=unit))
    assert re.search(r"(\d|inf) (nats|bits|bans)", text)[2] == unit
    for line in text.split("\n"):
        if re.match(r"\s+(label entropy|[-+=] )", line):
            assert f" {unit}" in line


def test_the_parts_shown_add_up(subject):
    text = render(subject)
    parts = [
        float(re.search(rf"{re.escape(name)}\s+([-\d.]+) nats", text)[1])
        for name in ("label entropy", "- explained", "+ miscalibration", "= cross-entropy")
    ]
    assert parts[0] - parts[1] + parts[2] == pytest.approx(parts[3], abs=2e-3)


def test_an_infinite_loss(predictions):
    text = render(examine(predictions([1, 0, 1, 0, 1, 1], [0, 0.5, 0.75, 0.25, 0, 0.5], rows=[3, 4, 5, 6, 7, 8])))
    assert "The loss is infinite: what 2 rows had ruled out happened." in text
    assert "Cross-entropy   inf nats" in text
    assert "2 rows give probability 0 to what happened (3, 7)" in text
    assert "nats over the other 4 rows" in text
    assert "a clip at 1e-7 would read" in text
    assert "Recalibration: undefined, since the loss is infinite" in text
    assert "nan" not in text


def test_one_class_only(predictions):
    text = render(examine(predictions([0, 0, 0], [[0.5, 0.5], [0.25, 0.75], [0.75, 0.25]])))
    assert "Every label is the same" in text
    assert "nan" not in text


def test_separated_labels(predictions):
    text = render(examine(predictions([0, 0, 1, 1], [0.125, 0.25, 0.75, 0.875])))
    assert "Recalibration: undefined, since no map is best on these rows" in text
    assert "nan" not in text


def test_one_row(predictions):
    text = render(examine(predictions([1], [0.5])))
    assert "1 row x 2 classes" in text
    assert "nan" not in text


def test_many_classes_are_counted(predictions):
    rng = np.random.default_rng(0)
    text = render(examine(predictions(rng.integers(0, 30, 200), rng.dirichlet(np.ones(30), 200))))
    assert "and 20 more classes" in text


def test_a_perfect_forecast(predictions):
    text = render(examine(predictions([0, 1, 1, 0], [0.0, 1, 1, 0])))
    assert "Cross-entropy   0.0000 nats" in text
    assert "nan" not in text


def test_weights_and_clusters_are_said(predictions):
    weight, cluster = np.array([1.0, 2] * 4), np.array(["a", "b"] * 4, dtype=object)
    text = render(examine(predictions(Y2, Q2, weight=weight, cluster=cluster)))
    assert "weighted, 2 clusters" in text
