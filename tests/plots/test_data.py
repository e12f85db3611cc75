"""What is drawn is what the measures say, to the last digit."""

import math
from functools import partial

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.text import Text

import xent
from xent import plots

LN2 = math.log(2)
LEVELS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3]
FIGURES = {
    "curves": plots.binary_cross_entropy_curves,
    "logit": partial(plots.binary_cross_entropy_curves, against="logit"),
    "binary surface": plots.binary_cross_entropy_surface,
    "gap": partial(plots.binary_cross_entropy_surface, view="gap"),
    "simplex": plots.simplex_cross_entropy,
    "triangle": partial(plots.simplex_cross_entropy, coordinates="triangle"),
    "surface": plots.cross_entropy_surface,
    "tangent": plots.entropy_tangent,
    "vary model": partial(plots.entropy_tangent, vary="model"),
    "code lengths": plots.code_lengths,
    "integrand": plots.kl_integrand,
    "fit": plots.forward_reverse_fit,
    "bias": partial(plots.estimator_bias, (0.4, 0.3, 0.2, 0.1)),
}


def having(ax, gid):
    return [artist for artist in ax.get_children() if artist.get_gid() == gid]


def one(ax, gid):
    (artist,) = having(ax, gid)
    return artist


def words(ax):
    return " | ".join(text.get_text() for text in ax.findobj(Text))


@pytest.mark.parametrize(("unit", "k"), [("nats", 1.0), ("bits", 1 / LN2), ("bans", 1 / math.log(10))])
def test_curves_are_the_loss_of_one_label(unit, k):
    ax = plots.binary_cross_entropy_curves(unit=unit)
    for gid, y in (("y1", 1.0), ("y0", 0.0)):
        x, loss = one(ax, gid).get_data()
        assert 0 < x.min() < 1e-5
        assert x.max() < 1
        np.testing.assert_allclose(loss, xent.binary_cross_entropy(y, x) * k, rtol=1e-15)
        assert loss[x == 0.5] == pytest.approx(LN2 * k, rel=2e-16)
    assert (float(one(ax, "coin").get_xdata()[0]), float(one(ax, "coin").get_ydata()[0])) == (0.5, LN2 * k)
    assert "ln 2 = 0.693 nats = 1 bit" in words(ax)
    assert f"loss ({unit})" == ax.get_ylabel()
    assert ax.get_legend() is None
    assert ax.get_ylim()[1] == pytest.approx(4 * k)
    assert one(ax, "y1").get_linestyle() != one(ax, "y0").get_linestyle()


def test_curves_against_the_logit_are_softplus():
    ax = plots.binary_cross_entropy_curves(against="logit")
    z, one_loss = one(ax, "y1").get_data()
    assert (z[0], z[-1]) == (-8, 8)
    np.testing.assert_allclose(one_loss, np.logaddexp(0, -z), rtol=1e-14)
    np.testing.assert_allclose(one(ax, "y0").get_ydata(), np.logaddexp(0, z), rtol=1e-14)


@pytest.mark.parametrize(("unit", "cut"), [("nats", "cut at 4 nats"), ("bits", "cut at 5.771 bits")])
def test_binary_surface_has_its_valley_edges_and_straight_rulings(unit, cut):
    k = 1 if unit == "nats" else 1 / LN2
    ax = plots.binary_cross_entropy_surface(unit=unit)
    y, guess, z = one(ax, "valley").get_data_3d()
    np.testing.assert_array_equal(y, guess)
    np.testing.assert_allclose(z, xent.binary_entropy(y) * k, rtol=1e-15)
    for gid, label in (("y1", 1.0), ("y0", 0.0)):
        y, guess, z = one(ax, gid).get_data_3d()
        assert set(y) == {label}
        np.testing.assert_allclose(z, xent.binary_cross_entropy(label, guess) * k, rtol=1e-14)
        assert z.max() == pytest.approx(4 * k)
    for ruling in having(ax, "ruling"):
        y, guess, z = map(np.asarray, ruling.get_data_3d())
        assert np.ptp(guess) == 0
        assert z.max() <= 4 * k * (1 + 1e-12)
        middle = xent.binary_cross_entropy(float(y.mean()), float(guess[0])) * k
        assert z.mean() == pytest.approx(float(middle), rel=1e-12)
    assert ax.get_zlim() == pytest.approx((0, 4 * k))
    assert cut in words(ax)
    assert unit in ax.get_zlabel()


@pytest.mark.parametrize("unit", ["nats", "bits"])
def test_gap_map_is_solved_not_read_off_a_grid(unit):
    ax = plots.binary_cross_entropy_surface(view="gap", unit=unit)
    contours = one(ax, "contours")
    assert isinstance(contours, ContourSet)
    assert not contours.filled
    assert list(contours.levels) == LEVELS
    for level, lines in zip(contours.levels, contours.allsegs, strict=True):
        for line in lines:
            guess, y = line.T
            inner = (guess > 1e-9) & (guess < 1 - 1e-9)
            assert inner.sum() > 50
            found = xent.binary_kl_divergence(y[inner], guess[inner], unit=unit)
            np.testing.assert_allclose(found, level, rtol=1e-6)
    x, y = one(ax, "valley").get_data()
    np.testing.assert_array_equal(x, y)


P = [(0.1, 0.2, 0.7), (1 / 3, 1 / 3, 1 / 3), (0.02, 0.97, 0.01), (0, 0.3, 0.7), (0.5, 0.5, 0), (0.4, 0, 0.6), (0, 1, 0)]


@pytest.mark.parametrize(("p", "unit"), [*((p, "nats") for p in P), (P[0], "bits"), (P[3], "bans")])
def test_rings_are_level_sets_around_the_truth(p, unit):
    ax = plots.simplex_cross_entropy(p, unit=unit)
    contours = one(ax, "contours")
    assert isinstance(contours, ContourSet)
    assert list(contours.levels) == LEVELS
    for level, lines in zip(contours.levels, contours.allsegs, strict=True):
        (ring,) = lines
        q = np.column_stack([ring, 1 - ring.sum(axis=1)])
        assert q.min() > -1e-15
        # Where an outcome of the truth is within rounding of 0 in 1 - q1 - q2, its logarithm cannot be read back.
        inner = q[:, np.array(p) > 0].min(axis=1) > 1e-6
        found = xent.kl_divergence(np.array(p, dtype=float), q[inner].clip(0), unit=unit)
        np.testing.assert_allclose(found, level, rtol=1e-5)
    minimum = one(ax, "minimum")
    assert (float(minimum.get_xdata()[0]), float(minimum.get_ydata()[0])) == p[:2]


def test_ring_of_the_truth_inside_is_closed_and_runs_around_it():
    ring = one(plots.simplex_cross_entropy(), "contours").allsegs[0][0] - (0.1, 0.2)
    turn = np.unwrap(np.arctan2(ring[:, 1], ring[:, 0]))
    assert abs(turn[-1] - turn[0]) == pytest.approx(2 * np.pi)
    assert (np.diff(turn) * np.sign(turn[-1] - turn[0]) > 0).all()


def test_descent_goes_down_to_the_truth():
    x, y = one(plots.simplex_cross_entropy(), "descent").get_data()
    q = np.column_stack([x, y, 1 - x - y])
    loss = xent.cross_entropy(np.array([0.1, 0.2, 0.7]), q)
    assert loss[0] > 2
    assert (np.diff(loss) < 1e-12).all()
    np.testing.assert_allclose(q[-1], [0.1, 0.2, 0.7], atol=1e-6)


def test_simplex_words_and_hatch():
    ax = plots.simplex_cross_entropy()
    assert "H(p) = 0.802 nats = 1.157 bits" in words(ax)
    assert "impossible" in words(ax)
    assert [patch for patch in ax.patches if patch.get_hatch()]
    assert ax.get_xlim() == ax.get_ylim() == (0, 1)


def test_triangle_is_the_same_map_in_other_coordinates():
    flat = one(plots.simplex_cross_entropy(), "contours").allsegs[4][0]
    ax = plots.simplex_cross_entropy(coordinates="triangle")
    q1, q2 = flat.T
    q3 = 1 - q1 - q2
    moved = np.column_stack([q2 + q3 / 2, math.sqrt(3) / 2 * q3])
    np.testing.assert_allclose(one(ax, "contours").allsegs[4][0], moved, atol=1e-12)
    assert float(one(ax, "minimum").get_xdata()[0]) == pytest.approx(0.55)
    assert all(f"q{i} = 1" in words(ax) for i in "₁₂₃")


@pytest.mark.parametrize("p", [P[0], P[3], P[-1]])
def test_surface_stands_on_its_lowest_point(p):
    ax = plots.cross_entropy_surface(p)
    x, y, z = map(np.asarray, one(ax, "minimum").get_data_3d())
    least = float(xent.entropy(np.array(p, dtype=float)))
    assert set(x) == {p[0]}
    assert set(y) == {p[1]}
    assert (z[0], z[-1]) == (0, pytest.approx(least))
    assert ax.get_zlim() == (0, 4)
    assert f"H(p) = {least:.3f} nats" in words(ax) or least in (0, pytest.approx(LN2))
    assert "cut at 4 nats" in words(ax)
    assert isinstance(one(ax, "contours"), ContourSet)


@pytest.mark.parametrize("p", [P[0], P[1], P[3]])
def test_every_wall_of_the_bowl_ends_at_the_cut(p):
    ax = plots.cross_entropy_surface(p)
    q1, q2, z = map(np.asarray, one(ax, "cut").get_data_3d())
    np.testing.assert_allclose(z, 4, rtol=1e-15)
    q = np.column_stack([q1, q2, 1 - q1 - q2])
    inner = q[:, np.array(p) > 0].min(axis=1) > 1e-6
    np.testing.assert_allclose(xent.cross_entropy(np.array(p, dtype=float), q[inner].clip(0)), 4, rtol=1e-6)


def test_tangent_touches_at_q_and_lies_above():
    ax = plots.entropy_tangent(0.3, 0.75)
    x, low = one(ax, "entropy").get_data()
    same_x, high = one(ax, "cross-entropy").get_data()
    np.testing.assert_array_equal(x, same_x)
    np.testing.assert_allclose(low, xent.binary_entropy(x), rtol=1e-15)
    np.testing.assert_allclose(np.diff(high) / np.diff(x), math.log(1 / 3), rtol=1e-6)
    assert (high - low).min() >= -1e-15
    assert high[x == 0.75] == pytest.approx(low[x == 0.75], rel=1e-15)
    gap = one(ax, "gap")
    assert list(gap.get_xdata()) == [0.3, 0.3]
    assert np.ptp(gap.get_ydata()) == pytest.approx(0.44585, abs=1e-5)
    assert "KL = 0.446" in words(ax)
    assert one(ax, "entropy").get_linestyle() != one(ax, "cross-entropy").get_linestyle()


def test_varying_the_model_fills_the_gap_over_the_level_entropy():
    ax = plots.entropy_tangent(0.3, 0.75, vary="model", unit="bits")
    assert np.ptp(one(ax, "entropy").get_ydata()) == 0
    x, high = one(ax, "cross-entropy").get_data()
    np.testing.assert_allclose(high, xent.binary_cross_entropy(0.3, x, unit="bits"), rtol=1e-14)
    gap = one(ax, "gap")
    assert isinstance(gap, PolyCollection)
    assert gap.get_hatch()
    assert "KL = 0.643 bits" in words(ax)


@pytest.mark.parametrize(("unit", "k"), [("bits", 1.0), ("nats", LN2)])
def test_areas_of_the_boxes_are_the_two_entropies(unit, k):
    ax = plots.code_lengths(unit=unit)
    for gid, area in (("truth", 1.75), ("model", 2.375)):
        boxes = having(ax, gid)
        assert len(boxes) == 4
        assert {box.get_y() for box in boxes} == {0}
        assert sum(box.get_width() * box.get_height() for box in boxes) == pytest.approx(area * k, rel=1e-15)
        assert f"= {area * k:.3f}".rstrip("0") in words(ax)
    assert [box.get_x() for box in having(ax, "model")] == [0, 0.5, 0.75, 0.875]
    assert [box.get_x() for box in having(ax, "excess")] == [0]
    assert [box.get_x() for box in having(ax, "saving")] == [0.5, 0.75]
    assert all("/" in box.get_hatch() for box in having(ax, "excess"))
    assert all("." in box.get_hatch() for box in having(ax, "saving"))


def test_an_infinite_code_is_cut_and_called_inf():
    ax = plots.code_lengths((0.5, 0.5), (1, 0))
    assert all(math.isfinite(box.get_height()) for box in having(ax, "model"))
    assert having(ax, "model")[1].get_height() < ax.get_ylim()[1]
    assert "inf" in [text.get_text() for text in ax.texts]
    assert "H(p, q) = inf bits" in words(ax)


@pytest.mark.parametrize(
    ("p", "q"), [((1,), (1,)), ((1, 0), (0.5, 0.5)), ((0.5, 0.5), (0.5, 0.5)), ([1 / 12] * 12, [1 / 12] * 12)]
)
def test_code_lengths_of_any_number_of_outcomes(p, q):
    ax = plots.code_lengths(p, q)
    assert len(having(ax, "truth")) == len(having(ax, "model")) == len(p)
    area = sum(box.get_width() * box.get_height() for box in having(ax, "truth"))
    assert area == pytest.approx(float(xent.entropy(np.array(p, dtype=float), unit="bits")))


@pytest.mark.parametrize(("p", "q"), [(0, 0), (0, 1), (0.5, 1), (1, 0.999), (0.5, 0.5), (0.3, 0.3), (0.9, 0.01)])
@pytest.mark.parametrize("vary", ["truth", "model"])
def test_tangent_of_certain_and_equal_probabilities(p, q, vary):
    ax = plots.entropy_tangent(p, q, vary=vary)
    gap = float(xent.binary_kl_divergence(float(p), float(q)))
    assert f"KL = {'inf' if gap == math.inf else f'{gap:.3f}'.rstrip('0').rstrip('.')}" in words(ax)


@pytest.mark.parametrize(
    "p", [[0.1, 0.2, 0.7], (0.1, 0.2, 0.7), np.array([0.1, 0.2, 0.7]), np.float32([0.1, 0.2, 0.7])]
)
def test_lists_tuples_and_arrays_are_taken(p):
    assert "H(p) = 0.802 nats = 1.157 bits" in words(plots.simplex_cross_entropy(p))


@pytest.mark.parametrize("name", FIGURES)
def test_labels_keep_to_the_unit_and_the_description_is_one_sentence_with_the_number(name):
    # Each figure in a unit that is not its own: what belongs to its own unit would show here.
    unit, other = ("nats", "bits") if name == "code lengths" else ("bits", "nats")
    ax = FIGURES[name](unit=unit)
    labels = [getattr(a, f"get_{axis}label")() for a in ax.figure.axes for axis in "xyz" if hasattr(a, f"{axis}axis")]
    assert any(f"({unit})" in label for label in labels) or name == "fit"  # whose axes are of densities
    assert not any(other in label for label in labels)
    sentence = plots.describe(ax)
    assert sentence.endswith(".")
    assert sentence[:-1].count(". ") == 0
    main = ("0.693 nats = 1 bit", "0.802 nats = 1.157 bits", "0.643", "1.646", "0.906 bits", "0.714 bits", "1.846 bits")
    assert any(number in sentence for number in main)


PAIRS = [((0, 1), (1.5, 1.5)), ((2, 0.5), (-1, 3)), ((0, 1), (0, 1)), ((0, 1), (1e-3, 1)), ((5, 2), (5, 0.1))]


def normal_kl(p, q):
    (a, s), (b, t) = p, q
    return math.log(t / s) + (s * s + (a - b) ** 2) / (2 * t * t) - 0.5


@pytest.mark.parametrize(("p", "q"), PAIRS)
@pytest.mark.parametrize(("unit", "k"), [("nats", 1.0), ("bits", 1 / LN2)])
def test_areas_of_the_integrands_are_kl_in_both_directions(p, q, unit, k):
    ax = plots.kl_integrand(p, q, unit=unit)
    for gid, total, name in (("forward", normal_kl(p, q), "KL(p‖q)"), ("reverse", normal_kl(q, p), "KL(q‖p)")):
        x, y = one(ax, gid).get_data()
        # What is drawn ends where a density of e^-6 of its height does.
        assert np.trapezoid(y, x) == pytest.approx(total * k, rel=0.05, abs=1e-12)
        written = f"{name} = {plots._words.number(round(total * k, 15))}"
        assert written in words(ax)
        assert written in plots.describe(ax)
        added, taken = having(ax, f"{gid}-area")
        assert added.get_hatch() != taken.get_hatch()
    for gid, (mean, sd) in (("truth", p), ("model", q)):
        x, y = one(ax, gid).get_data()
        density = np.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * math.sqrt(2 * math.pi))
        np.testing.assert_allclose(y, density, rtol=1e-12, atol=1e-300)
    assert one(ax, "truth").get_linestyle() != one(ax, "model").get_linestyle()
    assert one(ax, "forward").get_linestyle() != one(ax, "reverse").get_linestyle()


TWO = ((0.6, -2.0, 0.8), (0.4, 2.5, 1.0))


def fitted(ax, gid):
    """Mean and standard deviation of the Gaussian that is drawn."""
    x, y = one(ax, gid).get_data()
    keep = y > y.max() * 1e-3
    curve = np.polyfit(x[keep], np.log(y[keep]), 2)
    return -curve[1] / (2 * curve[0]), math.sqrt(-0.5 / curve[0])


def reverse_cost(mean, sd, p=TWO):
    """KL(q‖p) by a plain sum over a fine grid."""
    x = np.linspace(mean - 12 * sd, mean + 12 * sd, 4001)
    q = np.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * math.sqrt(2 * math.pi))
    parts = [math.log(w / s) - 0.5 * ((x - m) / s) ** 2 for w, m, s in p]
    log_p = np.logaddexp.reduce(parts) - 0.5 * math.log(2 * math.pi)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(q > 0, q * (np.log(q) - log_p), 0).sum() * (x[1] - x[0]))


def test_forward_fit_has_the_moments_of_the_truth():
    mean, sd = fitted(plots.forward_reverse_fit(), "forward")
    assert mean == pytest.approx(0.6 * -2 + 0.4 * 2.5, rel=1e-9)
    assert sd**2 == pytest.approx(0.6 * (0.64 + 1.8**2) + 0.4 * (1 + 2.7**2), rel=1e-9)


def test_reverse_fit_is_the_least_of_a_search_over_all_gaussians():
    ax = plots.forward_reverse_fit()
    mean, sd = fitted(ax, "reverse")
    best = reverse_cost(mean, sd)
    everywhere = [reverse_cost(m, s) for m in np.linspace(-4, 5, 19) for s in np.geomspace(0.3, 4, 12)]
    around = [reverse_cost(mean + a, sd + b) for a in (-1e-3, 0, 1e-3) for b in (-1e-3, 0, 1e-3) if a or b]
    assert best < min(everywhere)
    assert best < min(around)
    assert f"KL(q‖p) = {best:.3f} nats, the least" in words(ax)
    assert abs(mean + 2) < 0.1


def test_divergences_of_both_fits_are_written():
    ax = plots.forward_reverse_fit(unit="bits")
    mean, sd = fitted(ax, "forward")
    assert f"KL(q‖p) = {reverse_cost(mean, sd) / LN2:.3f} bits" in words(ax)
    assert plots.describe(ax).count("KL(p‖q)") == 2


def test_fits_of_one_bump_are_the_bump():
    ax = plots.forward_reverse_fit(((0.5, 1, 2), (0.5, 1, 2)))
    assert fitted(ax, "forward") == pytest.approx((1, 2), rel=1e-9)
    assert fitted(ax, "reverse") == pytest.approx((1, 2), rel=1e-7)
    assert words(ax).count("= 0 nats") == 4


def test_a_bump_that_the_fit_leaves_out_costs_its_share():
    ax = plots.forward_reverse_fit(((0.999, 0, 1), (0.001, 29, 1)))
    assert fitted(ax, "reverse") == pytest.approx((0, 1), abs=1e-6)
    assert f"KL(q‖p) = {-math.log(0.999):.3g} nats, the least" in words(ax)


def test_of_two_equal_minima_the_first_bump_s_is_taken():
    for first in (-3, 3):
        mean, _ = fitted(plots.forward_reverse_fit(((0.5, first, 0.5), (0.5, -first, 0.5))), "reverse")
        assert mean == pytest.approx(first, abs=0.01)


def test_outcomes_without_a_box_are_named():
    ax = plots.code_lengths((0.5, 0.5, 0), (0.5, 0.25, 0.25))
    assert "not drawn: outcome 3, with p = 0" in words(ax)
    assert "outcome 3, with p = 0, has no box." in plots.describe(ax)
    assert "not drawn" not in words(plots.code_lengths())


def test_nothing_of_ours_has_no_description():
    assert plots.describe(Figure()) == ""


COUNTED = ("plug-in", "miller-madow", "grassberger", "chao-shen", "chao-wang-jost", "shrinkage", "dirichlet", "nsb")


@pytest.mark.parametrize(("unit", "k"), [("nats", 1.0), ("bits", 1 / LN2)])
def test_bias_is_what_the_estimates_lack_on_average(unit, k):
    p = np.array([0.3, 0.25, 0.2, 0.15, 0.1])
    ax = plots.estimator_bias(p, unit=unit)
    n, off = one(ax, "plug-in").get_data()
    # E[plug-in] exactly: outcomes are binomial one by one
    exact = []
    for size in n.astype(int):
        x = np.arange(1, size + 1)
        ways = np.array([math.comb(size, int(i)) for i in x], dtype=float)
        chance = ways * p[:, None] ** x * (1 - p[:, None]) ** (size - x)
        exact.append((chance * -(x / size) * np.log(x / size)).sum() - xent.entropy(p))
    errors = ax.collections[0].get_segments()
    spread = np.array([(top - bottom) / 2 for (_, bottom), (_, top) in errors])
    assert np.all(np.abs(off - np.array(exact) * k) < 4 * spread)
    assert np.mean(np.abs(off - np.array(exact) * k) < 2 * spread) >= 0.7
    assert np.abs(one(ax, "miller-madow").get_data()[1][-1]) < np.abs(off[-1]) / 2


def test_lines_of_the_bias_differ_by_more_than_colour():
    ax = plots.estimator_bias((0.5, 0.5))
    lines = [one(ax, name) for name in COUNTED]
    assert len({line.get_marker() for line in lines}) == len(COUNTED)


def test_bias_in_bits_is_that_in_nats_by_ln_2():
    nats, bits = (plots.estimator_bias((0.5, 0.3, 0.2), unit=unit) for unit in ("nats", "bits"))
    for name in COUNTED:
        np.testing.assert_allclose(one(bits, name).get_data()[1] * LN2, one(nats, name).get_data()[1], rtol=1e-12)
