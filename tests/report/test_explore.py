"""Links from a report into the explorer: three shares that are in the evaluation, and that the explorer accepts."""

import html
import math
import re
from dataclasses import replace

import numpy as np
import pytest

import xent
from xent.explorer import _state
from xent.report import Subject, examine
from xent.report._explore import links
from xent.report.page import to_html


def values(link):
    """What the explorer reads from a link."""
    page, _, state = link.href.partition("#")
    assert page == "explorer.html"
    assert "chapter=simplex" in state.split("&")
    found = _state.read(state)
    # Read as they stand: nothing fell back to a default.
    assert state.endswith(_state.link("simplex", found.unit, found.p, found.q).partition("&p=")[2])
    return found


def rows(n, k, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, k, n), rng.dirichlet(np.ones(k), n)


def test_three_classes_are_shown_on_average(subject):
    found = values(links(subject.evaluation)[0])
    assert found.p == pytest.approx([row.frequency for row in subject.evaluation.per_class], rel=1e-15)
    assert found.q == pytest.approx([row.mean_probability for row in subject.evaluation.per_class], rel=1e-15)
    assert links(subject.evaluation)[0].text == "ant, bee and cat, on average"


def test_of_more_classes_the_costliest_confusion_and_all_others():
    y, q = rows(400, 6)
    e = xent.evaluate(y, q)
    first = e.confusions[0]
    label, said = int(first.label), int(first.said)
    link = links(e)[0]
    assert link.text == f"{label}, {said} and all others, on average"
    found = values(link)
    share = np.bincount(y, minlength=6) / 400
    mean = q.mean(axis=0)
    assert found.p == pytest.approx([share[label], share[said], 1 - share[label] - share[said]], rel=1e-13)
    assert found.q == pytest.approx([mean[label], mean[said], 1 - mean[label] - mean[said]], rel=1e-13)


def test_where_nothing_is_confused_it_is_the_costliest_two():
    y = np.array([0, 1, 2, 3] * 5)
    q = np.full((20, 4), 0.1)
    q[np.arange(20), y] = 0.7
    q[y == 3, 3], q[y == 3, 0] = 0.5, 0.3
    e = xent.evaluate(y, q, classes=["a", "b", "c", "d"])
    assert e.confusions == ()
    [link] = links(e)
    assert link.text == "d, a and all others, on average"


def test_the_costliest_row_has_the_loss_that_the_report_says(subject):
    e = subject.evaluation
    row = next(row for row in e.worst_rows if row.label != row.said)
    link = links(e)[1]
    found = values(link)
    assert found.p == (1, 0, 0)
    assert found.q[:2] == (row.probability, row.said_probability)
    assert float(xent.cross_entropy(found.p, found.q)) == pytest.approx(row.loss, rel=1e-12)
    assert link.text == f"Row {row.row}: {row.label} happened, {row.said} was said"
    assert f"{row.loss:.2f}"[:4] in link.remark


def test_what_was_ruled_out_and_happened_is_infinite_there_too():
    e = xent.evaluate([2, 0, 1], [[0.25, 0.75, 0], [0.5, 0.25, 0.25], [0.25, 0.5, 0.25]])
    link = links(e)[1]
    found = values(link)
    assert found.q == (0, 0.75, 0.25)
    assert float(xent.cross_entropy(found.p, found.q)) == math.inf
    assert link.remark.endswith(": inf nats.")


@pytest.mark.parametrize(("unit", "said"), [("nats", "unit=nats"), ("bits", "unit=bits"), ("bans", None)])
def test_the_unit_goes_along_where_the_explorer_has_it(unit, said):
    e = xent.evaluate(*rows(50, 4), unit=unit)
    assert len(links(e)) == 2
    for link in links(e):
        assert [part for part in link.href.split("&") if part.startswith("unit=")] == ([said] if said else [])
        values(link)


def test_batches_give_the_same_links():
    y, q = rows(300, 5)
    a, b = xent.Evaluator(), xent.Evaluator()
    whole = xent.evaluate(y, q)
    parts = b.update(y[150:], q[150:]).merge(a.update(y[:150], q[:150])).result()
    assert links(parts)[0] == links(whole)[0]
    assert links(parts)[1].href == links(whole)[1].href


@pytest.mark.parametrize("seed", range(5))
def test_single_precision_is_accepted_too(seed):
    y, q = rows(200, 7, seed)
    for link in links(xent.evaluate(y, q.astype(np.float32))):
        values(link)


def test_nothing_is_shown_that_is_not_held():
    y, q = rows(60, 4)
    e = xent.evaluate(y, q)
    assert links(xent.evaluate(y % 2, q[:, 0])) == ()
    # Rows off 1: their averages and what they leave for others are no shares.
    off = xent.evaluate(y, q * 1.005)
    assert off.audit.unnormalized_rows == 60
    assert links(off) == ()
    # Soft labels: a row's loss is not that of one class.
    soft = xent.evaluate(xent.Probs(q[::-1]), q)
    assert len(links(soft)) == 1
    undefined = tuple(replace(row, mean_probability=math.nan) for row in e.per_class)
    assert len(links(replace(e, per_class=undefined, worst_rows=()))) == 0


def test_the_page_has_them_as_text_and_a_notebook_has_not(subject, tmp_path):
    page = to_html(subject)
    assert [html.unescape(href) for href in re.findall(r'<a href="([^"]*)"', page)] == [
        link.href for link in links(subject.evaluation)
    ]
    assert "This writes it there: xent explore -o explorer.html" in page
    assert "<a " not in to_html(replace(subject, loss_only=True))
    subject.evaluation.to_html(tmp_path / "page.html")
    assert "<a href=" in (tmp_path / "page.html").read_text("utf-8")
    shown = html.unescape(subject.evaluation._repr_html_())
    assert "<a " not in shown
    assert "explorer" not in shown


def test_names_are_text():
    y, q = rows(60, 3)
    names = ["<b>", '"onclick="x', "&amp;"]
    page = to_html(Subject(xent.evaluate(y, q, classes=names)))
    assert "&lt;b&gt;, &#34;onclick=&#34;x and &amp;amp;, on average" in page


def test_a_file_with_ids_names_the_row(predictions):
    y, q = rows(40, 3)
    ids = np.array([f"id-{i}" for i in range(40)], dtype=object)
    assert links(examine(predictions(y, q, ids=ids)).evaluation)[1].text.startswith("Row id-")
