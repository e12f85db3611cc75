"""The explorer's golden file, to which web/test holds the page: the package gives the same numbers."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import xent

FOLDER = Path(__file__).parents[2] / "web" / "test"
CASES = json.loads((FOLDER / "golden.json").read_text(encoding="utf-8"))["cases"]


def distributions(state, values):
    p, q = state["p"], state["q"]
    return {
        "entropy": xent.entropy(p),
        "perplexity": xent.perplexity(p),
        "cross_entropy": xent.cross_entropy(p, q),
        "kl_divergence": xent.kl_divergence(p, q),
        "kl_divergence_reverse": xent.kl_divergence(q, p),
        "js_divergence": xent.js_divergence(p, q),
    }


def binary(state, values):
    y, yhat = state["y"], state["yhat"]
    return {
        "binary_cross_entropy": xent.binary_cross_entropy(y, yhat),
        "binary_entropy": xent.binary_entropy(y),
        "binary_kl_divergence": xent.binary_kl_divergence(y, yhat),
    }


def labels(state, values):
    k, eps, n = state["k"], state["eps"], np.asarray(state["n"])
    other = eps * ((k - 1) / k)  # the share that is not the label's, in equal parts
    floor = xent.binary_entropy(other) + other * math.log(k - 1)
    return {
        "mean_loss": n @ xent.surprisal(np.asarray(state["q"])) / n.sum(),
        "label_entropy": xent.entropy(xent.Counts(n)),
        # a part of a number below the normal doubles is rounded beyond use
        **({} if 0 < eps < 1e-300 else {"smoothing_floor": floor}),
    }


def gradient(state, values):
    logits = np.asarray(state["z"]) / state["tau"]
    return {"cross_entropy": xent.cross_entropy(state["p"], xent.Logits(logits))}


def training(state, values):
    """Of the shares that were reached, which the file has to double precision."""
    p, q = state["p"], values["q"]
    if any(0 < share < 1e-300 for share in q):  # its logarithm is not that of the shares' logits
        return {"entropy": xent.entropy(p)}
    return {
        "entropy": xent.entropy(p),
        "cross_entropy": xent.cross_entropy(p, q),
        "kl_divergence": xent.kl_divergence(p, q),
    }


OF = {
    "surprisal": lambda state, values: {"surprisal": xent.surprisal(state["x"])},
    "distributions": distributions,
    "binary": binary,
    "labels": labels,
    "gradient": gradient,
    "training": training,
}


@pytest.mark.parametrize("of", OF)
def test_the_package_gives_the_golden_values(of):
    cases = [case for case in CASES if case["of"] == of]
    assert len(cases) >= 20
    for case in cases:
        for name, found in OF[of](case["state"], case["values"]).items():
            # below the normal doubles, three units of the last place; trained shares are rounded, by up to 1e-16
            least = 1e-14 if of == "training" else 1.5e-323
            truth = float(case["values"][name])
            off = 0.0 if float(found) == truth else abs(float(found) - truth) - 1e-12 * truth
            assert off <= least, f"{name} of {case['state']}: {float(found)!r}, not {truth!r}"


def test_the_file_covers_what_is_hard():
    states = [(case["state"], case["values"]) for case in CASES]
    assert any("inf" in values.values() for _, values in states)
    assert any(s["p"] == s["q"] for s, _ in states if "q" in s and "p" in s)
    assert any(abs(math.fsum(s["p"]) - 1) > 5e-13 for s, _ in states if "p" in s)
    assert any(0 < v["kl_divergence"] < 1e-30 for _, v in states if isinstance(v.get("kl_divergence"), float))
    assert {0.0, 1.0, 5e-324} <= {s["eps"] for s, _ in states if "eps" in s}
    # paths that doubles cannot follow
    assert sum(_lost(s, v) for s, v in states if "step" in s) >= 10


def _lost(state, values):
    """Whether the same path in doubles ends elsewhere, by more than 1e-6."""
    p, q = np.asarray(state["p"]), np.asarray(state["q"])
    if not q.all():
        return False
    z = np.log(q)
    for _ in range(state["step"]):
        e = np.exp(z - z.max())
        z = z - state["eta"] * (e / e.sum() - p)
    e = np.exp(z - z.max())
    return bool(np.abs(e / e.sum() - np.asarray(values["q"])).max() > 1e-6)


def test_the_file_is_what_its_script_makes():
    pytest.importorskip("mpmath")
    done = subprocess.run([sys.executable, FOLDER / "make_golden.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
