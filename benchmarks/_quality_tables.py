"""The tables of docs/estimators.md, from what estimator_quality.py wrote: `python benchmarks/_quality_tables.py`."""

from __future__ import annotations

import json
import math
import statistics

from _timing import RESULTS, replace_section

PAGE = "estimators.md"
RATIOS = (0.3, 1, 3, 10)


def some(rows, **wanted):
    return [r for r in rows if all(r.get(name) == value for name, value in wanted.items())]


def distinct(rows, name):
    """The values of a field, in the order they occur."""
    return list(dict.fromkeys(r[name] for r in rows))


def total(rows, field):
    """One number for several cases: the root of the mean square of errors, the mean of all else; None without any."""
    found = [r[field] for r in rows if r[field] is not None]
    if not found:
        return None
    return math.sqrt(statistics.fmean(x * x for x in found)) if field == "rmse" else statistics.fmean(found)


def nats(value):
    """Three decimals are what so many draws support."""
    if value is None:
        return "–"
    text = f"{value:.3f}".replace("-", "−")
    return "0.000" if text == "−0.000" else text


def percent(value):
    return "–" if value is None else f"{100 * value:.0f}"


def table(head, body):
    """Markdown; numbers to the right."""
    rule = ["---" if i == 0 else "---:" for i in range(len(head))]
    return [f"| {' | '.join(map(str, row))} |" for row in (head, rule, *body)]


def cell(rows):
    """Bias / error / how often of 100 the interval held the truth."""
    return f"{nats(total(rows, 'bias'))} / {nats(total(rows, 'rmse'))} / {percent(total(rows, 'coverage'))}"


def by_ratio(rows, ratios):
    """Each method over all distributions, by observations for each outcome."""
    body = []
    for method in distinct(rows, "method"):
        own = some(rows, method=method)
        held = [r["coverage"] for r in own]
        cells = [cell(some(own, ratio=ratio)) for ratio in ratios]
        body.append([f"`{method}`", *cells, percent(min(held)), f"{sum(c >= 0.9 for c in held)} of {len(held)}"])
    return table(["method", *(f"N/K = {ratio:g}" for ratio in ratios), "least %", "90 % or more"], body)


def biases(rows):
    """By distribution, for 100 outcomes and observations."""
    rows = some(rows, K=100, ratio=1)
    names = distinct(rows, "p")
    body = [
        [f"`{method}`", *(nats(total(some(rows, method=method, p=p), "bias")) for p in names)]
        for method in distinct(rows, "method")
    ]
    return table(["method", *names], body)


def told(rows):
    """Three methods with what they are told of the number of outcomes, at K = 100."""
    body = []
    for method in ("nsb", "dirichlet", "shrinkage"):
        for part, words in (
            ("entropy", "K"),
            ("entropy, a bound of 10K", "10 K"),
            ("entropy, K as seen", "those seen"),
        ):
            own = some(rows, part=part, method=method, K=100)
            body.append([f"`{method}`, {words}", *(cell(some(own, ratio=ratio)) for ratio in RATIOS)])
    return table(["method, told", *(f"N/K = {ratio:g}" for ratio in RATIOS)], body)


def infinite(rows):
    """How often the plug-in has no finite answer."""
    found = some(rows, method="plug-in")
    return ", ".join(
        f"{percent(statistics.fmean(r['infinite'] for r in some(found, ratio=ratio)))} % at N/K = {ratio}"
        for ratio in distinct(found, "ratio")
    )


def across(rows, lines):
    """A line for each combination of `lines`, a column for each distribution."""
    columns = distinct(rows, "p")
    body = []
    for key in dict.fromkeys(tuple(r[name] for name in lines) for r in rows):
        own = some(rows, **dict(zip(lines, key, strict=True)))
        shown = [f"`{part}`" if name == "method" else f"{part:,}" for name, part in zip(lines, key, strict=True)]
        body.append([*shown, *(cell(some(own, p=column)) for column in columns)])
    return table([*lines, *columns], body)


def document() -> None:
    """Every marked section, from the last run."""
    kept = json.loads((RESULTS / "estimator_quality.json").read_text())
    facts, rows = kept["machine"], kept["rows"]
    entropy = some(rows, part="entropy")
    divergence = some(rows, part="KL of counts")
    sections = {
        "quality-run": [
            f"Simulated {facts['date']} at {facts['commit']}: {len(rows):,} rows, each of 40 to 1,000 data sets."
        ],
        "quality-entropy": by_ratio(entropy, RATIOS),
        "quality-biases": biases(entropy),
        "quality-told": told(rows),
        "quality-kl": [
            *by_ratio(divergence, (1, 3, 10, 30)),
            "",
            f"The plug-in is infinite in {infinite(divergence)}.",
        ],
        "quality-tables": by_ratio(some(rows, part="MI of tables"), (1, 3, 10, 30)),
        "quality-samples": across(some(rows, part="entropy of samples"), ("d", "k", "n")),
        "quality-spacings": across([r for r in rows if r["part"] == "spacings"], ("method", "n")),
        "quality-knn": across(some(rows, part="KL of samples"), ("d", "k", "n")),
        "quality-ksg": across(some(rows, part="MI of samples"), ("method", "d", "k", "n")),
        "quality-ross": across(some(rows, part="MI of labels and samples"), ("method", "n")),
        "quality-ties": across(some(rows, part="MI with ties"), ("method", "n")),
    }
    for name, lines in sections.items():
        replace_section(name, lines, PAGE)


if __name__ == "__main__":
    document()
