"""Closed forms, one file a family. `FORMULAS` has what each family knows, `PAIRS` what two different ones do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xent.distributions.families import (
    bernoulli,
    categorical,
    exponential,
    laplace,
    multivariate_normal,
    normal,
    poisson,
    product,
    uniform,
)
from xent.distributions.families._formulas import Formulas

FORMULAS: dict[str, Formulas] = {
    "normal": normal.NORMAL,
    "lognormal": normal.LOGNORMAL,
    "multivariate_normal": multivariate_normal.FORMULAS,
    "uniform": uniform.FORMULAS,
    "exponential": exponential.EXPONENTIAL,
    "pareto": exponential.PARETO,
    "laplace": laplace.LAPLACE,
    "logistic": laplace.LOGISTIC,
    "bernoulli": bernoulli.BERNOULLI,
    "binomial": bernoulli.BINOMIAL,
    "geometric": bernoulli.GEOMETRIC,
    "negative_binomial": bernoulli.NEGATIVE_BINOMIAL,
    "categorical": categorical.FORMULAS,
    "poisson": poisson.FORMULAS,
}

# KL of a member of one family under one of another: (family of p, family of q) -> kl(xp, p, q).
PAIRS: dict[tuple[str, str], Callable[[Any, Any, Any], Any]] = {
    ("uniform", "normal"): normal.uniform_under_normal,
    ("product", "multivariate_normal"): multivariate_normal.of_product,
    ("multivariate_normal", "product"): multivariate_normal.under_product,
    ("laplace", "normal"): normal.laplace_under_normal,
    ("uniform", "exponential"): exponential.uniform_under_exponential,
}

FORMULAS["product"] = product.formulas(FORMULAS.get, lambda p, q: PAIRS.get((p, q)))
