"""Mutual information of labels and samples: brute force, scikit-learn, known truths, what is refused."""

import math

import numpy as np
import pytest
from scipy.special import digamma

from xent import DistributionError, Labels, Samples, ShapeError, estimators


def information(labels, x, **options):
    return estimators.mutual_information(Labels(labels), Samples(x), **options)


def brute(labels, x, k):
    x = np.reshape(x, (len(x), -1))
    table = np.abs(x[:, None] - x[None]).max(axis=-1)
    n, terms = len(x), []
    for i in range(n):
        same = np.delete(table[i], i)[np.delete(labels, i) == labels[i]]
        own = min(k, len(same))
        radius = np.sort(same)[own - 1]
        m = (np.delete(table[i], i) < radius).sum() + 1
        terms.append(digamma(own) - digamma(len(same) + 1) - digamma(m))
    return digamma(n) + np.mean(terms)


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("k", [1, 3, 12])
def test_by_brute_force(d, k):
    rng = np.random.default_rng(k)
    labels = np.r_[rng.integers(0, 3, 60), [7] * 4] - 2  # a rare label, negative ones, and gaps
    x = rng.normal(size=(64, d)) + labels[:, None]
    assert information(labels, x, k=k).value == pytest.approx(brute(labels, x, k), abs=1e-13)


def test_by_hand():
    # Labels 0: 0, 1; labels 1: 0.75, 5. The nearest of the same label are at 1, 1, 4.25, 4.25; nearer to each than that
    # are 1, 1, 2, 1 others of any label, and m counts one more.
    value = information([0, 0, 1, 1], [0.0, 1.0, 0.75, 5.0], k=1).value
    m = [2, 2, 3, 2]
    assert value == pytest.approx(digamma(4) - digamma(2) + digamma(1) - np.mean(digamma(np.array(m, dtype=float))))


def test_either_order_and_any_scale():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 500)
    x = rng.normal(size=500) + labels
    found = information(labels, x)
    turned = estimators.mutual_information(Samples(x), Labels(labels))
    assert (turned.value, turned.low, turned.method) == (found.value, found.low, "ross")
    for scale in (2.0**-1000, 2.0**-3, 2.0**1000):
        assert information(labels, x * scale).value == found.value
    assert information(labels * 5 - 3, np.exp(x / 8)).value == pytest.approx(found.value, abs=found.standard_error)


def test_it_is_sklearns():
    feature_selection = pytest.importorskip("sklearn.feature_selection")
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 400)
    x = rng.normal(size=400) + labels
    x = x / x.std()
    peer = feature_selection.mutual_info_classif(x[:, None], labels, n_neighbors=5, random_state=0)
    assert information(labels, x, k=5).value == pytest.approx(peer[0], abs=1e-12)


@pytest.mark.parametrize(("shift", "truth"), [(0.0, 0.0), (0.5, 0.5 * math.log(2)), (1.0, math.log(2))])
def test_uniforms_that_overlap(shift, truth):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 10_000)
    found = information(labels, rng.random(10_000) + shift * labels)
    assert found.standard_error < 0.01
    assert abs(found.value - truth) < 4.8 * found.standard_error + 1e-3  # the labels' own share at shift 1: 1/n


def test_gao_agrees():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 4000)
    x = rng.normal(size=4000) + labels
    ross = information(labels, x)
    gao = estimators.mutual_information(Samples(labels), Samples(x), method="gao")
    assert abs(ross.value - gao.value) < ross.standard_error + gao.standard_error


def test_units_and_few():
    rng = np.random.default_rng(1)
    labels, x = rng.integers(0, 2, 1000), rng.normal(size=1000)
    assert information(labels, x, unit="bits").value == pytest.approx(information(labels, x).value / math.log(2))
    rare = (np.arange(1000) < 20).astype(int)
    assert information(rare, x).standard_error is None
    with pytest.raises(DistributionError, match="of each of 2 labels 200; the rarest has 20"):
        information(rare, x, interval="subsampling")
    assert information(labels == 1, x).value == information(labels, x).value


def test_parts_hold_neighbours_of_every_label():
    rng = np.random.default_rng(1)
    x = rng.normal(size=800)
    assert information(np.arange(400) % 100, x[:400]).standard_error is None
    assert information(np.arange(800) % 50, x).standard_error > 0
    with pytest.raises(DistributionError, match="of each of 100 labels 16; the rarest has 4"):
        information(np.arange(400) % 100, x[:400], interval="subsampling")


def test_what_is_refused():
    x = np.random.default_rng(0).normal(size=10)
    labels = np.arange(10) % 2
    with pytest.raises(DistributionError, match=r"one sample of label 5: it has no neighbour"):
        information([5, *labels[1:]], x)
    with pytest.raises(DistributionError, match=r"10 labels of one sample each; the first is 0"):
        information(np.arange(10), x)
    with pytest.raises(DistributionError, match="both labels"):
        estimators.mutual_information(Labels(labels), Labels(labels))
    with pytest.raises(DistributionError, match=r"4 of the 10 samples have their 1st .*ties.*of the same label.*gao"):
        information(labels, np.r_[0.0, 0.0, 0.0, 0.0, x[4:]], k=1)
    with pytest.raises(DistributionError, match="labels are integers"):
        information(labels * 1.0, x)
    with pytest.raises(DistributionError, match="int64"):
        information(labels, np.arange(10))
    with pytest.raises(ShapeError, match="labels are"):
        information(labels[:, None], x)
    with pytest.raises(ShapeError, match="`x` has 10 samples and `y` has 9"):
        information(labels, x[1:])
    with pytest.raises(DistributionError, match="`y` has 0 samples"):
        information(np.zeros(0, dtype=int), [])
    with pytest.raises(ValueError, match="`method` of labels and samples"):
        information(labels, x, method="gao")
