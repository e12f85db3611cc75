"""Entropy and KL of families of distributions in mpmath, for the parameters as given, and the grids that are tried."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import mpmath
import numpy as np
import torch.distributions as td
from mpmath import euler, exp, fsum, log, loggamma, mpf, pi, psi, sqrt
from scipy import stats

NEAR = (1.0, 1 + 1e-12, 1 + 1e-8, 1 + 1e-3)
SIZES = (1e-150, 1e-8, 1.0, 3.7, 1e8, 1e150)
SHAPES = (0.01, 0.5, 1.0, 3.7, 1e3, 1e8, 1e14)
CHANCES = (1e-300, 1e-9, 0.1, 0.5, 0.9, 1 - 1e-12)


class Case(NamedTuple):
    """A family: pairs of parameters, its formulas of exact parameters, and how the libraries are told."""

    name: str
    pairs: list[tuple[tuple[Any, ...], tuple[Any, ...]]]
    entropy: Callable[..., Any]
    kl: Callable[[Any, Any], Any] | None
    scipy: Callable[..., Any] | None
    torch: Callable[..., Any] | None
    scipy_exact: Callable[..., Any] = lambda *p: p
    torch_exact: Callable[..., Any] = lambda *p: p


def exact(parameters: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        mpf(float(a)) if np.ndim(a) == 0 else np.vectorize(lambda x: mpf(float(x)), otypes=[object])(a)
        for a in parameters
    )


def t(*parameters: Any) -> list[Any]:
    import torch

    return [torch.tensor(np.asarray(a, dtype=np.float64)) for a in parameters]


def gap(r: Any) -> Any:
    return r - 1 - log(r)


def chance_gap(p: Any, q: Any) -> Any:
    return p * log(p / q) + (1 - p) * log((1 - p) / (1 - q))


def log_beta(a: Any) -> Any:
    return fsum(loggamma(x) for x in a) - loggamma(fsum(a))


def dirichlet_kl(a: Any, b: Any) -> Any:
    mean = psi(0, fsum(a))
    return log_beta(b) - log_beta(a) + fsum((x - y) * (psi(0, x) - mean) for x, y in zip(a, b, strict=True))


def dirichlet_entropy(a: Any) -> Any:
    mean = psi(0, fsum(a))
    return log_beta(a) - fsum((x - 1) * (psi(0, x) - mean) for x in a)


def gamma_kl(p: Any, q: Any) -> Any:
    (a, s), (b, u) = p, q
    return loggamma(b) - loggamma(a) + (a - b) * psi(0, a) + a * (s / u - 1) + b * log(u / s)


def gamma_entropy(a: Any, s: Any) -> Any:
    return a + log(s) + loggamma(a) + (1 - a) * psi(0, a)


def inverse_gamma_entropy(a: Any, s: Any) -> Any:
    return a + log(s) + loggamma(a) - (1 + a) * psi(0, a)


def normal_kl(p: Any, q: Any) -> Any:
    return (gap((p[1] / q[1]) ** 2) + ((p[0] - q[0]) / q[1]) ** 2) / 2


def normal_entropy(_: Any, s: Any) -> Any:
    return log(s) + (log(2 * pi) + 1) / 2


def laplace_kl(p: Any, q: Any) -> Any:
    d = abs(p[0] - q[0])
    return log(q[1] / p[1]) + (p[1] * exp(-d / p[1]) + d) / q[1] - 1


def gumbel_kl(p: Any, q: Any) -> Any:
    power, shift = p[1] / q[1], (q[0] - p[0]) / q[1]
    return exp(shift + loggamma(1 + power)) - 1 - shift - log(power) + euler * (power - 1)


def weibull_kl(p: Any, q: Any) -> Any:
    power, shift = q[0] / p[0], q[0] * log(p[1] / q[1])
    return exp(shift + loggamma(1 + power)) - 1 - shift - log(power) + euler * (power - 1)


def student_entropy(df: Any, _: Any, s: Any) -> Any:
    x = df / 2
    half = mpf(1) / 2
    size = log(2 * x) / 2 + loggamma(x) + log(pi) / 2 - loggamma(x + half) + log(s)
    return (x + half) * (psi(0, x + half) - psi(0, x)) + size


def von_mises_entropy(_: Any, k: Any) -> Any:
    return log(2 * pi * mpmath.besseli(0, k)) - k * mpmath.besseli(1, k) / mpmath.besseli(0, k)


def von_mises_kl(p: Any, q: Any) -> Any:
    slope = mpmath.besseli(1, p[1]) / mpmath.besseli(0, p[1])
    return log(mpmath.besseli(0, q[1]) / mpmath.besseli(0, p[1])) + slope * (p[1] - q[1] * mpmath.cos(p[0] - q[0]))


def sum_entropy(terms: Any) -> Any:
    return fsum(-f * log(f) for f in terms if f)


def poisson_entropy(r: Any) -> Any:
    if r > 2000:  # Evans and Boersma (1988), SIAM Review 30, 314; the next term is O(r^-5)
        least = 1 / (12 * r) + 1 / (24 * r**2) + 19 / (360 * r**3) + 9 / (80 * r**4)
        return log(2 * pi * mpmath.e * r) / 2 - least
    terms, term = [], exp(-r)
    for k in range(int(r + 40 * sqrt(r) + 80)):
        terms.append(term)
        term *= r / (k + 1)
    return sum_entropy(terms)


def binomial_entropy(n: Any, p: Any) -> Any:
    terms, term = [], (1 - p) ** n
    for k in range(int(n) + 1):
        terms.append(term)
        term *= p / (1 - p) * (n - k) / (k + 1)
    return sum_entropy(terms)


def negative_binomial_entropy(n: Any, p: Any) -> Any:
    terms, term, k = [], p**n, 0
    while k < 20 or term > mpf(10) ** -40:
        terms.append(term)
        term *= (1 - p) * (n + k) / (k + 1)
        k += 1
    return sum_entropy(terms)


def matrix(a: Any) -> Any:
    return mpmath.matrix(a.tolist())


def log_det(a: Any) -> Any:
    return log(mpmath.det(matrix(a)))


def normals_kl(p: Any, q: Any) -> Any:
    d, gone = len(p[0]), mpmath.matrix((p[0] - q[0]).tolist())
    inverse = matrix(q[1]) ** -1
    trace = fsum((inverse * matrix(p[1]))[i, i] for i in range(d))
    return (trace - d + (gone.T * inverse * gone)[0] + log_det(q[1]) - log_det(p[1])) / 2


def normals_entropy(m: Any, c: Any) -> Any:
    return (log_det(c) + len(m) * (1 + log(2 * pi))) / 2


def many_log_gamma(x: Any, d: int) -> Any:
    return d * (d - 1) * log(pi) / 4 + fsum(loggamma(x - mpf(j) / 2) for j in range(d))


def many_psi(x: Any, d: int) -> Any:
    return fsum(psi(0, x - mpf(j) / 2) for j in range(d))


def wishart_kl(p: Any, q: Any) -> Any:
    (n, s), (m, u) = p, q
    d, ratio = len(s), matrix(u) ** -1 * matrix(s)
    trace = fsum(ratio[i, i] for i in range(d))
    found = m / 2 * (log_det(u) - log_det(s)) + n / 2 * (trace - d)
    return found + many_log_gamma(m / 2, d) - many_log_gamma(n / 2, d) + (n - m) / 2 * many_psi(n / 2, d)


def wishart_entropy(n: Any, s: Any) -> Any:
    d = len(s)
    size = (d + 1) * log_det(s) / 2 + mpf(d * (d + 1)) / 2 * log(2)
    return size + many_log_gamma(n / 2, d) - (n - d - 1) / 2 * many_psi(n / 2, d) + n * d / 2


# -- grids -------------------------------------------------------------------------------------------------------------


def located(sizes: Any = SIZES) -> list[Any]:
    """Places and scales: tiny, huge, near-equal, with shifts in units of the model's scale."""
    pairs = [((0.0, s), (0.0, u)) for s in sizes for u in sizes]
    return pairs + [((0.0, s), (x * s, s * e)) for s in sizes for e in NEAR for x in (0.0, 1e-9, 3.0)]


def shaped(shapes: Any = SHAPES, ratios: Any = ((1.0, 1.0), (0.1, 3.7))) -> list[Any]:
    """Shapes and scales: all against all, and near-equal."""
    pairs = [((a, s), (b, u)) for a in shapes for b in shapes for s, u in ratios]
    return pairs + [((a, 3.7), (a * e, 3.7 * g)) for a in shapes for e in NEAR for g in NEAR]


def one(values: Any) -> list[Any]:
    return [((a,), (b,)) for a, b in product(values, values)] + [((a,), (a * e,)) for a in values for e in NEAR]


def points(rng: Any, spread: Any) -> list[Any]:
    found = []
    for _, e in product(range(4), (1e-12, 1e-8, 1e-3, 1.0)):
        root = np.tril(rng.normal(size=(3, 3))) + 3 * np.eye(3)
        p, q = root @ root.T, (root * (1 + e * np.tril(rng.normal(size=(3, 3))) / 4))
        found.append(spread(rng, p, (q @ q.T + (q @ q.T).T) / 2, e))
    return found


def normals(rng: Any, p: Any, q: Any, e: float) -> Any:
    m = rng.normal(size=3)
    return (m, p), (m + e * rng.normal(size=3), q)


def wisharts(rng: Any, p: Any, q: Any, e: float) -> Any:
    n = float(rng.choice([3.5, 10.0, 1000.0]))
    return (n, p), (n * (1 + e), q)


def dirichlets(rng: Any) -> list[Any]:
    found = []
    for size, e in product((0, 2, 10), (1e-12, 1e-8, 1e-3, None)):
        a = 10.0 ** rng.uniform(0, max(size, 0.5), 5)
        found.append(
            ((a,), (10.0 ** rng.uniform(0, max(size, 0.5), 5) if e is None else a * (1 + e * rng.normal(size=5)),))
        )
    return found


def tables(rng: Any) -> list[Any]:
    found = []
    for k, e in product((2, 5, 50), (1e-9, 1e-6, 1e-3, None)):
        p = rng.dirichlet(np.ones(k))
        q = rng.dirichlet(np.ones(k)) if e is None else p * (1 + e * rng.normal(size=k))
        found.append(((p,), (q / q.sum(),)))
    return found


def cases() -> list[Case]:
    rng = np.random.default_rng(0)
    chances = [((a,), (b,)) for a in CHANCES for b in CHANCES] + [((a,), (a * e,)) for a in CHANCES[:4] for e in NEAR]
    many = [((20.0, *p), (20.0, *q)) for p, q in chances if min(*p, *q) > 1e-20]
    waits = [((2.5, *p), (2.5, *q)) for p, q in chances if min(*p, *q) > 0.01]
    betas = [((a, b), (c, d)) for a in SHAPES for b in SHAPES for c, d in ((1.0, 1.0), (3.7, 1e3), (1e14, 0.5))]
    betas += [((a, b), (a * e, b * g)) for a in SHAPES[1:] for b in SHAPES[1:] for e in NEAR for g in NEAR]
    circle = [
        ((0.3, a), (0.3 + x, b * e))
        for a in (1e-8, 0.5, 3.7, 1e3)
        for b in (a, 2.0)
        for e in NEAR
        for x in (0.0, 1e-6, 1.0)
    ]
    moderate, rate = (1e-8, 1.0, 3.7, 1e8), lambda s: (1 / mpf(float(1 / s)),)
    return [
        Case("normal", located(), normal_entropy, normal_kl, stats.norm, lambda m, s: td.Normal(*t(m, s))),
        Case("lognormal", located((1e-8, 0.5, 3.7, 1e3)), lambda m, s: m + normal_entropy(m, s), normal_kl,
             None, lambda m, s: td.LogNormal(*t(m, s))),
        Case("uniform", [((0.0, a), (0.0, a * g)) for a in SIZES for g in (*NEAR, 3.0, 1e10)], lambda _, w: log(w),
             lambda p, q: log(q[1] / p[1]), stats.uniform, lambda low, w: td.Uniform(*t(low, low + w))),
        Case("exponential", one(SIZES), lambda s: 1 + log(s), lambda p, q: gap(p[0] / q[0]), lambda s: stats.expon(scale=s),
             lambda s: td.Exponential(*t(1 / s)), torch_exact=rate),
        Case("gamma", shaped(), gamma_entropy, gamma_kl, lambda a, s: stats.gamma(a, scale=s),
             lambda a, s: td.Gamma(*t(a, 1 / s)), torch_exact=lambda a, s: (a, *rate(s))),
        Case("inverse gamma", shaped(), inverse_gamma_entropy, lambda p, q: gamma_kl((p[0], 1 / p[1]), (q[0], 1 / q[1])),
             lambda a, s: stats.invgamma(a, scale=s), lambda a, s: td.InverseGamma(*t(a, s))),
        Case("beta", betas, lambda *a: dirichlet_entropy(a), dirichlet_kl, stats.beta, lambda a, b: td.Beta(*t(a, b))),
        Case("Dirichlet", dirichlets(rng), dirichlet_entropy, lambda p, q: dirichlet_kl(p[0], q[0]), stats.dirichlet,
             lambda a: td.Dirichlet(*t(a))),
        Case("Laplace", located(), lambda _, s: 1 + log(2 * s), laplace_kl, stats.laplace, lambda m, s: td.Laplace(*t(m, s))),
        Case("logistic", [((0.0, 2.0), (x, 2.0)) for x in (1e-9, 1e-3, 1.0, 4.0, 100.0, 1e5)], lambda _, s: 2 + log(s),
             lambda p, q: (q[0] - p[0]) / p[1] * mpmath.coth((q[0] - p[0]) / p[1] / 2) - 2, stats.logistic, None),
        Case("Student t", [((df, 0.0, s),) * 2 for df in (1e-3, 1.0, 3.7, 1e3, 1e8, 1e14) for s in moderate],
             student_entropy, None, stats.t, lambda *a: td.StudentT(*t(*a))),
        Case("Weibull", [x for x in shaped(SHAPES[1:]) if x[1][0] / x[0][0] < 20], lambda k, s: 1 + euler * (1 - 1 / k) + log(s / k), weibull_kl,
             lambda k, s: stats.weibull_min(k, scale=s), lambda k, s: td.Weibull(*t(s, k))),
        Case("Gumbel", [x for x in located(moderate) if x[0][1] / x[1][1] < 20], lambda _, s: log(s) + euler + 1, gumbel_kl, stats.gumbel_r,
             lambda m, s: td.Gumbel(*t(m, s))),
        Case("Pareto", [((a, 3.0), (b, 3.0)) for ((a,), (b,)) in one(SIZES)], lambda a, s: log(s / a) + 1 + 1 / a, lambda p, q: gap(q[0] / p[0]),
             lambda a, s: stats.pareto(a, scale=s), lambda a, s: td.Pareto(*t(s, a))),
        Case("von Mises", circle, von_mises_entropy, von_mises_kl, lambda m, k: stats.vonmises(k, loc=m),
             lambda m, k: td.VonMises(*t(m, k))),
        Case("multivariate normal", points(rng, normals), normals_entropy, normals_kl, stats.multivariate_normal,
             lambda m, c: td.MultivariateNormal(*t(m, c))),
        Case("Wishart", points(rng, wisharts), wishart_entropy, wishart_kl, stats.wishart, lambda n, s: td.Wishart(*t(n, s))),
        Case("Bernoulli", chances, lambda p: -p * log(p) - (1 - p) * log(1 - p), lambda p, q: chance_gap(p[0], q[0]),
             stats.bernoulli, lambda p: td.Bernoulli(*t(p))),
        Case("binomial", many, binomial_entropy, lambda p, q: p[0] * chance_gap(p[1], q[1]), stats.binom,
             lambda n, p: td.Binomial(int(n), *t(p))),
        Case("categorical", tables(rng), lambda p: sum_entropy(p / fsum(p)), lambda p, q: fsum(
             a * log(a / b) - a + b for a, b in zip(p[0], q[0], strict=True)), None,
             lambda p: td.Categorical(*t(p)), torch_exact=lambda p: (td.Categorical(*t(p)).probs.numpy(),)),
        Case("geometric", chances, lambda p: -log(p) - (1 - p) / p * log(1 - p), lambda p, q: chance_gap(p[0], q[0]) / p[0],
             stats.geom, lambda p: td.Geometric(*t(p))),
        Case("Poisson", one((1e-150, 1e-8, 0.9, 37.0, 150.0, 1e6, 1e15)), poisson_entropy,
             lambda p, q: p[0] * log(p[0] / q[0]) - p[0] + q[0], stats.poisson, lambda r: td.Poisson(*t(r))),
        Case("negative binomial", waits, negative_binomial_entropy, lambda p, q: p[0] * chance_gap(p[1], q[1]) / p[1],
             stats.nbinom, lambda n, p: td.NegativeBinomial(*t(n, 1 - p)), torch_exact=lambda n, p: (n, 1 - mpf(1 - p))),
    ]  # fmt: skip
