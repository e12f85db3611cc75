import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings

from xent import Counts, Labels, Logits, LogProbs
from xent.testing import reference, strategies

LN2 = math.log(2)


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (reference.entropy([0.5, 0.5]), LN2),
        (reference.entropy(Counts([3, 3, 0])), LN2),
        (reference.entropy(Logits([7.0, 7.0, -math.inf])), LN2),
        (reference.entropy(LogProbs([0.0])), 0.0),
        (reference.cross_entropy([0.5, 0.5], [0.25, 0.75]), (math.log(4) + math.log(4 / 3)) / 2),
        (reference.cross_entropy(Labels(1), Logits([0.0, 0.0])), LN2),
        (reference.kl_divergence([1.0, 0.0], [0.5, 0.5]), LN2),
        (reference.kl_divergence([0.5, 0.5], [1.0, 0.0]), math.inf),
        (reference.js_divergence([1.0, 0.0], [0.0, 1.0]), LN2),
        (reference.js_distance([1.0, 0.0], [0.0, 1.0]), math.sqrt(LN2)),
        (reference.perplexity([0.25] * 4), 4.0),
        (reference.surprisal([0.5, 0.5], 0), LN2),
        (reference.joint_entropy([[0.25, 0.25], [0.25, 0.25]]), 2 * LN2),
        (reference.conditional_entropy([[0.5, 0.0], [0.0, 0.5]], given=0), 0.0),
        (reference.mutual_information(Counts([[5, 0], [0, 5]])), LN2),
    ],
)
def test_known_values(answer, value):
    assert [float(x) for x in answer] == pytest.approx([value, value], abs=1e-15)


def test_binary_and_scalar_values():
    assert float(reference.binary_entropy(0.5)) == pytest.approx(LN2)
    assert float(reference.binary_cross_entropy(1e-9, Logits(-100.0))) == pytest.approx(1e-7)
    assert float(reference.binary_cross_entropy(1.0, Logits(-math.inf))) == math.inf
    assert float(reference.binary_kl_divergence(LogProbs(-LN2), 0.5)) == pytest.approx(0.0, abs=1e-15)
    assert float(reference.logsumexp([0.0, 0.0])) == pytest.approx(LN2)
    assert float(reference.normalize(Counts([1, 3]), 1)) == 0.75


def test_precision_grows_until_the_answer_stands():
    tiny = reference.cross_entropy(Labels(0), Logits([200.0, 0.0])).given
    assert mpmath.almosteq(tiny, mpmath.exp(-200), rel_eps=1e-15)
    p = np.asarray([1.0, 1e-100])
    kl = reference.kl_divergence(p, p * [1.0, 2.0]).given
    assert float(kl) == pytest.approx((1 - LN2) * 1e-100)


@settings(max_examples=25, deadline=None)
@given(strategies.near_equal_pairs())
def test_divergences_are_not_negative(pair):
    assert reference.kl_divergence(*pair).given >= 0
    assert reference.js_divergence(*pair).given >= 0


@settings(max_examples=25, deadline=None)
@given(strategies.distributions(dtype="float32"), strategies.logits(dtype="float32"))
def test_strategies_give_what_they_say(p, z):
    assert p.dtype == z.dtype == np.float32
    assert (p >= 0).all()
    assert abs(p.astype(float).sum() - 1) < 1e-6
    assert np.isfinite(z.max())


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_strategies_of_every_type_leave_out_zeros(dtype):
    @settings(max_examples=25, deadline=None)
    @given(strategies.distributions(zeros=False, dtype=dtype), strategies.near_equal_pairs(dtype=dtype))
    def positive(p, pair):
        assert all((row.astype(float) > 0).all() and row.dtype.name == dtype for row in (p, *pair))

    @settings(max_examples=10, deadline=None)
    @given(strategies.logits(dtype=dtype))
    def typed(z):
        assert z.dtype.name == dtype

    positive()
    typed()


def test_answers_have_more_digits_than_a_float():
    p, q = [0.1, 0.2, 0.7], [0.3, 0.3, 0.4]
    for answer in (reference.js_distance(p, q), reference.perplexity(p), reference.perplexity(p, q)):
        for value in answer:
            assert value._mpf_[3] > 100  # bits of the significand
    with mpmath.workdps(50):
        square = reference.js_distance(p, q).given ** 2
        assert mpmath.almosteq(square, reference.js_divergence(p, q).given, rel_eps=1e-28)
