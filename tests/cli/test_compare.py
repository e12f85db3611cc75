"""`xent compare`: text, JSON, page, gates, and what is refused."""

import json
import re
import shutil

import numpy as np
import pytest

import xent as package
from xent.evaluation import compare

CLASSES = ("cat", "dog", "emu")


def drawn(n=60):
    rng = np.random.default_rng(3)
    return rng.integers(0, 3, n), rng.dirichlet(np.ones(3), n), rng.dirichlet(np.ones(3), n)


def write(path, y, q, *, classes=CLASSES, order=(0, 1, 2), ids=None, **columns):
    """A CSV file with a column a class in some order, and whatever other columns."""
    names = [*([] if ids is None else ["id"]), "label", *(f"p_{classes[k]}" for k in order), *columns]
    lines = [",".join(names)]
    for i in range(len(y)):
        cells = [*([] if ids is None else [ids[i]]), classes[y[i]], *(repr(float(q[i, k])) for k in order)]
        lines.append(",".join(map(str, [*cells, *(column[i] for column in columns.values())])))
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def two(tmp_path):
    """a.csv, and b.csv with its rows and columns in another order."""
    y, a, b = drawn()
    ids = np.array([f"r{i}" for i in range(60)])
    order = np.random.default_rng(0).permutation(60)
    write(tmp_path / "a.csv", y, a, ids=ids)
    write(tmp_path / "b.csv", y[order], b[order], ids=ids[order], order=(2, 0, 1))
    return y, a, b


def body(done):
    document = json.loads(done.stdout, parse_constant=pytest.fail)
    document.pop("provenance")
    return document


def test_json_is_what_compare_gives(xent, two):
    y, a, b = two
    done = xent("compare", "a.csv", "b.csv", "--json", "--unit", "bits", "--seed", "4")
    expected = json.loads(compare(y, a, b, classes=CLASSES, unit="bits", seed=4, names=("a.csv", "b.csv")).to_json())
    for rows in (expected["movers"], expected["a"]["worst_rows"], expected["b"]["worst_rows"]):
        for row in rows:
            row["row"] = f"r{row['row']}"
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["provenance"]["files"] == ["a.csv", "b.csv"]
    assert found["provenance"]["seed"] == 4
    assert body(done) == expected


def test_swapping_the_files_negates(xent, two):
    one, other = (body(xent("compare", *files, "--json")) for files in (("a.csv", "b.csv"), ("b.csv", "a.csv")))
    assert one["difference"]["value"] == -other["difference"]["value"]
    assert one["recalibrated_difference"]["value"] == pytest.approx(-other["recalibrated_difference"]["value"], abs=0.2)
    assert one["wins"] == other["wins"][::-1]


def test_text(xent, two):
    done = xent("compare", "a.csv", "b.csv", "--names", "old,new")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.split("\n")
    assert lines[:3] == [
        "A old",
        "B new",
        "60 rows x 3 classes   joined by id: 60 matched, 0 only in A, 0 only in B",
    ]
    assert all(len(line) <= 80 for line in lines)
    assert "B has its columns in another order" in done.stdout
    first = re.search(r"([\d.]+|inf) (nats|bits|bans)", done.stdout)
    assert first is not None
    loss = body(xent("compare", "a.csv", "b.csv", "--json"))["a"]["cross_entropy"]["value"]
    assert float(first[1]) == pytest.approx(loss, abs=0.5 * 10 ** -len(first[1].split(".")[1]))


def test_the_page(xent, two, tmp_path):
    done = xent("compare", "a.csv", "b.csv", "-o", "page.html")
    assert re.fullmatch(r"wrote page.html \(\d+ kB, opens offline\)\n", done.stderr)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv", "page.html"]
    page = (tmp_path / "page.html").read_text()
    assert "A a.csv" in page
    assert "<title>a.csv and b.csv: " in page
    shutil.copy(tmp_path / "a.csv", tmp_path / "a.html")
    done = xent("compare", "a.html", "b.csv", "--format", "csv", "-o", "a.html")
    assert done.returncode == 2
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("test", "code"),
    [
        ("difference.value<=100", 1),
        ("recalibrated_difference<-100", 0),
        ("a.cross_entropy>0", 1),
        ("b.recalibration.gain>100", 0),
        ("wins.0>1", 0),
        ("audit.only_a>0", 0),
        ("averaging.gain>100", 0),
    ],
)
def test_gates(xent, two, test, code):
    done = xent("compare", "a.csv", "b.csv", "--fail-if", test)
    assert done.returncode == code
    assert done.stdout
    assert ("gate failed" in done.stderr) == bool(code)


def test_an_undefined_number_fails_its_gate(xent, tmp_path):
    y, a, b = drawn(10)
    b[2] = 0
    b[2, (y[2] + 1) % 3] = 1
    write(tmp_path / "a.csv", y, a)
    write(tmp_path / "b.csv", y, b)
    done = xent("compare", "a.csv", "b.csv", "--fail-if", "recalibrated_difference<0", "--fail-if", "difference<0")
    assert done.returncode == 1
    assert "recalibrated_difference is undefined" in done.stderr
    assert "difference is -inf" in done.stderr
    assert body(xent("compare", "a.csv", "b.csv", "--json"))["nonfinite"]["difference.value"] == "-inf"


def test_row_by_row_without_ids(xent, tmp_path):
    y, a, b = drawn(20)
    write(tmp_path / "a.csv", y, a)
    write(tmp_path / "b.csv", y, b, ids=range(20))
    assert "joined row by row: 20 matched" in xent("compare", "a.csv", "b.csv").stdout
    write(tmp_path / "b.csv", y[:19], b[:19])
    done = xent("compare", "a.csv", "b.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: b.csv: 19 rows, but a.csv has 20")


def test_rows_without_a_partner_are_counted_and_warned_of(xent, tmp_path):
    y, a, b = drawn(20)
    ids = np.arange(20)
    write(tmp_path / "a.csv", y[1:], a[1:], ids=ids[1:])
    write(tmp_path / "b.csv", y[:18], b[:18], ids=ids[:18])
    done = xent("compare", "a.csv", "b.csv")
    assert "joined by id: 17 matched, 2 only in A, 1 only in B" in done.stdout
    assert done.stderr.split("\n") == [
        "warning: a.csv: 2 rows have no partner in the other file; left out",
        "warning: b.csv: 1 row has no partner in the other file; left out",
        "",
    ]


def test_weights_and_clusters(xent, tmp_path):
    y, a, b = drawn()
    w, g = np.arange(1, 61), np.arange(60) // 2
    for name, q in (("a.csv", a), ("b.csv", b)):
        write(tmp_path / name, y, q, w=w, g=g)
    done = xent("compare", "a.csv", "b.csv", "--weight", "w", "--cluster", "g", "--json")
    expected = compare(y, a, b, weight=w, cluster=g)
    assert body(done)["difference"]["value"] == expected.difference.value
    assert body(done)["recalibrated_difference"]["se"] == expected.recalibrated_difference.se
    done = xent("compare", "a.csv", "b.csv", "--weight", "w", "--cluster", "g")
    assert "weighted; 30 clusters; seed 0" in " ".join(done.stdout.split())


def test_standard_input(xent, two, tmp_path):
    text = (tmp_path / "b.csv").read_text()
    piped = body(xent("compare", "a.csv", "-", "--json", "--names", "a.csv,b.csv", stdin=text))
    assert piped == body(xent("compare", "a.csv", "b.csv", "--json"))
    done = xent("compare", "-", "-", stdin=text)
    assert done.returncode == 2
    assert done.stderr.startswith("error: standard input (-) is named twice")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.csv",), "error: missing argument 'B'"),
        (("a.csv", "nofile.csv"), "error: nofile.csv: "),
        (("a.csv", "."), "error: .: is a directory"),
        (("a.csv", "b.csv", "--names", "x"), "error: --names 'x' is not two names"),
        (("a.csv", "b.csv", "--names", "x,x"), "error: --names 'x,x' is not two names"),
        (("a.csv", "b.csv", "--fail-if", "loss>1"), "error: --fail-if 'loss' is of one model"),
        (("a.csv", "b.csv", "--fail-if", "diference>1"), "error: --fail-if 'diference' is no number"),
        (("a.csv", "b.csv", "-o", "b.csv"), "error: -o writes a page"),
        (("a.csv", "b.csv", "--unit", "nat"), "error: --unit 'nat' is not known; did you mean 'nats'?"),
        (("a.csv", "b.csv", "--weight", "v"), "error: a.csv: no column 'v' for --weight"),
        (("a.csv", "b.csv", "--id", "ident"), "error: a.csv: no column 'ident' for --id"),
        (("a.csv", "labels.csv"), "error: labels.csv: the row with id 'r5' is labelled"),
        (("a.csv", "classes.csv"), "error: classes.csv: has no class 'dog', which a.csv has; did you mean 'dgo'?"),
        (("a.csv", "strangers.csv"), "error: strangers.csv: no row has a partner in a.csv"),
        (("a.csv", "twice.csv"), "error: twice.csv: the id 'r0' names two rows, 0 and 1"),
        (("a.csv", "nan.csv"), "error: nan.csv: "),
        (("a.csv", "hostile.csv"), "error: hostile.csv: has no class 'cat'"),
    ],
)
def test_refused(xent, two, tmp_path, arguments, message):
    y, _, b = two
    ids = [f"r{i}" for i in range(60)]
    other = y.copy()
    other[5] = (y[5] + 1) % 3
    write(tmp_path / "labels.csv", other, b, ids=ids)
    write(tmp_path / "classes.csv", y, b, ids=ids, classes=("cat", "dgo", "emu"))
    write(tmp_path / "strangers.csv", y, b, ids=[f"x{i}" for i in range(60)])
    write(tmp_path / "twice.csv", y, b, ids=["r0", *ids[:-1]])
    write(tmp_path / "nan.csv", y, np.where(np.arange(60)[:, None] == 7, np.nan, b), ids=ids)
    write(tmp_path / "hostile.csv", y, b, ids=ids, classes=("\x1b[31mcat", "dog", "\u202eemu"))
    done = xent("compare", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
    assert len(done.stderr) < 2000
    assert done.stderr.count("\n") <= 4
    assert all(c.isprintable() or c == "\n" for c in done.stderr)


def test_help_begins_with_examples(xent):
    done = xent("compare", "--help")
    assert done.stdout.startswith("Examples:\n\n  xent compare old.parquet new.parquet\n")
    assert "compare" in xent("--help").stdout


def test_help_needs_no_numpy(xent_process):
    done = xent_process("compare", "--help", PYTHONPROFILEIMPORTTIME="1")
    assert "numpy" not in done.stderr
    assert done.returncode == 0


def test_in_python_it_is_there_by_name():
    assert package.compare is compare
