"""Closed forms, one file a family. `FORMULAS` has what each family knows, `PAIRS` what two different ones do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xent.distributions.families import (
    beta,
    dirichlet,
    gamma,
    gumbel,
    inverse_gamma,
    student_t,
    von_mises,
    weibull,
    wishart,
)
from xent.distributions.families._formulas import Formulas

FORMULAS: dict[str, Formulas] = {
    "beta": beta.FORMULAS,
    "dirichlet": dirichlet.FORMULAS,
    "gamma": gamma.FORMULAS,
    "gumbel": gumbel.FORMULAS,
    "gumbel_min": gumbel.FORMULAS_OF_MINIMA,
    "inverse_gamma": inverse_gamma.FORMULAS,
    "student_t": student_t.FORMULAS,
    "von_mises": von_mises.FORMULAS,
    "weibull": weibull.FORMULAS,
    "wishart": wishart.FORMULAS,
}

# KL of a member of one family under one of another: (family of p, family of q) -> kl(xp, p, q).
PAIRS: dict[tuple[str, str], Callable[[Any, Any, Any], Any]] = {
    **gamma.PAIRS,
    **student_t.PAIRS,
    **weibull.PAIRS,
}
