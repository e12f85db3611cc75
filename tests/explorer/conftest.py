"""The explorer in a browser: one Chromium for each process, one page file, and no page that says or asks anything."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import ClassVar

import pytest

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# A skip would pass for a success where the browser is part of the promise.
REQUIRED = os.environ.get("XENT_REQUIRE_CHROMIUM") == "1" or os.environ.get("CI") == "true"
HELPERS = Path(__file__).parent / "helpers.js"


@pytest.fixture(scope="session")
def browser():
    """Chromium, started once."""
    if not Path(CHROMIUM).exists():
        reason = "there is no Chromium: apt-get install chromium"
        pytest.fail(reason) if REQUIRED else pytest.skip(reason)
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        reason = "there is no playwright: pip install playwright"
        pytest.fail(reason) if REQUIRED else pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def page_file(tmp_path_factory):
    """The explorer as `xent explore` writes it."""
    from xent import explorer

    return explorer.write(tmp_path_factory.mktemp("explorer") / "page.html")


@pytest.fixture
def open_page(browser, page_file):
    """A function that opens the explorer at a state and gives the page, with the helpers of helpers.js as `T`.

    At the end of the test no page may have written to the console, failed, opened a dialog or asked for anything but
    the file itself (`file`, for a page that holds the explorer in some other way) and what begins with one of `allow`.
    """
    heard: list[str] = []
    contexts = []

    def open_page(hash="", *, file=page_file, before="", allow=(), **options):
        own = Path(file).as_uri()
        options = {"viewport": {"width": 1280, "height": 900}, **options}
        context = browser.new_context(**options)
        context.set_default_timeout(60_000)  # of a busy machine; what is there is found at once
        contexts.append(context)
        context.add_init_script(before + HELPERS.read_text())
        page = context.new_page()

        def asked(request):
            if request.url.split("#")[0] != own and not request.url.startswith(("about:", *allow)):
                heard.append(f"request: {request.url[:200]}")

        def dialog(box):
            heard.append(f"dialog: {box.message}")
            box.dismiss()

        page.on("console", lambda message: heard.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: heard.append(f"error: {error}"))
        page.on("dialog", dialog)
        context.on("request", asked)
        page.goto(f"{own}#{hash}" if hash else own)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert heard == []


DEFAULTS = {
    "chapter": "surprisal",
    "unit": "nats",
    "x": [0.25],
    "y": [0.3],
    "yhat": [0.6],
    "eps": [0.1],
    "p": [0.1, 0.2, 0.7],
    "q": [0.6, 0.3, 0.1],
    "n": [1.0, 2.0, 7.0],
    "k": [10.0],
    "z": [2.0, 0.0, -1.0],
    "tau": [1.0],
    "eta": [0.4],
    "step": [0.0],
}

# name of each read-out, headline first; with a star: natural, the same in nats and bits
QUANTITIES = {
    "surprisal": "surprisal",
    "entropy": "entropy perplexity*",
    "cross-entropy": "cross_entropy entropy kl_divergence",
    "directions": "kl_divergence kl_divergence_reverse js_divergence",
    "binary": "binary_cross_entropy binary_entropy binary_kl_divergence gradient*",
    "simplex": "cross_entropy entropy kl_divergence",
    "labels": "mean_loss label_entropy smoothing_floor best_logit_gap*",
    "gradient": "cross_entropy gradient_1* gradient_2* gradient_3*",
    "training": "cross_entropy kl_divergence entropy rate_limit*",
}
CHAPTERS = tuple(QUANTITIES)

# keys of the state that a chapter's sliders move
SLIDERS = {
    "surprisal": "x",
    "entropy": "p",
    "cross-entropy": "p q",
    "directions": "p q",
    "binary": "y yhat",
    "simplex": "p q",
    "labels": "n k eps",
    "gradient": "z tau",
    "training": "eta step",
}
RANGES = {
    "x": (0, 1),
    "y": (0, 1),
    "yhat": (0, 1),
    "eps": (0, 1),
    "p": (0, 1),
    "q": (0, 1),
    "n": (1, 100),
    "k": (2, 100),
    "z": (-20, 20),
    "tau": (0.05, 20),
    "eta": (0.05, 8),
    "step": (0, 200),
}


class Contract:
    """The tables of the page's contract, written down here once more and not read from its code."""

    chapters = CHAPTERS
    defaults = DEFAULTS
    ranges = RANGES
    quantities: ClassVar = {chapter: names.replace("*", "").split() for chapter, names in QUANTITIES.items()}
    natural: ClassVar = {name[:-1] for names in QUANTITIES.values() for name in names.split() if name.endswith("*")}
    keys: ClassVar = {chapter: keys.split() for chapter, keys in SLIDERS.items()}

    @staticmethod
    def inputs(chapter: str) -> dict[str, tuple[float, float]]:
        """Names of a chapter's sliders, with what they span."""
        return {
            name: RANGES[key]
            for key in SLIDERS[chapter].split()
            for name in ([f"{key}{i}" for i in (1, 2, 3)] if len(DEFAULTS[key]) == 3 else [key])
        }

    @staticmethod
    def hash(**values) -> str:
        """The hash that names these values and no others."""

        def text(value):
            if isinstance(value, str):
                return value
            return ",".join(repr(v) for v in (value if isinstance(value, (list, tuple)) else [value]))

        return "&".join(["v=1", *(f"{key}={text(value)}" for key, value in values.items())])

    @staticmethod
    def parse(state: str) -> dict:
        """The values in a `data-state`: text for chapter and unit, a list of floats for all else."""
        pairs = [part.split("=", 1) for part in state.split("&")]
        assert pairs[0] == ["v", "1"], state
        assert len({key for key, _ in pairs}) == len(pairs), f"a key twice: {state}"
        return {
            key: value if key in ("chapter", "unit") else [float(v) for v in value.split(",")]
            for key, value in pairs[1:]
        }

    @classmethod
    def state(cls, **values) -> dict:
        """The whole state, as `parse` gives it, when these values stand and all others are the defaults."""
        given = {k: v if isinstance(v, str) else [float(x) for x in v] for k, v in values.items()}
        return {**cls.defaults, **given}

    @staticmethod
    def number(text: str) -> float:
        """The first number in a text as the page writes it; inf for one without end."""
        found = re.search(r"[-−]?(inf\b|∞|\d[\d.,]*(e[-−+]?\d+)?)", text)
        assert found, text
        return float(found[0].replace("−", "-").replace("∞", "inf").replace(",", ""))


@pytest.fixture(scope="session")
def contract():
    return Contract


def pytest_generate_tests(metafunc):
    """A test that takes `each_chapter` is run for each of them."""
    if "each_chapter" in metafunc.fixturenames:
        metafunc.parametrize("each_chapter", CHAPTERS)
