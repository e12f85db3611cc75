"""The figures of an evaluation draw its fields, say what is undefined or infinite, and take names to the letter."""

import dataclasses
import math

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

from xent import plots
from xent.evaluation.results import Confusion, Estimate, LossBin, Reliability, TemperaturePoint

NAN = math.nan
replace = dataclasses.replace


def having(ax, gid):
    return ax.findobj(lambda artist: artist.get_gid() == gid)


def one(ax, gid):
    (artist,) = having(ax, gid)
    return artist


def words(ax):
    return " | ".join(text.get_text() for text in ax.findobj(Text) if text.get_text())


def interval(value, low=NAN, high=NAN, se=NAN):
    return Estimate(value, se, low, high)


# Reliability


def test_reliability_draws_the_line_the_band_and_the_density(binary):
    shown = binary.reliability[0]
    ax = plots.reliability(binary)
    x, y = one(ax, "frequency").get_data()
    np.testing.assert_array_equal(x, shown.forecast)
    np.testing.assert_array_equal(y, shown.frequency)
    assert list(one(ax, "right").get_xdata()) == list(one(ax, "right").get_ydata()) == [0, 1]
    corners = {tuple(point) for point in one(ax, "band").get_paths()[0].vertices}
    assert set(zip(shown.forecast, shown.low, strict=True)) <= corners
    assert set(zip(shown.forecast, shown.high, strict=True)) <= corners
    bars = having(ax, "density")
    used = [part for part in shown.density if part > 0]
    heights = np.array([bar.get_height() for bar in bars])
    np.testing.assert_allclose(heights / heights.max(), np.array(used) / max(used))
    assert max(bar.get_y() + bar.get_height() for bar in bars) < 0
    for text in ("miscalibration 0.032 nats", "by chance alone 0.004 nats", "p = 0.005", "forecast probability of 1"):
        assert text in words(ax)
    assert "miscalibration 0.032 nats, by chance alone 0.004 nats, p = 0.005" in plots.describe(ax)


def test_reliability_of_more_classes_is_of_the_top_label_or_of_the_class_asked_for(three):
    top = plots.reliability(three)
    assert "forecast probability of the likeliest class" in words(top)
    np.testing.assert_array_equal(one(top, "frequency").get_xdata(), three.reliability[0].forecast)
    ax = plots.reliability(three, of="2")
    np.testing.assert_array_equal(one(ax, "frequency").get_ydata(), three.reliability[3].frequency)


def test_one_forecast_is_a_point_with_its_interval(binary):
    density = (0.0,) * 6 + (1.0,) + (0.0,) * 13
    shown = Reliability("class", "1", (0.3,), (0.45,), (0.25,), (0.36,), density, 0.05, 0.002, 1e-6)
    ax = plots.reliability(replace(binary, reliability=(shown,)))
    assert one(ax, "frequency").get_marker() == "o"
    ((start, end),) = one(ax, "band").get_segments()
    assert [*start, *end] == [0.3, 0.25, 0.3, 0.36]
    assert len(having(ax, "density")) == 1
    assert "p < 0.0001" in words(ax)


def test_a_band_that_was_not_simulated_is_not_drawn(binary):
    shown = binary.reliability[0]
    nothing = (NAN,) * len(shown.low)
    changed = replace(shown, low=nothing, high=nothing, null_mean=NAN, p_value=NAN, miscalibration=math.inf)
    ax = plots.reliability(replace(binary, reliability=(changed,)))
    assert having(ax, "band") == []
    assert "miscalibration inf nats" in words(ax)
    assert "p undefined" in words(ax)
    assert "chance" not in words(ax)


# The identity


@pytest.mark.parametrize("unit", ["nats", "bits", "bans"])
def test_identity_bars_are_the_parts_of_the_loss(made, unit):
    e = made.filled(unit=unit)
    ax = plots.identity_bar(e)
    ends = [(one(ax, gid).get_x(), one(ax, gid).get_x() + one(ax, gid).get_width()) for gid in PARTS]
    whole, middle, total = e.uncertainty, e.uncertainty - e.discrimination, e.cross_entropy.value
    for found, expected in zip(ends, [(0, whole), (middle, whole), (middle, total), (0, total)], strict=True):
        assert found == pytest.approx(expected, abs=1e-12)
    assert one(ax, "miscalibration").get_hatch()
    assert f"{total:.3f} {unit}" in words(ax)
    assert f"skill {100 * e.skill.value:.1f}%" in words(ax)
    assert ax.get_xlabel() == unit


PARTS = ("uncertainty", "explained", "miscalibration", "cross-entropy")


def test_the_identity_adds_up_as_it_is_written(three):
    texts = [text.get_text() for text in plots.identity_bar(three).texts]
    whole, explained, bad, total = (float(text.split()[0]) for text in texts if text.endswith(" nats"))
    assert whole - explained + bad == pytest.approx(total, abs=1e-9)


def test_an_infinite_loss_runs_off_and_says_inf(infinite):
    ax = plots.identity_bar(infinite)
    bar = one(ax, "cross-entropy")
    assert bar.get_x() + bar.get_width() == ax.get_xlim()[1]
    assert having(ax, "inf")
    assert having(ax, "explained") == having(ax, "miscalibration") == []
    for text in ("inf nats", "undefined", "over rows with a finite loss"):
        assert text in words(ax)
    assert "The cross-entropy is inf nats" in plots.describe(ax)


def test_undefined_parts_say_why(separated, one_class):
    for state, why in (("separated", "labels separated"), ("reversed", "ranked backwards")):
        e = replace(separated, recalibration=replace(separated.recalibration, state=state))
        ax = plots.identity_bar(e)
        assert why in words(ax)
        assert why in plots.describe(ax)
        assert having(ax, "explained") == []
    ax = plots.identity_bar(one_class)
    assert "one class only" in words(ax)
    assert "skill undefined" in words(ax)


def test_a_discrimination_below_0_goes_the_other_way(three):
    e = replace(three, discrimination=-0.2, miscalibration=three.cross_entropy.value - three.uncertainty - 0.2)
    ax = plots.identity_bar(e)
    bar = one(ax, "explained")
    assert (bar.get_x(), bar.get_width()) == pytest.approx((e.uncertainty, 0.2))
    assert "−0.199 nats" in words(ax)  # so that the four add up as written


# The losses


def test_histogram_draws_both_shares_on_a_logarithmic_axis(three):
    bins = [b for b in three.loss_histogram if b.rows > 0]
    ax = plots.loss_histogram(three)
    assert ax.get_xscale() == "log"
    rows, loss = one(ax, "rows").get_data(), one(ax, "loss").get_data()
    assert rows.values.sum() == pytest.approx(1)
    assert loss.values.sum() == pytest.approx(1)
    assert rows.edges[-1] == bins[-1].high
    assert one(ax, "rows").get_edgecolor() != one(ax, "loss").get_edgecolor()
    assert one(ax, "loss").get_linestyle() != "solid"
    for text in ("share of rows", "share of the loss", "loss of a row (nats)", "<0.001"):
        assert text in words(ax)


def test_histogram_names_the_infinite_rows(infinite):
    ax = plots.loss_histogram(infinite)
    assert one(ax, "inf").get_text() == "1 row at inf"
    assert np.isfinite(one(ax, "rows").get_data().edges).all()
    assert "1 row of 6 cost inf nats" in plots.describe(ax)


@pytest.mark.parametrize(
    "bins",
    [
        (LossBin(0.0, 1e-3, 1.0, NAN), LossBin(1e-3, math.inf, 0.0, NAN)),
        (LossBin(0.0, math.inf, 1.0, 1.0),),
        (LossBin(0.5, 0.7, 1.0, 1.0),),
        (LossBin(0.0, 1e-3, 0.0, 0.0), LossBin(1e-3, math.inf, 0.0, 0.0)),
    ],
)
def test_histograms_of_few_bins(three, bins):
    ax = plots.loss_histogram(replace(three, loss_histogram=bins))
    assert np.isfinite(ax.get_xlim()).all()
    assert bool(having(ax, "loss")) == any(b.loss > 0 for b in bins)


def test_temperature_curve_marks_the_loss_as_given_and_the_best(three):
    best = three.recalibration.parameters["temperature"]
    given, least = three.cross_entropy.value, three.cross_entropy.value - three.miscalibration
    ax = plots.temperature_curve(three)
    assert ax.get_xscale() == "log"
    assert one(ax, "given").get_xydata().tolist() == [[1.0, given]]
    assert one(ax, "best").get_xydata().tolist() == [[best, least]]
    assert sorted(one(ax, "gap").get_ydata()) == [least, given]
    x, y = one(ax, "loss").get_data()
    assert (np.diff(x) >= 0).all()
    assert set(zip(x, y, strict=True)) >= {(p.temperature, p.cross_entropy) for p in three.temperature_curve}
    for text in (f"T = {best:.3g}: {least:.3f}", f"as given: {given:.3f}", f"−{given - least:.3f} nats (−"):
        assert text in words(ax)


def test_two_classes_have_the_best_of_the_curve(binary):
    ax = plots.temperature_curve(binary)
    least = min(binary.temperature_curve, key=lambda point: point.cross_entropy)
    assert one(ax, "best").get_xydata().tolist() == [[least.temperature, least.cross_entropy]]


@pytest.mark.parametrize(("slope", "edge"), [(-0.1, 7.39), (0.1, 0.135)])
def test_a_curve_that_falls_to_the_edge_says_so(binary, slope, edge):
    loss = binary.cross_entropy.value
    points = [TemperaturePoint(float(t), float(loss + slope * np.log(t))) for t in np.exp(np.linspace(-2, 2, 9))]
    ax = plots.temperature_curve(replace(binary, temperature_curve=tuple(points)))
    assert f"still falling at T = {edge}" in words(ax)
    assert "still falling" in plots.describe(ax)


@pytest.mark.parametrize("bend", [0.0, 0.05])
def test_nothing_to_mend_is_said(binary, bend):
    loss = binary.cross_entropy.value
    points = [TemperaturePoint(float(t), float(loss + bend * np.log(t) ** 2)) for t in np.exp(np.linspace(-2, 2, 9))]
    assert "best as given" in words(plots.temperature_curve(replace(binary, temperature_curve=tuple(points))))


# Ranked lists


def test_confusions_are_ranked_bars_of_their_share(three):
    ax = plots.confusion_losses(three)
    assert [bar.get_width() for bar in having(ax, "pair")] == [pair.share for pair in three.confusions]
    first = three.confusions[0]
    assert f"{first.label} → {first.said}" in words(ax)
    assert f"{100 * first.share:.1f}%" in words(ax)
    assert len(having(plots.confusion_losses(three, most=2), "pair")) == 2


def test_names_are_written_to_the_letter(twenty):
    pairs = tuple(Confusion(a, b, 3, 1.5, 0.1) for a, b in zip(twenty.classes[:6], twenty.classes[1:7], strict=True))
    figure = Figure(figsize=(14, 5))
    ax = plots.confusion_losses(replace(twenty, confusions=pairs), ax=figure.add_subplot())
    assert '$x_1$ → <b>&"bold"</b>' in words(ax)
    assert "tab\ufffdnew\ufffdline \ufffd → 猫" in words(ax)
    assert "a_{b}^c$ → class 0" in words(ax)
    assert "long long" in words(ax)
    assert "…" in words(ax)
    svg = plots.svg(ax)
    assert '$x_1$ → &lt;b&gt;&amp;"bold"&lt;/b&gt;' in svg
    assert "猫" in svg
    plots.render(ax, "png")


def test_infinite_pairs_go_across_and_finite_ones_beside_them_have_no_bar(infinite):
    ax = plots.confusion_losses(infinite)
    assert len(having(ax, "pair")) == 1
    assert "inf" in [text.get_text() for text in ax.texts]
    assert "inf nats" in plots.describe(ax)
    assert "The costliest class is 1" in plots.describe(plots.class_losses(infinite))


def test_classes_are_ranked_with_their_frequency_marked(twenty):
    ax = plots.class_losses(twenty)
    ranked = sorted(twenty.per_class, key=lambda row: -row.share)
    assert [bar.get_width() for bar in having(ax, "class")] == [row.share for row in ranked]
    assert [mark.get_xdata()[0] for mark in having(ax, "mark")] == [row.frequency for row in ranked]


def test_axes_without_room_draw_fewer_and_say_so(twenty):
    ax = plots.class_losses(twenty, ax=Figure(figsize=(3.2, 2), dpi=100).add_subplot())
    shown = len(having(ax, "class"))
    assert 4 < shown < 20
    assert ax.get_title() == f"The {shown} costliest of 20 classes"
    assert min(text.get_fontsize() for text in ax.texts) >= 5


# Two models


def test_comparison_draws_both_intervals_and_the_unpaired_one(made):
    c = made.compared()
    ax = plots.comparison(c)
    assert list(one(ax, "shipped").get_xdata()) == [c.difference.value]
    assert list(one(ax, "recalibrated").get_xdata()) == [c.recalibrated_difference.value]
    low, high = one(ax, "unpaired").get_xdata()
    assert (low + high) / 2 == pytest.approx(c.difference.value)
    assert (high - low) / (c.difference.high - c.difference.low) == pytest.approx(c.unpaired_se / c.difference.se)
    assert ax.get_xlim()[0] < 0 < ax.get_xlim()[1]
    for text in ("← large is better", "small is better →", "as shipped −0.0269 nats", "both recalibrated +0.0071 nats"):
        assert text in words(ax)
    assert "below 0 large is better" in plots.describe(ax)


@pytest.mark.parametrize(("value", "said"), [(math.inf, "as shipped inf"), (-math.inf, "as shipped −inf")])
def test_an_infinite_difference_points_to_its_side(made, value, said):
    ax = plots.comparison(made.compared(difference=interval(value), recalibrated=interval(NAN)))
    assert said in words(ax)
    assert one(ax, "inf").get_marker() == (">" if value > 0 else "<")
    assert "both recalibrated undefined" in words(ax)
    assert having(ax, "recalibrated") == []


def test_long_and_hostile_names_of_models_are_cut_not_run(made):
    ax = plots.comparison(made.compared(names=("$a_b$ " + "long " * 40, "<script>")))
    assert "← $a_b$ long" in words(ax)
    assert "…" in words(ax)
    assert "<script>" not in plots.svg(ax)


# What is not there


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda e: plots.reliability(replace(e, reliability=())), "no `reliability`"),
        (lambda e: plots.loss_histogram(replace(e, loss_histogram=())), "no `loss_histogram`"),
        (lambda e: plots.temperature_curve(replace(e, temperature_curve=())), "no `temperature_curve`"),
        (lambda e: plots.confusion_losses(replace(e, confusions=())), "no `confusions`"),
        (lambda e: plots.reliability(e, of="l"), "`of` is 'l'.*'0', '1', '2'"),
        (lambda e: plots.reliability(e, of="\x1b"), "`of` is '\ufffd'"),
        (lambda e: plots.confusion_losses(e, most=0), "`most` is 0"),
        (lambda e: plots.class_losses(e, most=2.5), "`most` is 2.5"),
        (lambda e: plots.svg(plots.identity_bar(e), prefix="a b"), "`prefix` is 'a b'"),
        (lambda e: plots.identity_bar(e, ax=3), "`ax` is a int"),
    ],
)
def test_what_is_missing_or_wrong_is_said(three, call, says):
    with pytest.raises(ValueError, match=says):
        call(three)


def test_an_infinite_loss_has_no_curve_and_says_so(infinite):
    with pytest.raises(ValueError, match="the loss is infinite"):
        plots.temperature_curve(infinite)


def test_the_gap_is_hatched_or_an_area_never_colour_alone(three):
    ax = plots.reliability(three)
    assert one(ax, "gap").get_facecolor()[0][:3] == pytest.approx(to_rgba("#009E73")[:3])
