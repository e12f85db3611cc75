"""Reports of an evaluation: text for the terminal, one offline page."""

from typing import Any

from xent._rendering import Renderer, register
from xent.evaluation import Evaluation
from xent.report._examine import examine as examine
from xent.report._subject import Subject as Subject
from xent.report.terminal import render as render


def _page(evaluation: Evaluation) -> str:
    from xent.report.page import to_html

    return to_html(Subject(evaluation))


def _write(evaluation: Evaluation, path: Any) -> None:
    from xent.io import atomic_write

    page = _page(evaluation)
    with atomic_write(path) as stream:
        stream.write(page)


register(Evaluation, Renderer(lambda found, color: render(Subject(found), color=color), _page, _write))
