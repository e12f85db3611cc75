"""The page: finished, offline, bounded, and deaf to what names say."""

import json
import math
import re
from dataclasses import replace
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


@pytest.mark.parametrize("which", ["subject", "full", "binary"])
def test_nothing_is_fetched_and_nothing_runs(which, request):
    text = to_html(request.getfixturevalue(which))
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|//[a-z]|url\((?!#)|@import|<link|<img|<iframe|<form|<base", text)
    tags = Elements(text).tags
    assert [attributes["type"] for tag, attributes in tags if tag == "script"] == ["application/json"]
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    # Pictures use shapes of their own by #name; nothing else refers to anything but the explorer beside the page.
    links = [(tag, value) for tag, attributes in tags for name, value in attributes.items() if name == "href"]
    assert all(re.fullmatch(r"#[\w-]+", link) for tag, link in links if tag != "a")
    beside = [link for tag, link in links if tag == "a"]
    assert all(
        re.fullmatch(r"explorer\.html#v=1&chapter=simplex&unit=nats(&[pq]=[\de.,-]+){2}", link) for link in beside
    )
    assert len(beside) == (0 if which == "binary" else 2)
    assert not [name for _, attributes in tags for name in attributes if name in ("src", "xlink:href", "action")]


def test_the_data_is_the_evaluation(subject):
    data = json.loads(Elements(to_html(subject)).scripts[0])
    assert data == json.loads(subject.evaluation.to_json())


def test_names_are_text(predictions, fill):
    rng = np.random.default_rng(0)
    count = len(PAYLOADS)
    plain = [f"c{i}" for i in range(count)]
    q = rng.dirichlet(np.ones(count), 60)
    y = rng.integers(0, count, 60)
    ids = np.array([PAYLOADS[i % count] for i in range(60)], dtype=object)

    def page(names, ids, file):
        found = examine(predictions(y, q, names, ids=ids, file=file))
        return to_html(replace(found, evaluation=fill(found.evaluation, {names[0]: names})))

    hostile = page(PAYLOADS, ids, PAYLOADS[1])
    harmless = page(plain, np.arange(60).astype(str).astype(object), "t.csv")
    # Labels that find no room in a picture are left out of it, so its own elements are not counted.
    bare = [re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL) for text in (hostile, harmless)]
    assert [tag for tag, _ in Elements(bare[0]).tags] == [tag for tag, _ in Elements(bare[1]).tags]
    pictures = re.findall(r"<svg.*?</svg>", hostile, re.DOTALL)
    allowed = {"svg", "title", "defs", "g", "path", "use", "text", "tspan", "rect", "clippath", "pattern"}
    assert {tag for picture in pictures for tag, _ in Elements(picture).tags} <= allowed
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
        assert ("and 1 more class" in text) == (count == 21)


def test_the_size_does_not_grow_with_rows(predictions, fill):
    rng = np.random.default_rng(0)
    sizes = []
    for rows in (100, 20_000):
        found = examine(predictions(rng.integers(0, 3, rows), rng.dirichlet(np.ones(3), rows)))
        sizes.append(len(to_html(replace(found, evaluation=fill(found.evaluation)))))
    assert abs(sizes[0] - sizes[1]) < 4000


@pytest.mark.parametrize(("count", "length"), [(3000, 100), (20, 3000), (20, 40_000)])
def test_a_page_is_small_whatever_the_classes_and_slices(predictions, fill, count, length):
    rng = np.random.default_rng(0)
    long = 'n"<' * (length // 3)
    names = [f"{i}-{long}" for i in range(count)]
    ids = np.array([f"{i}{'&' * 5000}" for i in range(60)], dtype=object)
    found = examine(predictions(rng.integers(0, count, 60), rng.dirichlet(np.ones(count), 60), names, ids=ids))
    page = to_html(replace(found, evaluation=fill(found.evaluation, {f"column {i}": names[:500] for i in range(3)})))
    assert len(page.encode()) < 400_000
    data = json.loads(Elements(page).scripts[0])
    assert data["cross_entropy"] == found.evaluation.to_dict()["cross_entropy"]
    assert "reliability" in data["left_out"]


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
    assert "NaN" not in text


def heads(page):
    return re.findall(r"<h2[^>]*>(.*?)</h2>", page)


def test_two_classes_are_shown_in_their_order(binary):
    assert heads(to_html(binary)) == [
        "Where the loss comes from",
        "What recalibration would give",
        "Costliest rows",
        "How often what was forecast happened",
        "Slices",
        "Costliest classes",
        "What others would print",
    ]


def test_more_classes_are_shown_in_their_order(full):
    page = to_html(full)
    assert heads(page) == [
        "Where the loss comes from",
        "What recalibration would give",
        "Costliest classes",
        "Costliest confusions",
        "How often what was forecast happened",
        "Costliest rows",
        "Three classes in the explorer",
        "Slices",
        "What others would print",
    ]
    assert "and 10 more values" in page  # of 30 devices


def test_tables_and_pictures_have_names_for_those_who_do_not_see_them(full):
    page = to_html(full)
    tags = Elements(page).tags
    count = {name: sum(tag == name for tag, _ in tags) for name in ("table", "caption", "svg", "figcaption", "h1")}
    assert count["table"] == count["caption"] > 4
    assert count["svg"] == count["figcaption"] > 5
    assert count["h1"] == 1
    assert all("scope" in attributes for tag, attributes in tags if tag == "th")
    identifiers = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    named = [attributes["aria-labelledby"] for _, attributes in tags if "aria-labelledby" in attributes]
    assert set(named) <= set(identifiers)
    for landmark in ("header", "main", "footer"):
        assert sum(tag == landmark for tag, _ in tags) == 1
    # What scrolls is reached by keyboard. It is no landmark: sections are, and no two may have one name.
    assert not any(attributes.get("role") == "region" for _, attributes in tags)
    scrolled = [attributes for _, attributes in tags if attributes.get("role") == "group"]
    assert len(scrolled) == count["table"] + count["svg"]
    assert all(attributes["tabindex"] == "0" for attributes in scrolled)
    labels = [attributes.get("aria-label") or attributes["aria-labelledby"] for attributes in scrolled]
    assert len(labels) == len(set(labels))


def test_only_the_loss(full):
    page = to_html(replace(full, loss_only=True))
    assert "<svg" not in page
    assert "recalibration" not in Elements(page).scripts[0]
    assert "calibration left out (--loss-only)" in page


def test_a_page_without_a_file_says_what_it_knows(binary):
    page = to_html(replace(binary, facts=None, seed=None))
    assert "<title>predictions: " in page
    assert "<p>classes: no, yes</p>" in page
    assert "seed" not in Elements(page).text


def test_a_loss_that_is_infinite_is_written_so(predictions, fill):
    found = examine(predictions([1, 0, 1, 0, 1, 1], [0, 0.5, 0.75, 0.25, 0, 0.5]))
    page = to_html(replace(found, evaluation=fill(found.evaluation)))
    assert "<b>inf <small>nats</small></b>" in page
    assert "2 rows give probability 0 to what happened (0, 4)." in page
    assert math.isinf(found.evaluation.cross_entropy.value)
