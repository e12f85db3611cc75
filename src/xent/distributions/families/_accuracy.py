"""How far the closed forms of special functions are from the truth at most, in units in the last place; tests take it.

Of KL, and of Rényi divergences for alpha from 0 to 1: ulp of the value, whatever its size. Of entropies and cross-
entropies: ulp of the largest of 1, the value, and the terms of the steadier of two sums that give it, for they pass
through 0. Of Dirichlet (and beta) divergences the number is for concentrations from 0.1 on; with smaller ones it is
`TINY`. Of Wishart divergences the number is for df to 1e3; beyond the root of df enters. Of Weibull and Gumbel
divergences beyond e it is the number times the logarithm of the value: they grow as e^t.
"""

from __future__ import annotations

ULP: dict[str, dict[str, float]] = {
    "beta": {"entropy": 3.0, "kl": 10.0, "cross_entropy": 12.0, "renyi": 10.0},
    "dirichlet": {"entropy": 3.0, "kl": 10.0, "cross_entropy": 12.0, "renyi": 10.0},
    "gamma": {"entropy": 3.0, "kl": 6.0, "cross_entropy": 6.0, "renyi": 6.0},
    "gumbel": {"entropy": 2.0, "kl": 6.0},
    "gumbel_min": {"entropy": 2.0, "kl": 6.0},
    "inverse_gamma": {"entropy": 3.0, "kl": 6.0, "cross_entropy": 6.0, "renyi": 6.0},
    "student_t": {"entropy": 4.0},
    "von_mises": {"entropy": 3.0, "kl": 6.0},
    "weibull": {"entropy": 2.0, "kl": 6.0},
    "wishart": {"entropy": 6.0, "kl": 12.0},
}
TINY = 64.0
