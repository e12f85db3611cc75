"""From two predictions to a comparison, and what the terminal says of it."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

import xent
from xent.evaluation import compare
from xent.io import Facts, Guess, Predictions
from xent.report import Contest, contend, render_comparison

NAMES = ("ant", "bee", "cat")


def made(y, q, classes=NAMES, *, form="probs", ids=None, file="a.csv", weight=None, cluster=None):
    """What reading a file would have given."""
    y, q = np.asarray(y), np.asarray(q, dtype=np.float64)
    guesses = (Guess("label", "y", "--label"), Guess("probs", "p_ant..p_cat", "--probs"))
    facts = Facts(file, "csv", len(y), 0, 0, "y", ("p",), "the columns", guesses)
    return Predictions(y, q, form, tuple(classes), np.arange(len(y)), ids, weight, cluster, facts)


def drawn(n=300, seed=5):
    """Labels, and two forecasts: one sharp and over-confident, one that knows less and is honest."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 3)) * 1.5
    y = (z + rng.gumbel(size=(n, 3))).argmax(axis=1)
    sharp, dull = np.exp(4 * z), np.exp(0.5 * z)
    return y, sharp / sharp.sum(1, keepdims=True), dull / dull.sum(1, keepdims=True)


@pytest.fixture
def contest():
    y, a, b = drawn()
    return contend(made(y, a), made(y, b, file="b.csv"))


def test_it_is_what_compare_gives(contest):
    y, a, b = drawn()
    expected = json.loads(compare(y, a, b, classes=NAMES, names=("a.csv", "b.csv")).to_json())
    assert json.loads(contest.comparison.to_json()) == expected


def test_rows_are_joined_by_id_and_named_by_it():
    y, a, b = drawn(60)
    ids = np.array([f"r{i}" for i in range(60)], dtype=object)
    order = np.random.default_rng(0).permutation(60)
    plain = contend(made(y, a), made(y, b, file="b.csv")).comparison
    keep = order[5:]
    joined = contend(made(y, a, ids=ids), made(y[keep], b[keep], ids=ids[keep], file="b.csv")).comparison
    assert (joined.n, joined.audit.matched, joined.audit.only_a, joined.audit.only_b) == (55, 55, 5, 0)
    left = np.setdiff1d(np.arange(60), order[:5])
    assert joined.difference == compare(y[left], a[left], b[left]).difference
    whole = contend(made(y, a, ids=ids), made(y[order], b[order], ids=ids[order], file="b.csv")).comparison
    assert [m.row for m in whole.movers] == [f"r{m.row}" for m in plain.movers]
    assert [m.row for m in whole.a.worst_rows] == [f"r{m.row}" for m in plain.a.worst_rows]
    assert (joined.a.audit.rows, joined.a.audit.dropped, joined.b.audit.rows, joined.b.audit.dropped) == (60, 5, 55, 0)


def test_columns_are_matched_by_the_names_of_the_classes():
    y, a, b = drawn()
    turned = made(np.array([1, 2, 0])[y], b[:, [2, 0, 1]], ("cat", "ant", "bee"), file="b.csv")
    one, two = contend(made(y, a), made(y, b, file="b.csv")), contend(made(y, a), turned)
    assert one.comparison.to_json() == two.comparison.to_json()
    assert (one.reordered, two.reordered) == (False, True)
    assert "matched by the names of the classes" in render_comparison(two)


@pytest.mark.parametrize("form", ["probs", "logits", "logprobs"])
def test_a_single_column_of_the_other_class(form):
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, 50), rng.random(50)
    scores = {"probs": p, "logits": np.log(p / (1 - p)), "logprobs": np.log(p)}[form]
    a = made(y, rng.random(50), ("no", "yes"))
    found = contend(a, made(1 - y, scores, ("yes", "no"), form=form, file="b.csv")).comparison
    assert found.b.cross_entropy.value == pytest.approx(-np.log(np.where(y == 1, 1 - p, p)).mean(), rel=1e-13)
    assert found.b.classes == ("no", "yes")


def refused(message, a, b):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        contend(a, b)
    assert all(c.isprintable() or c == "\n" for c in str(caught.value))


def test_what_does_not_fit():
    y, a, b = drawn(30)
    other = y.copy()
    other[4] = (y[4] + 1) % 3
    first = made(y, a)
    was, now = NAMES[y[4]], NAMES[other[4]]
    refused(f"b.csv: row 4 is labelled '{now}', and '{was}' in a.csv", first, made(other, b, file="b.csv"))
    refused(
        "b.csv: has no class 'cat', which a.csv has; did you mean 'cta'?",
        first,
        made(y, b, ("ant", "bee", "cta"), file="b.csv"),
    )
    refused(
        "a.csv: has no class 'dog', which b.csv has",
        made(y % 2, a[:, :2] / a[:, :2].sum(1, keepdims=True), NAMES[:2]),
        made(y, b, (*NAMES[:2], "dog"), file="b.csv"),
    )
    ids = np.arange(30)
    refused(
        "b.csv: no row has a partner in a.csv (ids '30', '31', ... here, ids '0', '1', ... there)",
        made(y, a, ids=ids),
        made(y, b, ids=ids + 30, file="b.csv"),
    )
    weights = np.ones(30)
    changed = np.where(ids == 7, 2.0, 1.0)
    refused(
        "b.csv: row 7 has '2.0' in the column of --weight, and '1.0' in a.csv",
        made(y, a, weight=weights),
        made(y, b, weight=changed, file="b.csv"),
    )
    refused(
        "has '\ufffd' in the column of --cluster",
        made(y, a, cluster=np.array(["g"] * 30)),
        made(y, b, cluster=np.array(["\x1b"] * 30), file="b.csv"),
    )


def test_verdicts(contest):
    from xent.report._comparison_wording import verdict

    def says(shipped, mended):
        def part(interval):
            low, high = interval
            return xent.evaluation.Estimate((low + high) / 2, (high - low) / 4, low, high)

        return verdict(replace(plain, difference=part(shipped), recalibrated_difference=part(mended)))

    plain = replace(contest.comparison, names=("A", "B"))
    for_a, for_b, open_ = (-2.0, -1.0), (1.0, 2.0), (-1.0, 1.0)
    assert says(for_a, for_a) == "A is better, as shipped and once both are recalibrated."
    assert says(for_a, for_b) == "The ranking reverses: as shipped A is better, once both are recalibrated B is."
    assert says(for_b, open_) == "As shipped, B is better; once both are recalibrated, there is no clear difference."
    assert says(open_, for_a) == "As shipped, there is no clear difference; once both are recalibrated, A is better."
    assert says(open_, open_) == "No clear difference, neither as shipped nor once both are recalibrated."


def test_the_verdict_of_infinite_losses():
    y, a, b = [1, 1, 0, 0, 1], [0.9, 0.0, 0.1, 0.2, 0.8], [0.6, 0.7, 0.2, 0.4, 0.5]
    text = " ".join(render_comparison(Contest(compare(y, a, b))).split())
    assert "As shipped, B is better (the other gave probability 0 to what happened in 1 row)" in text
    assert "once both are recalibrated, that is undefined: no cross-fitted gain of A" in text
    assert "A gave probability 0 to what happened in 1 row; " in text
    assert "both losses are infinite" in render_comparison(Contest(compare(y, a, a)))


def test_text(contest):
    text = render_comparison(contest)
    assert all(len(line) <= 80 for line in text.split("\n"))
    comparison = contest.comparison
    first = re.search(r"([\d.]+) nats", text)
    assert first is not None
    assert float(first[1]) == pytest.approx(comparison.a.cross_entropy.value, abs=1e-3)
    assert "300 rows x 3 classes   joined row by row: 300 matched, 0 only in A, 0 only in B" in text
    assert "label: y   probs: p_ant..p_cat   (override: --label --probs)" in text
    assert str(comparison) != text  # arrays know of no file
    assert "seed 0" in text
    row = re.search(r"A - B +([-+][\d.]+) nats +([-\d.]+) to ([-\d.]+)|A - B +([-+][\d.]+) nats", text)
    assert row is not None
    shown = float(row[1] or row[4])
    assert shown == pytest.approx(comparison.difference.value, abs=1e-3)


def test_the_losses_shown_subtract(contest):
    table = re.findall(r"^    (?:A|B) \S+ +([\d.]+) nats", render_comparison(contest), re.MULTILINE)
    difference = re.search(r"A - B +([-+][\d.]+) nats", render_comparison(contest))
    assert difference is not None
    last = 10.0 ** -len(table[0].split(".")[1])
    assert float(table[0]) - float(table[1]) == pytest.approx(float(difference[1]), abs=1.01 * last)


def test_both_identities_share_a_scale(contest):
    lines = render_comparison(contest).split("\n")
    start = next(i for i, line in enumerate(lines) if "label entropy" in line)
    found = [
        (float(m[1]), line.count("#")) for line in lines[start : start + 7] if (m := re.search(r"([\d.]+) nats", line))
    ]
    assert len(found) == 7
    per_bar = max(bars for _, bars in found) / max(value for value, _ in found)
    assert all(abs(bars - value * per_bar) <= 0.51 for value, bars in found)


def test_colour_changes_nothing_but_colour(contest):
    assert re.sub(r"\x1b\[[\d;]*m", "", render_comparison(contest, color=True)) == render_comparison(contest)


def test_hostile_names_are_text():
    y, a, b = drawn(40)
    names = ("<b>", "\x1b[31mred", "w" * 300)
    found = contend(made(y, a, names, file="\x1b]0;x\x07"), made(y, b, names, file="[bold]b[/bold]"))
    text = render_comparison(found)
    assert all(c.isprintable() or c == "\n" for c in text)
    assert all(len(line) <= 80 for line in text.split("\n"))
    assert "[bold]b[/bold]" in text


@pytest.mark.parametrize(
    ("y", "a", "b"),
    [
        ([1], [0.5], [0.25]),
        ([0, 0, 0], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1]),
        ([0, 1, 1, 0], [0.0, 1, 1, 0], [0.5, 0.5, 0.5, 0.5]),
        ([0, 1], [0.5, 0.5], [0.5, 0.5]),
        ([0, 1, 1, 0], [1.0, 0, 0, 1], [1.0, 0, 0, 1]),
    ],
)
def test_odd_comparisons_have_a_text_too(y, a, b):
    text = str(compare(y, a, b))
    assert "nan" not in text
    assert math.isfinite(len(text))
    assert all(len(line) <= 80 for line in text.split("\n"))
