"""The manners of the command line: what goes where, how things end, and what is imported for it."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

ANSI = "\x1b["
COMMANDS = ("report", "measure", "explore", "about")


def error_of(done) -> list[str]:
    """The lines of an error, held to its rules."""
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.rstrip("\n").split("\n")
    assert lines[0].startswith("error: ")
    assert len(lines) <= 4
    assert all(line.startswith("  ") for line in lines[1:])
    assert len(done.stderr) < 2000
    return lines


def test_help_begins_with_examples_and_fits(xent):
    for args in ((), ("--help",), *((command, "--help") for command in COMMANDS)):
        done = xent(*args)
        assert done.returncode == 0
        assert done.stderr == ""
        assert "Examples:" in "\n".join(done.stdout.split("\n")[:3])
        assert all(len(line) <= 80 for line in done.stdout.split("\n"))


def test_version(xent):
    assert re.fullmatch(r"xent \d+\.\d+\.\d+\S*\n", xent("--version").stdout)


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["report", "--help"],
        ["measure", "--help"],
        ["explore", "--help"],
        ["about", "--help"],
        ["--version"],
    ],
)
def test_help_imports_nothing_heavy(xent, args):
    code = (
        f"import sys\nsys.argv = ['xent', *{args!r}]\nfrom xent.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'scipy', 'pyarrow', 'duckdb', 'matplotlib', 'jinja2', 'torch'} & set(sys.modules)\n"
        "sys.exit(f'imported {sorted(heavy)}' if heavy else 0)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("xent ", {"report", "compare", "measure", "plot", "explore", "about"}),
        ("xent me", {"measure"}),
        ("xent report --lab", {"--label"}),
        ("xent measure k", {"kl"}),
        ("xent explore --o", {"--output", "--open"}),
    ],
)
def test_completion_knows_the_words_and_imports_no_numpy(xent_process, words, expected):
    done = xent_process(
        _XENT_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(words.count(" ")), PYTHONPROFILEIMPORTTIME="1"
    )
    assert {line.split(",")[1] for line in done.stdout.split("\n") if line} == expected
    assert "| numpy" not in done.stderr.replace("  ", "")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["repot", "x"], "no such command 'repot'; did you mean 'report'?"),
        (["report", "x", "--lable", "y"], "no such option '--lable'; did you mean '--label'?"),
        (["measure", "entorpy", "1"], "'entorpy' is not known; did you mean 'entropy'?"),
        (["measure", "kl", "1", "1", "--unit", "bit"], "--unit 'bit' is not known; did you mean 'bits'?"),
        (["report", "x", "--color", "allways"], "--color 'allways' is not known; did you mean 'always'?"),
        (["report"], "give a FILE of predictions, or --example NAME"),
        (["report", "a.csv", "--example", "digits"], "not both"),
        (["report", "nothing.csv"], "nothing.csv: No such file or directory"),
        (["report", "."], ".: is a directory; only regular files are opened"),
        (["report", "good.csv", "--label", "lable"], "good.csv: no column 'lable' for --label; did you mean 'label'?"),
        (["report", "good.csv", "--fail-if", "loss"], "--fail-if 'loss' is no test"),
        (["report", "good.csv", "--fail-if", "loss>nan"], "is no test"),
        (["report", "good.csv", "--fail-if", "skil>1"], "'skil' is no number of the report; did you mean 'skill'?"),
        (["report", "good.csv", "--fail-if", "classes>1"], "'classes' is no number"),
        (["report", "good.csv", "-o", "good.csv"], "give it a name that ends in .html or .htm, not 'good.csv'"),
        (["report", "good.csv", "-o", "no/where.html"], "No such file or directory"),
        (["measure", "kl", "0.5,x", "1,0"], "'x' is not a number"),
        (["measure", "kl", "0.5,0.5"], "kl takes two NUMBERS, not 1: the truth first, then the model"),
        (["measure", "entropy", "1/0"], "'1/0' divides by zero"),
    ],
)
def test_errors_are_one_line_and_name_the_nearest(xent, good, args, words):
    assert words in error_of(xent(*args))[0]


def test_debug_shows_the_traceback_and_only_debug(xent):
    assert "Traceback" not in xent("report", "nothing.csv").stderr
    for args in (("--debug", "report", "nothing.csv"), ("report", "nothing.csv", "--debug")):
        done = xent(*args)
        assert "Traceback" in done.stderr
        assert done.returncode == 2


def test_our_bug_is_101(xent):
    code = (
        "import sys\nimport xent.cli._reading as r\nfrom xent.cli._app import run\n"
        "def fail(*_, **__): raise RuntimeError('oh')\nr.examined = fail\nsys.exit(run(['report', 'x.csv']))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 101
    assert done.stderr.startswith("error: a bug in xent, not in your data: RuntimeError: oh\n  ")
    assert "Traceback" not in done.stderr


def test_a_missing_extra_names_the_pip_line(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for missing, args in (("click", ["--help"]), ("rich", ["about"]), ("pyarrow", ["report", "t.csv"])):
        (tmp_path / "t.csv").write_text("y,p\n1,.5\n0,.5\n")
        code = (
            f"import sys, importlib.abc\nclass No(importlib.abc.MetaPathFinder):\n"
            f"    def find_spec(self, name, *_):\n        if name.split('.')[0] == {missing!r}:\n"
            f"            raise ModuleNotFoundError(name, name=name)\nsys.meta_path.insert(0, No())\n"
            f"import importlib.util\nfind = importlib.util.find_spec\n"
            f"importlib.util.find_spec = lambda n, *a: None if n == {missing!r} else find(n, *a)\n"
            f"sys.argv = ['xent', *{args!r}]\nfrom xent.cli import main\nmain()"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environment
        )
        assert done.returncode == 2, done.stderr
        assert missing in done.stderr
        assert "pip install 'xent[report]'" in done.stderr
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr


def test_colour_is_for_terminals_and_for_those_who_ask(xent, good):
    plain = xent("report", "good.csv").stdout
    assert ANSI not in plain
    for args, environment in (
        (("--color", "always"), {}),
        (("--color", "always"), {"NO_COLOR": "1", "TERM": "dumb"}),
        ((), {"FORCE_COLOR": "1"}),
    ):
        coloured = xent("report", "good.csv", *args, **environment).stdout
        assert ANSI in coloured
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    for args, environment in (
        (("--color", "never"), {"FORCE_COLOR": "1"}),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}),
        ((), {"FORCE_COLOR": "0"}),
        ((), {"TERM": "dumb"}),
    ):
        assert xent("report", "good.csv", *args, **environment).stdout == plain


def test_the_group_takes_the_common_options_too(xent, good):
    assert ANSI in xent("--color", "always", "report", "good.csv").stdout


def test_a_pipe_that_is_closed_early_is_no_error(good, tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for args in (["report", "good.csv"], ["report", "good.csv", "--json"], ["--help"], ["measure", "entropy", "1,0"]):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "xent", *args],
                stdout=writer,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
                cwd=tmp_path,
                env=environment,
            )
        finally:
            os.close(writer)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("closed", "code", "words"),
    [
        (">&-", 2, "error: standard output: Bad file descriptor\n"),
        ("<&-", 0, ""),
        ("- <&- --format csv", 2, "error: standard input: is empty"),
    ],
)
def test_streams_that_are_closed_are_no_bug(good, tmp_path, closed, code, words):
    file = "" if closed.startswith("- ") else "good.csv"
    done = subprocess.run(
        f"exec {sys.executable} -m xent report {file} {closed}",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == code
    assert done.stderr.startswith(words)


def test_a_page_that_cannot_be_written_is_refused_before_the_work(xent, good, monkeypatch):
    monkeypatch.setattr("xent.cli._reading.examined", lambda *_, **__: pytest.fail("it was read"))
    for output in ("nowhere/page.html", "good.csv/page.html"):
        assert output in error_of(xent("report", "good.csv", "-o", output))[0]


def test_a_full_disk_is_said(good, tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "xent", "report", "good.csv"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env=environment,
        )
    assert done.returncode == 2
    assert done.stderr == "error: standard output: No space left on device\n"


def test_interrupted_is_130(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "xent", "report", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment,
    ) as child:
        time.sleep(1.5)  # it waits for its standard input
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert out == b""
    assert b"Traceback" not in err


def test_names_that_the_output_cannot_encode_do_not_end_the_report(xent_process, tmp_path):
    (tmp_path / "t.csv").write_text("y,p_猫,p_犬\n猫,.5,.5\n犬,.25,.75\n", encoding="utf-8")
    done = xent_process("report", "t.csv", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert xent_process("report", "t.csv", PYTHONIOENCODING="utf-8").stdout.count("猫") > 0


def test_same_input_same_bytes(xent_process, good):
    for args in (("report", "good.csv"), ("report", "good.csv", "--json")):
        assert xent_process(*args, PYTHONHASHSEED="1").stdout == xent_process(*args, PYTHONHASHSEED="2").stdout


def test_about(xent):
    done = xent("about")
    assert done.returncode == 0
    assert "xent" in done.stdout
    assert json.loads(xent("about", "--json").stdout)["schema_version"] == 1
