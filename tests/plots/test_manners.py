"""How the figures behave as guests: settings, other artists, arguments, files."""

import hashlib
import io
import os
import re
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ET
from functools import partial

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from xent import plots

FIGURES = {
    "curves": (plots.binary_cross_entropy_curves, ["y1", "y0", "coin"]),
    "logit": (partial(plots.binary_cross_entropy_curves, against="logit"), ["y1", "y0", "coin"]),
    "binary surface": (plots.binary_cross_entropy_surface, ["valley", "y1", "y0"]),
    "gap": (partial(plots.binary_cross_entropy_surface, view="gap"), ["contours", "valley"]),
    "simplex": (plots.simplex_cross_entropy, ["contours", "minimum"]),
    "triangle": (partial(plots.simplex_cross_entropy, coordinates="triangle"), ["contours", "minimum"]),
    "surface": (plots.cross_entropy_surface, ["minimum"]),
    "tangent": (plots.entropy_tangent, ["entropy", "cross-entropy", "gap"]),
    "vary model": (partial(plots.entropy_tangent, vary="model"), ["entropy", "cross-entropy", "gap"]),
    "code lengths": (plots.code_lengths, ["truth", "model"]),
    "integrand": (plots.kl_integrand, ["truth", "model", "forward", "reverse", "forward-area", "reverse-area"]),
    "fit": (plots.forward_reverse_fit, ["truth", "forward", "reverse"]),
    "bias": (plots.estimator_bias, ["zero", "plug-in", "chao-wang-jost", "nsb"]),
}
SOLID = {"binary surface", "surface"}
EVERY = pytest.mark.parametrize("name", FIGURES)


class Drawn(dict):
    """Each figure in bits, drawn once, when a test that only looks asks for it."""

    def __missing__(self, name):
        self[name] = FIGURES[name][0](unit="bits")
        return self[name]


@pytest.fixture(scope="module")
def drawn():
    return Drawn()


@EVERY
def test_svg_keeps_text_gids_and_description(name, drawn):
    svg = plots.render(drawn[name], "svg").decode()
    root = ET.fromstring(svg)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert set(FIGURES[name][1]) <= set(ids)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for text in drawn[name].texts:
        assert set(text.get_text().split("\n")) <= set(texts)
    assert plots.describe(drawn[name]) in "".join(root.itertext())
    assert "<dc:date>" not in svg


def test_same_bytes_in_another_process_whatever_the_settings_there(drawn, tmp_path):
    (tmp_path / "matplotlibrc").write_text(
        "lines.linewidth: 9\nsvg.fonttype: path\nfont.size: 30\naxes.facecolor: black\n"
    )
    code = """
import hashlib, sys
from xent import plots
ax = plots.code_lengths(unit="bits")
for kind in ("png", "svg", "pdf"):
    print(hashlib.sha256(plots.render(ax, kind)).hexdigest())
print("matplotlib.pyplot" in sys.modules)
"""
    env = {**os.environ, "MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout
    here = [hashlib.sha256(plots.render(drawn["code lengths"], kind)).hexdigest() for kind in ("png", "svg", "pdf")]
    assert there.split() == [*here, "False"]


@EVERY
def test_drawing_and_saving_leave_the_settings_and_give_the_same_bytes(name, drawn):
    with mpl.rc_context({"lines.linewidth": 7, "text.usetex": True, "svg.fonttype": "path"}), warnings.catch_warnings():
        warnings.simplefilter("error")
        before = dict(mpl.rcParams)
        again = plots.render(FIGURES[name][0](unit="bits"), "svg")
        assert dict(mpl.rcParams) == before
    assert plots.render(drawn[name], "svg") == again


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_every_kind_of_file_leaves_the_settings(kind, drawn):
    with mpl.rc_context({"lines.linewidth": 7, "text.usetex": True}), warnings.catch_warnings():
        warnings.simplefilter("error")
        before = dict(mpl.rcParams)
        plots.render(drawn["code lengths"], kind)
        assert dict(mpl.rcParams) == before


@EVERY
def test_matplotlib_saves_what_was_drawn(name, drawn):
    drawn[name].figure.savefig(io.BytesIO(), format="png", dpi=40)


def test_metadata_of_png_says_what_is_seen(drawn, tmp_path):
    from PIL import Image

    path = plots.save(drawn["simplex"], tmp_path / "map.png")
    with Image.open(path) as image:
        assert image.text["Description"] == plots.describe(drawn["simplex"])
        assert image.width > 1200


def boxes(ax):
    """The visible texts of the axes and where they are, ticks and titles among them."""
    renderer = ax.figure.canvas.get_renderer()
    texts = [t for t in ax.findobj(mpl.text.Text) if t.get_visible() and t.get_text().strip()]
    if ax.name == "3d":
        floor = [t.label1 for axis in (ax.xaxis, ax.yaxis) for t in axis.get_major_ticks()]
        texts = [t for t in texts if t in ax.texts or t is ax.title or t in floor]
    else:
        limits = {id(t): axis for axis in (ax.xaxis, ax.yaxis) for t in axis.get_ticklabels()}
        drawn_ticks = {id(t.label1) for axis in (ax.xaxis, ax.yaxis) for t in axis._update_ticks()}
        texts = [t for t in texts if id(t) not in limits or id(t) in drawn_ticks]
        if not ax.axison:
            texts = [t for t in texts if t in ax.texts or t is ax.title]
    return [(t.get_text(), mpl.text.Text.get_window_extent(t, renderer)) for t in texts]


def assert_readable(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure).draw()
    for ax in figure.axes:
        found = boxes(ax)
        for i, (words, box) in enumerate(found):
            assert box.x0 >= 0, words
            assert box.y0 >= 0, words
            assert box.x1 <= figure.bbox.x1, words
            assert box.y1 <= figure.bbox.y1, words
            for others, other in found[:i]:
                across = min(box.x1, other.x1) - max(box.x0, other.x0)
                up = min(box.y1, other.y1) - max(box.y0, other.y0)
                assert across <= 1 or up <= 1, f"{words!r} overlaps {others!r}"


@EVERY
def test_no_text_overlaps_another_or_is_cut(name, drawn):
    assert_readable(drawn[name].figure)


CROWDED = {
    "solid": lambda: plots.cross_entropy_surface((0.9, 0.05, 0.05), unit="bans"),
    "corner": lambda: plots.simplex_cross_entropy((1, 0, 0)),
    "equal": lambda: plots.entropy_tangent(0.5, 0.5),
    "absent": lambda: plots.code_lengths((0.5, 0.5, 0), (0.5, 0.25, 0.25)),
    "same": lambda: plots.kl_integrand((0, 1), (0, 1)),
    "narrow": lambda: plots.kl_integrand((0, 1), (0, 0.04)),
    "apart": lambda: plots.kl_integrand((-1000, 1), (-975, 1), unit="bans"),
    "one bump": lambda: plots.forward_reverse_fit((0.5, 1, 2, 0.5, 1, 2)),
    "lonely bump": lambda: plots.forward_reverse_fit((0.999, 0, 1, 0.001, 29, 1)),
    "twins": lambda: plots.forward_reverse_fit((0.5, -3, 0.2, 0.5, 3, 0.2)),
    "certain": lambda: plots.estimator_bias((1, 0)),
    "even": lambda: plots.estimator_bias(np.full(50, 1 / 50), unit="bans"),
    "rare": lambda: plots.estimator_bias((0.998, 0.001, 0.001)),
}


@pytest.mark.parametrize("name", CROWDED)
def test_awkward_arguments_are_readable_too(name):
    assert_readable(CROWDED[name]().figure)


def leader(label):
    """Where a label's line to its point runs, in pixels outside the label itself."""
    start, end = label.get_window_extent().get_points().mean(axis=0), label.axes.transData.transform(label.xy)
    return start + np.linspace(0, 1, 200)[:, None] * (end - start)


@pytest.mark.parametrize(
    "name", ["corner", "equal", "tangent", "simplex", "integrand", "fit", "apart", "twins", "bias"]
)
def test_no_leader_runs_through_another_label(name, drawn):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    ax = drawn[name] if name in FIGURES else CROWDED[name]()
    FigureCanvasAgg(ax.figure).draw()
    for label in ax.texts:
        if getattr(label, "arrow_patch", None) is None:
            continue
        for other in ax.texts:
            box = mpl.text.Text.get_window_extent(other)
            x, y = leader(label).T
            inside = (x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)
            assert other is label or not inside.any(), (label.get_text(), other.get_text())


@EVERY
def test_a_given_axes_is_used_and_the_rest_left_alone(name):
    figure = Figure(figsize=(4, 3.5), dpi=120)
    figure.suptitle("mine")
    ax = figure.add_axes((0.2, 0.2, 0.7, 0.6), projection="3d" if name in SOLID else None)
    (mine,) = ax.plot([0.2, 0.4], [0.1, 0.3], *([[0.1, 0.2]] if name in SOLID else []), color="pink", linewidth=5)
    size, axes = tuple(figure.get_size_inches()), list(figure.axes)
    assert FIGURES[name][0](ax=ax) is ax
    assert mine in ax.lines
    assert (mine.get_color(), mine.get_linewidth()) == ("pink", 5)
    assert list(figure.axes) == axes
    assert tuple(figure.get_size_inches()) == size
    assert figure.get_suptitle() == "mine"
    for gid in FIGURES[name][1]:
        assert ax.findobj(lambda artist, gid=gid: artist.get_gid() == gid)


def test_a_title_that_is_there_stays():
    ax = Figure().add_subplot(title="mine")
    assert plots.entropy_tangent(ax=ax).get_title() == "mine"


def test_two_figures_side_by_side_keep_ids_unique():
    figure = Figure(figsize=(8, 4))
    for place in (1, 2):
        plots.entropy_tangent(ax=figure.add_subplot(1, 2, place))
    svg = plots.render(figure, "svg").decode()
    assert re.findall(r'id="(entropy[^"]*)"', svg) == ["entropy", "entropy-2"]
    assert plots.describe(figure).count("KL = 0.446") == 2


def test_on_dark_axes_the_words_are_light():
    ax = Figure(facecolor="black").add_subplot(facecolor="#101010")
    plots.entropy_tangent(ax=ax)
    assert all(sum(mpl.colors.to_rgb(text.get_color())) > 1 for text in ax.texts)


@pytest.mark.parametrize("name", sorted(SOLID))
def test_a_solid_figure_refuses_flat_axes(name):
    with pytest.raises(ValueError, match='projection="3d"'):
        FIGURES[name][0](ax=Figure().add_subplot())


@pytest.mark.parametrize("name", sorted(FIGURES.keys() - SOLID))
def test_a_flat_figure_refuses_solid_axes(name):
    with pytest.raises(ValueError, match="'3d'.*flat"):
        FIGURES[name][0](ax=Figure().add_subplot(projection="3d"))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: plots.code_lengths(unit="bit"), "'bit'.*Did you mean 'bits'"),
        (lambda: plots.entropy_tangent(unit="ergs"), "'ergs'"),
        (lambda: plots.binary_cross_entropy_curves(against="logits"), "`against` is 'logits'.*Did you mean 'logit'"),
        (lambda: plots.binary_cross_entropy_surface(view=3), "`view` is 3"),
        (lambda: plots.simplex_cross_entropy(coordinates="polar"), "`coordinates` is 'polar'"),
        (lambda: plots.entropy_tangent(vary="both"), "`vary` is 'both'"),
        (lambda: plots.simplex_cross_entropy((0.5, 0.5)), "`p` has 2 values; this figure takes 3"),
        (lambda: plots.cross_entropy_surface((0.25,) * 4), "`p` has 4 values"),
        (lambda: plots.simplex_cross_entropy((0.5, 0.2, 0.2)), "`p` sums to 0.9, not 1"),
        (lambda: plots.simplex_cross_entropy((0.5, -0.2, 0.7)), "`p` has -0.2 at outcome 1"),
        (lambda: plots.simplex_cross_entropy((0.5, np.nan, 0.5)), "`p` has nan at outcome 1"),
        (lambda: plots.simplex_cross_entropy(((0.1, 0.2, 0.7),)), r"`p` has shape \(1, 3\)"),
        (lambda: plots.simplex_cross_entropy("0.1,0.2,0.7"), "`p` is '0.1,0.2,0.7'"),
        (lambda: plots.simplex_cross_entropy(None), "`p` is None"),
        (lambda: plots.code_lengths((0.5, 0.5), (1 / 3,) * 3), "`p` has 2 outcomes and `q` has 3"),
        (lambda: plots.code_lengths((), ()), r"`p` has shape \(0,\)"),
        (lambda: plots.entropy_tangent(1.5), "`p` is 1.5"),
        (lambda: plots.entropy_tangent(0.5, float("nan")), "`q` is nan"),
        (lambda: plots.entropy_tangent((0.5, 0.5)), r"`p` has shape \(2,\)"),
        (lambda: plots.kl_integrand((0, 1, 2)), "`p` has 3 values; it is one"),
        (lambda: plots.kl_integrand(q=(0, 0)), "`q` has the standard deviation 0"),
        (lambda: plots.kl_integrand(q=(0, -1)), "`q` has the standard deviation -1"),
        (lambda: plots.kl_integrand((np.inf, 1)), "`p` has inf"),
        (lambda: plots.kl_integrand((0, 1), (0, 1e9)), "`p` and `q` cannot be seen in one figure"),
        (lambda: plots.kl_integrand((0, 1), (1e300, 1)), "1e[+]300 apart; at most 30"),
        (lambda: plots.kl_integrand("0,1"), "`p` is '0,1'"),
        (lambda: plots.forward_reverse_fit((0, 1)), "`p` has 2 values; it is two bumps"),
        (lambda: plots.forward_reverse_fit((0.5, 0, 1, 0.6, 3, 1)), "weights 0.5, 0.6"),
        (lambda: plots.forward_reverse_fit((1, 0, 1, 0, 3, 1)), "weights 1, 0"),
        (lambda: plots.forward_reverse_fit((0.5, 0, 1, 0.5, np.nan, 1)), "`p` has nan"),
        (lambda: plots.forward_reverse_fit((0.5, 0, 1, 0.5, 300, 1)), "The bumps of `p` cannot be seen"),
        (lambda: plots.forward_reverse_fit(unit="bit"), "'bit'"),
        (lambda: plots.estimator_bias((1,)), "`p` has 1 value; an entropy"),
        (lambda: plots.estimator_bias(np.full(1001, 1 / 1001)), "`p` has 1,001 outcomes; at most 1,000"),
        (lambda: plots.estimator_bias((0.5, 0.4)), "`p` sums to 0.9, not 1"),
        (lambda: plots.estimator_bias(unit="bit"), "'bit'"),
        (lambda: plots.code_lengths(ax=Figure().subplots(1, 2)), "`ax` is a ndarray"),
        (lambda: plots.code_lengths(ax=Figure().add_subplot(projection="polar")), "'polar'"),
    ],
)
def test_what_is_wrong_is_said(call, says):
    with pytest.raises(ValueError, match=says):
        call()


@pytest.mark.parametrize("name", ["f.jpg", "f", "f.svgz", "f.sgv", ".png"])
def test_other_suffixes_are_refused_and_leave_no_file(name, drawn, tmp_path):
    with pytest.raises(ValueError, match=r"\.png, \.svg or \.pdf"):
        plots.save(drawn["curves"], tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_write_leaves_what_was_there(drawn, tmp_path, monkeypatch):
    path = tmp_path / "f.svg"
    path.write_text("before")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        plots.save(drawn["curves"], path)
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["f.svg"]


def test_without_matplotlib_the_message_names_the_line_to_type():
    code = "import sys; sys.modules['matplotlib'] = None\nimport xent\nfrom xent import plots"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr
    assert 'pip install "xent[report]"' in found.splitlines()[-1]
