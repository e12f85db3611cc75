"""Largest errors of the measures in ulp, beside SciPy, PyTorch and JAX; writes docs/accuracy.md.

    python benchmarks/accuracy.py

The truth is mpmath at 60 digits and more, for the floats as given or exactly normalised (the nearer counts, for every
provider). The same rows go to everyone. An error of inf means NaN or an infinity of its own.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import jax
import numpy as np
import scipy.spatial.distance
import scipy.special
import scipy.stats
import torch
import torch.nn.functional as F
from _timing import machine

import xent
from xent.testing import reference, ulp_error

jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp  # noqa: E402  (after the switch to float64)
import jax.scipy.special as jsp  # noqa: E402

SIZES = (2, 3, 8, 57, 300)
DOCUMENT = Path(__file__).parent.parent / "docs" / "accuracy.md"


def distributions(rng, dtype):
    for k in SIZES:
        for _ in range(4):
            yield rng.dirichlet(np.ones(k)).astype(dtype)
            yield rng.dirichlet(np.full(k, 0.1)).astype(dtype)
        near = np.full(k, 1e-9 / k)
        near[0] = 1 - 1e-9
        yield near.astype(dtype)


def pairs(rng, dtype):
    for p in distributions(rng, dtype):
        k = len(p)
        yield p, (np.float64(rng.dirichlet(np.ones(k))) * 0.999 + 0.001 / k).astype(dtype)


def near_pairs(rng, dtype):
    for k in SIZES:
        for size in (1e-2, 1e-4, 1e-6) if dtype == "float32" else (1e-2, 1e-5, 1e-8, 1e-11):
            p = rng.dirichlet(np.ones(k)) * 0.99 + 0.01 / k
            q = p * (1 + size * rng.uniform(-1, 1, k))
            yield p.astype(dtype), (q / q.sum()).astype(dtype)


def logits(rng, dtype):
    for k in SIZES:
        for scale in (0.1, 1.0, 10.0, 40.0):
            yield (rng.normal(size=k) * scale).astype(dtype)
            yield (rng.normal(size=k) * scale + 1e4).astype(dtype)
        peaked = np.zeros(k)
        peaked[0] = 20.0
        yield peaked.astype(dtype)


def near_logits(rng, dtype):
    for k in SIZES:
        for size in (1e-2, 1e-4) if dtype == "float32" else (1e-3, 1e-6, 1e-9):
            a = rng.normal(size=k) * 3
            yield a.astype(dtype), (a + size * rng.normal(size=k)).astype(dtype)


def joint(rng, a, b):
    table = np.outer(a, b) * (1 + 1e-4 * rng.uniform(-1, 1, (len(a), len(b))))
    return table / table.sum()


def t(a):
    return torch.tensor(np.asarray(a))


def j(a):
    return jnp.asarray(a)


def first(z):
    return xent.Labels(np.int64(0)), xent.Logits(z)


def xl(z):
    return xent.Labels(torch.tensor(0)), xent.Logits(t(z))


def jl(z):
    return xent.Labels(j(0)), xent.Logits(j(z))


def log_softmax_entropy(z, ns_log_softmax, ns_exp):
    logs = ns_log_softmax(z)
    return -(ns_exp(logs) * logs).sum()


L, G = xent.Logits, xent.Labels

# name, rows, truth, {provider: call}. What a provider's own users would type.
CASES = [
    ("entropy", distributions, lambda p: reference.entropy(p), {
        "xent NumPy": lambda p: xent.entropy(p), "xent torch": lambda p: xent.entropy(t(p)), "xent JAX": lambda p: xent.entropy(j(p)),
        "SciPy": lambda p: scipy.stats.entropy(p), "torch": lambda p: torch.special.entr(t(p)).sum(), "JAX": lambda p: jsp.entr(j(p)).sum(),
    }),
    ("cross_entropy", pairs, lambda p, q: reference.cross_entropy(p, q), {
        "xent NumPy": lambda p, q: xent.cross_entropy(p, q), "xent torch": lambda p, q: xent.cross_entropy(t(p), t(q)),
        "xent JAX": lambda p, q: xent.cross_entropy(j(p), j(q)), "SciPy": lambda p, q: -scipy.special.xlogy(p, q).sum(),
        "torch": lambda p, q: -torch.special.xlogy(t(p), t(q)).sum(), "JAX": lambda p, q: -jsp.xlogy(j(p), j(q)).sum(),
    }),
    ("perplexity", distributions, lambda p: reference.perplexity(p), {
        "xent NumPy": lambda p: xent.perplexity(p), "xent torch": lambda p: xent.perplexity(t(p)), "xent JAX": lambda p: xent.perplexity(j(p)),
        "SciPy": lambda p: np.exp(scipy.stats.entropy(p)), "torch": lambda p: torch.special.entr(t(p)).sum().exp(), "JAX": lambda p: jnp.exp(jsp.entr(j(p)).sum()),
    }),
    ("binary_entropy", lambda r, d: ((np.dtype(d).type(a),) for a in np.concatenate([r.uniform(0, 1, 100), 10.0 ** -r.uniform(0, 30, 100)])),
     lambda y: reference.binary_entropy(y), {
        "xent NumPy": lambda y: xent.binary_entropy(y), "xent torch": lambda y: xent.binary_entropy(t(y)), "xent JAX": lambda y: xent.binary_entropy(j(y)),
        "SciPy": lambda y: scipy.special.entr(y) + scipy.special.entr(1 - y), "torch": lambda y: torch.special.entr(t(y)) + torch.special.entr(1 - t(y)),
        "JAX": lambda y: jsp.entr(j(y)) + jsp.entr(1 - j(y)),
    }),
    ("binary_kl_divergence, near-equal", lambda r, d: ((np.dtype(d).type(a), np.dtype(d).type(a * (1 - 1e-3 * b))) for a, b in r.uniform(0.01, 0.99, (200, 2))),
     lambda y, q: reference.binary_kl_divergence(y, q), {
        "xent NumPy": lambda y, q: xent.binary_kl_divergence(y, q), "xent torch": lambda y, q: xent.binary_kl_divergence(t(y), t(q)),
        "xent JAX": lambda y, q: xent.binary_kl_divergence(j(y), j(q)),
        "SciPy": lambda y, q: scipy.special.rel_entr(y, q) + scipy.special.rel_entr(1 - y, 1 - q),
    }),
    ("mutual_information, nearly independent", lambda r, d: ((joint(r, a, b).astype(d),) for a, b in ((r.dirichlet(np.ones(3)), r.dirichlet(np.ones(4))) for _ in range(20))),
     lambda m: reference.mutual_information(m), {
        "xent NumPy": lambda m: xent.mutual_information(m), "xent torch": lambda m: xent.mutual_information(t(m)), "xent JAX": lambda m: xent.mutual_information(j(m)),
        "SciPy": lambda m: scipy.special.rel_entr(m, np.outer(m.sum(1), m.sum(0))).sum(),
    }),
    ("kl_divergence", pairs, lambda p, q: reference.kl_divergence(p, q), {
        "xent NumPy": lambda p, q: xent.kl_divergence(p, q), "xent torch": lambda p, q: xent.kl_divergence(t(p), t(q)),
        "xent JAX": lambda p, q: xent.kl_divergence(j(p), j(q)), "SciPy": lambda p, q: scipy.stats.entropy(p, q),
        "torch": lambda p, q: F.kl_div(t(q).log(), t(p), reduction="sum"), "JAX": lambda p, q: jsp.rel_entr(j(p), j(q)).sum(),
    }),
    ("kl_divergence, near-equal", near_pairs, lambda p, q: reference.kl_divergence(p, q), {
        "xent NumPy": lambda p, q: xent.kl_divergence(p, q), "xent torch": lambda p, q: xent.kl_divergence(t(p), t(q)),
        "xent JAX": lambda p, q: xent.kl_divergence(j(p), j(q)), "SciPy": lambda p, q: scipy.stats.entropy(p, q),
        "torch": lambda p, q: F.kl_div(t(q).log(), t(p), reduction="sum"), "JAX": lambda p, q: jsp.rel_entr(j(p), j(q)).sum(),
    }),
    ("js_divergence, near-equal", near_pairs, lambda p, q: reference.js_divergence(p, q), {
        "xent NumPy": lambda p, q: xent.js_divergence(p, q), "xent torch": lambda p, q: xent.js_divergence(t(p), t(q)),
        "xent JAX": lambda p, q: xent.js_divergence(j(p), j(q)),
        "SciPy": lambda p, q: scipy.spatial.distance.jensenshannon(p, q) ** 2,
    }),
    ("cross_entropy, label x logits", lambda r, d: ((z,) for z in logits(r, d)), lambda z: reference.cross_entropy(G(0), L(z)), {
        "xent NumPy": lambda z: xent.cross_entropy(*first(z)), "xent torch": lambda z: xent.cross_entropy(*xl(z)),
        "xent JAX": lambda z: xent.cross_entropy(*jl(z)), "SciPy": lambda z: -scipy.special.log_softmax(z)[0],
        "torch": lambda z: F.cross_entropy(t(z)[None], torch.tensor([0])), "JAX": lambda z: -jax.nn.log_softmax(j(z))[0],
    }),
    ("entropy of logits", lambda r, d: ((z,) for z in logits(r, d)), lambda z: reference.entropy(L(z)), {
        "xent NumPy": lambda z: xent.entropy(L(z)), "xent torch": lambda z: xent.entropy(L(t(z))), "xent JAX": lambda z: xent.entropy(L(j(z))),
        "SciPy": lambda z: scipy.stats.entropy(scipy.special.softmax(z)),
        "torch": lambda z: torch.distributions.Categorical(logits=t(z), validate_args=False).entropy(),
        "JAX": lambda z: log_softmax_entropy(j(z), jax.nn.log_softmax, jnp.exp),
    }),
    ("kl_divergence of logits, near-equal", near_logits, lambda a, b: reference.kl_divergence(L(a), L(b)), {
        "xent NumPy": lambda a, b: xent.kl_divergence(L(a), L(b)), "xent torch": lambda a, b: xent.kl_divergence(L(t(a)), L(t(b))),
        "xent JAX": lambda a, b: xent.kl_divergence(L(j(a)), L(j(b))),
        "SciPy": lambda a, b: scipy.stats.entropy(scipy.special.softmax(a), scipy.special.softmax(b)),
        "torch": lambda a, b: F.kl_div(F.log_softmax(t(b), -1), F.log_softmax(t(a), -1), reduction="sum", log_target=True),
        "JAX": lambda a, b: (jax.nn.softmax(j(a)) * (jax.nn.log_softmax(j(a)) - jax.nn.log_softmax(j(b)))).sum(),
    }),
    ("binary_cross_entropy", lambda r, d: ((np.dtype(d).type(a), np.dtype(d).type(b)) for a, b in r.uniform(0.0, 1.0, (200, 2)) ** 3),
     lambda y, q: reference.binary_cross_entropy(y, q), {
        "xent NumPy": lambda y, q: xent.binary_cross_entropy(y, q), "xent torch": lambda y, q: xent.binary_cross_entropy(t(y), t(q)),
        "xent JAX": lambda y, q: xent.binary_cross_entropy(j(y), j(q)),
        "SciPy": lambda y, q: -(scipy.special.xlogy(y, q) + scipy.special.xlog1py(1 - y, -q)), "torch": lambda y, q: F.binary_cross_entropy(t(q), t(y)),
        "JAX": lambda y, q: -(jsp.xlogy(j(y), j(q)) + jsp.xlog1py(1 - j(y), -j(q))),
    }),
    ("binary_cross_entropy of logits", lambda r, d: ((np.dtype(d).type(a), np.dtype(d).type(b)) for a, b in zip(r.uniform(0, 1, 200) ** 6, r.normal(size=200) * 30, strict=True)),
     lambda y, x: reference.binary_cross_entropy(y, L(x)), {
        "xent NumPy": lambda y, x: xent.binary_cross_entropy(y, L(x)), "xent torch": lambda y, x: xent.binary_cross_entropy(t(y), L(t(x))),
        "xent JAX": lambda y, x: xent.binary_cross_entropy(j(y), L(j(x))),
        "torch": lambda y, x: F.binary_cross_entropy_with_logits(t(x), t(y)),
        "JAX": lambda y, x: -j(y) * jax.nn.log_sigmoid(j(x)) - (1 - j(y)) * jax.nn.log_sigmoid(-j(x)),
    }),
]  # fmt: skip


def worst(rows, truth, call, dtype):
    rng = np.random.default_rng(7)
    most = 0.0
    for arguments in rows(rng, dtype):
        arguments = arguments if isinstance(arguments, tuple) else (arguments,)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                found = float(call(*arguments))
            except xent.DistributionError as error:
                raise SystemExit(f"{error}: {arguments}") from None
        most = max(most, ulp_error(found, truth(*arguments), dtype))
    return most


def text(error: float) -> str:
    if error == math.inf:
        return "inf"
    return f"{error:.2f}" if error < 100 else f"{error:.1e}"


def main() -> None:
    providers = ["xent NumPy", "xent torch", "xent JAX", "SciPy", "torch", "JAX"]
    lines = []
    for dtype in ("float64", "float32"):
        lines += [f"## {dtype}", "", "| | " + " | ".join(providers) + " |", "|---|" + "---:|" * len(providers)]
        for name, rows, truth, calls in CASES:
            cells = [text(worst(rows, truth, calls[p], dtype)) if p in calls else "" for p in providers]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
            print(dtype, name, dict(zip(providers, cells, strict=True)), flush=True)
        lines.append("")
    facts = machine()
    libraries = ", ".join(f"{k} {v}" for k, v in facts["libraries"].items() if k in ("numpy", "torch", "jax"))
    head = [
        "# Accuracy",
        "",
        "Largest error found, in units in the last place (ulp) of the result's dtype, against mpmath at 60 digits and more.",
        "0.5 is a perfectly rounded result; inf means NaN or a wrong infinity. The same rows went to",
        "all: distributions of 2 to 300 outcomes, sparse and near one-hot ones, near-equal pairs (differences of 1e-2 to",
        "1e-11), logits of scale 0.1 to 40 with and without an offset of 10,000. The truth is that of the floats as given",
        "or exactly normalised, whichever is nearer. Peers are called as their users would; JAX with x64 switched on.",
        "",
        "What xent promises is in [promises.md](promises.md): 2 ulp for rows and 1 ulp elementwise on NumPy, 4 ulp elsewhere.",
        "",
        f"Regenerate with `make accuracy`. Measured {facts['date']} at {facts['commit']}, {facts['cpu']}, {facts['isa']}, {libraries},",
        f"SciPy {scipy.__version__}.",
        "",
    ]
    DOCUMENT.write_text("\n".join(head + lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
