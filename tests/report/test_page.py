"""The page: finished, offline, bounded, and deaf to what names say."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from xent.report import examine
from xent.report.page import to_html

PAYLOADS = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "'><svg onload=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "<!--",
    "]]>",
    "&lt;b&gt;",
    "javascript:alert(1)",
    "http://example.com/x",
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


def test_nothing_is_fetched_and_nothing_runs(subject):
    text = to_html(subject)
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|//[a-z]|url\((?!#)|@import|<link|<img|<iframe|<form|<base", text)
    tags = Elements(text).tags
    assert [attributes["type"] for tag, attributes in tags if tag == "script"] == ["application/json"]
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert not [
        name for _, attributes in tags for name in attributes if name in ("href", "src", "xlink:href", "action")
    ]


def test_the_data_is_the_evaluation(subject):
    data = json.loads(Elements(to_html(subject)).scripts[0])
    assert data == json.loads(subject.evaluation.to_json())


def test_names_are_text(predictions):
    rng = np.random.default_rng(0)
    count = len(PAYLOADS)
    plain = [f"c{i}" for i in range(count)]
    q = rng.dirichlet(np.ones(count), 60)
    y = rng.integers(0, count, 60)
    ids = np.array([PAYLOADS[i % count] for i in range(60)], dtype=object)
    hostile = to_html(examine(predictions(y, q, PAYLOADS, ids=ids, file=PAYLOADS[1])))
    harmless = to_html(examine(predictions(y, q, plain, ids=np.arange(60).astype(str).astype(object))))
    assert [tag for tag, _ in Elements(hostile).tags] == [tag for tag, _ in Elements(harmless).tags]
    data = re.search(r'<script type="application/json" id="evaluation">(.*?)</script>', hostile, re.DOTALL)
    assert data is not None
    assert "<" not in data[1]
    assert json.loads(data[1])["classes"] == PAYLOADS
    for name in PAYLOADS[:-1]:
        assert name in Elements(hostile).text
    assert all(c.isprintable() or c == "\n" for c in hostile)


def test_twenty_classes_are_all_listed_and_more_are_counted(predictions):
    rng = np.random.default_rng(0)
    for count in (20, 21):
        names = [f"class-{i:03d}" for i in range(count)]
        text = Elements(
            to_html(examine(predictions(rng.integers(0, count, 300), rng.dirichlet(np.ones(count), 300), names)))
        ).text
        assert sum(f"{name}" in text for name in names) >= 20
        assert ("and 1 more classes" in text) == (count == 21)


def test_the_size_does_not_grow_with_rows_or_classes(predictions):
    rng = np.random.default_rng(0)
    sizes = [
        len(to_html(examine(predictions(rng.integers(0, 3, rows), rng.dirichlet(np.ones(3), rows)))))
        for rows in (100, 20_000)
    ]
    assert abs(sizes[0] - sizes[1]) < 1000
    q = rng.dirichlet(np.ones(3000), 50)
    page = to_html(examine(predictions(rng.integers(0, 3000, 50), q, [f"{i}-{'n' * 100}" for i in range(3000)])))
    assert len(page.encode()) < 400_000


@pytest.mark.parametrize(
    ("y", "q"),
    [
        ([1, 0, 1, 0], [0, 0.5, 0.75, 0.25]),
        ([0, 0, 0], [[0.5, 0.5], [0.25, 0.75], [0.75, 0.25]]),
        ([0, 0, 1, 1], [0.125, 0.25, 0.75, 0.875]),
        ([1], [0.5]),
        ([0, 1, 1, 0], [0.0, 1, 1, 0]),
    ],
)
def test_odd_evaluations_have_a_page_too(predictions, y, q):
    text = to_html(examine(predictions(y, q)))
    assert ">nan" not in text
    assert '"nan' not in text
    widths = [
        float(value) for value in re.findall(r'<rect class="[a-z-]+" x="[-\d.]+" y="[\d.]+" width="([-\d.]+)"', text)
    ]
    assert all(0 <= width <= 720 for width in widths)


def test_the_bars_join(subject):
    text = to_html(subject)
    bars = [
        tuple(map(float, found))
        for found in re.findall(r'<rect class="[a-z-]+" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', text)
    ]
    (whole, explained, bad, loss) = bars
    assert whole[0] + whole[1] == pytest.approx(explained[0] + explained[1], abs=0.02)
    assert explained[0] == pytest.approx(bad[0], abs=0.02)
    assert bad[0] + bad[1] == pytest.approx(loss[0] + loss[1], abs=0.02)
