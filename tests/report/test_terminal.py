"""The report in the terminal: its order, its width, its units, and what it says where numbers are undefined."""

import math
import re
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from rich.cells import cell_len

from xent.report import examine, render

Q2 = [0.9, 0.2, 0.6, 0.4, 0.3, 0.5, 0.75, 0.125]
Y2 = [1, 0, 1, 1, 0, 0, 1, 0]


def test_order_of_more_classes(full):
    text = render(full)
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
            "One temperature",
            "costliest class",
            "costliest confusion",
            "Likeliest class (isotonic)",
            "costliest row",
            "the costliest 1%",
            "by region",
            "by device",
            "also: accuracy",
            "rows: 300 read, 300 used",
            "seed 0",
        )
    ]
    assert places == sorted(places)


def test_order_of_two_classes(binary):
    text = render(binary)
    places = [
        text.index(words)
        for words in (
            "Cross-entropy",
            "Label entropy",
            "Skill",
            "= cross-entropy",
            "Best rising map (isotonic): miscalibration",
            "(slope ",
            "costliest row",
            "by region",
            "costliest class",
            "also: accuracy 91.3%, Brier 0.0721, AUC 0.9870, ECE 0.0312",
            "rows: 400 read",
        )
    ]
    assert places == sorted(places)
    assert "temperature" not in text


def test_only_the_loss(full):
    text = render(replace(full, loss_only=True))
    assert "Skill" in text
    assert "calibration left out (--loss-only)" in text
    for words in ("confident", "costliest", "explained", "also:"):
        assert words not in text


def test_tables_are_short_and_say_how_many_more_there_are(full):
    lines = render(full).split("\n")
    assert "    and 22 more values (all are in --json)" in lines
    assert "    and 15 more rows (all are in --json)" in lines


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


@pytest.mark.parametrize("seed", range(20))
def test_the_parts_shown_add_up(predictions, seed):
    rng = np.random.default_rng(seed)
    q = rng.dirichlet(np.ones(3), 50 + seed)
    text = render(examine(predictions(rng.integers(0, 3, 50 + seed), q)))
    parts = [
        Decimal(re.search(rf"{re.escape(name)}\s+([-\d.]+) nats", text)[1])
        for name in ("label entropy", "- explained", "+ miscalibration", "= cross-entropy")
    ]
    assert parts[0] - parts[1] + parts[2] == parts[3]


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
    assert "since the forecasts separate the labels perfectly" in text
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


def words(subject) -> str:
    """The report with its line ends gone."""
    return " ".join(render(subject).split())


def drawn(seed, n, sharpen=1.0, shift=0.0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    y = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int)
    return y, 1 / (1 + np.exp(-(sharpen * z + shift)))


def test_nothing_to_mend_promises_nothing(predictions):
    text = words(examine(predictions(*drawn(0, 400))))
    assert re.search(
        r"No sign of miscalibration \(slope 0?\d.\d+, intercept -?\d.\d+; p = 0?.\d+\); recalibrating", text
    )
    assert "would not help: cross-fitted gain -" in text
    assert "would give" not in text


def test_what_was_fitted_here_is_told_from_what_is_to_be_expected(predictions):
    text = words(examine(predictions(*drawn(0, 400, sharpen=3.0))))
    assert re.search(r"Over-confident: slope \S+, intercept \S+ would give \S+ nats \(-\S+%\) on rows it was not", text)
    same = re.search(r"fitted on these rows, it gives (\S+) nats on the same rows", text)[1]
    assert f"{same} nats without" in text


def test_the_direction_of_a_shift(predictions):
    low, high = (words(examine(predictions(*drawn(0, 4000, shift=shift)))) for shift in (-1.0, 1.0))
    assert "miscalibrated, forecasts of 1 too low" in low
    assert "miscalibrated, forecasts of 1 too high" in high


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("separated", "the forecasts separate the labels perfectly"),
        ("reversed", "the forecasts separate the labels the wrong way round: labels or columns may be swapped"),
        ("undefined", "no map is best on these rows"),
    ],
)
def test_why_no_map_is_best(binary, state, reason):
    nowhere = {"slope": math.nan, "intercept": math.nan}
    fitted = replace(binary.evaluation.recalibration, parameters=nowhere, state=state)
    assert f"since {reason}" in words(replace(binary, evaluation=replace(binary.evaluation, recalibration=fitted)))


def test_the_reasons_why_there_is_no_map(predictions):
    assert "may be swapped" in words(examine(predictions([1, 1, 0, 0], [0.125, 0.25, 0.75, 0.875])))
    assert "every label is the same" in words(examine(predictions([1, 1], [0.5, 0.75])))
    folds = words(examine(predictions([1, 0, 0, 1], [0.5, 0.75, 0.25, 0.875])))
    assert "with a fold left out, the labels are of one class or separated" in folds


def test_digits_are_those_of_what_they_belong_to(predictions):
    found = examine(predictions(*drawn(0, 400, sharpen=3.0)))
    text = words(found)
    loss = re.search(r"Cross-entropy (\S+) nats", text)[1]
    given = re.search(r"would give (\S+) nats", text)[1]
    assert len(given.split(".")[1]) == len(loss.split(".")[1])


def test_tiny_losses_and_tiny_probabilities(predictions):
    text = render(examine(predictions([0, 1], [[0.0, -30.0], [-31.0, 0.0]], form="logits")))
    assert re.search(r"Cross-entropy   \d\.\d\de-1\d nats", text)
    assert "Skill           >99.9% over" in text
    text = render(examine(predictions([0, 1, 1], [[0.0, 800.0], [0.0, 900.0], [1.0, 0]], form="logits")))
    assert "<1e-308" in text


def test_the_head_of_the_rows_and_one_costliest_row(subject, predictions):
    heads = [line for line in render(subject).split("\n") if "costliest row " in line]
    assert heads[0].split() == ["costliest", "row", "label", "p", "loss", "(nats)", "said", "its", "p"]
    assert "the costliest row, 1 of 8, carries" in words(examine(predictions(Y2, Q2)))


def test_an_infinite_loss_names_two_clips(predictions):
    text = words(examine(predictions([1, 0, 1, 0, 1, 1], [0, 0.5, 0.75, 0.25, 0, 0.5])))
    assert re.search(r"a clip at 2.2e-16, as scikit-learn's, would read \S+ nats; a clip at 1e-7 would read", text)


def with_p(subject, p, finer):
    """`subject` whose headline map finds nothing, and whose finer map has the p-value `p`."""
    e = subject.evaluation
    same = replace(e.recalibration, p_value=0.5)
    return replace(subject, evaluation=replace(e, recalibration=same, **{finer: replace(getattr(e, finer), p_value=p)}))


def test_what_only_the_finer_maps_see_is_in_the_verdict(binary, full):
    assert "miscalibrated, though not in slope or intercept." in words(with_p(binary, 0.01, "isotonic"))
    assert "no sign of miscalibration." in words(with_p(binary, 0.2, "isotonic"))
    assert "miscalibrated in single classes, though not in temperature." in words(with_p(full, 0.01, "classwise"))
    assert "no sign of miscalibration." in words(with_p(full, 0.2, "classwise"))


def test_whether_one_temperature_is_enough(full):
    e = full.evaluation
    gain = e.recalibration.gain

    def said(value, p):
        finer = replace(e.classwise, gain=replace(gain, value=value, low=value - 1e-3, high=value + 1e-3), p_value=p)
        return words(replace(full, evaluation=replace(e, classwise=finer)))

    more = gain.value + 0.01
    assert "One temperature is not enough; a slope and an offset for each class: cross-fitted gain +" in said(
        more, 0.01
    )
    assert "One temperature seems enough;" in said(more, 0.2)
    assert "One temperature does as well as a slope" in said(gain.value - 0.01, 0.01)
    assert "One temperature seems enough (p = 0.2); the cross-fitted gain" in said(math.nan, 0.2)
    assert "One temperature is not enough (p = 0.01); the cross-fitted" in said(math.nan, 0.01)
    assert "One temperature" not in said(math.nan, math.nan)
    # With weights or clusters there is no test: the interval says it.
    assert "One temperature is not enough;" in said(more, math.nan)
    assert "test of one" not in said(more, math.nan)
    assert "One temperature seems enough;" in said(gain.value + 1e-4, math.nan)


def test_a_number_stays_with_its_unit_and_a_p_value_with_its_letter(full, binary):
    for subject in (full, binary):
        lines = [line.strip() for line in render(subject).split("\n")]
        assert not [line for line in lines if line.startswith(("nats", "=  ", "< 0"))]
        assert not [line for line in lines if line.endswith((" p", " p =", " p <")) and "loss" not in line]


def test_names_too_long_keep_their_end(predictions):
    names = [f"a name that begins as all the others do {i}" for i in range(4)]
    rng = np.random.default_rng(0)
    text = render(examine(predictions(rng.integers(0, 4, 100), rng.dirichlet(np.ones(4), 100), names)))
    for i in range(4):
        assert re.search(rf"a name th\S*.*….* {i} ", text)
