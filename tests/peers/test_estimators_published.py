"""Numbers that others have published about estimators, each with its source."""

import math

import numpy as np
import pytest

import xent
from xent import estimators

stats = pytest.importorskip("scipy.stats")


def ones_and_twos(first, twos, ones):
    return [*first, *[2] * twos, *[1] * ones]


# Spiders under a canopy of girdled and of logged trees (Ellison et al. 2010), as printed with the R package iNEXT.
SPIDERS = {
    "girdled": ones_and_twos([46, 22, 17, 15, 15, 9, 8, 6, 6, 4], 4, 12),
    "logged": ones_and_twos([88, 22, 16, 15, 13, 10, 8, 8, 7, 7, 7, 5, 4, 4, 4, 3, 3, 3, 3], 4, 14),
}


@pytest.mark.parametrize(
    ("site", "observed", "estimated"), [("girdled", 12.059650, 13.826253), ("logged", 14.421002, 16.337069)]
)
def test_inext_shannon_diversity_of_spiders(site, observed, estimated):
    # iNEXT, documentation of `iNEXT(spider)`, table AsyEst: Shannon diversity, observed and by Chao, Wang and Jost.
    counts = xent.Counts(SPIDERS[site])
    assert math.exp(estimators.entropy(counts, method="plug-in").value) == pytest.approx(observed, abs=5e-7)
    assert math.exp(estimators.entropy(counts, method="chao-wang-jost").value) == pytest.approx(estimated, abs=5e-7)


NDD = [4, 12, 4, 5, 3, 1, 5, 1, 2, 2, 2, 2, 11, 3, 4, 12, 12, 1, 2]


@pytest.mark.parametrize(
    ("counts", "outcomes", "value"),
    [
        # the package ndd, README of versions 1.0 to 1.4
        ([7, 3, 5, 8, 9, 1, 3, 3, 1, 0, 2, 5, 2, 11, 4, 23, 5, 0, 8, 0], 20, 2.623634344888532),
        # README of version 1.6.1
        ([12, *NDD], 100, 2.840012048914245),
    ],
)
def test_ndd_documentation_of_nsb(counts, outcomes, value):
    found = estimators.entropy(xent.Counts(counts), method="nsb", outcomes=outcomes)
    assert found.value == pytest.approx(value, rel=1e-10)


def test_ndd_documentation_of_the_posterior_deviation():
    # ndd, docstring of ndd.entropy with return_std, after its integration became coarser: (2.8060922529931225,
    # 0.11945501149743358). Where both are exact to 1e-10 is in tests/estimators, against mpmath.
    found = estimators.entropy(xent.Counts(NDD), method="nsb", outcomes=100)
    assert found.value == pytest.approx(2.8060922529931225, rel=3e-6)
    assert found.standard_error == pytest.approx(0.11945501149743358, rel=3e-4)


def test_r_package_entropy_documentation_of_nsb():
    # Hausser and Strimmer's `entropy`, example of entropy.NSB: 2.187774
    counts = xent.Counts([4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1])
    assert estimators.entropy(counts, method="nsb").value == pytest.approx(2.187774, abs=1e-5)


# Noughabi and Noughabi (2013), "On the entropy estimators", J. Stat. Comput. Simul. 83, tables 1 and 2, n = 50, m = 7:
# root mean squared error and standard deviation over simulations, as quoted in the tests of SciPy.
SPACINGS = {
    ("normal", "vasicek"): (0.198, 0.109),
    ("normal", "van-es"): (0.212, 0.110),
    ("normal", "correa"): (0.135, 0.112),
    ("normal", "ebrahimi"): (0.128, 0.109),
    ("exponential", "vasicek"): (0.194, 0.148),
    ("exponential", "van-es"): (0.179, 0.149),
    ("exponential", "correa"): (0.155, 0.152),
    ("exponential", "ebrahimi"): (0.151, 0.148),
}


@pytest.mark.parametrize(("law", "method"), list(SPACINGS))
def test_noughabi_errors_of_spacings(law, method):
    rng = np.random.default_rng(0)
    draws = rng.standard_normal((10000, 50)) if law == "normal" else rng.standard_exponential((10000, 50))
    truth = xent.entropy(stats.norm() if law == "normal" else stats.expon())
    found = estimators.entropy(xent.Samples(draws), method=method, window=7, axis=-1).value
    rmse, deviation = SPACINGS[law, method]
    assert math.sqrt(np.mean((found - truth) ** 2)) == pytest.approx(rmse, abs=0.005)
    assert np.std(found) == pytest.approx(deviation, abs=0.005)
