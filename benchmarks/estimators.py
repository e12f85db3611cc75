"""Speed of the estimators beside SciPy, scikit-learn and the Python packages for the same estimates.

    python benchmarks/estimators.py [--quick]

Every pair is given the same data, and its answers are compared before it is timed. Packages that are not installed
(infomeasure, ennemi) are left out.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from importlib.metadata import version

import numpy as np
import scipy.stats
from _timing import alternate, machine, replace_section, write
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from xent import Counts, Labels, Samples, estimators

QUICK = "--quick" in sys.argv


def compare(name, ours, theirs, peer, target, agree=1e-9):
    """One line: medians of both, how many times faster, and whether they say the same; `agree` None where they need not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if agree is not None:
            np.testing.assert_allclose(ours(), theirs(), rtol=agree, atol=agree, err_msg=f"{name}: xent, {peer}")
        t = alternate({"ours": ours, "peer": theirs}, seconds=1.0 if QUICK else 3.0, least=3)
    ratio = t["peer"] / t["ours"]
    verdict = "ok" if ratio >= target else "MISSED"
    print(
        f"{name:<52}{t['ours'] * 1e3:10.3f}{t['peer'] * 1e3:12.3f}{ratio:8.1f}x {target:>5g}x {verdict:<7}{peer}",
        flush=True,
    )
    return {
        "case": name,
        "ours_ms": t["ours"] * 1e3,
        "peer": peer,
        "peer_ms": t["peer"] * 1e3,
        "ratio": ratio,
        "target": target,
    }


def present(name):
    """The package, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed: left out", file=sys.stderr)
        return None


# -- SciPy and scikit-learn ------------------------------------------------------------------------------------------


def spacing(name, x, method, **axis):
    return compare(f"{method}, {name}", lambda: estimators.entropy(Samples(x), method=method, **axis).value,
                   lambda: scipy.stats.differential_entropy(x, method=method.replace("-", " "), **axis), "scipy differential_entropy", 1)  # fmt: skip


def spacings(rng):
    """Entropy of numbers; Correa in SciPy needs n^1.5 numbers of memory."""
    rows = rng.normal(size=(1_000, 200))
    for method in ("vasicek", "van-es", "ebrahimi", "correa"):
        for n in (1_000, 10_000) if QUICK or method == "correa" else (1_000, 10_000, 100_000, 1_000_000):
            yield spacing(f"{n:,} numbers", rng.normal(size=n), method)
        yield spacing("1,000 rows of 200", rows, method, axis=1)


def information(x, y, **options):
    """The value alone, as the others answer."""
    return estimators.mutual_information(x, y, interval=None, **options).value


def features(rng, n):
    """Mutual information of each of five features with the target, k = 3."""
    y = rng.normal(size=n)
    x = y[:, None] * np.linspace(0.5, 1.5, 5) + rng.normal(size=(n, 5))
    x, y = x / x.std(axis=0), y / y.std()
    yield compare(f"KSG, {n:,} x 5 features", lambda: [information(Samples(c), Samples(y)) for c in x.T],
                  lambda: mutual_info_regression(x, y, random_state=0), "sklearn mutual_info_regression", 1, agree=1e-4)  # fmt: skip
    labels = (y > 0).astype(int) + (y > 1)
    yield compare(f"Ross, {n:,} x 5 features, 3 labels", lambda: [information(Samples(c), Labels(labels)) for c in x.T],
                  lambda: mutual_info_classif(x, labels, random_state=0), "sklearn mutual_info_classif", 1, agree=1e-4)  # fmt: skip


# -- the Python packages ---------------------------------------------------------------------------------------------


def with_infomeasure(rng, im, n):
    """Nearest neighbours: entropy in the max norm, and KSG."""
    x = rng.normal(size=(n, 3))
    for d in (1, 2, 3):
        yield entropy_with_infomeasure(x[:, :d], im)
    y = x[:, 0] + rng.normal(size=n)
    yield compare(f"KSG, {n:,} pairs", lambda: information(Samples(x[:, 0]), Samples(y)),
                  lambda: im.mutual_information(x[:, 0], y, approach="ksg", k=3, noise_level=0), "infomeasure", 5)  # fmt: skip


def entropy_with_infomeasure(x, im):
    return compare(f"Kozachenko-Leonenko, {len(x):,} points, {x.shape[1]}d",
                   lambda: estimators.entropy(Samples(x), norm="max", interval=None).value,
                   lambda: im.entropy(x, approach="metric", k=3, noise_level=0), "infomeasure", 5)  # fmt: skip


def with_ennemi(rng, ennemi, n):
    """The same in ennemi, with nothing rescaled."""
    x = rng.normal(size=n)
    y = x + rng.normal(size=n)
    yield compare(f"KSG, {n:,} pairs", lambda: information(Samples(x), Samples(y)),
                  lambda: ennemi.estimate_mi(y, x, k=3, preprocess=False)[0, 0], "ennemi", 5, agree=1e-5)  # fmt: skip
    yield compare(f"Kozachenko-Leonenko, {n:,} points, 1d",
                  lambda: estimators.entropy(Samples(x), norm="max", interval=None).value,
                  lambda: float(ennemi.estimate_entropy(x, k=3)), "ennemi", 5, agree=1e-5)  # fmt: skip


def counted(draws, im, method, approach, ours=None, theirs=None, agree=1e-9):
    """Samples of observations of 50 outcomes, which are counted in the time of both."""
    return compare(f"{method}, {len(draws)} samples of {len(draws[0])}, 50 outcomes",
                   lambda: estimators.entropy(Counts(np.stack([np.bincount(d, minlength=50) for d in draws])),
                                              method=method, interval=None, **(ours or {})).value,
                   lambda: [im.entropy(d, approach=approach, **(theirs or {})) for d in draws], "infomeasure", 5, agree)  # fmt: skip


def counts_with_infomeasure(rng, im):
    draws = [rng.choice(50, size=200, p=rng.dirichlet(np.ones(50))) for _ in range(100)]
    yield counted(draws, im, "nsb", "nsb", {"outcomes": 50}, {"K": 50}, agree=None)
    for method in ("miller-madow", "chao-shen", "chao-wang-jost"):
        yield counted(draws, im, method, method.replace("-", "_"), agree=None)
    yield counted(draws, im, "plug-in", "discrete")
    yield counted(draws, im, "grassberger", "grassberger", agree=None)


def packages(rng, sizes):
    """What is installed of them, each imported only here."""
    if (im := present("infomeasure")) is not None:
        for n in sizes:
            yield from with_infomeasure(rng, im, n)
        yield from counts_with_infomeasure(rng, im)
    if (ennemi := present("ennemi")) is not None:
        for n in sizes:
            yield from with_ennemi(rng, ennemi, n)


def document(rows) -> None:
    """docs/performance.md, from the run that was just made."""
    facts = machine()
    names = [
        "numpy",
        "scipy",
        "scikit-learn",
        *(p for p in ("infomeasure", "ennemi") if any(p in r["peer"] for r in rows)),
    ]
    lines = [
        f"Measured {facts['date']} at {facts['commit']}: {facts['cpu']}, {facts['threads']} threads, {facts['isa']},",
        f"Python {facts['python']}, {', '.join(f'{name} {version(name)}' for name in names)}.",
        "",
        "| case | xent, ms | peer, ms | faster | target | peer |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for r in rows:
        goal = f"{r['target']:g}x" + ("" if r["ratio"] >= r["target"] else ", missed")
        ours, peer = (f"{ms:,.0f}" if ms >= 100 else f"{ms:.3g}" for ms in (r["ours_ms"], r["peer_ms"]))
        lines.append(f"| {r['case']} | {ours} | {peer} | {r['ratio']:.1f}x | {goal} | {r['peer']} |")
    replace_section("estimators", lines)


def main() -> None:
    print(machine())
    print(f"{'case':<52}{'ours ms':>10}{'peer ms':>12}{'ratio':>9} {'target':>6}")
    rng = np.random.default_rng(0)
    sizes = (1_000, 10_000) if QUICK else (1_000, 10_000, 100_000)
    rows = [*spacings(rng), *(row for n in sizes for row in features(rng, n)), *packages(rng, sizes)]
    if not QUICK:
        write("estimators", rows)
        document(rows)


if __name__ == "__main__":
    main()
