"""Quiet at rest, still where motion is not wanted, on paper, in the dark."""

import io

import numpy as np
import pytest
from PIL import Image

COUNT = """
window.calls = [];
for (const name of ['requestAnimationFrame', 'setInterval', 'setTimeout', 'requestIdleCallback']) {
  const real = window[name].bind(window);
  window[name] = (...given) => { calls.push(name); return real(...given); };
}
"""


def test_at_rest_nothing_runs(open_page, contract):
    page = open_page(before=COUNT)
    for chapter in contract.chapters:
        page.evaluate("T.go", contract.hash(chapter=chapter, q=[0, 0.5, 0.5]))
        page.wait_for_timeout(1200)
        calls, animations = page.evaluate("[calls.length, document.getAnimations().length]")
        page.wait_for_timeout(300)
        assert page.evaluate("calls.slice(%d)" % calls) == [], chapter  # noqa: UP031, braces are JavaScript's
        assert animations == 0, chapter
    assert "setInterval" not in page.evaluate("calls")


def step(page, contract):
    return contract.parse(page.evaluate("T.frame().then(T.state)"))["step"][0]


def test_play_walks_pauses_and_goes_on_to_the_last_step(open_page, contract):
    page = open_page("v=1&chapter=training")
    play = page.locator("section[data-chapter=training] button[data-action=play]")
    name = play.inner_text()
    play.click()
    page.evaluate("T.until(() => T.state().match(/step=([0-9]+)/)[1] > 2)")
    assert play.inner_text() != name, "it says that it would pause"
    play.click()
    stopped = step(page, contract)
    assert 2 < stopped < 200
    assert play.inner_text() == name
    page.wait_for_timeout(400)
    assert step(page, contract) == stopped
    play.click()
    page.evaluate("T.until(() => /step=200(&|$)/.test(T.state()))")
    page.wait_for_timeout(300)
    assert play.inner_text() == name, "at the end it rests"
    assert step(page, contract) == 200


def test_a_hand_on_a_slider_or_another_chapter_ends_the_play(open_page, contract):
    page = open_page("v=1&chapter=training", before=COUNT)
    page.locator("button[data-action=play]").click()
    page.evaluate("T.until(() => T.state().match(/step=([0-9]+)/)[1] > 2)")
    page.locator("[data-goto=entropy]").first.click()
    page.wait_for_timeout(1300)
    calls = page.evaluate("calls.length")
    page.wait_for_timeout(300)
    assert page.evaluate("calls.length") == calls
    assert contract.parse(page.evaluate("T.state()"))["chapter"] == "entropy"


def test_with_reduced_motion_nothing_animates(open_page, contract):
    page = open_page("v=1&chapter=training", reduced_motion="reduce", before=COUNT)
    page.wait_for_timeout(1000)
    before = page.evaluate("calls.filter((name) => name === 'requestAnimationFrame').length")
    steps = page.evaluate("""async () => {
      T.section('training').querySelector('[data-action=play]').click();
      const seen = new Set();
      for (let i = 0; i < 6; i++) { await T.frame(); seen.add(T.state().match(/step=([0-9]+)/)[1]); }
      return [...seen];
    }""")
    assert steps == ["200"]
    page.wait_for_timeout(300)
    after = page.evaluate("calls.filter((name) => name === 'requestAnimationFrame').length")
    assert after - before <= 6 + 3, "the six of this test, and a drawing"
    moving = """[...T.root().querySelectorAll('*')].filter((e) => {
      const s = getComputedStyle(e);
      const long = (text) => text.split(',').some((time) => parseFloat(time) > 0.01);
      return long(s.transitionDuration) || (s.animationName !== 'none' && long(s.animationDuration));
    }).map((e) => e.outerHTML.slice(0, 100))"""
    assert page.evaluate(moving) == []


def pixels(image: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB")).astype(int)


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_the_page_follows_the_scheme(open_page, scheme, dark):
    page = open_page(color_scheme=scheme, viewport={"width": 1600, "height": 900})
    corner = pixels(page.screenshot())[-1, 0]
    assert (corner.mean() < 60) == dark
    assert (corner.mean() > 230) == (not dark)


def test_on_paper_there_are_figures_and_numbers_and_no_controls(open_page, contract):
    page = open_page()
    page.emulate_media(media="print", color_scheme="dark")
    for chapter in contract.chapters:
        page.evaluate(f"T.go('v=1&chapter={chapter}')")
        section = page.locator(f"section[data-chapter='{chapter}']")
        assert section.locator("output").first.is_visible()
        assert section.locator("[data-figure]").first.is_visible()
        assert section.locator("input[type=range]:visible").count() == 0
        assert page.locator("button[data-action]:visible").count() == 0
    light = "(e) => getComputedStyle(e).colorScheme"
    assert "dark" not in page.locator("[data-explorer]").evaluate(light), "paper is white"
    assert len(page.pdf()) > 10_000


def test_it_works_offline(open_page):
    page = open_page("v=1&chapter=entropy")
    page.context.set_offline(True)
    page.reload()
    assert page.evaluate("T.read('entropy')[0].value") == "0.8018185525433373"
