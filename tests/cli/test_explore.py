"""`xent explore`: the page is written and said, or it is not there and the reason is."""

import os
import subprocess
import sys

import click
import pytest

from xent import explorer


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> bytes:
    return explorer.write(tmp_path_factory.mktemp("page") / "page.html").read_bytes()


def test_the_page_is_written_and_stdout_is_empty(xent_process, tmp_path, page):
    done = xent_process("explore", "-o", "page.html")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"wrote page.html ({len(page) / 1000:,.0f} kB, opens offline)\n"
    assert (tmp_path / "page.html").read_bytes() == page
    assert os.listdir(tmp_path) == ["page.html"]


def test_without_a_name_it_is_the_one_that_reports_link_to(xent, tmp_path, page):
    done = xent("explore")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("wrote explorer.html (")
    assert (tmp_path / "explorer.html").read_bytes() == page


def test_a_page_that_is_there_is_replaced(xent, tmp_path, page):
    (tmp_path / "PAGE.HTM").write_text("old")
    assert xent("explore", "-o", "PAGE.HTM").returncode == 0
    assert (tmp_path / "PAGE.HTM").read_bytes() == page


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["-o", "page.txt"], "-o writes a page: give it a name that ends in .html or .htm, not 'page.txt'"),
        (["-o", "-"], "not standard output"),
        (["-o", "page"], "not 'page'"),
        (["-o", ""], "not ''"),
        (["-o", ".html"], "'.html' has no suffix"),
        (["-o", "missing/page.html"], "missing/page.html: No such file or directory"),
        (["-o", "folder.html"], "folder.html: is not a regular file"),
        (["page.html"], "unexpected extra argument"),
        (["-o", "a.html", "-o", "b.html"], "--output is given twice"),
        (["--opne"], "no such option '--opne'; did you mean '--open'?"),
    ],
)
def test_a_call_that_cannot_be_done_ends_with_2_a_reason_and_no_file(xent, tmp_path, args, words):
    (tmp_path / "folder.html").mkdir()
    done = xent("explore", *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert os.listdir(tmp_path) == ["folder.html"]


def test_only_open_opens(xent, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(click, "launch", lambda address: opened.append(address) or 0)
    assert xent("explore", "-o", "page.html").returncode == 0
    assert opened == []
    done = xent("explore", "-o", "page.html", "--open")
    assert (done.returncode, done.stdout) == (0, "")
    assert opened == [(tmp_path / "page.html").resolve().as_uri()]


def test_no_browser_is_a_warning(xent, monkeypatch):
    monkeypatch.setattr(click, "launch", lambda _: 1)
    done = xent("explore", "--open")
    assert done.returncode == 0
    assert "warning: no browser was found to open explorer.html" in done.stderr


def test_the_page_needs_no_extra_beyond_the_command_line(tmp_path):
    code = (
        "import sys\nfrom xent.cli._app import run\ncode = run(['explore'])\n"
        "extras = {'pyarrow', 'duckdb', 'matplotlib', 'jinja2', 'anywidget', 'traitlets', 'torch'} & set(sys.modules)\n"
        "sys.exit(f'imported {sorted(extras)}' if extras else code)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr
