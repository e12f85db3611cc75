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


def by_ratio(rows, ratios):
    """Error and coverage of each method over all distributions, by observations for each outcome."""
    body = []
    for method in distinct(rows, "method"):
        own = some(rows, method=method)
        parts = [some(own, ratio=ratio) for ratio in ratios]
        least = [r["coverage"] for r in own if r["coverage"] is not None]
        body.append([
            f"`{method}`", *(nats(total(part, "bias")) for part in parts), *(nats(total(part, "rmse")) for part in parts),
            *(percent(total(part, "coverage")) for part in parts), percent(min(least, default=None)),
            f"{sum(c >= 0.9 for c in least)} of {len(least)}",
        ])  # fmt: skip
    columns = [f"{word} {ratio:g}" for word in ("bias", "error", "%") for ratio in ratios]
    return table(["method", *columns, "least %", "90 % or more"], body)


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
            own = [some(rows, part=part, method=method, K=100, ratio=ratio) for ratio in RATIOS]
            body.append([f"`{method}`", words, *(nats(total(x, f)) for f in ("bias", "rmse") for x in own),
                         *(percent(total(x, "coverage")) for x in own)])  # fmt: skip
    columns = [f"{word} {ratio:g}" for word in ("bias", "error", "%") for ratio in RATIOS]
    return table(["method", "told", *columns], body)


def infinite(rows):
    """How often the plug-in has no finite answer."""
    found = some(rows, method="plug-in")
    return ", ".join(
        f"{percent(statistics.fmean(r['infinite'] for r in some(found, ratio=ratio)))} % at N/K = {ratio}"
        for ratio in distinct(found, "ratio")
    )


def across(rows, lines, field="p"):
    """A line for each combination of `lines`: bias, error and coverage in the columns of `field`."""
    columns = distinct(rows, field)
    keys = list(dict.fromkeys(tuple(r[name] for name in lines) for r in rows))
    body = []
    for key in keys:
        own = some(rows, **dict(zip(lines, key, strict=True)))
        cells = [some(own, **{field: column}) for column in columns]
        shown = [f"`{part}`" if name == "method" else f"{part:,}" for name, part in zip(lines, key, strict=True)]
        body.append([*shown, *(nats(total(c, "bias")) for c in cells), *(nats(total(c, "rmse")) for c in cells),
                     *(percent(total(c, "coverage")) for c in cells)])  # fmt: skip
    head = [f"{word} {column}" for word in ("bias", "error", "%") for column in columns]
    return table([*lines, *head], body)


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
