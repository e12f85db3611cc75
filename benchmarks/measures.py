"""Speed of the measures on NumPy arrays beside SciPy and scikit-learn, and beside a plain read of the data.

    python benchmarks/measures.py [--quick]

Each line: our median, the peer's, how many times faster, the target, and how long it takes to read the data once
(the sum of the array in NumPy, one thread) as a share of our time.
"""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import scipy.spatial
import scipy.special
import scipy.stats
import sklearn
import sklearn.metrics
from _timing import alternate, machine, replace_section, write

import xent

QUICK = "--quick" in sys.argv


def compare(name, ours, theirs, peer, target, data, inner=1):
    calls = {"ours": ours, "peer": theirs}
    if data:
        calls["read"] = lambda: [a.sum() for a in data]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        t = alternate(calls, seconds=2.0 if QUICK else 8.0, inner=inner)
    ratio = t["peer"] / t["ours"]
    share = t["read"] / t["ours"] if data else float("nan")
    row = {"case": name, "ours_ms": t["ours"] * 1e3, "peer": peer, "peer_ms": t["peer"] * 1e3, "ratio": ratio}
    row |= {"target": target, "read_share": share if data else None}
    read = f"{share:7.0%}" if data else "      -"
    verdict = "" if target is None else ("ok" if ratio >= target else "MISSED")
    goal = "" if target is None else f"{target:g}x"
    print(
        f"{name:<44}{t['ours'] * 1e3:10.4f}{t['peer'] * 1e3:12.4f}{ratio:8.1f}x {goal:>6} {verdict:<7}{read}   {peer}"
    )
    return row


def import_time() -> dict[str, object]:
    code = "import time, numpy; a = time.perf_counter(); import xent; print((time.perf_counter() - a) * 1e3)"
    times = sorted(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout) for _ in range(9)
    )
    print(f"{'import xent, NumPy already imported':<44}{times[4]:10.1f} ms   target 150 ms")
    return {"case": "import xent", "ours_ms": times[4], "target_ms": 150}


def document(rows) -> None:
    """docs/performance.md, from the run that was just made."""
    facts = machine()
    lines = [
        f"Measured {facts['date']} at {facts['commit']}: {facts['cpu']}, {facts['threads']} threads, {facts['isa']},",
        f"Python {facts['python']}, NumPy {np.__version__}, SciPy {scipy.__version__}, scikit-learn {sklearn.__version__}.",
        "",
        "| case | xent, ms | peer, ms | faster | target | read | peer |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for r in rows[:-1]:
        goal = "" if r["target"] is None else f"{r['target']:g}x" + ("" if r["ratio"] >= r["target"] else ", missed")
        read = "" if r["read_share"] is None else f"{r['read_share']:.0%}"
        ours, peer = (f"{ms:,.0f}" if ms >= 100 else f"{ms:.3g}" for ms in (r["ours_ms"], r["peer_ms"]))
        lines.append(f"| {r['case']} | {ours} | {peer} | {r['ratio']:.1f}x | {goal} | {read} | {r['peer']} |")
    lines += [
        "",
        f"`import xent`, with NumPy already imported: {rows[-1]['ours_ms']:.0f} ms (target {rows[-1]['target_ms']} ms).",
    ]
    replace_section("measures", lines)


def dense(rng):
    """Rows of probabilities, 200,000 x 100."""
    p, q = rng.dirichlet(np.ones(100), 200_000), rng.dirichlet(np.ones(100), 200_000)
    scipy_entropy = "scipy.stats.entropy"
    yield compare("KL, 200,000 x 100 float64", lambda: xent.kl_divergence(p, q),
                  lambda: scipy.stats.entropy(p, q, axis=1), scipy_entropy, 10, (p, q))  # fmt: skip
    yield compare("entropy, 200,000 x 100 float64", lambda: xent.entropy(p),
                  lambda: scipy.stats.entropy(p, axis=1), scipy_entropy, 6, (p,))  # fmt: skip
    yield compare("JS, 200,000 x 100 float64", lambda: xent.js_divergence(p, q),
                  lambda: scipy.spatial.distance.jensenshannon(p, q, axis=1) ** 2, "scipy jensenshannon", None, (p, q))  # fmt: skip
    p32, q32 = p.astype("float32"), q.astype("float32")
    yield compare("KL, 200,000 x 100 float32", lambda: xent.kl_divergence(p32, q32),
                  lambda: scipy.stats.entropy(p32, q32, axis=1), scipy_entropy, None, (p32, q32))  # fmt: skip
    columns = np.asfortranarray(p)
    yield compare("entropy, the same, columns contiguous", lambda: xent.entropy(columns),
                  lambda: scipy.stats.entropy(columns, axis=1), scipy_entropy, None, (columns,))  # fmt: skip


def scores(rng):
    """Rows of logits, 200,000 x 100."""
    z = rng.normal(size=(200_000, 100)) * 3
    labels, index = rng.integers(0, 100, 200_000), np.arange(200_000)
    yield compare("entropy of logits, 200,000 x 100 float64", lambda: xent.entropy(xent.Logits(z)),
                  lambda: scipy.stats.entropy(scipy.special.softmax(z, axis=1), axis=1), "softmax, then entropy", None, (z,))  # fmt: skip
    yield compare("CE labels x logits, 200,000 x 100 float64", lambda: xent.cross_entropy(xent.Labels(labels), xent.Logits(z)),
                  lambda: -scipy.special.log_softmax(z, axis=1)[index, labels], "scipy log_softmax", None, (z,))  # fmt: skip


def binary(rng, n):
    y, q = rng.integers(0, 2, n), rng.uniform(0.001, 0.999, n)
    yield compare(f"binary log loss, {n:,} values", lambda: xent.binary_cross_entropy(y, q).mean(),
                  lambda: sklearn.metrics.log_loss(y, q), "sklearn log_loss", 20, (y, q))  # fmt: skip


def classes(rng, n):
    q, y = rng.dirichlet(np.ones(10), n), rng.integers(0, 10, n)
    yield compare(f"log loss, {n:,} x 10 with labels", lambda: xent.cross_entropy(xent.Labels(y), q).mean(),
                  lambda: sklearn.metrics.log_loss(y, q), "sklearn log_loss", 10, (q, y))  # fmt: skip


def small():
    p = np.array([0.2, 0.3, 0.5])
    yield compare("entropy of three numbers", lambda: xent.entropy(p), lambda: scipy.stats.entropy(p),
                  "scipy.stats.entropy", 3, None, inner=200)  # fmt: skip


def main() -> None:
    print(machine())
    print(f"{'case':<44}{'ours ms':>10}{'peer ms':>12}{'ratio':>9} {'target':>6} {'':<7}{'read':>7}   peer")
    rng = np.random.default_rng(0)
    rows = [*dense(rng), *scores(rng), *binary(rng, 1_000_000 if QUICK else 10_000_000)]
    rows += [*classes(rng, 200_000 if QUICK else 2_000_000), *small(), import_time()]
    if not QUICK:
        write("measures", rows)
        document(rows)


if __name__ == "__main__":
    main()
