"""Reports of files beside one query in DuckDB and beside pandas with scikit-learn.

    python benchmarks/evaluation.py [--quick]

Parquet files of 4,000,000 rows and 10 classes in float32, once with a list a row and once with a column a class, are
made in a temporary folder. All calls take turns in one process; peak memory is that of a process of its own.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sklearn
import sklearn.metrics
from _timing import alternate, machine, replace_section, write

import xent

QUICK = "--quick" in sys.argv
ROWS, K = (200_000 if QUICK else 4_000_000), 10
GROUP = 500_000
TEMPERATURES = (0.7, 1.0, 1.4)
TARGETS = {"loss only": 1.5, "report": 4.0}  # times what DuckDB takes for the loss, and for that and the temperatures
MEMORY = 700  # MB


def forecasts(rng, n, k):
    """Labels, and probabilities somewhat too sure of themselves."""
    z = rng.standard_normal((n, k), dtype=np.float32) * 2
    y = (z * np.float32(0.7) + rng.gumbel(size=(n, k)).astype(np.float32)).argmax(axis=1)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return y, e / e.sum(axis=1, keepdims=True)


def tables(y, p):
    lists = pa.FixedSizeListArray.from_arrays(p.ravel(), p.shape[1]).cast(pa.list_(pa.float32()))
    wide = {f"p_{k}": np.ascontiguousarray(p[:, k]) for k in range(p.shape[1])}
    return {"list": pa.table({"label": y, "probs": lists}), "wide": pa.table({"label": y, **wide})}


def make_files(folder):
    """One file a layout, written by row groups so that making it takes little memory."""
    rng, writers = np.random.default_rng(0), {}
    paths = {layout: folder / f"{layout}.parquet" for layout in ("list", "wide")}
    for start in range(0, ROWS, GROUP):
        for layout, table in tables(*forecasts(rng, min(GROUP, ROWS - start), K)).items():
            if layout not in writers:
                writers[layout] = pq.ParquetWriter(paths[layout], table.schema)
            writers[layout].write_table(table)
    for writer in writers.values():
        writer.close()
    return paths


def queries(layout, path):
    """The mean loss, and that with the mean losses at three inverse temperatures."""
    if layout == "list":
        label = "probs[label + 1]"
        sums = [f"list_sum(list_transform(probs, lambda v: v ** {b}))" for b in TEMPERATURES]
    else:
        label = "case label " + " ".join(f"when {k} then p_{k}" for k in range(K)) + " end"
        sums = [" + ".join(f"p_{k} ** {b}" for k in range(K)) for b in TEMPERATURES]
    loss = f"avg(-ln({label}))"
    others = ", ".join(f"avg(ln({s}) - {b} * ln({label}))" for s, b in zip(sums, TEMPERATURES, strict=True))
    return f"select {loss} from '{path}'", f"select {loss}, {others} from '{path}'"


def by_pandas(layout, path):
    frame = pd.read_parquet(path)
    q = np.stack(frame["probs"].to_numpy()) if layout == "list" else frame.iloc[:, 1:].to_numpy()
    return sklearn.metrics.log_loss(frame["label"], q)


def command(*arguments):
    """`xent` in this process; its output is thrown away."""
    from xent.cli._app import run

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = run(["report", *map(str, arguments)])
    if code:
        raise SystemExit(f"xent report {arguments} ended with {code}")


def loss_only(path):
    """The pass alone: reading, summing up and the numbers, without their page."""
    from xent.io import scan_predictions
    from xent.report import examine

    with scan_predictions(path) as scan:
        return examine(scan, loss_only=True)


PEAK = """
import sys
from xent.cli._app import run
code = run(["report", *sys.argv[1:]])
sys.stderr.write(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
sys.exit(code)
"""


def peak(path, page):
    """MB that `xent report` holds at most, in a process of its own, which says it itself: its parent's would count."""
    call = [sys.executable, "-c", PEAK, str(path), "-o", str(page)]
    done = subprocess.run(call, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    return int(done.stderr.split()[-1]) * 1024 / 1e6


def measure(layout, path, page):
    connection = duckdb.connect()
    loss, temperatures = queries(layout, path)
    times = alternate(
        {
            "duckdb loss": lambda: connection.sql(loss).fetchall(),
            "duckdb temperatures": lambda: connection.sql(temperatures).fetchall(),
            "pandas": lambda: by_pandas(layout, path),
            "loss only": lambda: loss_only(path),
            "report": lambda: command(path, "-o", page),
        },
        seconds=1.0,
        least=2,
    )
    rows = []
    for what, against in (("loss only", "duckdb loss"), ("report", "duckdb temperatures")):
        rows.append(
            {
                "case": f"{what}, {layout}",
                "ours_s": times[what],
                "duckdb": against,
                "duckdb_s": times[against],
                "share": times[what] / times[against],
                "target": TARGETS[what],
                "pandas_s": times["pandas"],
            }
        )
        show(rows[-1])
    rows.append({"case": f"report, {layout}: memory", "peak_mb": peak(path, page), "target_mb": MEMORY})
    print(f"{rows[-1]['case']:<28}{rows[-1]['peak_mb']:10.0f} MB, target {MEMORY}")
    return rows


def show(row):
    verdict = "ok" if row["share"] <= row["target"] else "MISSED"
    print(
        f"{row['case']:<28}{row['ours_s']:10.3f}{row['duckdb_s']:10.3f}{row['share']:8.2f} of {row['duckdb']}"
        f" (target {row['target']:g}, {verdict}); pandas and scikit-learn {row['pandas_s']:.3f}"
    )


def few(folder):
    """500 rows of two classes: everything there is, and the same with the reading and the page."""
    y, p = forecasts(np.random.default_rng(1), 500, 2)
    path, page = folder / "few.parquet", folder / "few.html"
    pq.write_table(tables(y, p)["list"], path)
    times = alternate({"few": lambda: xent.evaluate(y, p), "page": lambda: command(path, "-o", page)}, seconds=1.0)
    print(f"500 binary rows: evaluate {times['few'] * 1e3:.1f} ms (target 20), report and page {times['page']:.3f} s")
    return {"case": "500 rows of two classes", "evaluate_s": times["few"], "page_s": times["page"]}


def sizes(folder, page):
    found = {
        "case": "page",
        "few_kib": (folder / "few.html").stat().st_size / 1024,
        "many_kib": page.stat().st_size / 1024,
    }
    print(f"page: {found['few_kib']:.0f} KiB for 500 rows, {found['many_kib']:.0f} KiB for {ROWS:,}")
    return found


def document(rows):
    facts = machine()
    versions = f"DuckDB {duckdb.__version__}, pandas {pd.__version__}, scikit-learn {sklearn.__version__}"
    lines = [
        f"Measured {facts['date']} at {facts['commit']}: {facts['cpu']}, {facts['threads']} threads, {facts['isa']},",
        f"Python {facts['python']}, {versions}. {ROWS:,} rows, {K} classes, float32, Parquet on a local disk.",
        "",
        "| report, layout | xent, s | DuckDB, s | share | target | pandas and scikit-learn, s | peak memory, MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    memory = {r["case"].removesuffix(": memory"): r["peak_mb"] for r in rows if "peak_mb" in r}
    for r in rows:
        if "share" in r:
            held = f"{memory[r['case']]:,.0f}" if r["case"] in memory else ""
            goal = f"{r['target']:g}" + ("" if r["share"] <= r["target"] else ", missed")
            lines.append(
                f"| {r['case']} | {r['ours_s']:.2f} | {r['duckdb_s']:.2f} | {r['share']:.2f} | {goal}"
                f" | {r['pandas_s']:.2f} | {held} |"
            )
    small, page = rows[-2], rows[-1]
    lines.append("")
    lines.append(
        f"500 rows of two classes: `xent.evaluate`, everything, {small['evaluate_s'] * 1e3:.0f} ms (target 20); "
        f"`xent report` with the page {small['page_s']:.2f} s."
    )
    lines.append(f"The page has {page['few_kib']:.0f} KiB for them, {page['many_kib']:.0f} KiB for {ROWS:,} rows.")
    replace_section("evaluation", lines)


def main() -> None:
    print(machine())
    print(f"{'case':<28}{'ours s':>10}{'duckdb s':>10}{'share':>8}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = make_files(folder)
        rows = [row for layout, path in paths.items() for row in measure(layout, path, folder / f"{layout}.html")]
        rows += [few(folder), sizes(folder, folder / "list.html")]
    if not QUICK:
        write("evaluation", rows)
        document(rows)


if __name__ == "__main__":
    main()
