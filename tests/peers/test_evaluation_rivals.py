"""`xent.evaluate` beside scikit-learn and statsmodels: the same skill, maps and tests by other people's code."""

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import d2_log_loss_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import xent


def split(load):
    x, y = load(return_X_y=True)
    return train_test_split(x, y, test_size=0.5, random_state=0, stratify=y)


def linear_model(x, y):
    return make_pipeline(StandardScaler(), LogisticRegression(C=100.0, max_iter=2000)).fit(x, y)


@pytest.fixture(name="cancer")
def _cancer():
    """Held-out outcomes, and a model that is over-confident about them."""
    x, held, y, outcomes = split(load_breast_cancer)
    return linear_model(x, y), held, outcomes


@pytest.fixture(name="digits")
def _digits():
    x, held, y, outcomes = split(load_digits)
    return linear_model(x, y), held, outcomes


def test_log_loss_and_d2_log_loss_score(cancer, digits):
    for model, x, y in (cancer, digits):
        q = model.predict_proba(x)
        found = xent.evaluate(y, q)
        assert found.cross_entropy.value == pytest.approx(log_loss(y, q), rel=1e-12)
        assert found.skill.value == pytest.approx(d2_log_loss_score(y, q), rel=1e-12)


def test_d2_log_loss_score_with_weights(digits):
    model, x, y = digits
    q = model.predict_proba(x)
    weight = np.random.default_rng(0).gamma(2.0, size=len(y))
    found = xent.evaluate(y, q, weight=weight)
    assert found.skill.value == pytest.approx(d2_log_loss_score(y, q, sample_weight=weight), rel=1e-12)


def test_temperature_scaling(digits):
    model, x, y = digits
    theirs = CalibratedClassifierCV(FrozenEstimator(model), method="temperature", ensemble=False).fit(x, y)
    calibrator = theirs.calibrated_classifiers_[0].calibrators[0]
    q = model.predict_proba(x)
    found = xent.evaluate(y, xent.LogProbs(np.log(q)))
    assert found.recalibration.parameters["temperature"] == pytest.approx(1 / calibrator.beta_, rel=1e-4)
    after = log_loss(y, theirs.predict_proba(x))
    # Theirs is found to a tolerance, ours is the minimum: never larger, and hardly smaller.
    ours = found.cross_entropy.value - found.miscalibration
    assert after - 1e-6 <= ours <= after + 1e-12


def test_platt_scaling(cancer):
    # Platt (1999) fits to smoothed labels, which are soft labels here; sigmoid(-(a f + b)) is their map.
    model, x, y = cancer
    theirs = CalibratedClassifierCV(FrozenEstimator(model), method="sigmoid", ensemble=False).fit(x, y)
    calibrator = theirs.calibrated_classifiers_[0].calibrators[0]
    positive, negative = int(y.sum()), int((1 - y).sum())
    soft = np.where(y == 1, (positive + 1) / (positive + 2), 1 / (negative + 2))
    found = xent.evaluate(xent.Probs(soft), xent.Logits(model.decision_function(x)))
    assert found.recalibration.parameters["slope"] == pytest.approx(-calibrator.a_, rel=1e-3)
    assert found.recalibration.parameters["intercept"] == pytest.approx(-calibrator.b_, rel=1e-2, abs=1e-3)


def test_isotonic_calibration(cancer):
    model, x, y = cancer
    theirs = CalibratedClassifierCV(FrozenEstimator(model), method="isotonic", ensemble=False).fit(x, y)
    q = model.predict_proba(x)[:, 1]
    found = xent.evaluate(y, q)
    assert found.isotonic is not None
    fitted = theirs.calibrated_classifiers_[0].calibrators[0].predict(model.decision_function(x))
    after = -np.mean(np.log(np.where(y == 1, fitted, 1 - fitted)))
    assert found.cross_entropy.value - found.isotonic.miscalibration == pytest.approx(after, rel=1e-12)


def test_gaussian_naive_bayes_is_over_confident():
    x, held, y, outcomes = split(load_breast_cancer)
    found = xent.evaluate(outcomes, xent.LogProbs(GaussianNB().fit(x, y).predict_log_proba(held)))
    assert found.recalibration.parameters["slope"] < 0.5
    assert found.recalibration.gain.low > 0


def test_statsmodels_logistic_regression_on_the_logit(cancer):
    model, x, y = cancer
    z = model.decision_function(x)
    found = xent.evaluate(y, xent.Logits(z))
    fit = sm.Logit(y, sm.add_constant(z)).fit(disp=0, tol=1e-12)
    assert found.recalibration.parameters["intercept"] == pytest.approx(fit.params[0], rel=1e-7)
    assert found.recalibration.parameters["slope"] == pytest.approx(fit.params[1], rel=1e-7)
    statistic = 2 * (found.n * found.cross_entropy.value + fit.llf)
    assert found.recalibration.p_value == pytest.approx(scipy.stats.chi2.sf(statistic, 2), rel=1e-8)


def test_statsmodels_weighted_fit(cancer):
    model, x, y = cancer
    z = model.decision_function(x)
    weight = np.random.default_rng(1).integers(1, 5, len(y))
    found = xent.evaluate(y, xent.Logits(z), weight=weight)
    family = sm.families.Binomial()
    fit = sm.GLM(y, sm.add_constant(z), family=family, freq_weights=weight).fit(tol=1e-13)
    assert found.recalibration.parameters["slope"] == pytest.approx(fit.params[1], rel=1e-7)
    assert found.recalibration.parameters["intercept"] == pytest.approx(fit.params[0], rel=1e-7)


def test_statsmodels_cluster_robust_mean(cancer):
    # The mean loss is a regression on a constant; its cluster-robust error with the factor G/(G-1) alone is ours.
    model, x, y = cancer
    z = model.decision_function(x)
    loss = np.logaddexp(0.0, np.where(y == 1, -z, z))
    cluster = np.arange(len(y)) // 7
    found = xent.evaluate(y, xent.Logits(z), cluster=cluster)
    fit = sm.OLS(loss, np.ones(len(y))).fit(cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False})
    groups = cluster.max() + 1
    assert found.cross_entropy.value == pytest.approx(fit.params[0], rel=1e-13)
    assert found.cross_entropy.se == pytest.approx(fit.bse[0] * np.sqrt(groups / (groups - 1)), rel=1e-12)
