"""How right the estimators are: bias, root mean squared error and coverage of their 95 % intervals, by simulation.

    python benchmarks/estimator_quality.py [--quick]

Every case has its own seed: the same numbers whatever else is run. Writes benchmarks/results/estimator_quality.json
and the tables of docs/estimators.md; `--quick` makes a twentieth of the draws and writes nothing.
"""

from __future__ import annotations

import math
import sys
import time
import zlib

import numpy as np
import scipy.integrate
import scipy.stats
from _quality_tables import document
from _timing import machine, write

import xent
from xent import Counts, Labels, Samples, estimators

QUICK = "--quick" in sys.argv
METHODS = ("plug-in", "miller-madow", "grassberger", "chao-shen", "chao-wang-jost", "shrinkage", "dirichlet", "nsb")
POSSIBLE = ("shrinkage", "dirichlet", "nsb")
SPACINGS = ("vasicek", "van-es", "ebrahimi", "correa")


def draws(number):
    return max(number // 20, 5) if QUICK else number


def seeded(*case):
    """A generator of its own for each case."""
    return np.random.default_rng(zlib.crc32(repr(case).encode()))


def quality(part, truth, value, low=None, high=None, **case):
    """One row: what the estimates of many data sets say of an estimator. None where they have no interval."""
    value = np.asarray(value)
    finite = np.isfinite(value)
    off = value[finite] - truth
    row = {"part": part, **case, "truth": truth, "draws": len(value), "infinite": float((~finite).mean())}
    some = len(off) > 0
    row["bias"] = float(off.mean()) if some else None
    row["rmse"] = float(np.sqrt((off**2).mean())) if some else None
    covered = None if low is None else float(((np.asarray(low) <= truth) & (truth <= np.asarray(high))).mean())
    width = None if low is None else np.asarray(high) - np.asarray(low)
    row["coverage"] = covered
    row["width"] = float(np.median(width)) if width is not None and np.isfinite(np.median(width)) else None
    return row


def of_batch(part, truth, found, **case):
    return quality(part, truth, found.value, found.low, found.high, method=found.method, **case)


def of_each(part, truth, call, data, **case):
    """From one call a data set, for estimators without a batch."""
    found = [call(*each) for each in data]
    held = found[0].low is not None
    ends = ([f.low for f in found], [f.high for f in found]) if held else (None, None)
    return quality(part, truth, [f.value for f in found], *ends, method=found[0].method, **case)


# -- counts --------------------------------------------------------------------------------------------------------------


def shares(name, k):
    """The distributions that are drawn from."""
    i = np.arange(k)
    weight = {
        "uniform": np.ones(k),
        "Zipf": 1 / (i + 1),
        "geometric": np.exp(-6 * i / k),
        "peaked": np.where(i == 0, 9.0 * (k - 1), 1.0),
        "Dirichlet": np.random.default_rng(k).dirichlet(np.ones(k)),
    }[name]
    return weight / weight.sum()


def entropies():
    for name in ("uniform", "Zipf", "geometric", "peaked", "Dirichlet"):
        for k in (10, 100, 1000):
            p = shares(name, k)
            truth = float(xent.entropy(p))
            for ratio in (0.3, 1, 3, 10):
                n = round(ratio * k)
                counts = seeded("entropy", name, k, n).multinomial(n, p, size=draws(500))
                case = {"truth": truth, "p": name, "K": k, "n": n, "ratio": ratio}
                for method in METHODS:
                    yield of_batch("entropy", found=estimators.entropy(Counts(counts), method=method), **case)
                for method in POSSIBLE:
                    bound = estimators.entropy(Counts(counts), method=method, outcomes=10 * k)
                    yield of_batch("entropy, a bound of 10K", found=bound, **case)
                    if k == 100:
                        yield seen_alone(counts, method, **case)


def seen_alone(counts, method, truth, **case):
    """The outcomes that were seen taken for all there are."""
    seen = np.count_nonzero(counts, axis=1)
    parts = [(s, Counts(counts[seen == s])) for s in np.unique(seen)]
    found = [estimators.entropy(part, method=method, outcomes=int(s)) for s, part in parts]
    joined = [np.concatenate([getattr(f, field) for f in found]) for field in ("value", "low", "high")]
    return quality("entropy, K as seen", truth, *joined, method=method, **case)


def bootstraps():
    """The other kind of interval, for Zipf's law over 100 outcomes."""
    p = shares("Zipf", 100)
    for n in (100, 1000):
        counts = Counts(seeded("bootstrap", n).multinomial(n, p, size=draws(100)))
        for method in ("plug-in", "chao-wang-jost"):
            found = estimators.entropy(counts, method=method, interval="bootstrap")
            yield of_batch("entropy, bootstrap", float(xent.entropy(p)), found, p="Zipf", K=100, n=n, ratio=n / 100)


def divergences():
    pairs = {
        "uniform ‖ Zipf": ("uniform", "Zipf"),
        "Zipf ‖ uniform": ("Zipf", "uniform"),
        "Zipf ‖ Zipf": ("Zipf",) * 2,
        "geometric ‖ Dirichlet": ("geometric", "Dirichlet"),
    }
    for name, (first, second) in pairs.items():
        for k in (10, 100):
            p, q = shares(first, k), shares(second, k)
            for ratio in (1, 3, 10, 30):
                n, rng = ratio * k, seeded("KL", name, k, ratio)
                x, y = (Counts(rng.multinomial(n, each, size=draws(1000))) for each in (p, q))
                case = {"truth": float(xent.kl_divergence(p, q)), "p": name, "K": k, "n": n, "ratio": ratio}
                for method in ("plug-in", "zhang-grabchak", "dirichlet"):
                    yield of_batch("KL of counts", found=estimators.kl_divergence(x, y, method=method), **case)


def tables(size):
    """Joint distributions of two variables of `size` values each."""
    skew = np.arange(1, size + 1) / (size * (size + 1) / 2)
    even, diagonal = np.full((size, size), 1 / size**2), np.eye(size) / size
    yield "independent, even", even
    yield "independent, skew", np.outer(skew, skew)
    yield "weak", 0.8 * even + 0.2 * diagonal
    yield "strong", 0.2 * even + 0.8 * diagonal


def informations():
    for size in (2, 4, 8):
        for name, joint in tables(size):
            for ratio in (1, 3, 10, 30):
                n = ratio * size**2
                drawn = seeded("MI", name, size, ratio).multinomial(n, joint.reshape(-1), size=draws(200))
                table = Counts(drawn.reshape(-1, size, size))
                case = {"truth": float(xent.mutual_information(joint)), "p": name, "K": size**2, "n": n, "ratio": ratio}
                for method in METHODS:
                    yield of_batch("MI of tables", found=estimators.mutual_information(table, method=method), **case)


# -- samples -------------------------------------------------------------------------------------------------------------

DENSITIES = {
    "normal": scipy.stats.norm(),
    "exponential": scipy.stats.expon(),
    "uniform": scipy.stats.uniform(),
    "t, 3 degrees": scipy.stats.t(3),
}


def neighbours():
    """Entropy of points with independent coordinates."""
    for name, density in DENSITIES.items():
        for d, many in ((1, 400), (2, 400), (5, 100), (10, 60)):
            truth = d * float(density.entropy())
            for n in (100, 1000):
                number = draws(400 if n == 100 else many)
                points = density.rvs((number, n, d), random_state=seeded("KL entropy", name, d, n))
                for k in (1, 3, 10):
                    data = [(Samples(x),) for x in points]
                    yield of_each(
                        "entropy of samples",
                        truth,
                        lambda x, k=k: estimators.entropy(x, k=k),
                        data,
                        p=name,
                        d=d,
                        n=n,
                        k=k,
                    )


def spacings():
    for name, density in DENSITIES.items():
        truth = float(density.entropy())
        for n in (30, 100, 1000):
            rows = Samples(density.rvs((draws(1000), n), random_state=seeded("spacings", name, n)))
            for method in SPACINGS:
                found = estimators.entropy(rows, method=method, axis=1)
                yield of_batch("spacings", truth, found, p=name, d=1, n=n)


def sample_divergences():
    """Of normal points, the same and shifted or wider by 1/2 nat in all; and of exponential ones."""
    for d, many in ((1, 200), (2, 100), (5, 40)):
        wide = math.sqrt(2)
        spread = 0.5 * d * (1 / wide**2 - 1 + 2 * math.log(wide))
        cases = {
            "normal, the same": (0.0, lambda x: x, 0.0),
            "normal, shifted": (0.5, lambda x, d=d: x + 1 / math.sqrt(d), 0.0),
            "normal, wider": (spread, lambda x, wide=wide: x * wide, 0.0),
        }
        for name, (truth, change, _) in cases.items():
            for n in (100, 1000):
                rng = seeded("kNN KL", name, d, n)
                number = draws(200 if n == 100 else many)
                data = [
                    (Samples(rng.normal(size=(n, d))), Samples(change(rng.normal(size=(n, d))))) for _ in range(number)
                ]
                for k in (1, 3, 10):
                    call = lambda x, y, k=k: estimators.kl_divergence(x, y, k=k)  # noqa: E731
                    yield of_each("KL of samples", truth, call, data, p=name, d=d, n=n, k=k)


def correlated(rng, n, d, rho):
    x, noise = rng.normal(size=(2, n, d))
    return Samples(x), Samples(rho * x + math.sqrt(1 - rho * rho) * noise)


def paired():
    for d, sizes in ((1, (100, 400, 1000)), (2, (1000,))):
        for rho in (0.0, 0.5, 0.9):
            truth = -0.5 * d * math.log1p(-rho * rho)
            for n in sizes:
                rng = seeded("KSG", d, rho, n)
                data = [correlated(rng, n, d, rho) for _ in range(draws(200 if d == 1 else 40))]
                for method, k in (("ksg1", 1), ("ksg1", 3), ("ksg1", 10), ("ksg2", 3), ("gao", 3)):
                    call = lambda x, y, m=method, k=k: estimators.mutual_information(x, y, method=m, k=k)  # noqa: E731
                    yield of_each("MI of samples", truth, call, data, p=f"normal, ρ = {rho:g}", d=d, n=n, k=k)


def labelled(name, n, rng):
    """Labels and numbers, and what is true of them."""
    if name == "independent":
        return Labels(rng.integers(0, 3, n)), Samples(rng.normal(size=n))
    values = 2 if name == "2 normals" else 5
    label = rng.integers(0, values, n)
    x = 2.0 * label + rng.normal(size=n) if values == 2 else label + 2 * rng.random(n)
    return Labels(label), Samples(x)


def two_normals():
    """Mutual information of a fair label and a normal number whose mean it moves by 2."""
    mixed = lambda x: 0.5 * (scipy.stats.norm.pdf(x) + scipy.stats.norm.pdf(x - 2))  # noqa: E731
    both = scipy.integrate.quad(lambda x: -mixed(x) * math.log(mixed(x)), -15, 17, limit=200, epsabs=1e-12)[0]
    return both - float(scipy.stats.norm().entropy())


def partly_discrete():
    truths = {"independent": 0.0, "2 normals": two_normals(), "5 uniforms": math.log(5) - 4 / 5 * math.log(2)}
    for name, truth in truths.items():
        for n in (100, 400, 1000):
            rng = seeded("Ross", name, n)
            data = [labelled(name, n, rng) for _ in range(draws(200))]
            yield of_each("MI of labels and samples", truth, estimators.mutual_information, data, p=name, d=1, n=n, k=3)


def rate_and_number(empty):
    """Mutual information of an exponential rate and a Poisson number, put to 0 with probability `empty`.

    Without that 2 log 2 - gamma - sum_j 2^-j log j, of which the number 0 contributes (log 2)/2 - 1/4.
    """
    plain = 2 * math.log(2) - np.euler_gamma - sum(math.log(j) * 2.0**-j for j in range(1, 200))
    none, ever = lambda x: empty + (1 - empty) * math.exp(-x), empty + (1 - empty) / 2
    of_none = scipy.integrate.quad(lambda x: math.exp(-x) * none(x) * math.log(none(x) / ever), 0, 600, limit=200)[0]
    return (1 - empty) * (plain - math.log(2) / 2 + 1 / 4) + of_none


def with_ties():
    for empty in (0.0, 0.15):
        truth = rate_and_number(empty)
        for n in (400, 1000):
            rng, data = seeded("Gao", empty, n), []
            for _ in range(draws(100)):
                x = rng.exponential(size=n)
                data.append((Samples(x), Samples(np.where(rng.random(n) < empty, 0.0, rng.poisson(x)))))
            call = lambda x, y: estimators.mutual_information(x, y, method="gao")  # noqa: E731
            yield of_each("MI with ties", truth, call, data, p=f"Poisson, {empty:.0%} empty", d=1, n=n, k=3)


def main() -> None:
    print(machine())
    rows = []
    parts = (
        entropies,
        bootstraps,
        divergences,
        informations,
        neighbours,
        spacings,
        sample_divergences,
        paired,
        partly_discrete,
    )
    for part in (*parts, with_ties):
        start = time.perf_counter()
        rows += part()
        print(f"{part.__name__:<20}{len(rows):>6} rows {time.perf_counter() - start:8.1f} s", flush=True)
    if not QUICK:
        write("estimator_quality", rows)
        document()


if __name__ == "__main__":
    main()
