"""The page of a comparison: finished, offline, bounded, and deaf to what names say."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from xent.evaluation import compare
from xent.report import Contest, comparison_to_html

PAYLOADS = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "'><svg onload=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "<!--",
    "javascript:alert(1)",
    "\x00\x1b[31m\u202e",
]


class Elements(HTMLParser):
    """Tags and attributes as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] == "script" and not self.scripts:
            self.scripts.append(data)
        else:
            self.text += data


def page(n=200, k=3, classes=None, names=("A", "B"), seed=0):
    rng = np.random.default_rng(seed)
    y, a, b = rng.integers(0, k, n), rng.dirichlet(np.ones(k), n), rng.dirichlet(np.ones(k), n)
    found = compare(y, a, b, classes=classes, names=names)
    return found, comparison_to_html(Contest(found))


def test_nothing_is_fetched_and_nothing_runs():
    _, text = page()
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|//[a-z]|url\((?!#)|@import|<link|<img|<iframe|<form|<base", text)
    tags = Elements(text).tags
    assert [attributes["type"] for tag, attributes in tags if tag == "script"] == ["application/json"]
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert not [name for _, attributes in tags for name in attributes if name in ("src", "action")]
    # within the drawing, to what the drawing itself defines
    assert all((attributes.get("href") or "#").startswith("#") for _, attributes in tags)


def test_what_scrolls_is_reached_by_keyboard():
    tags = Elements(page()[1]).tags
    scrolled = [attributes for _, attributes in tags if attributes.get("class") in ("scroll", "drawing")]
    assert {attributes["class"] for attributes in scrolled} == {"scroll", "drawing"}
    assert all(attributes.get("role") == "group" and attributes.get("tabindex") == "0" for attributes in scrolled)


def test_the_data_is_the_comparison():
    found, text = page()
    assert json.loads(Elements(text).scripts[0]) == json.loads(found.to_json())


def test_names_are_text():
    count = len(PAYLOADS)
    _, hostile = page(60, count, PAYLOADS, (PAYLOADS[0], PAYLOADS[1]))
    _, harmless = page(60, count, [f"c{i}" for i in range(count)])
    assert [tag for tag, _ in Elements(hostile).tags] == [tag for tag, _ in Elements(harmless).tags]
    data = re.search(r'<script type="application/json" id="comparison">(.*?)</script>', hostile, re.DOTALL)
    assert data is not None
    assert "<" not in data[1]
    assert json.loads(data[1])["a"]["classes"] == PAYLOADS
    for name in PAYLOADS[:-1]:
        assert name in Elements(hostile).text
    assert all(c.isprintable() or c == "\n" for c in hostile)


def test_the_size_does_not_grow_with_rows_or_classes():
    sizes = [len(page(n)[1]) for n in (200, 20_000)]
    # what differs is how many digits the numbers have, and how many steps an isotonic line has
    assert abs(sizes[0] - sizes[1]) < 10_000
    assert len(page(50, 2000, [f"{i}-{'n' * 100}" for i in range(2000)])[1].encode()) < 400_000


@pytest.mark.parametrize(
    ("y", "a", "b"),
    [
        ([1], [0.5], [0.25]),
        ([1, 0, 1], [0.0, 0.2, 0.7], [0.5, 0.2, 0.7]),
        ([1, 0, 1], [0.0, 0.2, 0.7], [0.0, 0.2, 0.7]),
        ([0, 0, 0], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1]),
    ],
)
def test_odd_comparisons_have_a_page_too(y, a, b):
    text = comparison_to_html(Contest(compare(y, a, b)))
    assert ">nan" not in text
    assert '"nan' not in text
    assert "undefined <small>nats" not in text


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(tmp_path):
    found, text = page()
    shown = found._repr_html_()
    assert shown is not None
    assert shown.startswith("<iframe sandbox")
    assert "<script" not in shown
    found.to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == text
