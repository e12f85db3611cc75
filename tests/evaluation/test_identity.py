"""The identity, and everything that happens where something is infinite, separated, constant or alone."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xent
from xent.evaluation import Estimate, evaluate


def undefined(estimate):
    return all(math.isnan(v) for v in (estimate.se, estimate.low, estimate.high))


def closes(e):
    return e.uncertainty - e.discrimination + e.miscalibration == pytest.approx(e.cross_entropy.value, rel=1e-12)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(2, 6),
    st.integers(1, 60),
    st.floats(0.0, 40.0),
    st.sampled_from(["nats", "bits"]),
)
def test_it_closes(seed, k, n, scale, unit):
    rng = np.random.default_rng(seed)
    e = evaluate(rng.integers(0, k, n), xent.Logits(rng.normal(size=(n, k)) * scale), unit=unit)
    if math.isnan(e.miscalibration):
        assert all(math.isnan(v) for v in e.recalibration.parameters.values())
        assert math.isnan(e.discrimination)
        assert math.isnan(e.recalibration.p_value)
        assert math.isnan(e.recalibration.gain.value)
    else:
        assert e.miscalibration >= 0
        assert closes(e)
        assert 0 <= e.recalibration.p_value <= 1


def test_infinite_loss():
    y, q = [0, 1, 1, 0, 1], [0.2, 0.0, 0.9, 0.3, 0.6]
    e, rest = evaluate(y, q), evaluate([0, 1, 0, 1], [0.2, 0.9, 0.3, 0.6])
    assert e.cross_entropy.value == math.inf
    assert undefined(e.cross_entropy)
    assert e.finite_cross_entropy == rest.cross_entropy
    assert e.skill.value == -math.inf
    assert undefined(e.skill)
    assert math.isnan(e.miscalibration)
    assert math.isnan(e.discrimination)
    assert e.recalibration.kind == "affine"
    assert all(math.isnan(v) for v in e.recalibration.parameters.values())
    assert math.isnan(e.recalibration.p_value)
    assert math.isnan(e.recalibration.gain.value)
    assert e.audit.zero_probability_rows == 1
    assert (e.worst_rows[0].row, e.worst_rows[0].probability, e.worst_rows[0].loss) == (1, 0.0, math.inf)
    assert e.per_class[1].loss == math.inf
    assert math.isfinite(e.per_class[0].loss)
    assert math.isnan(e.tail_share)
    assert all(math.isfinite(c.cross_entropy) for c in e.clipped)
    assert e.geometric_mean_probability == 0.0


def test_nothing_but_infinite_losses():
    e = evaluate([1, 0], [0.0, 1.0])
    assert e.cross_entropy.value == math.inf
    assert math.isnan(e.finite_cross_entropy.value)


def test_infinite_losses_leave_their_clusters():
    e = evaluate([0, 1, 1, 0], [0.2, 0.0, 0.9, 0.3], cluster=["a", "b", "c", "c"])
    rest = evaluate([0, 1, 0], [0.2, 0.9, 0.3], cluster=["a", "c", "c"])
    assert e.finite_cross_entropy == rest.cross_entropy


@pytest.mark.parametrize(
    "q",
    [
        [0.1, 0.2, 0.3, 0.6, 0.7],  # a threshold separates
        [0.9, 0.8, 0.7, 0.2, 0.1],  # the wrong way round
        [0.1, 0.2, 0.4, 0.4, 0.7],  # with a tie at the threshold
    ],
)
def test_separated_binary(q):
    e = evaluate([0, 0, 0, 1, 1], q)
    assert math.isfinite(e.cross_entropy.value)
    assert math.isnan(e.miscalibration)
    assert math.isnan(e.discrimination)
    assert math.isnan(e.recalibration.parameters["slope"])
    assert math.isnan(e.recalibration.gain.value)


def test_separated_multiclass():
    q = np.full((6, 3), 0.2)
    y = np.array([0, 1, 2, 0, 1, 2])
    q[np.arange(6), y] = 0.6
    assert math.isnan(evaluate(y, q).miscalibration)
    assert math.isnan(evaluate((y + 1) % 3, q).miscalibration)
    assert math.isfinite(evaluate([*y[:5], 1], q).miscalibration)
    low = np.full((6, 3), 0.4)
    low[np.arange(6), y] = 0.2
    assert math.isnan(evaluate(y, low).miscalibration)


def test_one_class_only():
    e = evaluate([1, 1, 1], [0.9, 0.8, 0.7])
    assert e.uncertainty == 0.0
    assert math.isnan(e.skill.value)
    assert undefined(e.skill)
    assert math.isnan(e.miscalibration)
    assert e.cross_entropy.value > 0


def test_one_row():
    e = evaluate([1], [0.8])
    assert e.n == 1
    assert e.cross_entropy.value == pytest.approx(-math.log(0.8))
    assert undefined(e.cross_entropy)


def test_one_cluster_has_no_standard_error(binary):
    y, _, q = binary(50)
    e = evaluate(y, q, cluster=["x"] * 50)
    assert undefined(e.cross_entropy)
    assert undefined(e.skill)
    assert math.isnan(e.recalibration.gain.value)
    assert math.isfinite(e.miscalibration)


def test_forecasts_of_0_and_1_that_came_true_stay(binary):
    y, _x, q = binary(200)
    e = evaluate(y, q)
    more = evaluate(np.r_[y, 0, 1, 1], np.r_[q, 0.0, 1.0, 1.0])
    assert more.recalibration.parameters == pytest.approx(e.recalibration.parameters, rel=1e-12)
    assert more.miscalibration * 203 == pytest.approx(e.miscalibration * 200, rel=1e-12)
    assert closes(more)


def test_classes_ruled_out_stay_ruled_out(several):
    y, _, q = several(200, k=4)
    e = evaluate(y, q)
    wide = np.c_[q, np.zeros(200)]
    more = evaluate(np.r_[y, 4], np.r_[wide, [[0, 0, 0, 0, 1.0]]])
    assert more.recalibration.parameters == pytest.approx(e.recalibration.parameters, rel=1e-12)
    assert more.miscalibration * 201 == pytest.approx(e.miscalibration * 200, rel=1e-12)


def test_constant_forecasts_are_moved_to_the_frequency():
    e = evaluate([1, 0, 0, 0, 1, 0, 0, 0] * 5, [0.5] * 40)
    assert e.recalibration.parameters["slope"] == 1.0
    assert e.recalibration.parameters["intercept"] == pytest.approx(math.log(1 / 3))
    assert e.discrimination == pytest.approx(0, abs=1e-15)
    assert closes(e)
    best = evaluate([1, 0, 0, 0] * 10, [0.25] * 40)
    assert best.miscalibration == pytest.approx(0, abs=1e-15)
    assert best.recalibration.p_value == pytest.approx(1)
    assert best.skill.value == pytest.approx(0, abs=1e-15)


def test_uniform_forecasts_of_several_classes_cannot_be_mended():
    e = evaluate([0, 1, 2, 0], np.full((4, 3), 1 / 3))
    assert e.recalibration.parameters == {"temperature": 1.0}
    assert e.miscalibration == pytest.approx(0, abs=1e-15)
    assert e.recalibration.p_value == 1.0
    assert closes(e)


def test_ranking_turned_around():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 100)
    z = -2.0 * np.eye(3)[y] + rng.normal(size=(100, 3))
    e = evaluate(y, xent.Logits(z))
    assert e.recalibration.parameters["temperature"] < 0
    assert closes(e)


@pytest.mark.parametrize("scale", [1e-6, 1e3, 1e6, 1e150, 1e300])
def test_logits_of_any_size(several, scale):
    y, z, _ = several(100)
    e = evaluate(y, xent.Logits(z * scale))
    assert closes(e)
    assert e.recalibration.parameters["temperature"] == pytest.approx(
        scale * evaluate(y, xent.Logits(z)).recalibration.parameters["temperature"], rel=1e-6
    )
    y, z, _ = several(100, k=2)
    x = z[:, 1] - z[:, 0]
    e = evaluate(y, xent.Logits(x * scale))
    assert closes(e)
    assert e.recalibration.parameters["slope"] == pytest.approx(
        evaluate(y, xent.Logits(x)).recalibration.parameters["slope"] / scale, rel=1e-6
    )


def test_copies_in_a_cluster_are_one_row(binary):
    y, _, q = binary(100)
    copies = np.repeat(np.arange(100), 6)
    once, six = evaluate(y, q, cluster=range(100)), evaluate(y[copies], q[copies], cluster=copies)
    assert six.cross_entropy.se == pytest.approx(once.cross_entropy.se, rel=1e-12)
    assert six.recalibration.p_value == pytest.approx(once.recalibration.p_value, rel=1e-9)
    assert six.skill.se == pytest.approx(once.skill.se, rel=1e-12)


@pytest.mark.parametrize("kind", ["plain", "weights", "clusters"])
def test_p_values_are_right_when_there_is_nothing_to_mend(kind):
    small = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        q = 1 / (1 + np.exp(-1.5 * rng.normal(size=120)))
        y = (rng.random(120) < q).astype(int)
        if kind == "plain":
            e = evaluate(y, q)
        elif kind == "weights":
            e = evaluate(y, q, weight=rng.exponential(size=120))
        else:
            copies = np.repeat(np.arange(120), rng.integers(1, 9, 120))
            e = evaluate(y[copies], q[copies], cluster=copies)
        small += e.recalibration.p_value < 0.1
    assert 3 <= small <= 24  # 12 expected, standard deviation 3.3


def test_gain_is_what_fits_without_the_row_would_give(binary):
    y, _, q = binary(400, slope=0.3)
    e = evaluate(y, q)
    assert 0 < e.recalibration.gain.value < e.miscalibration
    assert e.recalibration.gain.value == pytest.approx(e.miscalibration, abs=3 * 2 / 400)
    nothing = np.mean(
        [evaluate(*binary(200, seed=s, slope=1, intercept=0)[::2]).recalibration.gain.value for s in range(60)]
    )
    assert -0.02 < nothing < 0


def test_an_undefined_estimate_is_nan_throughout():
    e = evaluate([1, 1, 1], [0.9, 0.8, 0.7]).recalibration.gain
    assert isinstance(e, Estimate)
    assert math.isnan(e.value)
