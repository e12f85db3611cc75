"""`xent report`: text, JSON, page and gates."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from xent.evaluation import evaluate


def test_text(xent, good):
    done = xent("report", "good.csv")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.split("\n")
    assert lines[0] == "good.csv   60 rows x 3 classes"
    # longer than a line: the rest stands on the next
    header = "label: label   probs: p_cat, p_dog, p_fish   id: id   (override: --label --probs --id)"
    assert " ".join(" ".join(lines[1:3]).split()).startswith(" ".join(header.split()))
    assert all(len(line) <= 80 for line in lines)
    first = re.search(r"([\d.]+|inf) (nats|bits|bans)", done.stdout)
    loss = json.loads(xent("report", "good.csv", "--json").stdout)["cross_entropy"]["value"]
    assert first is not None
    assert float(first[1]) == pytest.approx(loss, abs=0.5 * 10 ** -len(first[1].split(".")[1]))
    assert "seed 0" in done.stdout


def test_json_is_what_evaluate_gives(xent, good):
    done = xent("report", "good.csv", "--json", "--unit", "bits")
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    q = np.array([[0.7, 0.2, 0.1], [0.25, 0.5, 0.25], [0.125, 0.125, 0.75], [0.5, 0.25, 0.25], [0.5, 0.25, 0.25]] * 12)
    y = np.array([0, 1, 2, 0, 1] * 12)
    expected = json.loads(evaluate(y, q, unit="bits").to_json())
    expected["classes"] = ["cat", "dog", "fish"]
    provenance = found.pop("provenance")
    assert provenance["file"] == "good.csv"
    named = dict(zip(("0", "1", "2"), expected["classes"], strict=True))
    for row in (*expected["per_class"], *expected["reliability"]):
        row["name"] = named.get(row["name"], "")
    for row in (*expected["worst_rows"], *expected["confusions"]):
        row["label"], row["said"] = named[row["label"]], named[row["said"]]
    for document in (expected, found):
        for row in document["worst_rows"]:
            del row["row"]  # of rows that are equal in all else, those with the least name: 10 comes before r2
    assert found == expected


def test_every_format_gives_the_same_json(xent, tmp_path):
    pq, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    rng = np.random.default_rng(3)
    q = rng.dirichlet(np.ones(4), 200)
    y = rng.integers(0, 4, 200)
    wide = {f"p_{k}": q[:, k] for k in range(4)}
    pq.write_table(pa.table({"y": y, **wide}), tmp_path / "wide.parquet")
    pq.write_table(pa.table({"y": y, "probs": q.tolist()}), tmp_path / "list.parquet")
    np.savez(tmp_path / "t.npz", y=y, probs=q)
    lines = ["y,p_0,p_1,p_2,p_3", *(",".join([str(y[i]), *map(repr, q[i].tolist())]) for i in range(200))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    (tmp_path / "t.tsv").write_text("\n".join(lines).replace(",", "\t"))
    documents = []
    for name in ("wide.parquet", "list.parquet", "t.npz", "t.csv", "t.tsv"):
        documents.append(json.loads(xent("report", name, "--json").stdout))
        documents[-1].pop("provenance")
    assert all(document == documents[0] for document in documents)
    done = xent("report", "-", "--json", stdin="\n".join(lines))
    piped = json.loads(done.stdout)
    piped.pop("provenance")
    assert piped == documents[0]


def test_infinite(xent, tmp_path):
    (tmp_path / "t.csv").write_text("y,p\n1,0\n0,.5\n1,.75\n0,.25\n")
    done = xent("report", "t.csv")
    assert "Cross-entropy   inf nats" in done.stdout
    assert "1 row gives probability 0 to what happened (0)" in done.stdout
    found = json.loads(xent("report", "t.csv", "--json").stdout, parse_constant=pytest.fail)
    assert found["cross_entropy"]["value"] is None
    assert found["nonfinite"]["cross_entropy.value"] == "inf"
    assert found["audit"]["zero_probability_rows"] == 1


@pytest.mark.parametrize(
    ("tests", "code"),
    [
        (["loss>100"], 0),
        (["loss>0.1"], 1),
        (["loss >= 0.1", "skill<2"], 1),
        (["loss<0.1"], 0),
        (["skill.value<0"], 0),
        (["cross_entropy.se>0"], 1),
        (["per_class.0.loss>0"], 1),
        (["audit.rows<=60"], 1),
        (["recalibration.p_value<=1e0"], 1),
        (["loss<inf"], 1),
    ],
)
def test_gates(xent, good, tests, code):
    done = xent("report", "good.csv", *(word for test in tests for word in ("--fail-if", test)))
    assert done.returncode == code
    assert "Cross-entropy" in done.stdout
    failed = [line for line in done.stderr.split("\n") if line]
    assert len(failed) == (len(tests) if code else 0)
    assert all(line.startswith("gate failed: ") and test in line for line, test in zip(failed, tests, strict=False))


def test_an_undefined_number_fails_its_gate(xent, tmp_path):
    (tmp_path / "t.csv").write_text("y,p\n1,0\n0,.5\n")
    for test in ("miscalibration>100", "miscalibration<-100"):
        done = xent("report", "t.csv", "--fail-if", test)
        assert done.returncode == 1
        assert "undefined" in done.stderr
    assert xent("report", "t.csv", "--fail-if", "loss>1e300").returncode == 1


def test_warnings_name_what_was_left_out_or_used(xent, tmp_path):
    (tmp_path / "t.csv").write_text("y,p_a,p_b\na,.5,.495\n,.5,.5\nb,.25,.75\n")
    done = xent("report", "t.csv")
    assert "warning: t.csv: 1 of 3 rows have no label and are left out\n" in done.stderr
    assert "1 rows are off 1 by more than rounding and are used as given" in done.stderr
    assert json.loads(xent("report", "t.csv", "--json").stdout)["audit"] == {
        "rows": 3,
        "dropped": 1,
        "zero_probability_rows": 0,
        "unnormalized_rows": 1,
        "renormalized_rows": 0,
    }
    done = xent("report", "t.csv", "--json", "--renormalize")
    assert json.loads(done.stdout)["audit"]["renormalized_rows"] == 1


def test_page(xent, xent_process, good, tmp_path):
    done = xent("report", "good.csv", "-o", "page.html")
    assert re.fullmatch(r"wrote page.html \(\d+ kB, opens offline\)\n", done.stderr)
    assert sorted(os.listdir(tmp_path)) == ["good.csv", "page.html"]
    again = (tmp_path / "page.html").read_bytes()
    xent_process("report", "good.csv", "-o", "page.html", PYTHONHASHSEED="7")
    assert (tmp_path / "page.html").read_bytes() == again


def test_a_page_that_cannot_be_written_leaves_nothing(xent, good, tmp_path):
    done = xent("report", "good.csv", "-o", "missing/page.html")
    assert (done.returncode, done.stdout) == (2, "")
    assert os.listdir(tmp_path) == ["good.csv"]


def test_kill_during_the_writing_leaves_the_old_page_or_the_new(good, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("old")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for delay in (0.5, 1.0):
        with subprocess.Popen(
            [sys.executable, "-m", "xent", "report", "good.csv", "-o", "page.html"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=tmp_path,
            env=environment,
        ) as child:
            time.sleep(delay)
            child.send_signal(signal.SIGKILL)
        text = page.read_text()
        assert text == "old" or text.endswith("</html>\n")


def test_named_columns_weights_and_clusters(xent, tmp_path):
    lines = ["who,w,truth,score_no,score_yes"] + [
        f"{i % 7},{1 + i % 2},{'yes' if i % 3 else 'no'},.25,.75" for i in range(42)
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    done = xent(
        "report", "t.csv", "--label", "truth", "--probs", "score_*", "--weight", "w", "--cluster", "who", "--json"
    )
    found = json.loads(done.stdout)
    assert found["classes"] == ["no", "yes"]
    assert "7 clusters; intervals from fewer than 30 are rough" in done.stderr
    y = np.array([int(i % 3 > 0) for i in range(42)])
    expected = evaluate(y, np.full(42, 0.75), weight=[1 + i % 2 for i in range(42)], cluster=[i % 7 for i in range(42)])
    assert found["cross_entropy"]["se"] == pytest.approx(expected.cross_entropy.se, rel=1e-12)
    assert math.isfinite(found["cross_entropy"]["value"])


def test_unknown_example(xent):
    done = xent("report", "--example", "digts")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'digits'?" in done.stderr.lower()


ROWS = ["y,p,region,device", *(f"{i % 2},{0.2 + 0.005 * (i * 7 % 120)},r{i % 3},d{i % 2}" for i in range(120))]


def plain(done):
    document = json.loads(done.stdout, parse_constant=pytest.fail)
    document.pop("provenance")
    return document


def test_several_files_are_one(xent, tmp_path):
    (tmp_path / "all.csv").write_text("\n".join(ROWS))
    for name, rows in (("a.csv", ROWS[1:41]), ("b.csv", ROWS[41:])):
        (tmp_path / name).write_text("\n".join([ROWS[0], *rows]))
    whole = plain(xent("report", "all.csv", "--json"))
    assert plain(xent("report", "a.csv", "b.csv", "--json")) == whole
    turned = plain(xent("report", "b.csv", "a.csv", "--json"))
    for document in (turned, whole):
        for row in document["worst_rows"]:
            del row["row"]
    assert turned == whole
    done = xent("report", "a.csv", "b.csv")
    assert done.stdout.startswith("a.csv, b.csv   120 rows x 2 classes\n")


def test_several_files_that_do_not_go_together(xent, tmp_path):
    (tmp_path / "a.csv").write_text("y,p\n1,.5\n0,.25\n")
    (tmp_path / "b.csv").write_text("y,q\n1,.5\n0,.25\n")
    for others in (["b.csv"], ["missing.csv"], ["-"]):
        done = xent("report", "a.csv", *others, "-o", "page.html")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("error: ")
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "b.csv"]
    assert "named twice" in xent("report", "-", "-").stderr


def test_no_file_of_several_is_overwritten(xent, tmp_path):
    for name in ("a.html", "b.html"):
        (tmp_path / name).write_text("y,p\n1,.5\n0,.25\n")
    done = xent("report", "a.html", "b.html", "--format", "csv", "-o", "b.html")
    assert (done.returncode, done.stdout) == (2, "")
    assert "b.html: is an input of this call and is never overwritten" in done.stderr


def test_slices(xent, tmp_path):
    (tmp_path / "t.csv").write_text("\n".join(ROWS))
    document = plain(xent("report", "t.csv", "--slice", "region", "--slice", "device", "--json"))
    found = {(part["column"], part["value"]): part for part in document["slices"]}
    assert set(found) == {("region", f"r{i}") for i in range(3)} | {("device", f"d{i}") for i in range(2)}
    q = np.array([float(row.split(",")[1]) for row in ROWS[1:]])
    y = np.arange(120) % 2
    mine = np.arange(120) % 3 == 1
    expected = evaluate(y[mine], q[mine])
    assert found["region", "r1"]["cross_entropy"]["value"] == expected.cross_entropy.value
    assert found["region", "r1"]["skill"]["value"] == pytest.approx(expected.skill.value, rel=1e-12)
    text = xent("report", "t.csv", "--slice", "region", "--slice", "device").stdout
    assert text.index("by region") < text.index("by device")
    done = xent("report", "t.csv", "--slice", "regoin")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'region'?" in done.stderr


def test_only_the_loss(xent, good):
    whole, loss = (
        plain(xent("report", "good.csv", "--json")),
        plain(xent("report", "good.csv", "--json", "--loss-only")),
    )
    assert set(loss) < set(whole)
    assert all(loss[name] == whole[name] for name in loss)
    assert "recalibration" not in loss
    text = xent("report", "good.csv", "--loss-only").stdout
    assert "calibration left out (--loss-only)" in text
    assert text.split("\n")[:3] == xent("report", "good.csv").stdout.split("\n")[:3]
    done = xent("report", "good.csv", "--loss-only", "--fail-if", "miscalibration>1")
    assert done.returncode == 2
    assert xent("report", "good.csv", "--loss-only", "--fail-if", "loss>0.1", "-o", "page.html").returncode == 1


def test_the_seed_is_printed_and_chooses_the_folds(xent, tmp_path):
    (tmp_path / "t.csv").write_text("\n".join(ROWS))
    zero, one, again = (plain(xent("report", "t.csv", "--json", "--seed", seed)) for seed in ("0", "1", "1"))
    assert one == again != zero
    assert one["cross_entropy"] == zero["cross_entropy"]
    assert "seed 1" in xent("report", "t.csv", "--seed", "1").stdout
    assert json.loads(xent("report", "t.csv", "--seed", "1", "--json").stdout)["provenance"]["seed"] == 1


def test_open_shows_the_page_and_nothing_opens_by_itself(xent, good, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("click.launch", lambda url: opened.append(url) or 0)
    assert xent("report", "good.csv", "-o", "page.html").returncode == 0
    done = xent("report", "good.csv", "--open")
    assert (done.returncode, done.stdout) == (2, "")
    assert "add -o PAGE.html" in done.stderr
    assert opened == []
    assert xent("report", "good.csv", "-o", "page.html", "--open").returncode == 0
    assert opened == [(tmp_path / "page.html").as_uri()]


def test_no_browser(xent, good, monkeypatch):
    monkeypatch.setattr("click.launch", lambda url: 1)
    done = xent("report", "good.csv", "-o", "page.html", "--open")
    assert done.returncode == 0
    assert "warning: no browser was found to open page.html" in done.stderr


def test_engine(xent, good, monkeypatch):
    assert plain(xent("report", "good.csv", "--json", "--engine", "local")) == plain(
        xent("report", "good.csv", "--json")
    )
    assert "did you mean 'dask'?" in xent("report", "good.csv", "--engine", "dusk").stderr
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = xent("report", "good.csv", "--engine", "dask")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --engine dask needs dask: pip install 'xent[report,dask]'\n"


def test_arrow_and_feather(xent, tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import ipc

    table = pa.table({"y": [1, 0, 1, 0], "p": [0.5, 0.25, 0.375, 0.75]})
    for name in ("t.arrow", "t.feather", "t.bin"):
        with ipc.new_file(tmp_path / name, table.schema) as writer:
            writer.write_table(table)
    (tmp_path / "t.csv").write_text("y,p\n1,.5\n0,.25\n1,.375\n0,.75\n")
    expected = plain(xent("report", "t.csv", "--json"))
    for args in (["t.arrow"], ["t.feather"], ["t.bin", "--format", "feather"], ["t.bin", "--format", "arrow"]):
        assert plain(xent("report", *args, "--json")) == expected


def test_help_has_examples_first_and_imports_nothing_heavy(xent_process):
    code = (
        "import sys; from xent.cli._app import run; run(['report', '--help']);"
        "print([m for m in ('numpy', 'rich', 'jinja2', 'pyarrow', 'matplotlib', 'duckdb') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.startswith("Examples:\n\n  xent report predictions.parquet\n")
    assert done.stdout.endswith("[]\n")
    assert max(map(len, done.stdout.split("\n"))) <= 80


def test_completion(xent_process):
    words = {"COMP_WORDS": "xent report --lo", "COMP_CWORD": "2", "_XENT_COMPLETE": "bash_complete"}
    out = xent_process(**words).stdout
    assert set(out.split()) == {"plain,--logits", "plain,--logprobs", "plain,--loss-only"}
    words = {"COMP_WORDS": "xent report --engine ", "COMP_CWORD": "3", "_XENT_COMPLETE": "bash_complete"}
    assert set(xent_process(**words).stdout.split()) == {"plain,local", "plain,dask"}
