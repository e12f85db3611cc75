"""The truth that the explorer's numbers are held to: golden.json, by the definitions, in mpmath.

    python web/test/make_golden.py            writes golden.json
    python web/test/make_golden.py --check    fails when the committed file differs

Each case is a state in the names of the page's hash, and the value of every quantity that hangs on it: in nats, the
correctly rounded double, "inf" where it is infinite. The states are exact doubles, taken as given:

- Shares whose sum is off 1 are not rescaled. Kullback-Leibler is the sum of the outcomes' terms p log(p/q) - p + q.
  Jensen-Shannon is the sum of ½ p log(p/m) + ½ q log(q/m), m = ½(p + q), less that of the two sums P and Q, over
  ½(P + Q). None is negative, and all are 0 where p = q. The rate limit is that of the matrix diag(p) - ppᵀ of these
  very p.
- Training: z = ln q, then z -= eta (softmax(z) - p). After 0 steps q is the one given, after more softmax(z). A share
  of 0 stays 0 (its z is -inf). Where q = p it stays there: p is the minimum, though its sum be off 1 by a rounding.
- With log 0 = -inf and 0 log 0 = 0.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import mpmath

PATH = Path(__file__).with_name("golden.json")
mp: Any = mpmath.mp

_DIGITS = 700  # sees the square of the smallest double beside 1
_TRAINING_DIGITS = 180  # 200 steps may magnify an error by 3^200, which has 96 digits
_TINY = 5e-324
_NEXT = 2.0**-53  # 1 - _NEXT is the double below 1

State = dict[str, Any]
Case = tuple[str, State]


# -- definitions -------------------------------------------------------------------------------------------------------


def _exact(values: Any) -> list[Any]:
    return [mp.mpf(v) for v in values]


@lru_cache
def _log(x: Any, digits: int) -> Any:
    return mp.log(x) if x != 0 else -mp.inf


def _xlogy(w: Any, x: Any) -> Any:
    return w * _log(x, mp.dps) if w != 0 else mp.mpf(0)


def _cross_entropy(p: list[Any], q: list[Any]) -> Any:
    return -mp.fsum(_xlogy(a, b) for a, b in zip(p, q, strict=True))


def _kl(p: list[Any], q: list[Any]) -> Any:
    return mp.fsum(_xlogy(a, a) - _xlogy(a, b) - a + b for a, b in zip(p, q, strict=True))


def _halfway(p: Any, q: Any) -> Any:
    m = (p + q) / 2
    return (_xlogy(p, p) - _xlogy(p, m) + _xlogy(q, q) - _xlogy(q, m)) / 2


def _js(p: list[Any], q: list[Any]) -> Any:
    sums = mp.fsum(p), mp.fsum(q)
    return (mp.fsum(map(_halfway, p, q)) - _halfway(*sums)) / (mp.fsum(sums) / 2)


def _rate_limit(p: list[Any]) -> Any:
    size = range(len(p))
    with mp.workdps(80):
        matrix = mp.matrix([[(p[i] if i == j else 0) - p[i] * p[j] for j in size] for i in size])
        top = max(mp.eigsy(matrix, eigvals_only=True))
        return 2 / top if top > 0 else mp.inf


def _softmax(z: list[Any]) -> list[Any]:
    e = [mp.exp(v) if v != -mp.inf else mp.mpf(0) for v in z]
    total = mp.fsum(e)
    return [v / total for v in e]


def _surprisal(state: State) -> dict[str, Any]:
    return {"surprisal": -_xlogy(mp.mpf(1), mp.mpf(state["x"]))}


def _distributions(state: State) -> dict[str, Any]:
    p, q = _exact(state["p"]), _exact(state["q"])
    return {
        "entropy": _cross_entropy(p, p),
        "perplexity": mp.exp(_cross_entropy(p, p)),
        "cross_entropy": _cross_entropy(p, q),
        "kl_divergence": _kl(p, q),
        "kl_divergence_reverse": _kl(q, p),
        "js_divergence": _js(p, q),
        "rate_limit": _rate_limit(p),
    }


def _binary(state: State) -> dict[str, Any]:
    y, yhat = mp.mpf(state["y"]), mp.mpf(state["yhat"])
    p, q = [y, 1 - y], [yhat, 1 - yhat]
    return {
        "binary_cross_entropy": _cross_entropy(p, q),
        "binary_entropy": _cross_entropy(p, p),
        "binary_kl_divergence": _kl(p, q),
        "gradient": yhat - y,
    }


def _labels(state: State) -> dict[str, Any]:
    n, q, k, eps = _exact(state["n"]), _exact(state["q"]), state["k"], mp.mpf(state["eps"])
    observed = [count / mp.fsum(n) for count in n]
    smoothed = [1 - eps + eps / k] + [eps / k] * (k - 1)
    return {
        "mean_loss": _cross_entropy(observed, q),
        "label_entropy": _cross_entropy(observed, observed),
        "smoothing_floor": _cross_entropy(smoothed, smoothed),
        "best_logit_gap": mp.log(smoothed[0] / smoothed[1]) if eps else mp.inf,
    }


def _gradient(state: State) -> dict[str, Any]:
    p, tau = _exact(state["p"]), mp.mpf(state["tau"])
    s = _softmax([z / tau for z in _exact(state["z"])])
    gradient = {f"gradient_{i + 1}": (a - b) / tau for i, (a, b) in enumerate(zip(s, p, strict=True))}
    return {"cross_entropy": _cross_entropy(p, s), **gradient}


def _training(state: State) -> dict[str, Any]:
    with mp.workdps(_TRAINING_DIGITS):
        p, q, eta = _exact(state["p"]), _exact(state["q"]), mp.mpf(state["eta"])
        z = [mp.log(v) if v != 0 else -mp.inf for v in q]
        for _ in range(state["step"] if q != p else 0):
            z = [v - eta * (a - b) for v, a, b in zip(z, _softmax(z), p, strict=True)]
        if state["step"] and q != p:
            q = _softmax(z)
        return {
            "cross_entropy": _cross_entropy(p, q),
            "kl_divergence": _kl(p, q),
            "entropy": _cross_entropy(p, p),
            "q": q,
        }


_QUANTITIES = {
    "surprisal": _surprisal,
    "distributions": _distributions,
    "binary": _binary,
    "labels": _labels,
    "gradient": _gradient,
    "training": _training,
}


# -- states ------------------------------------------------------------------------------------------------------------
# Only sums, products and quotients of doubles: the same on every machine.

_DEFAULT_P, _DEFAULT_Q = [0.1, 0.2, 0.7], [0.6, 0.3, 0.1]

_SHARES: list[list[float]] = [
    _DEFAULT_P,
    _DEFAULT_Q,
    [1 / 3, 1 / 3, 1 / 3],
    [1.0, 0.0, 0.0],
    [0.0, 0.0, 1.0],
    [0.0, 0.5, 0.5],
    [0.3, 0.7, 0.0],
    [1 - _NEXT, _NEXT, 0.0],
    [1 - 2 * _NEXT, _NEXT, _NEXT],
    [1e-16, 1.0, 1e-300],
    [1.0, _TINY, 3e-310],
    [1.0, 0.0, 1e-300],
    [0.5, 0.5, 1e-320],
    [0.25, 0.75 - 1e-9, 1e-9],
    [0.998, 0.001, 0.001],
    # sums off 1 by as much as is accepted
    [0.1 + 9e-13, 0.2, 0.7],
    [0.1, 0.2 - 9e-13, 0.7],
    [1 - 9e-13, 0.0, 0.0],
    [1.0, 4e-13, 4e-13],
    [1 / 3, 1 / 3, 1 / 3 + 9e-13],
]


def _random_shares(draw: random.Random, power: int = 1) -> list[float]:
    parts = [draw.random() ** power for _ in range(3)]
    total = parts[0] + parts[1] + parts[2]
    return [part / total for part in parts]


def _power_of_ten(draw: random.Random, low: int, high: int) -> float:
    return float(f"{1 + 9 * draw.random():.16f}e{draw.randint(low, high)}")


def _pairs(draw: random.Random) -> Iterator[tuple[list[float], list[float]]]:
    yield _DEFAULT_P, _DEFAULT_Q
    yield _DEFAULT_P, [0.0, 0.5, 0.5]
    for place, p in enumerate(_SHARES):
        yield p, p
        yield p, _SHARES[(place + 5) % len(_SHARES)]
        yield p, _SHARES[(place + 8) % len(_SHARES)]
    for digits in range(3, 17):  # nearly equal
        for _ in range(2):
            p = _random_shares(draw)
            move = float(f"1e-{digits}") * p[0] * draw.random()
            yield p, [p[0] - move, p[1] + move, p[2]]
    for power in (1, 1, 2, 4, 8, 20, 60, 300):
        for _ in range(4):
            yield _random_shares(draw, power), _random_shares(draw, power)
    for low in (_TINY, 1e-320, 1e-308, 1e-200):  # tiny, and nearly equal
        yield [low, 0.5, 0.5], [2 * low, 0.5, 0.5]
        yield [low, 0.25, 0.75], [low, 0.75, 0.25]
        yield [low, 0.5, 0.5], [0.5, low, 0.5]


def _numbers(draw: random.Random) -> Iterator[float]:
    yield from (
        0.0,
        _TINY,
        1e-310,
        1e-300,
        1e-16,
        0.1,
        0.25,
        0.3,
        0.5,
        0.6,
        0.9,
        1 - 1e-9,
        1 - 2 * _NEXT,
        1 - _NEXT,
        1.0,
    )
    yield from (draw.random() for _ in range(5))
    yield from (_power_of_ten(draw, -300, -1) for _ in range(4))


def _binary_pairs(draw: random.Random) -> Iterator[tuple[float, float]]:
    numbers = list(_numbers(draw))
    for place, y in enumerate(numbers):
        yield y, y
        yield y, numbers[(place * 7 + 3) % len(numbers)]
        yield y, numbers[(place * 5 + 11) % len(numbers)]
    for digits in range(3, 17):
        y = draw.random()
        yield y, y * (1 - float(f"1e-{digits}"))
        yield 1e-5 * y, 1e-5 * y * (1 + float(f"1e-{digits}"))


def _label_states(draw: random.Random) -> Iterator[State]:
    counts = [[1, 2, 7], [1, 1, 1], [100, 1, 1], [1, 100, 100], [33, 66, 99]]
    steps = [0.0, 1.0, 0.1, 0.5, _TINY, 1e-310, 1e-300, 1e-16, 1e-9, 1 - 1e-9, 1 - _NEXT, 0.05]
    for place, eps in enumerate(steps):
        for k in (2, 10, 100):
            yield {"n": counts[(place + k) % len(counts)], "k": k, "eps": eps, "q": _SHARES[(place + k) % len(_SHARES)]}
    for _ in range(10):
        n = [draw.randint(1, 100) for _ in range(3)]
        yield {"n": n, "k": draw.randint(2, 100), "eps": draw.random(), "q": _random_shares(draw, 3)}


def _gradient_states(draw: random.Random) -> Iterator[State]:
    logits = [[2.0, 0.0, -1.0], [0.0, 0.0, 0.0], [20.0, -20.0, -20.0], [-20.0, 20.0, 19.9], [20.0, 20.0, -20.0]]
    for place, z in enumerate(logits):
        for tau in (0.05, 0.3, 1.0, 20.0):
            yield {"p": _SHARES[place], "z": z, "tau": tau}
    for third in (-20.0, -17.0, 0.0, 10.0):  # nearly certain, and right
        for tau in (0.4, 1.0, 3.0):
            yield {"p": [1.0, 0.0, 0.0], "z": [20.0, -20.0, third], "tau": tau}
    for p in _SHARES:
        yield {"p": p, "z": [20.0 * draw.random(), 0.0, -20.0 * draw.random()], "tau": 1.0}
        yield {"p": p, "z": [40.0 * draw.random() - 20.0 for _ in range(3)], "tau": 0.05 + 20 * draw.random() ** 6}
    for _ in range(30):
        tau = 0.05 + 20 * draw.random() ** 4
        yield {"p": _random_shares(draw, 2), "z": [tau * (8 * draw.random() - 4) for _ in range(3)], "tau": tau}


def _training_states(draw: random.Random) -> Iterator[State]:
    pairs = [
        (_DEFAULT_P, _DEFAULT_Q),
        (_DEFAULT_P, _DEFAULT_P),
        (_DEFAULT_P, [0.0, 0.5, 0.5]),
        ([0.0, 0.3, 0.7], [0.0, 0.5, 0.5]),
        ([1.0, 0.0, 0.0], [1e-300, 1.0, 0.0]),
        ([0.9, 0.05, 0.05], [_TINY, 0.5, 0.5]),
        ([1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]),
        ([0.998, 0.001, 0.001], _DEFAULT_Q),
        ([0.1 + 9e-13, 0.2, 0.7], [0.6, 0.3, 0.1 - 9e-13]),
        ([0.5, 0.5, 1e-320], [0.5, 1e-310, 0.5]),
        ([1.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
    ]
    for place, (p, q) in enumerate(pairs):
        for eta, step in ((0.4, 0), (0.05, 7), (0.4, 200), (4.0, 60), (7.0 + place / 11, 200), (8.0, 133)):
            yield {"p": p, "q": q, "eta": eta, "step": step}
    for place in range(18):  # chaos: over 200 steps an error grows by up to e^77
        rest, least = 0.29 + 0.07 * draw.random(), 0.01 + 0.03 * draw.random()
        p = [1 - rest, rest - least, least]
        state = {"p": p[place % 3 :] + p[: place % 3], "q": _random_shares(draw), "eta": 7.6 + 0.4 * draw.random()}
        yield {**state, "step": draw.randint(150, 200)}
    for _ in range(10):
        p, q = _random_shares(draw), _random_shares(draw)
        yield {"p": p, "q": q, "eta": 0.05 + 7.95 * draw.random(), "step": draw.randint(1, 200)}


def _cases() -> Iterator[Case]:
    draw = random.Random(5)
    for x in _numbers(draw):
        yield "surprisal", {"x": x}
    for p, q in _pairs(draw):
        yield "distributions", {"p": p, "q": q}
    for y, yhat in _binary_pairs(draw):
        yield "binary", {"y": y, "yhat": yhat}
    for chapter, states in (("labels", _label_states), ("gradient", _gradient_states), ("training", _training_states)):
        for state in states(draw):
            yield chapter, state


# -- the file ----------------------------------------------------------------------------------------------------------


def _rounded(value: Any) -> Any:
    """The nearest double, or "inf"."""
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    if value == mp.inf:
        return "inf"
    sign, mantissa, exponent, _ = value._mpf_
    try:
        nearest = float(Fraction(int(mantissa)) * Fraction(2) ** int(exponent))
    except OverflowError:
        return "inf"
    return -nearest if sign and nearest else nearest


def golden() -> str:
    """The text of golden.json, a case a line."""
    with mp.workdps(_DIGITS):
        lines = []
        for of, state in _cases():
            for key in ("p", "q"):
                if key in state:
                    assert abs(mp.fsum(state[key]) - 1) <= 1e-12, state
                    assert all(0 <= v <= 1 for v in state[key]), state
            values = {name: _rounded(value) for name, value in _QUANTITIES[of](state).items()}
            lines.append(json.dumps({"of": of, "state": state, "values": values}, separators=(",", ":")))
    return '{"cases":[\n' + ",\n".join(lines) + "\n]}\n"


def main() -> int:
    """Write the file, or compare it."""
    text = golden()
    if "--check" not in sys.argv[1:]:
        PATH.write_text(text, encoding="utf-8", newline="\n")
        return 0
    if PATH.read_text(encoding="utf-8") == text:
        return 0
    print("web/test/golden.json is not what web/test/make_golden.py makes: run it and commit the file", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
