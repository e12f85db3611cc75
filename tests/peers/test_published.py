"""Numbers that others have published, each with its source."""

import math

import numpy as np
import pytest

import xent


def test_cover_and_thomas_example_2_1_2_horse_race():
    # Elements of Information Theory, 2nd ed., section 1.1 and example 2.1.2: eight horses, 2 bits.
    p = [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 64, 1 / 64, 1 / 64, 1 / 64]
    assert xent.entropy(p, unit="bits") == 2.0
    # the same with four outcomes: 7/4 bits
    assert xent.entropy([1 / 2, 1 / 4, 1 / 8, 1 / 8], unit="bits") == 1.75


def test_cover_and_thomas_example_2_2_1_joint_table():
    # Joint distribution of X (columns) and Y (rows): H(X) = 7/4, H(Y) = 2, H(X|Y) = 11/8, H(Y|X) = 13/8, H(X,Y) = 27/8,
    # I(X;Y) = 3/8 bits (example 2.4.1).
    joint = [
        [1 / 8, 1 / 16, 1 / 32, 1 / 32],
        [1 / 16, 1 / 8, 1 / 32, 1 / 32],
        [1 / 16, 1 / 16, 1 / 16, 1 / 16],
        [1 / 4, 0, 0, 0],
    ]
    assert xent.joint_entropy(joint, unit="bits") == 27 / 8
    assert xent.conditional_entropy(joint, given=0, unit="bits") == 11 / 8
    assert xent.conditional_entropy(joint, given=1, unit="bits") == 13 / 8
    assert xent.mutual_information(joint, unit="bits") == 3 / 8


def test_cover_and_thomas_example_2_3_1_both_directions():
    # r = 1/2, s = 1/4: D(p||q) = 0.2075 bits, D(q||p) = 0.1887 bits.
    p, q = [1 / 2, 1 / 2], [3 / 4, 1 / 4]
    assert round(float(xent.kl_divergence(p, q, unit="bits")), 4) == 0.2075
    assert round(float(xent.kl_divergence(q, p, unit="bits")), 4) == 0.1887


def test_mackay_table_of_english_letters():
    # MacKay, Information Theory, Inference, and Learning Algorithms, table 2.9: probabilities of English letters and
    # space, their surprisals (a 4.1, e 3.5, j 10.7 bits) and the entropy, 4.1 bits. The printed probabilities are
    # rounded to four digits, so they are taken as counts.
    counts = [575, 128, 263, 285, 913, 173, 133, 313, 599, 6, 84, 335, 235, 596, 689, 192, 8, 508, 567, 706, 334, 69]
    counts += [119, 73, 164, 7, 1928]
    assert round(float(xent.entropy(xent.Counts(counts), unit="bits")), 1) == 4.1
    surprisal = xent.surprisal(xent.Counts(counts), unit="bits")
    assert [round(float(surprisal[i]), 1) for i in (0, 4, 9)] == [4.1, 3.5, 10.7]
    # section 4.1: H2(0.1) = 0.47 bits
    assert round(float(xent.binary_entropy(0.1, unit="bits")), 2) == 0.47


def test_wikipedia_kl_example():
    # Article "Kullback-Leibler divergence", section "Basic example": P binomial(2, 0.4), Q uniform:
    # 0.0852996 and 0.097455 nats, 0.123 and 0.141 bits.
    p, q = [9 / 25, 12 / 25, 4 / 25], [1 / 3] * 3
    assert float(xent.kl_divergence(p, q)) == pytest.approx(0.0852996, abs=5e-8)
    assert float(xent.kl_divergence(q, p)) == pytest.approx(0.097455, abs=5e-7)


def test_numerical_recipes_of_scipy_docs():
    # scipy.stats.entropy documentation: entropy([1/2, 1/2], base=2) = 1.0; entropy([9/10, 1/10], base=2) =
    # 0.46899559358928117; entropy([1/2, 1/2], qk=[9/10, 1/10]) = 0.5108256237659907.
    assert float(xent.entropy([9 / 10, 1 / 10], unit="bits")) == pytest.approx(0.46899559358928117, rel=1e-15)
    assert float(xent.kl_divergence([1 / 2, 1 / 2], [9 / 10, 1 / 10])) == pytest.approx(0.5108256237659907, rel=1e-15)


def test_scikit_learn_docs_log_loss():
    # sklearn.metrics.log_loss documentation: 0.21616...
    y = ["spam", "ham", "ham", "spam"]
    q = [[0.1, 0.9], [0.9, 0.1], [0.8, 0.2], [0.35, 0.65]]
    loss = xent.cross_entropy(xent.Labels([["ham", "spam"].index(v) for v in y]), q).mean()
    assert f"{loss:.5f}" == "0.21616"


def test_jensenshannon_docs():
    # scipy.spatial.distance.jensenshannon documentation: 1.0 and 0.46450140402245893 (base 2), 0.0.
    assert xent.js_distance([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], unit="bits") == 1.0
    assert float(xent.js_distance([1.0, 0.0], [0.5, 0.5])) == pytest.approx(0.46450140402245893, rel=1e-15)
    assert xent.js_distance([1.0, 0.0, 0.0], [1.0, 0.0, 0.0]) == 0.0


def test_keras_docs_cross_entropy():
    # keras.losses.CategoricalCrossentropy documentation: rows 0.0513 and 2.303, mean 1.177.
    y = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    q = np.array([[0.05, 0.95, 0], [0.1, 0.8, 0.1]])
    assert [round(float(v), 4) for v in xent.cross_entropy(y, q)] == [0.0513, 2.3026]


def test_ln2_of_the_ideal_coin():
    assert float(xent.binary_cross_entropy(1, 0.5)) == math.log(2)
    assert float(xent.perplexity([1 / 6] * 6)) == pytest.approx(6, rel=4e-16)
