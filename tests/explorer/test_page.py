"""The page: the same bytes, small, one script and one style sheet by hash, nothing from outside."""

import base64
import hashlib
import html
import os
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError
from html.parser import HTMLParser
from pathlib import Path

import pytest

import xent
from xent import explorer

MOST = 120_000
ASSET = Path(explorer.__file__).parent / "explorer.js"


class Elements(HTMLParser):
    """Tags with their attributes, and the text directly in each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags:
            last = self.tags[-1][0]
            self.texts[last] = self.texts.get(last, "") + data


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> bytes:
    return explorer.write(tmp_path_factory.mktemp("page") / "page.html").read_bytes()


def csp_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def policy(page: bytes) -> dict[str, list[str]]:
    found = [
        a["content"] for tag, a in Elements(page.decode()).tags if a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert len(found) == 1
    return {name: values for name, *values in (part.split() for part in found[0].split(";"))}


def test_the_same_bytes_every_time(page, tmp_path):
    code = "from xent import explorer; explorer.write('again.html')"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)
        assert (tmp_path / "again.html").read_bytes() == page


def test_it_is_small(page):
    assert len(page) <= MOST


def test_only_its_one_script_may_run(page):
    text = page.decode()
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert script is not None
    assert text.lower().count("<script") == text.lower().count("</script") == 1
    assert "<!--" not in text
    rules = policy(page)
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == [csp_hash(script[1])]
    assert rules["base-uri"] == rules["form-action"] == ["'none'"]
    assert set(rules) == {"default-src", "script-src", "style-src", "base-uri", "form-action"}
    assert ASSET.read_text("utf-8").rstrip() in script[1]
    assert script[1].endswith(';xentExplorer.page(document.getElementById("explorer"))')


def test_the_style_sheet_is_allowed_by_the_hash_that_the_build_gives(page):
    first = ASSET.read_text("utf-8").split("\n")[0]
    found = re.fullmatch(r"/\*css (sha256-[A-Za-z0-9+/]{43}=)\*/", first)
    assert found is not None
    assert policy(page)["style-src"] == [f"'{found[1]}'"]


def test_the_policy_comes_before_all_that_it_rules(page):
    text = page.decode()
    head = text[: text.index("</head>")]
    assert head.index('charset="utf-8"') < head.index("Content-Security-Policy") < head.index("<title>")
    assert "<script" not in head
    assert "<style" not in head


def test_the_page_refers_to_nothing(page):
    tags = Elements(page.decode()).tags
    assert [tag for tag, _ in tags] == [
        *("html", "head", "meta", "meta", "meta", "meta", "meta", "title", "body", "noscript", "div", "script")
    ]
    names = {name for _, attributes in tags for name in attributes}
    assert not {name for name in names if name in ("src", "href", "action", "style") or name.startswith("on")}
    # Namespaces of XML look like addresses and are names; nothing is fetched from them.
    addresses = set(re.findall(rb"https?://[^\s\"'`)<>]*", page))
    assert addresses <= {
        b"http://www.w3.org/2000/svg",
        b"http://www.w3.org/1998/Math/MathML",
        b"http://www.w3.org/1999/xhtml",
    }
    assert not re.search(rb"@import|url\((?!#)|\beval\(|new Function|import\(", page)


def test_the_page_says_what_it_is(page):
    found = Elements(page.decode())
    attributes = dict(found.tags)
    assert attributes["html"] == {"lang": "en"}
    named = {a["name"]: a["content"] for tag, a in found.tags if tag == "meta" and "name" in a}
    assert named["viewport"] == "width=device-width, initial-scale=1"
    assert named["color-scheme"] == "light dark"
    assert "works offline" in named["description"]
    assert found.texts["title"].rstrip("\n") == "Cross-entropy: the explorer"
    assert "script" in found.texts["noscript"]
    assert page.startswith(b"<!doctype html>\n")
    assert page.endswith(b"</html>\n")


def test_write_says_where_and_takes_any_path(page, tmp_path):
    target = tmp_path / "a.HTM"
    assert explorer.write(str(target)) == target
    assert target.read_bytes() == page
    assert os.listdir(tmp_path) == ["a.HTM"]


@pytest.mark.parametrize(
    ("name", "found"), [("a.txt", "the suffix '.txt'"), ("a", "no suffix"), ("a.html.gz", "'.gz'")]
)
def test_another_suffix_is_refused(tmp_path, name, found):
    with pytest.raises(ValueError, match=f"{name}' has .*{re.escape(found)}.*; the explorer is a page"):
        explorer.write(tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape("missing")):
        explorer.write(tmp_path / "missing" / "a.html")


def test_the_module_has_the_form_of_anywidget():
    text = explorer.module()
    assert text == explorer.module()
    assert text.startswith(ASSET.read_text("utf-8").rstrip())
    assert text.endswith("\nexport default { render: xentExplorer.render };\n")
    assert len(re.findall(r"(?m)^export ", text)) == 1


def test_a_notebook_shows_the_page_in_a_sandbox(page):
    shown = explorer.show()
    frame = shown._repr_html_()
    found = re.fullmatch(
        r'<iframe sandbox="allow-scripts" srcdoc="([^"]*)" title="[^"<>]+" style="[^"<>]+"></iframe>', frame
    )
    assert found is not None
    assert "<" not in found[1]
    assert html.unescape(found[1]).encode() == page
    # As a browser reads it, too.
    [(tag, attributes)] = Elements(frame).tags
    assert tag == "iframe"
    assert attributes["sandbox"] == "allow-scripts"
    assert attributes["srcdoc"] == page.decode()


def test_what_show_gives_is_small_in_words_and_frozen(page):
    shown = explorer.show()
    assert repr(shown).startswith("<xent.explorer.Page of ")
    assert len(repr(shown)) < 120
    assert shown == explorer.show()
    with pytest.raises(FrozenInstanceError):
        shown.html = ""


def test_a_note_is_text():
    assert explorer.Page("page", "a <b> & c")._repr_html_().startswith("<p>a &lt;b&gt; &amp; c</p>\n<iframe ")


def test_showing_opens_nothing(monkeypatch):
    import webbrowser

    monkeypatch.setattr(webbrowser, "open", lambda *_, **__: pytest.fail("it opened a browser"))
    explorer.show()._repr_html_()


def test_the_room_is_on_the_face():
    assert xent.explorer is explorer
    assert "explorer" in dir(xent)
    assert {"write", "module", "show", "widget"} <= set(dir(explorer))


def test_an_asset_without_the_hash_of_its_style_is_refused(monkeypatch):
    from xent.explorer import _asset

    monkeypatch.setattr(_asset, "script", lambda: "var xentExplorer={}")
    with pytest.raises(ValueError, match=re.escape("build it with web/build.mjs")):
        _asset.style_hash()
