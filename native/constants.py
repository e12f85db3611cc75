"""Print every polynomial and split constant of the kernels: `python native/constants.py > native/constants.hpp`."""

from __future__ import annotations

from mpmath import chebyfit, factorial, log, mp, mpf, mpmathify

mp.dps = 60


def literal(x: mpf) -> str:
    """The nearest double, as C++ reads it."""
    return float(x).hex()


def split(name: str, x: mpf, bits: tuple[int, ...]) -> str:
    """`x` as a sum of doubles; every one but the last cut to the given number of bits."""
    parts = []
    for b in bits:
        scale = mpf(2) ** (b - 1 - int(mp.floor(log(abs(x), 2))))
        part = mp.floor(x * scale) / scale
        parts.append(part)
        x -= part
    parts.append(x)
    return "\n".join(f"constexpr double {name}{i} = {literal(p)};" for i, p in enumerate(parts, 1))


def table(name: str, what: str, coefficients: list[mpf]) -> str:
    """Lowest power first."""
    body = ",\n    ".join(literal(mpmathify(c)) for c in coefficients)
    return f"// {what}\nconstexpr double {name}[{len(coefficients)}] = {{\n    {body}}};"


def fit(name: str, what: str, f, low: mpf, high: mpf, n: int, *, first: tuple[float, ...] = ()) -> str:
    """The near-minimax polynomial of n coefficients after `first`, with its largest relative error in the comment."""
    coefficients = chebyfit(f, [low, high], n)
    rounded = [mpf(float(c)) for c in coefficients]
    grid = [low + (high - low) * i / 400 for i in range(401)]
    error = max(abs(mp.polyval(rounded, x) / f(x) - 1) for x in grid)
    return table(name, f"{what}; relative error 2^{float(log(error, 2)):.1f}", [*map(mpf, first), *coefficients[::-1]])


def series(first: int, f):
    """Sum f(k, x) from k = first until nothing is added."""

    def value(x: mpf) -> mpf:
        total, k = mpf(0), first
        while True:
            term = f(k, x)
            total += term
            if abs(term) < mpf(10) ** -50:
                return total
            k += 1

    return value


def main() -> None:
    """Print the header."""
    edge = mpf("0.51") / mpf("2.51")
    ln2 = log(2)
    print("// Made by native/constants.py; do not edit.\n#pragma once\n\nnamespace xent_constants {")
    print(split("kLn2_", ln2, (41, 41)))
    print(split("kLog2e_", 1 / ln2, ()))
    print(split("kBits", 1 / ln2, (53,)))
    print(split("kBans", 1 / log(10), (53,)))
    print(
        fit(
            "kLog",
            "(2 atanh(s) - 2s) / s^3 in s^2, ratios within 1.51",
            series(1, lambda k, z: 2 * z ** (k - 1) / (2 * k + 1)),
            mpf(0),
            edge**2,
            8,
        )
    )
    print(
        fit(
            "kExp",
            "(e^r - 1 - r) / r^2, |r| <= ln 2 / 2",
            series(2, lambda k, r: r ** (k - 2) / factorial(k)),
            -ln2 / 2 * mpf("1.001"),
            ln2 / 2 * mpf("1.001"),
            11,
        )
    )
    for name, n in (("kExp2Short", 7), ("kExp2", 9)):
        print(
            fit(
                name,
                "2^r, |r| <= 1/2: 1, and then (2^r - 1) / r",
                series(1, lambda k, r: ln2**k * r ** (k - 1) / factorial(k)),
                mpf(-0.5),
                mpf(0.5),
                n,
                first=(1.0,),
            )
        )
    print(
        fit(
            "kExp2Less1",
            "(2^r - 1) / r, |r| <= 1/2",
            series(1, lambda k, r: ln2**k * r ** (k - 1) / factorial(k)),
            mpf(-0.5),
            mpf(0.5),
            9,
        )
    )
    for name, n in (("kLog1pShort", 6), ("kLog1pBrief", 8)):
        print(
            fit(
                name,
                "2 atanh(s) / s in s^2, |s| <= 1/3",
                series(0, lambda k, z: 2 * z**k / (2 * k + 1)),
                mpf(0),
                mpf(1) / 9,
                n,
            )
        )
    for name, n in (("kPsi", 12), ("kPsiBrief", 8)):
        print(
            fit(
                name,
                "(e^d - 1 - d - d^2/2) / d^3, |d| <= 1/2",
                series(3, lambda k, d: d ** (k - 3) / factorial(k)),
                mpf(-0.5),
                mpf(0.5),
                n,
            )
        )
    print(
        fit(
            "kJs",
            "(((1+s) log(1+s) + (1-s) log(1-s)) / 2 - s^2/2) / s^4 in s^2, |s| <= 1/2",
            series(2, lambda k, z: z ** (k - 2) / (2 * k * (2 * k - 1))),
            mpf(0),
            mpf("0.251"),
            13,
        )
    )
    print(table("kFact", "1/k!, k = 3..12: the tail of e^r in double-double", [1 / factorial(k) for k in range(3, 13)]))
    print(
        table(
            "kFactLo",
            "what rounding 1/k! left",
            [1 / factorial(k) - mpf(float(1 / factorial(k))) for k in range(3, 13)],
        )
    )
    print("}  // namespace xent_constants")


if __name__ == "__main__":
    main()
