"""Do error bounds of quadrature hold, and do standard errors of Monte Carlo cover?"""

from __future__ import annotations

import math
import statistics
import warnings
from typing import Any

import mpmath
import numpy as np
import scipy.integrate
from scipy import stats

import xent

_loggamma = mpmath.memoize(mpmath.loggamma)

# name -> the log density in mpmath of (x, *shapes, loc, scale), all of the line but those of the half line below
LOGS: dict[str, Any] = {
    "norm": lambda z: -z * z / 2 - mpmath.log(2 * mpmath.pi) / 2,
    "laplace": lambda z: -abs(z) - mpmath.log(2),
    "logistic": lambda z: -2 * mpmath.log(2 * mpmath.cosh(z / 2)),
    "gumbel_r": lambda z: -z - mpmath.exp(-z) if z > -50 else -mpmath.mpf(10) ** 20,  # exp(exp(x)) takes for ever
    "hypsecant": lambda z: -mpmath.log(mpmath.pi * mpmath.cosh(z)),
    "cauchy": lambda z: -mpmath.log(mpmath.pi * (1 + z * z)),
    "t": lambda z, df: _loggamma((df + 1) / 2) - _loggamma(df / 2) - mpmath.log(df * mpmath.pi) / 2
    - (df + 1) / 2 * mpmath.log1p(z * z / df),
    "expon": lambda z: -z,
    "gamma": lambda z, a: (a - 1) * mpmath.log(z) - z - _loggamma(a),
    "weibull_min": lambda z, c: mpmath.log(c) + (c - 1) * mpmath.log(z) - z**c,
    "lognorm": lambda z, s: -(mpmath.log(z) / s) ** 2 / 2 - mpmath.log(s * z * mpmath.sqrt(2 * mpmath.pi)),
    "rayleigh": lambda z: mpmath.log(z) - z * z / 2,
}  # fmt: skip
LINE = [("norm",), ("laplace",), ("logistic",), ("gumbel_r",), ("hypsecant",), ("t", 5.0)]
MODELS = [*LINE[:3], ("hypsecant",), ("t", 5.0), ("cauchy",)]
HALF = [("expon",), ("gamma", 2.5), ("weibull_min", 1.5), ("lognorm", 0.5), ("rayleigh",)]
Member = tuple[str, tuple[float, ...], float, float]


def frozen(member: Member) -> Any:
    name, shapes, loc, scale = member
    return getattr(stats, name)(*shapes, loc=loc, scale=scale)


def truth(p: Member, q: Member) -> Any:
    """KL in mpmath between quantiles of p and beyond, in pieces of half a scale near the kinks."""

    def logs(member: Member, x: Any) -> Any:
        name, shapes, loc, scale = member
        return LOGS[name]((x - mpmath.mpf(loc)) / mpmath.mpf(scale), *map(mpmath.mpf, shapes)) - mpmath.log(
            mpmath.mpf(scale)
        )

    def term(x: Any) -> Any:
        mine = logs(p, x)
        return mpmath.exp(mine) * (mine - logs(q, x))

    law = frozen(p)
    low, high = law.support()
    inner = [float(law.ppf(u)) for u in (1e-12, 1e-6, 1e-3, 0.03, 0.2, 0.5, 0.8, 0.97, 0.999)]
    inner += [float(law.isf(u)) for u in (1e-6, 1e-12)]
    inner += [x for x in (p[2], q[2]) if low < x < high]
    ends = [mpmath.mpf(low) if math.isfinite(low) else -mpmath.inf, mpmath.inf]
    value, error = mpmath.quad(term, [ends[0], *sorted(set(inner)), ends[1]], error=True, maxdegree=6)
    return value if error < 1e-17 * max(1e-3, abs(value)) else None


def pairs(quick: bool) -> list[tuple[Member, Member]]:
    """Two of the line or of the half line; narrow and far from 0, near-equal, and much wider models."""
    found: list[tuple[Member, Member]] = []
    for (first, *a), (second, *b) in [(p, q) for p in LINE for q in MODELS]:
        for loc, scale, shift, growth in ((0.0, 1.0, 0.5, 1.5), (1e6, 1e-3, 0.3, 2.0), (-3.0, 50.0, 0.0, 1.0)):
            if first == second and shift == 0.0:
                growth = 1 + 1e-4
            found.append(((first, tuple(a), loc, scale), (second, tuple(b), loc + shift * scale, scale * growth)))
    for (first, *a), (second, *b) in [(p, q) for p in HALF for q in HALF]:
        for scale, growth in ((1.0, 2.0), (1e-5, 3.0)):
            if (first, second) in (("gamma", "rayleigh"), ("expon", "rayleigh"), ("lognorm", "rayleigh")):
                growth *= 2
            found.append(((first, tuple(a), 0.0, scale), (second, tuple(b), 0.0, scale * growth)))
    return found[::10] if quick else [pair for i, pair in enumerate(found) if i % 4 == 0]


def quadrature(quick: bool) -> dict[str, Any]:
    rows, unknown, refused = [], 0, 0
    for p, q in pairs(quick):
        with mpmath.workdps(22):
            exact = truth(p, q)
        if exact is None:
            unknown += 1
            continue
        P, Q = frozen(p), frozen(q)
        try:
            found = xent.kl_divergence(P, Q, method="quadrature", details=True)
        except (xent.DistributionError, xent.NotConverged) as error:
            refused += 1
            print("refused:", p, q, error, flush=True)
            continue
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            peer, error = scipy.integrate.quad(lambda x, P=P, Q=Q: P.pdf(x) * (P.logpdf(x) - Q.logpdf(x)), *P.support())
        rows.append({
            "p": repr(p), "q": repr(q), "truth": float(exact), "n": found.n,
            "off": float(abs(exact - float(found.value))), "bound": float(found.error_bound),
            "quad_off": float(abs(exact - peer)) if math.isfinite(peer) else math.inf,
            "quad_bound": float(error) if math.isfinite(error) else 0.0,
        })  # fmt: skip
    summary = {
        "pairs": len(rows),
        "no_truth": unknown,
        "refused": refused,
        "holds": sum(r["off"] <= r["bound"] for r in rows),
        "median_bound": statistics.median(r["bound"] / abs(r["truth"]) for r in rows),
        "largest_bound": max(r["bound"] / abs(r["truth"]) for r in rows),
        "largest_error": max(r["off"] / abs(r["truth"]) for r in rows),
        "places": statistics.median(r["n"] for r in rows),
        "most_places": max(r["n"] for r in rows),
        "quad_holds": sum(r["quad_off"] <= r["quad_bound"] for r in rows),
        "quad_lost": sum(not r["quad_off"] <= 0.01 * abs(r["truth"]) for r in rows),
    }
    print(summary, flush=True)
    for r in rows:
        if r["off"] > r["bound"]:
            print("BOUND DOES NOT HOLD", r)
    return {"summary": summary, "rows": rows}


# -- Monte Carlo -------------------------------------------------------------------------------------------------------


def drawn_pairs() -> list[tuple[str, Any, Any]]:
    turned = np.array([[1.0, 0.6], [0.6, 2.0]])
    return [
        ("Normal, Student t(5)", stats.norm(), stats.t(5)),
        ("Student t(10), Normal(0, 1.2)", stats.t(10), stats.norm(0, 1.2)),
        ("logistic, Normal(0.2, 2)", stats.logistic(), stats.norm(0.2, 2)),
        ("Gamma(3), lognormal", stats.gamma(3.0), stats.lognorm(0.6, scale=2.6)),
        ("Beta(2, 3), triangular", stats.beta(2, 3), stats.triang(0.4)),
        ("Normals of 2", stats.multivariate_normal([0, 0], turned), stats.multivariate_normal([0.1, 0], 1.1 * turned)),
    ]


def squared(P: Any, Q: Any) -> float:
    """The mean of k2, half of the squared log ratio, by many draws."""
    x = P.rvs(size=2**20, random_state=np.random.default_rng(99))
    ratio = P.logpdf(x) - Q.logpdf(x)
    return float(np.mean(ratio * ratio) / 2)


def monte_carlo(quick: bool) -> list[dict[str, Any]]:
    runs, rows = 40 if quick else 200, []
    for name, P, Q in drawn_pairs():
        exact = float(xent.kl_divergence(P, Q))
        row: dict[str, Any] = {"pair": name, "runs": runs, "kl": exact}
        spread = {}
        for estimator in (None, "k1", "k2", "k3"):
            centre = squared(P, Q) if estimator == "k2" else exact
            hits, values = 0, []
            for seed in range(runs):
                found = xent.kl_divergence(
                    P, Q, method="Monte Carlo", estimator=estimator, n=2048, seed=seed, details=True
                )
                hits += bool(abs(found.value - centre) <= 1.96 * found.standard_error)
                values.append(float(found.value))
            row[str(estimator)] = hits / runs
            spread[estimator] = statistics.variance(values)
        row |= {"k1_over": spread["k1"] / spread[None], "k3_over": spread["k3"] / spread[None]}
        rows.append(row)
        print(row, flush=True)
    return rows


def quadrature_text(found: dict[str, Any]) -> list[str]:
    s = found["summary"]
    return [
        (
            f"KL by quadrature of {s['pairs']} pairs of one-dimensional densities, narrow and far from 0, near-equal and wide "
            "ones among them, beside `scipy.integrate.quad` of p (log p - log q) over the support with its own settings; the truth "
            f"is mpmath at 22 digits. {s['refused']} more are refused: where SciPy's log density is the log of a number that "
            "underflows, within the support."
        ),
        "",
        "| | xent | quad |",
        "|---|---:|---:|",
        f"| the error is within the bound it states | {s['holds']} of {s['pairs']} | {s['quad_holds']} of {s['pairs']} |",
        f"| bound over value, median, largest | {s['median_bound']:.0e}, {s['largest_bound']:.0e} | |",
        f"| largest error over value | {s['largest_error']:.0e} | more than 0.01 in {s['quad_lost']} |",
        f"| places, median, most | {s['places']:.0f}, {s['most_places']} | |",
    ]


def monte_carlo_text(rows: list[dict[str, Any]]) -> list[str]:
    lines = [
        (
            f"Monte Carlo, {rows[0]['runs']} runs of 2,048 draws: how often value ± 1.96 standard errors holds the truth (of k2: its "
            "own mean), and the variance of k1 and k3 over that of the estimator without a name, with its controls:"
        ),
        "",
        "| p, q | KL | controls | k1 | k2 | k3 | k1's variance | k3's |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for r in rows:
        shares = " | ".join(f"{r[k]:.1%}" for k in ("None", "k1", "k2", "k3"))
        lines.append(f"| {r['pair']} | {r['kl']:.4f} | {shares} | {_times(r['k1_over'])} | {_times(r['k3_over'])} |")
    return lines


def _times(ratio: float) -> str:
    return f"{ratio:,.2f}x" if ratio < 10 else f"{ratio:,.0f}x" if ratio < 1e6 else f"{ratio:.0e}x"
