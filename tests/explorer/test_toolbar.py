"""Chapters, unit, presets, reset and the link: what is always there."""

import pytest


def test_every_chapter_has_a_name_and_can_be_gone_to(open_page, contract):
    page = open_page()
    for chapter in contract.chapters[::-1]:
        page.locator(f"[data-goto='{chapter}']").first.click()
        assert contract.parse(page.evaluate("T.frame().then(T.state)"))["chapter"] == chapter
        shown = "(all) => all.filter((one) => T.visible(T.section(one)))"
        assert chapter in page.evaluate(shown, list(contract.chapters))
        section = page.locator(f"section[data-chapter='{chapter}']")
        assert page.get_by_role("region", name=section.get_by_role("heading").first.inner_text()).count() == 1
    names = page.evaluate("[...T.root().querySelectorAll('section[data-chapter]')].map((s) => s.dataset.chapter)")
    assert sorted(names) == sorted(contract.chapters)


def test_links_show_their_chapter_in_full(open_page, contract, each_chapter):
    page = open_page(f"v=1&chapter={each_chapter}")
    section = page.locator(f"section[data-chapter='{each_chapter}']")
    assert section.is_visible()
    outputs = section.locator("output[data-quantity]")
    assert all(outputs.nth(i).is_visible() for i in range(outputs.count()))
    ranges = section.locator("input[type=range]")
    assert all(ranges.nth(i).is_visible() for i in range(ranges.count()))
    figures = section.locator("[data-figure]")
    assert figures.count() >= 1
    assert all(figures.nth(i).is_visible() for i in range(figures.count()))
    wanted = {"binary": {"curves", "surface"}, "simplex": {"contour", "surface"}, "training": {"path", "loss"}}
    names = {figures.nth(i).get_attribute("data-figure") for i in range(figures.count())}
    assert wanted.get(each_chapter, set()) <= names


TEXTS = """(chapter) => [...T.section(chapter).querySelectorAll('[data-figure], output')].flatMap((one) => [
  one.textContent,
  ...[...one.querySelectorAll('[aria-label]')].map((e) => e.getAttribute('aria-label')),
  ...[...one.querySelectorAll('[aria-valuetext]')].map((e) => e.getAttribute('aria-valuetext')),
])"""


def test_the_unit_changes_every_text_and_the_link(open_page, contract):
    """What says nats says bits after the switch: read-outs, ticks, axes, descriptions."""
    page = open_page()
    for chapter in contract.chapters:
        page.evaluate(f"T.go('v=1&chapter={chapter}')")
        before = page.evaluate("T.state()")
        page.select_option("select[name=unit]", "bits")
        assert page.evaluate("T.frame().then(T.state)") == before.replace("unit=nats", "unit=bits")
        texts = page.evaluate(TEXTS, chapter)
        assert not [text for text in texts if "nats" in text], chapter
        assert any("bits" in text for text in texts)
        page.select_option("select[name=unit]", "nats")


def press(page, chapter, what):
    page.locator(f"section[data-chapter='{chapter}'] [{what}]").first.click()
    return page.evaluate("T.frame().then(T.state)")


@pytest.mark.parametrize("chapter", ["cross-entropy", "directions", "simplex"])
def test_presets_of_the_model(open_page, contract, chapter):
    page = open_page()
    p, q = [0.25, 0.125, 0.625], [0.5, 0.3, 0.2]
    third = [1 / 3, 1 / 3, 1 / 3]
    wanted = {
        "uniform": (p, third),
        "match": (p, p),
        "swap": (q, p),
        "infinite": (contract.defaults["p"], [0, 0.5, 0.5]),
    }
    for name, (p_then, q_then) in wanted.items():
        page.evaluate("T.go", contract.hash(chapter=chapter, unit="bits", x=0.5, p=p, q=q))
        state = contract.parse(press(page, chapter, f'data-preset="{name}"'))
        assert state == contract.state(chapter=chapter, unit="bits", x=[0.5], p=p_then, q=q_then), name
    assert page.evaluate("T.read", chapter)[0]["value"] == "inf"


def test_every_preset_gives_a_good_state(open_page, contract):
    page = open_page()
    seen = page.evaluate("""async () => {
      const all = [];
      for (const button of T.root().querySelectorAll('[data-preset]')) {
        const chapter = button.closest('section').dataset.chapter;
        await T.go(`v=1&chapter=${chapter}`);
        button.click();
        await T.frame();
        const texts = [...T.section(chapter).querySelectorAll('output, svg text')].map((e) => e.textContent);
        all.push({ name: button.dataset.preset, chapter, state: T.state(), texts });
      }
      return all;
    }""")
    back = page.evaluate(
        "async (all) => { const s = []; for (const h of all) { await T.go(h); s.push(T.state()); } return s; }",
        [one["state"] for one in seen],
    )
    for one, again in zip(seen, back, strict=True):
        assert again == one["state"], f"{one['chapter']} {one['name']}: a state that a link does not take"
        assert contract.parse(again)["chapter"] == one["chapter"]
        assert not [text for text in one["texts"] if "NaN" in text or "undefined" in text], one


def test_reset_gives_the_defaults_of_the_same_chapter_and_unit(open_page, contract):
    page = open_page("v=1&chapter=simplex&unit=bits&p=1,0,0&q=0,0,1&x=1&n=4,5,6&z=1,2,3&step=200&tau=3")
    page.locator("button[data-action=reset]").click()
    assert contract.parse(page.evaluate("T.frame().then(T.state)")) == contract.state(chapter="simplex", unit="bits")
    assert page.evaluate("T.read('simplex')[0].text").endswith("bits")


def test_copy_link_writes_the_address_of_this_state(open_page):
    page = open_page("v=1&chapter=entropy&p=0.5,0.25,0.25", permissions=["clipboard-read", "clipboard-write"])
    page.locator("button[data-action=copy-link]").click()
    page.wait_for_timeout(100)
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.evaluate("location.href.split('#')[0] + '#' + T.state()")


@pytest.mark.parametrize(
    "without",
    [
        "delete Navigator.prototype.clipboard;",
        "Clipboard.prototype.writeText = () => Promise.reject(new Error('refused'));",
    ],
)
def test_without_a_clipboard_the_link_is_shown(open_page, without):
    page = open_page("v=1&chapter=entropy&p=0.5,0.25,0.25", before=without)
    page.locator("button[data-action=copy-link]").click()
    page.wait_for_timeout(100)
    shown = page.evaluate("""[...T.root().querySelectorAll('input, textarea, a, output, p, code')].filter(T.visible)
      .map((e) => e.value ?? e.href ?? e.textContent).filter((text) => text.includes('#v=1'))""")
    link = page.evaluate("location.href.split('#')[0] + '#' + T.state()")
    assert link in shown


def test_predict_then_check_answers(open_page, contract, each_chapter):
    page = open_page(f"v=1&chapter={each_chapter}")
    section = page.locator(f"section[data-chapter='{each_chapter}']")
    before = section.inner_text()
    section.locator("input[type=radio]").first.check()
    section.get_by_role("button", name="Check").click()
    page.evaluate("T.frame()")
    after = section.inner_text()
    assert after != before
    assert "NaN" not in after
    state = page.evaluate("T.state()")
    page.evaluate("T.go", state + "&again=1")
    assert page.evaluate("T.state()") == state, "what the answer shows is a state that a link takes"
