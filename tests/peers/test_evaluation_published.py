"""Fit statistics and scores that others have published, each with its source, against `xent.evaluate`.

The deviance of a fitted model is 2 n times the cross-entropy of its fitted probabilities; the null deviance is 2 n
times the label entropy; McFadden's R² is the skill. A single covariate taken as a logit makes the recalibration map
the logistic regression on it, so published coefficients check the fit.
"""

import numpy as np
import pytest
import statsmodels.api as api

import xent


def fitted_deviance(evaluation):
    """Deviance after the recalibration map: that of the logistic regression on the logit."""
    return 2 * evaluation.n * (evaluation.uncertainty - evaluation.discrimination)


def null_deviance(evaluation):
    return 2 * evaluation.n * evaluation.uncertainty


def test_spector_and_mazzeo_logit():
    # Greene, Econometric Analysis, example on the Spector and Mazzeo (1980) data, and the statsmodels documentation
    # ("Discrete Choice Models"): log-likelihood -12.890, LL-null -20.592, pseudo R² 0.3740.
    data = api.datasets.spector.load_pandas()
    design = api.add_constant(data.exog)
    fit = api.Logit(data.endog, design).fit(disp=0)
    found = xent.evaluate(data.endog.to_numpy(), fit.predict(design).to_numpy())
    assert round(-found.n * found.cross_entropy.value, 3) == -12.890
    assert round(-found.n * found.uncertainty, 3) == -20.592
    assert round(found.skill.value, 4) == 0.3740
    assert found.skill.value == pytest.approx(fit.prsquared, rel=1e-8)  # its null model is fitted by iteration
    assert -found.n * found.cross_entropy.value == pytest.approx(fit.llf, rel=1e-13)
    # A maximum likelihood fit leaves nothing to mend.
    assert found.recalibration.parameters == pytest.approx({"slope": 1.0, "intercept": 0.0}, abs=1e-8)
    assert found.recalibration.p_value == pytest.approx(1.0, abs=1e-8)


def test_spector_and_mazzeo_probit():
    # The same sources: probit log-likelihood -12.819, pseudo R² 0.3775.
    data = api.datasets.spector.load_pandas()
    design = api.add_constant(data.exog)
    found = xent.evaluate(data.endog.to_numpy(), api.Probit(data.endog, design).fit(disp=0).predict(design).to_numpy())
    assert round(-found.n * found.cross_entropy.value, 3) == -12.819
    assert round(found.skill.value, 4) == 0.3775


def test_american_national_election_studies_1996():
    # statsmodels documentation, multinomial logit of party identification: log-likelihood -1461.9, LL-null -1750.3,
    # pseudo R² 0.1648, 944 observations of seven classes.
    data = api.datasets.anes96.load_pandas()
    design = api.add_constant(data.exog, prepend=False)
    fit = api.MNLogit(data.endog, design).fit(disp=0)
    found = xent.evaluate(data.endog.to_numpy(), np.asarray(fit.predict(design)))
    assert (found.n, len(found.classes)) == (944, 7)
    assert round(-found.n * found.cross_entropy.value, 1) == -1461.9
    assert round(-found.n * found.uncertainty, 1) == -1750.3
    assert round(found.skill.value, 4) == 0.1648
    assert found.recalibration.parameters["temperature"] == pytest.approx(1.0, abs=1e-6)


def test_space_shuttle_o_rings():
    # Dalal, Fowlkes and Hoadley, "Risk analysis of the space shuttle", JASA 84, 1989, the 23 flights before Challenger:
    # at least one O-ring in distress against temperature (°F): intercept 15.043, slope -0.2322, deviance 20.315; the
    # null deviance 28.267 is that of 7 in 23.
    temperature = [66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58]
    distress = [0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1]
    found = xent.evaluate(distress, xent.Logits(-np.array(temperature, dtype=float)))
    assert round(found.recalibration.parameters["slope"], 4) == 0.2322
    assert round(found.recalibration.parameters["intercept"], 3) == 15.043
    assert round(fitted_deviance(found), 3) == 20.315
    assert round(null_deviance(found), 3) == 28.267


def test_motor_trend_transmissions():
    # The regression of transmission on weight in the 1974 Motor Trend data as R prints it, glm(am ~ wt, binomial,
    # mtcars): intercept 12.040, slope -4.024, null deviance 43.230, residual deviance 19.176.
    weight = [2.620, 2.875, 2.320, 3.215, 3.440, 3.460, 3.570, 3.190, 3.150, 3.440, 3.440, 4.070, 3.730, 3.780, 5.250]
    weight += [5.424, 5.345, 2.200, 1.615, 1.835, 2.465, 3.520, 3.435, 3.840, 3.845, 1.935, 2.140, 1.513, 3.170, 2.770]
    weight += [3.570, 2.780]
    manual = [1] * 3 + [0] * 14 + [1] * 3 + [0] * 5 + [1] * 7
    found = xent.evaluate(manual, xent.Logits(-np.array(weight)))
    assert round(found.recalibration.parameters["slope"], 3) == 4.024
    assert round(found.recalibration.parameters["intercept"], 3) == 12.040
    assert round(fitted_deviance(found), 3) == 19.176
    assert round(null_deviance(found), 3) == 43.230


TITANIC = [  # Dawson, "The 'unusual episode' data revisited", J. Statistics Education 3(3), 1995: died, survived
    *(("1st", "m", "adult", 118, 57), ("1st", "m", "child", 0, 5), ("1st", "f", "adult", 4, 140)),
    *(("1st", "f", "child", 0, 1), ("2nd", "m", "adult", 154, 14), ("2nd", "m", "child", 0, 11)),
    *(("2nd", "f", "adult", 13, 80), ("2nd", "f", "child", 0, 13), ("3rd", "m", "adult", 387, 75)),
    *(("3rd", "m", "child", 35, 13), ("3rd", "f", "adult", 89, 76), ("3rd", "f", "child", 17, 14)),
    *(("crew", "m", "adult", 670, 192), ("crew", "f", "adult", 3, 20)),
]


def test_titanic():
    # R's glm on its data set Titanic, Survived ~ Class + Sex + Age, as in textbooks: null deviance 2769.5 on 2200
    # degrees of freedom, residual deviance 2210.1.
    people = [(*group[:3], outcome) for group in TITANIC for outcome in (0, 1) for _ in range(group[3 + outcome])]
    survived = np.array([row[3] for row in people])
    columns = [[1.0, c == "2nd", c == "3rd", c == "crew", s == "f", a == "child"] for c, s, a, _ in people]
    design = np.array(columns, dtype=float)
    found = xent.evaluate(survived, api.Logit(survived, design).fit(disp=0).predict(design))
    assert found.n == 2201
    assert round(null_deviance(found), 1) == 2769.5
    assert round(2 * found.n * found.cross_entropy.value, 1) == 2210.1
    # Weights say the same as rows: one row a group and outcome.
    rows = sorted(set(people))
    counts = [people.count(row) for row in rows]
    some = np.array([[1.0, c == "2nd", c == "3rd", c == "crew", s == "f", a == "child"] for c, s, a, _ in rows], float)
    q = api.Logit(survived, design).fit(disp=0).predict(some)
    weighted = xent.evaluate([row[3] for row in rows], q, weight=counts)
    assert weighted.cross_entropy.value == pytest.approx(found.cross_entropy.value, rel=1e-13)


def test_low_birth_weight_prior():
    # Hosmer and Lemeshow, Applied Logistic Regression, low birth weight study: 59 of 189; R prints the null deviance
    # of glm(low ~ ., birthwt) as 234.67.
    found = xent.evaluate([1] * 59 + [0] * 130, np.full(189, 0.5))
    assert round(null_deviance(found), 2) == 234.67
    assert found.cross_entropy.value == pytest.approx(np.log(2), rel=1e-15)


def test_scikit_learn_documented_log_losses():
    # scikit-learn user guide, "Log loss": 0.1738...; reference of `log_loss`: 0.21616...
    guide = xent.evaluate([0, 0, 1, 1], [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.01, 0.99]])
    assert round(guide.cross_entropy.value, 4) == 0.1738
    named = xent.evaluate(
        ["spam", "ham", "ham", "spam"],
        [[0.1, 0.9], [0.9, 0.1], [0.8, 0.2], [0.35, 0.65]],
        classes=["ham", "spam"],
    )
    assert round(named.cross_entropy.value, 5) == 0.21616


def test_scikit_learn_documented_brier_and_auc():
    # scikit-learn reference, `brier_score_loss`: 0.0375; `roc_auc_score` in the user guide: 0.75.
    assert xent.evaluate([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3]).also.brier == pytest.approx(0.0375, rel=1e-14)
    assert xent.evaluate([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).also.auc == 0.75


def test_good_coin_is_one_bit():
    # Good, "Rational decisions", JRSS B 14, 1952: the forecaster who always says one half loses one bit an event.
    found = xent.evaluate([0, 1, 1, 0, 1], [0.5] * 5, unit="bits")
    assert found.cross_entropy.value == 1.0
