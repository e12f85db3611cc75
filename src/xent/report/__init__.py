"""Reports of an evaluation and of a comparison: text for the terminal, one offline page."""

from typing import Any

from xent._rendering import Renderer, register
from xent.evaluation import Comparison, Evaluation
from xent.report._comparison import Contest as Contest
from xent.report._comparison import contend as contend
from xent.report._comparison_terminal import render as render_comparison
from xent.report._distributed import examine_parts as examine_parts
from xent.report._examine import examine as examine
from xent.report._subject import Subject as Subject
from xent.report.terminal import render as render


def _page(evaluation: Evaluation, *, beside: bool = False) -> str:
    from xent.report.page import to_html

    return to_html(Subject(evaluation), beside=beside)


def _write(evaluation: Evaluation, path: Any) -> None:
    from xent.io import atomic_write

    page = _page(evaluation, beside=True)
    with atomic_write(path) as stream:
        stream.write(page)


register(Evaluation, Renderer(lambda found, color: render(Subject(found), color=color), _page, _write))


def comparison_to_html(contest: Contest) -> str:
    """The page of a comparison."""
    from xent.report._comparison_page import to_html

    return to_html(contest)


def _write_comparison(comparison: Comparison, path: Any) -> None:
    from xent.io import atomic_write

    page = comparison_to_html(Contest(comparison))
    with atomic_write(path) as stream:
        stream.write(page)


register(
    Comparison,
    Renderer(
        lambda found, color: render_comparison(Contest(found), color=color),
        lambda found: comparison_to_html(Contest(found)),
        _write_comparison,
    ),
)
