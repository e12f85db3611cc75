"""The measures by their definitions, in mpmath, at whatever precision the answer needs.

Every function takes one row (a sequence or array of any library; pairs of rows for two arguments) or a form, as the
measures do, and returns an `Answer`: the exact value for the numbers *as given* and for the *normalised* rows. Rows
of floats rarely sum to exactly 1; both readings are right, and `xent.testing.ulp_error` takes the nearer.

The definitions are evaluated plainly, at growing precision until two evaluations agree: cancellation costs time, not
digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from xent.testing._need import need

mpmath: Any = need("mpmath")
mp: Any = mpmath.mp

_FIRST_DIGITS = 60
_MOST_DIGITS = 900
_AGREED_DIGITS = 30
_ENOUGH_DIGITS = 700  # sees the square of the smallest float: what is 0 here is 0


class Answer(NamedTuple):
    """One measure of one row in both readings; `normalised` is exact division by the sum."""

    given: Any
    normalised: Any


def _settled(evaluate: Callable[[], Any]) -> Any:
    """The value of `evaluate` at the first precision where doubling the digits no longer changes it."""
    digits = _FIRST_DIGITS
    with mp.workdps(digits):
        before = evaluate()
    while digits < _MOST_DIGITS:
        digits *= 2
        with mp.workdps(digits):
            now = evaluate()
            # digits that agree count only where the earlier precision could see them: next to the 1 of the total
            seen = mp.mpf(10) ** (_AGREED_DIGITS - digits // 2)
            close = abs(now - before) <= abs(now) * mp.mpf(10) ** -_AGREED_DIGITS and abs(now) > seen
            if not mp.isfinite(now) or close or (now == before and digits > _ENOUGH_DIGITS):
                return now
        before = now
    return before


def _both(evaluate: Callable[[bool], Any]) -> Answer:
    """`evaluate(normalised)` in both readings."""
    return Answer(_settled(lambda: evaluate(False)), _settled(lambda: evaluate(True)))


def _kind(a: Any) -> str:
    """What `a` holds: the kind of its form, else probabilities."""
    return getattr(a, "kind", "probs")


def _numbers(a: Any) -> list[Any]:
    """The values of a row (or of a form) as exact mpmath numbers."""
    values = getattr(a, "values", a)
    values = values.tolist() if hasattr(values, "tolist") else values
    return [mp.mpf(x if isinstance(x, int) else float(x)) for x in values]


def _one(x: Any) -> Any:
    """One exact mpmath number."""
    x = getattr(x, "values", x)
    return mp.mpf(x if isinstance(x, int) else float(x))


def _weights(a: Any, normalised: bool) -> list[Any]:
    """The probabilities that a row stands for."""
    kind, values = _kind(a), _numbers(a)
    if kind in ("logprobs", "logits"):
        top = max(values) if kind == "logits" else mp.mpf(0)
        values = [mp.exp(v - top) if v != -mp.inf else mp.mpf(0) for v in values]
    if kind in ("logits", "counts") or normalised:
        total = mp.fsum(values)
        values = [v / total for v in values]
    return values


def _log(p: Any) -> Any:
    """The natural logarithm, -inf at 0."""
    return mp.log(p) if p != 0 else -mp.inf


def _pair(p: Any, q: Any, normalised: bool) -> tuple[list[Any], list[Any]]:
    """Truth and model as probabilities; labels become one-hot rows."""
    model = _weights(q, normalised)
    if _kind(p) == "labels":
        label = int(_one(p))
        return [mp.mpf(k == label) for k in range(len(model))], model
    return _weights(p, normalised), model


def surprisal(p: Any, k: int) -> Answer:
    """-log p_k of outcome `k` of the row `p`."""
    return _both(lambda normalised: -_log(_weights(p, normalised)[k]))


def entropy(p: Any) -> Answer:
    """-sum p log p."""
    return _both(lambda normalised: -mp.fsum(x * mp.log(x) for x in _weights(p, normalised) if x != 0))


def _cross_entropy(p: Sequence[Any], q: Sequence[Any]) -> Any:
    return -mp.fsum(x * _log(y) for x, y in zip(p, q, strict=True) if x != 0)


def cross_entropy(p: Any, q: Any) -> Answer:
    """-sum p log q; inf where q rules out what p allows."""
    return _both(lambda normalised: _cross_entropy(*_pair(p, q, normalised)))


def _kl_divergence(p: Sequence[Any], q: Sequence[Any], one_hot: bool) -> Any:
    """Bregman terms p log(p/q) - p + q, of which the last two sum to 0 for normalised rows."""
    if one_hot:
        return _cross_entropy(p, q)
    return mp.fsum((x * (mp.log(x) - _log(y)) if x != 0 else 0) - x + y for x, y in zip(p, q, strict=True))


def kl_divergence(p: Any, q: Any) -> Answer:
    """Sum p log(p/q) - p + q; for labels -log q_y."""
    return _both(lambda normalised: _kl_divergence(*_pair(p, q, normalised), one_hot=_kind(p) == "labels"))


def _half(x: Any, m: Any) -> Any:
    return x * mp.log(x / m) if x != 0 else mp.mpf(0)


def _js_divergence(p: Any, q: Any, normalised: bool) -> Any:
    rows = zip(*_pair(p, q, normalised), strict=True)
    return mp.fsum(_half(x, (x + y) / 2) + _half(y, (x + y) / 2) for x, y in rows) / 2


def js_divergence(p: Any, q: Any) -> Answer:
    """Half the sum of p log(p/m) + q log(q/m), m = (p + q)/2."""
    return _both(lambda normalised: _js_divergence(p, q, normalised))


def _after(function: Callable[[Any], Any], answer: Answer) -> Answer:
    """`function` of both readings, at a precision that adds no error to that of the answer."""
    with mp.workdps(_FIRST_DIGITS):
        return Answer(*(function(value) for value in answer))


def js_distance(p: Any, q: Any) -> Answer:
    """The root of the Jensen-Shannon divergence."""
    return _after(lambda value: mp.sqrt(abs(value)), js_divergence(p, q))


def perplexity(p: Any, q: Any = None) -> Answer:
    """Exp of the entropy of `p`, or of the cross-entropy of `p` and `q`."""
    return _after(mp.exp, entropy(p) if q is None else cross_entropy(p, q))


def logsumexp(a: Any) -> Any:
    """Log of the sum of exponentials; -inf for a row of -inf."""
    return _settled(lambda: _log(mp.fsum(mp.exp(x) for x in _numbers(a) if x != -mp.inf)))


def normalize(a: Any, k: int) -> Any:
    """Probability of outcome `k` in the normalised row: for logits and log-probabilities that of the softmax."""
    return _settled(lambda: _weights(a, True)[k])


def _bernoulli(q: Any) -> tuple[Any, Any]:
    """P(1) and P(0) of a number: a probability, or log P(1) or log-odds in a form."""
    kind, x = _kind(q), _one(q)
    if kind == "logprobs":
        return mp.exp(x), -mp.expm1(x)
    if kind == "logits":
        return (1 / (1 + mp.exp(-x)) if x != -mp.inf else mp.mpf(0), 1 / (1 + mp.exp(x)) if x != mp.inf else mp.mpf(0))
    return x, 1 - x


def binary_entropy(y: Any) -> Any:
    """Entropy of one Bernoulli variable."""
    return _settled(lambda: -mp.fsum(x * mp.log(x) for x in _bernoulli(y) if x != 0))


def binary_cross_entropy(y: Any, q: Any) -> Any:
    """-y log q - (1 - y) log(1 - q)."""
    return _settled(lambda: _cross_entropy(_bernoulli(y), _bernoulli(q)))


def binary_kl_divergence(y: Any, q: Any) -> Any:
    """Kullback-Leibler divergence of two Bernoulli variables."""
    return _settled(lambda: _kl_divergence(_bernoulli(y), _bernoulli(q), one_hot=False))


def _table(joint: Any, normalised: bool) -> list[list[Any]]:
    """A joint distribution (rows x columns), in any form, as probabilities."""
    values = getattr(joint, "values", joint)
    rows = values.tolist() if hasattr(values, "tolist") else values
    flat = [x for row in rows for x in row]
    form = type("_Row", (), {"kind": _kind(joint), "values": flat})
    weights = _weights(form, normalised)
    width = len(rows[0])
    return [weights[i : i + width] for i in range(0, len(weights), width)]


def joint_entropy(joint: Any) -> Answer:
    """-sum of p log p over the whole table."""
    return _both(lambda n: -mp.fsum(x * mp.log(x) for row in _table(joint, n) for x in row if x != 0))


def conditional_entropy(joint: Any, *, given: int) -> Answer:
    """Entropy of one variable when the other is known: `given` = 0 knows the row, 1 the column."""

    def evaluate(normalised: bool) -> Any:
        table = _table(joint, normalised)
        rows = table if given == 0 else [list(column) for column in zip(*table, strict=True)]
        return -mp.fsum(x * mp.log(x / mp.fsum(row)) for row in rows for x in row if x != 0)

    return _both(evaluate)


def mutual_information(joint: Any) -> Answer:
    """Divergence of the joint distribution from the product of its marginals."""

    def evaluate(normalised: bool) -> Any:
        table = _table(joint, normalised)
        rows = [mp.fsum(row) for row in table]
        columns = [mp.fsum(column) for column in zip(*table, strict=True)]
        total = mp.fsum(rows)
        cells = (
            (x, r * c / total) for row, r in zip(table, rows, strict=True) for x, c in zip(row, columns, strict=True)
        )
        return mp.fsum(x * mp.log(x / y) for x, y in cells if x != 0)

    return _both(evaluate)
