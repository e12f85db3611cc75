"""An evaluation shows itself, in a fresh process too, and without its extra says what is missing."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import xent as package
from xent._rendering import Renderer, Shown, load_with, register
from xent.evaluation import evaluate

SOURCE = str(Path(package.__file__).parents[1])
MAKE = "import xent; e = xent.evaluate([1, 0, 1, 1, 0, 0], [.9, .2, .6, .4, .3, .5]);"
NO = (
    "import sys, importlib.abc, importlib.util as u; find = u.find_spec;"
    "u.find_spec = lambda n, *a: None if n in ('rich', 'jinja2') else find(n, *a);"
    "N = type('N', (importlib.abc.MetaPathFinder,), {'find_spec': lambda s, n, *_: no(n) if n in ('rich', 'jinja2')"
    " else None});\ndef no(n): raise ModuleNotFoundError(n, name=n)\nsys.meta_path.insert(0, N());"
)


def fresh(code: str, folder: Path | None = None) -> str:
    environment = {**os.environ, "PYTHONPATH": SOURCE}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment, cwd=folder
    )
    return done.stdout


@pytest.fixture
def evaluation():
    return evaluate([1, 0, 1, 1, 0, 0], [0.9, 0.2, 0.6, 0.4, 0.3, 0.5])


def test_text(evaluation):
    text = evaluation.to_text()
    assert text.startswith("predictions   6 rows x 2 classes\nclasses: 0, 1\n")
    assert "Cross-entropy" in text
    assert "seed" not in text
    assert str(evaluation) == text
    assert re.sub(r"\x1b\[[0-9;]*m", "", evaluation.to_text(color=True)) == text != evaluation.to_text(color=True)


def test_a_fresh_process_imports_the_reports_when_they_are_asked_for():
    out = fresh(MAKE + "import sys; print('xent.report' in sys.modules); print(e); print('xent.report' in sys.modules)")
    lines = out.rstrip("\n").split("\n")
    assert (lines[0], lines[-1]) == ("False", "True")
    assert "Cross-entropy" in out


def test_page(evaluation, tmp_path):
    evaluation.to_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert page.endswith("</html>\n")
    assert os.listdir(tmp_path) == ["page.html"]
    fresh(MAKE + "e.to_html('again.html')", tmp_path)
    assert (tmp_path / "again.html").read_text("utf-8") == page


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(evaluation, tmp_path):
    frame = evaluation._repr_html_()
    evaluation.to_html(tmp_path / "page.html")
    assert frame.startswith("<iframe sandbox ")
    source = re.fullmatch(r'<iframe [^>]* srcdoc="([^"]*)"></iframe>', frame, re.DOTALL)
    assert source is not None
    assert html.unescape(source[1]) == (tmp_path / "page.html").read_text("utf-8")


def test_without_the_extra(tmp_path):
    ask = "\ntry:\n    e.{}\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    out = fresh(NO + MAKE + ask.format("to_text()"))
    assert out == "`to_text` needs rich: pip install 'xent[report]'\n"
    out = fresh(NO + MAKE + ask.format("to_html('p.html')"), tmp_path)
    assert re.fullmatch(r"`to_html` needs (rich|jinja2): pip install 'xent\[report\]'\n", out)
    assert os.listdir(tmp_path) == []
    # A string is always there, and a notebook falls back to it.
    assert fresh(NO + MAKE + "print(str(e) == repr(e), e._repr_html_())") == "True None\n"


def test_what_is_missing_for_another_reason_is_not_called_an_extra():
    class Odd(Shown):
        pass

    def broken(*_):
        raise ModuleNotFoundError("no antigravity", name="antigravity")

    register(Odd, Renderer(broken, broken, broken))
    with pytest.raises(ModuleNotFoundError, match="^no antigravity$"):
        Odd().to_text()


def test_the_loader_is_called_for_what_is_not_registered(monkeypatch):
    class Late(Shown):
        pass

    monkeypatch.setattr("xent._rendering._loaders", [])
    load_with(lambda: register(Late, Renderer(lambda found, color: f"late {color}", str, print)))
    assert Late().to_text(color=True) == "late True"
