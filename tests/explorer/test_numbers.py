"""The numbers on the page are those of `xent`, in every state: corners, zeros, equal and nearly equal shares."""

import math
from functools import cache
from itertools import product

import mpmath
import pytest

import xent

P, Q = [0.1, 0.2, 0.7], [0.6, 0.3, 0.1]
THIRD = [1 / 3, 1 / 3, 1 / 3]

# Pairs of distributions that find what a page gets wrong.
PAIRS = [
    (P, Q),
    (P, P),
    (THIRD, THIRD),
    (P, [0, 0.5, 0.5]),  # a zero where there is truth
    (P, [0, 0, 1]),
    (P, [1, 0, 0]),
    ([0, 0, 1], [0, 0, 1]),  # sure, and right
    ([1, 0, 0], [0, 0, 1]),  # sure, and wrong
    ([0, 0, 1], P),
    ([0, 0.5, 0.5], [0, 0.25, 0.75]),  # both rule the same out
    ([0.5, 0.5, 0], [0, 0.5, 0.5]),
    (P, [0.1 + 1e-9, 0.2, 0.7 - 1e-9]),  # a difference of 1e-9 is a divergence of 1e-18
    (P, [0.1, 0.2 - 1e-12, 0.7 + 1e-12]),
    (THIRD, [1 / 3, 1 / 3 + 1e-7, 1 / 3 - 1e-7]),
    (P, [0.1 + 4e-13, 0.2, 0.7]),  # sums to 1 within 1e-12, and is used as it is
    ([0.1, 0.2 - 5e-13, 0.7], [0.1, 0.2 + 5e-13, 0.7]),
    ([1e-12, 1e-12, 1 - 2e-12], [2e-12, 1e-12, 1 - 3e-12]),
    ([0, 0, 1], [1e-16, 1e-16, 1]),  # nearly certain
    ([1e-300, 0, 1], [0.5, 0.25, 0.25]),
    ([0.25, 0.25, 0.5], [1e-300, 0.5, 0.5]),
    ([0.25, 0.25, 0.5], [5e-324, 0.5, 0.5]),
    ([0.49, 0.02, 0.49], [0.02, 0.49, 0.49]),
]

SINGLE = [0, 5e-324, 1e-300, 1e-16, 0.1, 0.25, 0.5, 0.9, 1 - 1e-9, 1 - 2**-53, 1]
BINARY = [
    *product([0, 0.3, 1], [0, 1e-12, 0.3, 0.6, 1 - 1e-12, 1]),
    (0.3, 0.3 + 1e-9),
    (0.5, 0.5 - 1e-12),
    (1e-12, 2e-12),
    (1 - 1e-9, 1),
    (1e-300, 0.5),
    (1 - 2**-53, 1 - 2**-52),
]
LABELS = [
    {"n": [1, 2, 7], "k": 10, "eps": 0.1, "q": Q},
    {"n": [1, 1, 1], "k": 2, "eps": 0, "q": THIRD},
    {"n": [100, 1, 1], "k": 100, "eps": 1, "q": P},
    {"n": [1, 2, 7], "k": 3, "eps": 1e-9, "q": P},
    {"n": [50, 50, 100], "k": 100, "eps": 1 - 1e-9, "q": [0.25, 0.25, 0.5]},
    {"n": [33, 67, 100], "k": 7, "eps": 0.999, "q": [0, 0.5, 0.5]},
    {"n": [1, 1, 98], "k": 2, "eps": 1e-300, "q": [1, 0, 0]},
    {"n": [9, 9, 9], "k": 50, "eps": 0.5, "q": [1e-12, 0.5, 0.5 - 1e-12]},
]
GRADIENT = [
    {"p": p, "z": z, "tau": tau}
    for p, z, tau in [
        (P, [2, 0, -1], 1),
        (P, [2, 0, -1], 0.05),
        (P, [2, 0, -1], 20),
        (P, [20, -20, 0], 0.05),
        (P, [20, -20, 0], 20),
        ([1, 0, 0], [20, -20, -20], 1),  # loss of 8.5e-18
        ([0, 0, 1], [20, 20, -20], 0.05),
        ([0, 1, 0], [0, 0.001, 0], 0.05),
        (THIRD, [0, 0, 0], 1),
        (THIRD, [1e-9, 0, -1e-9], 1),
        ([0, 0.5, 0.5], [-20, 1, 1], 0.5),
        ([0, 0, 1], [1, 1.5, 2.75], 0.1),
        (P, [19.999999, 20, 19.99], 0.07),
        ([0.25, 0.25, 0.5], [-7.3, 3.3, 3.1], 2.5),
    ]
]
TRAINING = [
    {"p": p, "q": q, "eta": eta, "step": step}
    for p, q, eta, step in [
        (P, Q, 0.4, 0),
        (P, Q, 0.4, 1),
        (P, Q, 0.4, 200),
        (P, Q, 8, 1),
        (P, Q, 8, 3),
        (P, Q, 8, 200),  # here an error of the first step grows without end unless it is never made
        (P, Q, 4.7, 137),
        (P, P, 0.4, 50),  # stays where it is (at a rate that repels, the last bit of p would grow)
        (THIRD, THIRD, 8, 200),
        (P, [0, 0.5, 0.5], 1, 100),  # a share of 0 stays 0
        ([0, 0.5, 0.5], [0, 0.9, 0.1], 2, 40),
        ([0, 0, 1], [0.6, 0.3, 0.1], 8, 200),
        ([0, 0, 1], [0, 0, 1], 8, 200),
        ([1, 0, 0], [0, 0, 1], 1, 10),
        ([0.5, 0.5, 0], THIRD, 0.05, 200),
        (P, [1e-300, 1e-16, 1], 0.4, 60),
        ([1e-12, 1e-12, 1 - 2e-12], Q, 8, 200),
        (P, [0.1 + 1e-9, 0.2, 0.7 - 1e-9], 3.9, 120),
        ([0.49, 0.02, 0.49], [0.02, 0.49, 0.49], 6.5, 200),
    ]
]
PAIR_STATES = [{"p": p, "q": q} for p, q in PAIRS]
STATES = {
    "surprisal": [{"x": x} for x in SINGLE],
    "entropy": [{"p": p} for p in {tuple(s): s for pair in PAIRS for s in pair}.values()],
    "cross-entropy": PAIR_STATES,
    "directions": PAIR_STATES,
    "binary": [{"y": y, "yhat": q} for y, q in BINARY],
    "simplex": PAIR_STATES[::2],
    "labels": LABELS,
    "gradient": GRADIENT,
    "training": TRAINING,
}
PER_NAT = {"nats": 1, "bits": 1 / math.log(2)}


def exact(values):
    """The given doubles, as they are."""
    return [mpmath.mpf(v) for v in values]


def softmax(z):
    top = max(z)
    e = [mpmath.exp(v - top) for v in z]
    return [v / sum(e) for v in e]


def divergence(p, q):
    """KL of what is given, from enough digits; the shares of `p` weigh as they are."""
    if any(a > 0 and b == 0 for a, b in zip(p, q, strict=True)):
        return mpmath.inf
    return sum((a * mpmath.log(a / b) for a, b in zip(p, q, strict=True) if a > 0), mpmath.mpf(0))


def trained(p, q, eta, step):
    """Shares after so many steps: z = ln q, then z -= eta (softmax(z) - p). A share of 0 takes no part and stays 0."""
    active = [i for i in range(3) if q[i] > 0]
    z = [mpmath.log(q[i]) for i in active]
    for _ in range(int(step)):
        s = softmax(z)
        z = [v - eta * (a - p[i]) for v, a, i in zip(z, s, active, strict=True)]
    s = dict(zip(active, softmax(z), strict=True))
    return [s.get(i, mpmath.mpf(0)) for i in range(3)]


def rate_limit(p):
    """2 over the greatest eigenvalue of diag(p) - ppᵀ."""
    matrix = mpmath.matrix(3, 3)
    for i, j in product(range(3), repeat=2):
        matrix[i, j] = (p[i] if i == j else 0) - p[i] * p[j]
    top = max(mpmath.eigsy(matrix, eigvals_only=True))
    # Of a one-hot p the matrix is 0; what the digits leave is none.
    return 2 / top if top > mpmath.mpf(10) ** -60 else mpmath.inf


@cache
def train_reference(p, q, eta, step):
    with mpmath.workdps(180):  # 3^200 takes 96 of them
        p, q, eta = exact(p), exact(q), mpmath.mpf(eta)
        after = trained(p, q, eta, step)
        cross = sum(
            (-a * mpmath.log(b) if b else mpmath.inf for a, b in zip(p, after, strict=True) if a), mpmath.mpf(0)
        )
        return float(cross), float(divergence(p, after)), float(rate_limit(p))


def expected(chapter, s):
    """Every quantity of a chapter in nats: (value, absolute tolerance, or None for relative)."""
    s = {key: floats(value) if isinstance(value, list) else float(value) for key, value in s.items()}
    if chapter == "surprisal":
        return {"surprisal": (xent.surprisal(s["x"]), None)}
    if chapter == "entropy":
        return {"entropy": (xent.entropy(s["p"]), None), "perplexity": (xent.perplexity(s["p"]), None)}
    if chapter in ("cross-entropy", "simplex"):
        return {
            "cross_entropy": (xent.cross_entropy(s["p"], s["q"]), None),
            "entropy": (xent.entropy(s["p"]), None),
            "kl_divergence": (xent.kl_divergence(s["p"], s["q"]), None),
        }
    if chapter == "directions":
        return {
            "kl_divergence": (xent.kl_divergence(s["p"], s["q"]), None),
            "kl_divergence_reverse": (xent.kl_divergence(s["q"], s["p"]), None),
            "js_divergence": (xent.js_divergence(s["p"], s["q"]), None),
        }
    if chapter == "binary":
        y, q = s["y"], s["yhat"]
        return {
            "binary_cross_entropy": (xent.binary_cross_entropy(y, q), None),
            "binary_entropy": (xent.binary_entropy(y), None),
            "binary_kl_divergence": (xent.binary_kl_divergence(y, q), None),
            "gradient": (q - y, 1e-14),
        }
    if chapter == "labels":
        return labels(s)
    return (gradient if chapter == "gradient" else training)(s)


def floats(values):
    return [float(v) for v in values]


def labels(s):
    k, eps = int(s["k"]), s["eps"]
    with mpmath.workdps(700):  # of 1 - 1e-300 the last digit counts
        off = mpmath.mpf(eps) / k
        on = 1 - off * (k - 1)
        floor = -on * mpmath.log(on) - ((k - 1) * off * mpmath.log(off) if off else 0)
        gap = mpmath.log1p(k * (1 - mpmath.mpf(eps)) / eps) if off else mpmath.inf
        floor, gap = float(floor), float(gap)
    return {
        "mean_loss": (xent.cross_entropy(xent.Counts([int(v) for v in s["n"]]), s["q"]), None),
        "label_entropy": (xent.entropy(xent.Counts([int(v) for v in s["n"]])), None),
        "smoothing_floor": (floor, None),
        "best_logit_gap": (gap, None),
    }


def gradient(s):
    with mpmath.workdps(60):
        p, tau = exact(s["p"]), mpmath.mpf(s["tau"])
        model = softmax([v / tau for v in exact(s["z"])])
        loss = float(sum(-a * mpmath.log(b) for a, b in zip(p, model, strict=True) if a))
        slopes = [float((b - a) / tau) for a, b in zip(p, model, strict=True)]
    return {
        "cross_entropy": (loss, None),
        **{f"gradient_{i + 1}": (slope, 1e-14) for i, slope in enumerate(slopes)},
    }


def training(s):
    cross, kl, limit = train_reference(tuple(s["p"]), tuple(s["q"]), s["eta"], s["step"])
    return {
        "cross_entropy": (cross, None),
        "kl_divergence": (kl, 1e-14),
        "entropy": (float(xent.entropy(s["p"])), None),
        "rate_limit": (limit, None),
    }


def differs(shown: str, wanted: float, tolerance: float | None) -> bool:
    """Whether a data-value is not the number that was wanted."""
    wanted = float(wanted)
    if math.isinf(wanted) or shown == "inf":
        return shown != ("inf" if wanted > 0 else "-inf")
    got = float(shown)
    if tolerance is None:
        # Below the least normal number there are no twelve digits.
        return not abs(got - wanted) <= max(1e-12 * abs(wanted), 5e-324 * 4)
    return not abs(got - wanted) <= tolerance + math.ulp(wanted)


def rounding(text: str) -> float:
    """Half a unit of the last digit in a rounded number."""
    digits, _, power = text.lower().partition("e")
    places = len(digits.partition(".")[2])
    return 0.5 * 10.0 ** (int(power or 0) - places)


COLLECT = """async ([chapter, hashes]) => {
  const all = [];
  for (const hash of hashes) {
    await T.go(hash);
    await T.frame();
    all.push({ outputs: T.read(chapter), note: T.visible(T.root().querySelector('[data-note]')), state: T.state() });
  }
  return all;
}"""


def wrong_text(output: dict, unit: str) -> str:
    """What is wrong with the text of a read-out; "" where it says what its data-value says."""
    text, value = output["text"].strip().replace("−", "-"), output["value"]
    if (unit in text.split()) != (unit != "1") or ("nats" in text and "bits" in text):
        return "its unit"
    number = text.replace(unit, "").strip() if unit != "1" else text
    if value == "inf":
        return "" if number in ("inf", "∞") else "it should say inf"
    try:
        shown = float(number.replace(",", ""))
    except ValueError:
        return "not one number"
    if len(number) > 12:
        return "not rounded"
    return "" if abs(shown - float(value)) <= rounding(number) * 1.0000001 else "another number"


@pytest.mark.parametrize("unit", ["nats", "bits"])
def test_every_read_out_of_every_state_is_what_xent_says(open_page, contract, each_chapter, unit):
    states = STATES[each_chapter]
    hashes = [contract.hash(chapter=each_chapter, unit=unit, **s) for s in states]
    seen = open_page(hashes[0]).evaluate(COLLECT, [each_chapter, hashes])
    wrong = []
    for s, page in zip(states, seen, strict=True):
        names = [output["name"] for output in page["outputs"]]
        assert set(names) == set(contract.quantities[each_chapter])
        assert names[0] == contract.quantities[each_chapter][0]
        assert not page["note"], f"{s} is a good state"
        given = {k: v if isinstance(v, list) else [v] for k, v in s.items()}
        assert contract.parse(page["state"]) == contract.state(chapter=each_chapter, unit=unit, **given)
        wanted = expected(each_chapter, s)
        for output in page["outputs"]:
            name = output["name"]
            natural = name in contract.natural
            value, tolerance = wanted[name]
            value = float(value) * (1 if natural else PER_NAT[unit])
            assert (output["tag"], output["live"]) == ("OUTPUT", "off")
            assert output["unit"] == ("1" if natural else unit)
            if differs(output["value"], value, tolerance):
                wrong.append(f"{name} at {s}: {output['value']}, not {value}")
            if why := wrong_text(output, output["unit"]):
                wrong.append(f"{name} at {s}: text {output['text']!r} for {output['value']}: {why}")
    assert wrong == [], "\n".join(wrong)
