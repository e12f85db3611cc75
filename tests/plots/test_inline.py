"""A figure inside a page: one element that clashes with nothing, refers to nothing and follows the page's colours."""

import re
import warnings
import xml.etree.ElementTree as ET

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

import xent
from xent import examples, plots

DRAW = {
    "reliability": plots.reliability,
    "identity": plots.identity_bar,
    "histogram": plots.loss_histogram,
    "temperature": plots.temperature_curve,
    "confusions": plots.confusion_losses,
    "classes": plots.class_losses,
}
EVERY = pytest.mark.parametrize("name", [*DRAW, "comparison"])


def draw(name, three, made, ax=None):
    return plots.comparison(made.compared(), ax=ax) if name == "comparison" else DRAW[name](three, ax=ax)


@EVERY
def test_the_element_stands_alone(name, three, made):
    ax = draw(name, three, made)
    svg = plots.svg(ax)
    assert len(svg.encode()) < 25_000
    assert svg.startswith("<svg ")
    for foreign in (
        "<script",
        "<!",
        "<?",
        "http",
        "xmlns",
        "<style",
        "<metadata",
        "<image",
        "onload",
        "font-family: 'D",
    ):
        assert foreign not in svg
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    title = root.find("title")
    assert title is not None
    assert title.text == plots.describe(ax) != ""
    assert root.get("aria-labelledby") == title.get("id")
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    used = set(re.findall(r"url\(#([^)]+)\)", svg)) | set(re.findall(r'href="#([^"]+)"', svg))
    assert used <= set(ids)
    said = {e.text for e in root.iter("text")}
    assert {text.get_text() for text in ax.texts if text.get_text()} <= said


@EVERY
def test_black_and_white_are_the_pages_own(name, three, made):
    svg = plots.svg(draw(name, three, made))
    found = set(re.findall(r"(?<!, )#[0-9a-fA-F]{6}", svg))
    assert found <= {"#009e73"}  # inside a hatch
    for color in ("#222222", "#ffffff", "#000000"):
        assert color not in svg
    assert "var(--ink, currentColor)" in svg


def test_prefixes_keep_figures_apart(three, made):
    texts = [plots.svg(draw(name, three, made)) for name in DRAW]
    texts.append(plots.svg(draw("identity", three, made), prefix="again"))
    ids = [found for text in texts for found in re.findall(r' id="([^"]+)"', text)]
    assert len(ids) == len(set(ids))
    assert 'id="again-cross-entropy"' in texts[-1]


@EVERY
def test_same_figure_same_bytes_no_warning_and_settings_stay(name, three, made):
    with mpl.rc_context({"lines.linewidth": 7, "svg.fonttype": "path"}), warnings.catch_warnings():
        warnings.simplefilter("error")
        before = dict(mpl.rcParams)
        first = draw(name, three, made)
        one = plots.svg(first), plots.render(first, "svg")
        assert dict(mpl.rcParams) == before
    second = draw(name, three, made)
    assert (plots.svg(second), plots.render(second, "svg")) == one


def boxes(ax):
    """The visible texts and where they are."""
    renderer = ax.figure.canvas.get_renderer()
    ticks = [t.label1 for axis in (ax.xaxis, ax.yaxis) if axis.get_visible() for t in axis._update_ticks()]
    texts = [*ax.texts, *ticks, ax.title, *(axis.label for axis in (ax.xaxis, ax.yaxis) if axis.get_visible())]
    return [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_visible() and t.get_text()]


@EVERY
@pytest.mark.parametrize("size", [None, (3.2, 3.0), (10, 4.2)])
def test_no_text_overlaps_another(name, size, three, made):
    ax = None
    if size:
        ax = Figure(figsize=size, dpi=100).add_axes((0.2, 0.2, 0.76, 0.66))
    assert_apart(draw(name, three, made, ax))


def test_no_text_overlaps_another_where_forecasts_crowd_at_one_end():
    read = xent.read_predictions(examples.path("digits"))
    assert_apart(plots.reliability(xent.evaluate(xent.Labels(read.labels), read.q, classes=read.classes)))


def assert_apart(ax):
    """No text overlaps another or is cut."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(ax.figure).draw()
    found = boxes(ax)
    for i, (words, box) in enumerate(found):
        assert box.x0 >= -1, words
        assert box.x1 <= ax.figure.bbox.x1 + 1, words
        assert box.y0 >= -1, words
        assert box.y1 <= ax.figure.bbox.y1 + 1, words
        for others, other in found[:i]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            up = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert across <= 1 or up <= 1.5, f"{words!r} overlaps {others!r}"


@EVERY
def test_a_given_axes_keeps_what_is_on_it(name, three, made):
    figure = Figure(figsize=(5, 4))
    ax = figure.add_subplot(title="mine")
    (mine,) = ax.plot([0.2, 0.4], [0.1, 0.3], color="pink")
    assert draw(name, three, made, ax) is ax
    assert mine in ax.lines
    assert ax.get_title() == "mine"
    assert list(figure.axes) == [ax]
