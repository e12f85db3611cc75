"""Hash the bits of every kernel's results.

To store it anew: `PYTHONPATH=src python tests/native/bits.py > tests/native/bits.sha256`.
"""

import hashlib

import loss_rows
import ml_dtypes
import numpy as np

from xent import _native

FORMS = ("probs", "logprobs", "logits", "counts")


def grid(K: int, n: int) -> dict[str, np.ndarray]:
    """Rows from integer arithmetic alone: no library's random numbers or functions decide what is hashed."""
    i = np.arange(n * K, dtype=np.uint64).reshape(n, K)
    noise = ((i * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)) >> np.uint64(40)).astype(
        np.float64
    ) / 2**24
    counts = np.floor(noise * 1000) + 1
    logits = (noise - 0.5) * 40
    logits[::7, ::3] = -np.inf if K > 1 else 0
    return {
        "probs": counts / counts.sum(1, keepdims=True),
        "counts": counts,
        "logits": logits,
        "logprobs": -noise * 9 - 1e-3,
    }


def rows(add, K: int, n: int) -> None:
    """All row kernels: all forms, both ways round."""
    a = grid(K, n)
    for p in FORMS:
        for post in ("nats", "bits", "bans", "exp"):
            add(_native.reduce("entropy", [(p, a[p])], -1, post=post)[0])
        add(_native.reduce("entropy", [(p, a[p].astype(np.float32))], -1, dtype=np.float32)[0])
        for q in FORMS:
            for op in ("cross_entropy", "kl", "js"):
                add(_native.reduce(op, [(p, a[p]), (q, a[q][::-1])], -1)[0])
        add(_native.reduce("cross_entropy", [("labels", np.arange(n) % K), (p, a[p])], -1)[0])
    add(_native.reduce("logsumexp", [("logits", a["logits"])], -1)[0])
    add(_native.rowwise("surprisal", "logits", a["logits"], -1)[0])
    add(_native.rowwise("normalize", "counts", a["counts"], -1)[0])
    for op, given in (
        ("joint_entropy", None),
        ("conditional_entropy", 0),
        ("conditional_entropy", 1),
        ("mutual_information", None),
    ):
        add(_native.joint(op, "counts", a["counts"], given=given)[0])


def elements(add) -> None:
    """All elementwise kernels."""
    a = grid(1, 3001)
    x = {"probs": (a["counts"] - 1) / 1000, "logprobs": a["logprobs"], "logits": a["logits"], "labels": a["counts"] % 2}
    for y in x:
        add(_native.elementwise("binary_entropy", [(y, x[y])])[0])
        for q in ("probs", "logprobs", "logits"):
            for op in ("binary_cross_entropy", "binary_kl"):
                add(_native.elementwise(op, [(y, x[y]), (q, x[q][::-1])])[0])


def losses(add, K: int, n: int) -> None:
    """The training losses and statistics of rows: values, states and gradients, every dtype and kind of target."""
    a = grid(K, n)
    y, probs = np.arange(n) % K, np.full((n, min(K, 3)), 0.25)
    index = (np.arange(n)[:, None] + np.arange(min(K, 3))) % K
    for dtype in (np.float64, np.float32, np.float16, ml_dtypes.bfloat16):
        logits = np.maximum(a["logits"], -60).astype(dtype)
        state, out = np.empty((n, 4)), np.empty((n, K), dtype)
        columns = [np.empty(n, np.float64 if dtype is np.float64 else np.float32) for _ in range(3)]
        for eps, cap, reduction in ((0.0, 0.0, 0), (0.1, 0.0, 1), (0.0, 20.0, 2), (0.1, 20.0, 1)):
            more = {"smoothing": eps, "cap": cap, "reduction": reduction, "z_loss": 1e-2, "temperature": 0.9}
            for target in ((y,), (a["probs"],), (index, probs)):
                add(loss_rows.loss(logits, *target, state=state, spread=True, **more)[1])
                add(state[:, :2])
                loss_rows.loss(logits, *target, state=state, spread=True, task=1, out=out, **more)
                add(out.astype(np.float64))
        loss_rows.statistics(logits, y, state, columns, np.empty(n, np.int64))
        for column in columns:
            add(column)
        loss_rows.statistics(logits, y, state, (a["probs"][:, 0].copy(), None, a["counts"][:, 0].copy()), None, out=out)
        add(out.astype(np.float64))


def main() -> None:
    digest = hashlib.sha256()

    def add(values: np.ndarray) -> None:
        digest.update(np.where(np.isnan(values), np.nan, values).tobytes())  # one NaN for all

    for K, n in ((1, 50), (3, 300), (10, 300), (32, 99), (33, 99), (100, 99), (600, 19), (1300, 9), (40, 20000)):
        if n < 1000:
            rows(add, K, n)
        else:  # enough work for several threads
            p = grid(K, n)["probs"]
            add(_native.reduce("kl", [("probs", p), ("probs", p[::-1])], -1)[0])
    elements(add)
    for K, n in ((1, 20), (10, 300), (32, 50), (33, 50), (100, 50), (1300, 9), (10, 60000), (2000, 400)):
        losses(add, K, n)
    print(digest.hexdigest(), _native.isa())


if __name__ == "__main__":
    main()
