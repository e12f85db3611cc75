"""Accuracy, error bounds, coverage and speed of the measures of distributions; writes docs/distributions.md.

    python benchmarks/distributions.py [--quick]

Closed forms against mpmath beside SciPy and torch.distributions, quadrature beside scipy.integrate.quad, the standard
errors of Monte Carlo by simulation, and times beside peers taken alternately in one process.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import scipy
import scipy.integrate
import torch
import torch.distributions as td
from _distribution_accuracy import accuracy, number, table
from _distribution_methods import monte_carlo, monte_carlo_text, quadrature, quadrature_text
from _distribution_truths import (
    dirichlet_entropy,
    dirichlet_kl,
    gamma_entropy,
    gamma_kl,
    normal_kl,
    poisson_entropy,
    von_mises_entropy,
)
from _timing import alternate, machine, replace_section, write
from scipy import stats

import xent

QUICK = "--quick" in sys.argv
mpf = mpmath.mpf


# -- known failures ----------------------------------------------------------------------------------------------------


def scipy_quad(P: Any, Q: Any) -> Callable[[], float]:
    """KL as a user of SciPy would integrate it."""
    return lambda: scipy.integrate.quad(lambda x: P.pdf(x) * (P.logpdf(x) - Q.logpdf(x)), *P.support())[0]


def told(make: Any, *parameters: Any) -> Any:
    return make(*(torch.tensor(a, dtype=torch.float64) for a in parameters))


def both(make: Any, p: Any, q: Any) -> tuple[Any, Any]:
    return told(make, *p), told(make, *q)


def failures() -> list[dict[str, Any]]:
    near, step = 1 + 1e-10, 1 + 1e-12
    spike = stats.norm(1e6, 1e-3), stats.norm(1e6, 2e-3)
    kls = [
        ("KL(N(0, 1) ‖ N(0, 1 + 1e-12))", both(td.Normal, (0.0, 1.0), (0.0, step)), normal_kl((0, mpf(1)), (0, mpf(step)))),
        ("KL(Gamma(3) ‖ Gamma(3 (1 + 1e-10)))", both(td.Gamma, (3.0, 1.0), (3 * near, 1.0)),
         gamma_kl((mpf(3), mpf(1)), (mpf(3 * near), mpf(1)))),
        ("KL(Gamma(1e14) ‖ Gamma(1.001e14))", both(td.Gamma, (1e14, 1.0), (1.001e14, 1.0)),
         gamma_kl((mpf(1e14), mpf(1)), (mpf(1.001e14), mpf(1)))),
        ("KL(Dir(1, 2, 3) ‖ Dir(1 + 1e-12, 2, 3))", both(td.Dirichlet, ([1.0, 2.0, 3.0],), ([step, 2.0, 3.0],)),
         dirichlet_kl([mpf(1), mpf(2), mpf(3)], [mpf(step), mpf(2), mpf(3)])),
        ("KL(Beta(1e14, 1e14) ‖ Beta(1.001e14, 1.001e14))", both(td.Beta, (1e14, 1e14), (1.001e14, 1.001e14)),
         dirichlet_kl([mpf(1e14)] * 2, [mpf(1.001e14)] * 2)),
        ("KL(Poisson(1e15) ‖ Poisson(1e15 + 1))", both(td.Poisson, (1e15,), (1e15 + 1,)),
         mpf(1e15) * mpmath.log(mpf(1e15) / mpf(1e15 + 1)) + 1),
    ]  # fmt: skip
    rows = [
        (name, truth, lambda v=v: xent.kl_divergence(*v), "torch", lambda v=v: td.kl_divergence(*v))
        for name, v, truth in kls
    ]
    rows += [
        (f"KL(N(1e6, 1e-3) ‖ N(1e6, 2e-3)){how}", normal_kl((0, mpf(1e-3)), (0, mpf(2e-3))),
         lambda method=method: xent.kl_divergence(*spike, method=method), "scipy quad", scipy_quad(*spike))
        for how, method in (("", None), (", by quadrature", "quadrature"))
    ]  # fmt: skip
    entropies = [
        ("H(Poisson(1e6))", stats.poisson(1e6), poisson_entropy(mpf(1e6))),
        ("H(Poisson(1e4))", stats.poisson(1e4), poisson_entropy(mpf(1e4))),
        ("H(Beta(1e3, 1e8))", stats.beta(1e3, 1e8), dirichlet_entropy([mpf(1e3), mpf(1e8)])),
        ("H(von Mises(1e3))", stats.vonmises(1e3), von_mises_entropy(0, mpf(1e3))),
    ]
    rows += [(name, truth, lambda v=v: xent.entropy(v), "SciPy", v.entropy) for name, v, truth in entropies]
    torches = [
        ("H(Gamma(1e15))", told(td.Gamma, 1e15, 1.0), gamma_entropy(mpf(1e15), mpf(1))),
        ("H(Student t(1e14))", told(td.StudentT, 1e14), (mpmath.log(2 * mpmath.pi) + 1) / 2),
    ]
    rows += [(name, truth, lambda v=v: xent.entropy(v), "torch", v.entropy) for name, v, truth in torches]
    return [
        {"case": name, "truth": float(truth), "xent": number(ours), "peer": peer, "theirs": number(theirs)}
        for name, truth, ours, peer, theirs in rows
    ]


def failure_text(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| | truth | xent | others | |", "|---|---:|---:|---:|---|"]
    return lines + [
        f"| {r['case']} | {r['truth']:.10g} | {r['xent']:.10g} | {r['theirs']:.10g} | {r['peer']} |" for r in rows
    ]


# -- speed -------------------------------------------------------------------------------------------------------------


def timed(name: str, ours: Any, theirs: Any, peer: str, inner: int = 1) -> dict[str, Any]:
    found = alternate({"ours": ours, "peer": theirs}, seconds=0.5 if QUICK else 2.0, inner=inner)
    row = {"case": name, "ours_us": found["ours"] * 1e6, "peer_us": found["peer"] * 1e6, "peer": peer}
    print(f"{name:<40}{row['ours_us']:12.1f}{row['peer_us']:12.1f} us   {peer}", flush=True)
    return row


def speed() -> list[dict[str, Any]]:
    rng, n = np.random.default_rng(0), 10_000

    def positive(*shape: int) -> torch.Tensor:
        return torch.tensor(np.exp(rng.normal(size=shape)))

    batches = [
        ("10,000 Normals", lambda: td.Normal(positive(n), positive(n))),
        ("10,000 Gammas", lambda: td.Gamma(positive(n), positive(n))),
        ("10,000 Betas", lambda: td.Beta(positive(n), positive(n))),
        ("10,000 Dirichlets of 5", lambda: td.Dirichlet(positive(n, 5))),
        ("one Normal", lambda: td.Normal(positive(), positive())),
    ]
    rows = []
    for name, make in batches:
        p, q = make(), make()
        rows.append(timed(f"KL, {name} of torch", lambda p=p, q=q: xent.kl_divergence(p, q), lambda p=p, q=q: td.kl_divergence(p, q),
                          "torch kl_divergence", inner=20 if name.startswith("one") else 1))  # fmt: skip
    a, s = np.exp(rng.normal(size=(2, n)))
    many = stats.gamma(a, scale=s)
    rows.append(timed("entropy, 10,000 Gammas of SciPy", lambda: xent.entropy(many), many.entropy, "SciPy entropy"))
    P, Q, T = stats.norm(0, 1), stats.norm(1, 2), stats.t(5)
    rows.append(timed("KL, one Normal of SciPy", lambda: xent.kl_divergence(P, Q), scipy_quad(P, Q), "scipy quad", 5))
    rows.append(timed("entropy, one Normal of SciPy", lambda: xent.entropy(P), P.entropy, "SciPy entropy", 20))
    rows.append(
        timed("KL, Normal and Student t, quadrature", lambda: xent.kl_divergence(P, T), scipy_quad(P, T), "scipy quad")
    )
    return rows


def speed_text(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| | xent, µs | peer, µs | peer over xent | peer |", "|---|---:|---:|---:|---|"]
    for r in rows:
        ours, theirs = (f"{t:,.0f}" for t in (r["ours_us"], r["peer_us"]))
        lines.append(f"| {r['case']} | {ours} | {theirs} | {r['peer_us'] / r['ours_us']:.2f}x | {r['peer']} |")
    return lines


# -- the document ------------------------------------------------------------------------------------------------------


def document(found: dict[str, Any]) -> None:
    facts = machine()
    lines = [
        (
            f"Measured {facts['date']} at {facts['commit']}: {facts['cpu']}, Python {facts['python']}, NumPy {np.__version__}, "
            f"SciPy {scipy.__version__}, torch {torch.__version__}; regenerate with `python benchmarks/distributions.py`."
        ),
        "",
        (
            "The largest errors of closed forms over grids of parameters, tiny, ordinary, huge and near-equal, in float64, against "
            "mpmath at 60 to 700 digits. KL in units in the last place (ulp) of the value; entropies and cross-entropies, which "
            "may be 0, in ulp of the larger of the value and 1. SciPy has entropies only; an empty cell is a formula that is not "
            "there, inf a NaN or an infinity that is wrong. A peer's 5e+15 is an answer of 0, or of the wrong size."
        ),
        "",
        *table(found["accuracy"]),
        "",
        "Failures of others that users meet:",
        "",
        *failure_text(found["failures"]),
        "",
        *quadrature_text(found["quadrature"]),
        "",
        *monte_carlo_text(found["Monte Carlo"]),
        "",
        "Time of a call:",
        "",
        *speed_text(found["speed"]),
    ]
    replace_section("distributions", lines, page="distributions.md")


def main() -> None:
    found: dict[str, Any] = {"accuracy": accuracy(QUICK)}
    with mpmath.workdps(100):
        found["failures"] = failures()
    found |= {"quadrature": quadrature(QUICK), "Monte Carlo": monte_carlo(QUICK), "speed": speed()}
    if not QUICK:
        write("distributions", [{"part": name, "found": rows} for name, rows in found.items()])
        document(found)


if __name__ == "__main__":
    main()
