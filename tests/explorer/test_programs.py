"""Show Python: each chapter's program, run, prints the numbers that the page shows."""

import contextlib
import io
import math

import pytest

P, Q, THIRD = [0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [1 / 3, 1 / 3, 1 / 3]
PAIRS = [
    {"p": p, "q": q}
    for p, q in [
        (P, Q),
        (P, P),
        (P, [0, 0.5, 0.5]),
        ([0, 0, 1], [0, 0, 1]),
        ([1, 0, 0], [0.25, 0.5, 0.25]),
        (P, [0.1 + 1e-9, 0.2, 0.7 - 1e-9]),
        (P, [1e-12, 0.5, 0.5 - 1e-12]),
        ([0.1, 0.2, 0.7 + 5e-13], THIRD),
    ]
]
STATES = {
    "surprisal": [{"x": x} for x in (0.25, 0, 1, 1e-300, 1 - 2**-53)],
    "entropy": [{"p": p} for p in (P, THIRD, [0, 0, 1], [0.5, 0.5, 0], [1e-300, 0, 1])],
    "cross-entropy": PAIRS,
    "directions": PAIRS,
    "simplex": PAIRS,
    "binary": [
        {"y": y, "yhat": q} for y, q in [(0.3, 0.6), (0, 0), (1, 1), (0, 1), (1, 1e-12), (0.3, 0.3 + 1e-9), (0.5, 0)]
    ],
    "labels": [
        {"n": n, "k": k, "eps": eps, "q": q}
        for n, k, eps, q in [
            ([1, 2, 7], 10, 0.1, Q),
            ([1, 1, 1], 2, 0, THIRD),
            ([100, 1, 1], 100, 1, [0, 0.5, 0.5]),
            ([3, 50, 99], 7, 1e-9, P),
        ]
    ],
    "gradient": [
        {"p": p, "z": z, "tau": tau}
        for p, z, tau in [
            (P, [2, 0, -1], 1),
            (P, [20, -20, 3], 0.05),
            ([1, 0, 0], [20, -20, -20], 1),
            ([0, 0, 1], [0.5, 0.25, -3], 20),
        ]
    ],
    "training": [
        {"p": p, "q": q, "eta": eta, "step": step}
        for p, q, eta, step in [
            (P, Q, 0.4, 0),
            (P, Q, 0.4, 60),
            (P, [0, 0.5, 0.5], 1, 30),
            ([0, 0, 1], Q, 8, 20),
            (P, P, 2, 200),
        ]
    ],
}
ABSOLUTE = {"gradient", "gradient_1", "gradient_2", "gradient_3"}

COLLECT = """async ([chapter, hashes]) => {
  const all = [];
  for (const hash of hashes) {
    await T.go(hash);
    const values = Object.fromEntries(T.read(chapter).map((one) => [one.name, one.value]));
    const programs = [...T.section(chapter).querySelectorAll('pre[data-python]')].map((pre) => [
      pre.getAttribute('data-python').split(' '), pre.textContent]);
    all.push({ values, programs });
  }
  return all;
}"""


def run(program: str) -> list[float]:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(program, "the page's program", "exec"), {"__name__": "__main__"})
    return [float(line) for line in said.getvalue().splitlines()]


@pytest.mark.parametrize("unit", ["nats", "bits"])
def test_programs_print_what_the_page_shows(open_page, contract, each_chapter, unit):
    hashes = [contract.hash(chapter=each_chapter, unit=unit, **state) for state in STATES[each_chapter]]
    page = open_page(hashes[0])
    wrong = []
    for hash, seen in zip(hashes, page.evaluate(COLLECT, [each_chapter, hashes]), strict=True):
        assert seen["programs"], "there is a program"
        names = [name for prints, _ in seen["programs"] for name in prints]
        assert contract.quantities[each_chapter][0] in names
        assert set(names) <= set(contract.quantities[each_chapter])
        for prints, program in seen["programs"]:
            printed = run(program)
            assert len(printed) == len(prints), program
            for name, value in zip(prints, printed, strict=True):
                shown = float(seen["values"][name])
                # KL in training is what is left of two equal numbers after the walk: right to 1e-14, as the page's.
                least = 1e-14 if name in ABSOLUTE or (each_chapter, name) == ("training", "kl_divergence") else 0
                same = value == shown or math.isclose(value, shown, rel_tol=1e-12, abs_tol=least)
                if not same:
                    wrong.append(f"{name} at {hash}: printed {value!r}, shown {shown!r}")
    assert wrong == [], "\n".join(wrong)


def test_programs_are_whole_and_can_be_unfolded(open_page, each_chapter):
    page = open_page(f"v=1&chapter={each_chapter}")
    section = page.locator(f"section[data-chapter='{each_chapter}']")
    pre = section.locator("pre[data-python]").first
    if not pre.is_visible():
        section.locator("summary").first.click()
    assert pre.is_visible()
    assert "import xent" in pre.inner_text()
