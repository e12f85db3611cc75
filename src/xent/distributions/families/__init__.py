"""Closed forms, one file a family. `FORMULAS` has what each family knows, `PAIRS` what two different ones do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xent.distributions.families import (
    bernoulli,
    beta,
    categorical,
    dirichlet,
    exponential,
    gamma,
    gumbel,
    inverse_gamma,
    laplace,
    multivariate_normal,
    normal,
    poisson,
    product,
    student_t,
    uniform,
    von_mises,
    weibull,
    wishart,
)
from xent.distributions.families._formulas import Formulas

FORMULAS: dict[str, Formulas] = {
    "bernoulli": bernoulli.BERNOULLI,
    "beta": beta.FORMULAS,
    "binomial": bernoulli.BINOMIAL,
    "categorical": categorical.FORMULAS,
    "dirichlet": dirichlet.FORMULAS,
    "exponential": exponential.EXPONENTIAL,
    "gamma": gamma.FORMULAS,
    "geometric": bernoulli.GEOMETRIC,
    "gumbel": gumbel.FORMULAS,
    "gumbel_min": gumbel.FORMULAS_OF_MINIMA,
    "inverse_gamma": inverse_gamma.FORMULAS,
    "laplace": laplace.LAPLACE,
    "logistic": laplace.LOGISTIC,
    "lognormal": normal.LOGNORMAL,
    "multivariate_normal": multivariate_normal.FORMULAS,
    "negative_binomial": bernoulli.NEGATIVE_BINOMIAL,
    "normal": normal.NORMAL,
    "pareto": exponential.PARETO,
    "poisson": poisson.FORMULAS,
    "student_t": student_t.FORMULAS,
    "uniform": uniform.FORMULAS,
    "von_mises": von_mises.FORMULAS,
    "weibull": weibull.FORMULAS,
    "wishart": wishart.FORMULAS,
}

# KL of a member of one family under one of another: (family of p, family of q) -> kl(xp, p, q).
PAIRS: dict[tuple[str, str], Callable[[Any, Any, Any], Any]] = {
    **gamma.PAIRS,
    **student_t.PAIRS,
    **weibull.PAIRS,
    ("uniform", "normal"): normal.uniform_under_normal,
    ("product", "multivariate_normal"): multivariate_normal.of_product,
    ("multivariate_normal", "product"): multivariate_normal.under_product,
    ("laplace", "normal"): normal.laplace_under_normal,
    ("uniform", "exponential"): exponential.uniform_under_exponential,
}

FORMULAS["product"] = product.formulas(FORMULAS.get, lambda p, q: PAIRS.get((p, q)))
