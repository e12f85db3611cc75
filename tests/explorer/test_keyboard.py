"""All by keyboard: every control is reached in order, seen when it has the focus, and moved by keys."""

import pytest

TABBABLE = "a[href], button, input, select, textarea, summary, [tabindex]"
LIST = f"""() => {{
  const groups = new Set();
  return [...document.querySelectorAll('{TABBABLE}')].filter((e) => {{
    if (e.disabled || e.tabIndex < 0 || !T.visible(e)) return false;
    if (e.type !== 'radio') return true;
    const first = !groups.has(e.name);
    groups.add(e.name);
    return first; // Tab stops once in a group of radio buttons
  }});
}}"""
WHERE = f"""() => {{
  const at = document.activeElement;
  if (at === document.body || at === document.documentElement) return null;
  const style = getComputedStyle(at);
  const own = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  const {{ x, y }} = T.box(at);
  const inside = x >= 0 && x <= innerWidth && y >= 0 && y <= innerHeight;
  const about = [at.localName, at.name, at.getAttribute('aria-label') ?? at.textContent.slice(0, 30)].join(' ');
  return {{ place: ({LIST})().indexOf(at), about, seen: own, inside }};
}}"""


def test_tab_reaches_every_control_in_order_and_the_focus_is_seen(open_page, each_chapter):
    page = open_page(f"v=1&chapter={each_chapter}")
    page.evaluate("T.frame()")
    count = page.evaluate(f"({LIST})().length")
    reached = []
    for _ in range(count + 3):
        page.keyboard.press("Tab")
        at = page.evaluate(WHERE)
        if at is None:
            break
        assert at["seen"], f"no outline on {at['about']}"
        assert at["inside"], f"focus out of sight: {at['about']}"
        reached.append(at["place"])
    assert reached == list(range(count))


START = {
    "p": "0.3,0.3,0.4",
    "q": "0.2,0.5,0.3",
    "n": "4,4,4",
    "k": "10",
    "z": "2,0,-1",
    "tau": "3",
    "eta": "2",
    "step": "20",
}


def test_arrows_move_every_slider(open_page, contract, each_chapter):
    page = open_page(f"v=1&chapter={each_chapter}&p=0.3,0.3,0.4&q=0.2,0.5,0.3")
    names = page.evaluate(
        "(c) => [...T.section(c).querySelectorAll('input[type=range]')].map((e) => e.name)", each_chapter
    )
    assert set(contract.inputs(each_chapter)) <= set(names)
    for name in contract.inputs(each_chapter):
        slider = page.locator(f"section[data-chapter='{each_chapter}'] input[name='{name}']")
        key, place = (name[:-1], int(name[-1]) - 1) if name[-1].isdigit() else (name, 0)
        low, high = contract.inputs(each_chapter)[name]
        page.evaluate(f"T.go('v=1&chapter={each_chapter}&{key}={START.get(key, '0.5')}')")
        values = [contract.parse(page.evaluate("T.state()"))[key][place]]
        slider.focus()
        for press in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowDown"):
            page.keyboard.press(press)
            values.append(contract.parse(page.evaluate("T.frame().then(T.state)"))[key][place])
        start, right, up, back, _, _ = values
        assert start < right < up, (name, values)
        assert back == pytest.approx(right, abs=1e-9), (name, values)
        page.keyboard.press("End")
        assert contract.parse(page.evaluate("T.state()"))[key][place] == high, name
        page.keyboard.press("Home")
        assert contract.parse(page.evaluate("T.state()"))[key][place] == low, name


def changes(page, contract, keys):
    """How far each key moved what: the state before and after."""
    for key in keys:
        before = contract.parse(page.evaluate("T.state()"))
        page.keyboard.press(key)
        yield before, contract.parse(page.evaluate("T.frame().then(T.state)"))


def far(before, after):
    """The largest change of any number of the state, as a share of its range."""
    return max(
        abs(a - b)
        for key in before
        if key not in ("chapter", "unit")
        for a, b in zip(before[key], after[key], strict=True)
    )


ARROWS = ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown")


@pytest.mark.parametrize("name", ["p", "q"])
def test_arrows_move_a_point_on_the_simplex(open_page, contract, name):
    page = open_page("v=1&chapter=simplex&p=0.3,0.3,0.4&q=0.4,0.35,0.25")
    handle = page.locator(f"section[data-chapter=simplex] [data-handle={name}]").first
    handle.focus()
    text = handle.get_attribute("aria-valuetext")
    for arrow, (before, after) in zip(ARROWS, changes(page, contract, ARROWS), strict=True):
        assert 0.004 <= far(before, after) <= 0.02, arrow
        assert {key for key in before if before[key] != after[key]} == {name}
    for arrow, (before, after) in zip(ARROWS, changes(page, contract, [f"Shift+{a}" for a in ARROWS]), strict=True):
        assert 0.04 <= far(before, after) <= 0.2, arrow
    page.keyboard.press("ArrowRight")
    page.evaluate("T.frame()")
    assert handle.get_attribute("aria-valuetext") != text


@pytest.mark.parametrize("name", ["p", "q"])
def test_arrows_stay_in_the_triangle(open_page, contract, name):
    """Pushed out at every side from every corner: a state that a link takes, and a way back."""
    page = open_page()
    for corner in ("1,0,0", "0,1,0", "0,0,1", "0,0.5,0.5"):
        for arrow in ARROWS:
            page.evaluate(f"T.go('v=1&chapter=simplex&p={corner}&q={corner}')")
            page.locator(f"section[data-chapter=simplex] [data-handle={name}]").first.focus()
            for _ in range(12):
                page.keyboard.press(f"Shift+{arrow}")
            state = page.evaluate("T.frame().then(T.state)")
            shares = contract.parse(state)[name]
            assert 0.0 in shares, (corner, arrow, shares)
            page.evaluate("T.go", state + "&x=0.5")
            assert contract.parse(page.evaluate("T.state()"))[name] == shares, (corner, arrow)


def test_arrows_move_every_other_handle(open_page, contract, each_chapter):
    page = open_page(f"v=1&chapter={each_chapter}&p=0.3,0.3,0.4&q=0.2,0.5,0.3&step=20")
    handles = page.locator(f"section[data-chapter='{each_chapter}'] [data-handle]")
    for i in range(handles.count()):
        handle = handles.nth(i)
        what = f"{each_chapter}: {handle.get_attribute('aria-label')}"
        assert handle.get_attribute("aria-label"), what
        assert handle.get_attribute("aria-valuetext"), what
        assert handle.get_attribute("aria-valuenow") not in (None, "", "NaN"), what
        handle.focus()
        moved = [far(before, after) for before, after in changes(page, contract, ARROWS)]
        large = [far(before, after) for before, after in changes(page, contract, [f"Shift+{a}" for a in ARROWS])]
        assert max(moved) > 0, what
        assert max(large) > max(moved), what


FOCUS_VIEW = """(figure) => [figure, ...figure.querySelectorAll('[tabindex="0"]')]
  .find((e) => e.tabIndex === 0 && !e.hasAttribute('data-handle') && e.localName !== 'button').focus()"""


@pytest.mark.parametrize("chapter", ["binary", "simplex"])
def test_arrows_turn_a_surface(open_page, chapter):
    page = open_page(f"v=1&chapter={chapter}")
    figure = page.locator(f"section[data-chapter={chapter}] [data-figure=surface]")
    figure.evaluate(FOCUS_VIEW)
    state = page.evaluate("T.state()")
    views = [figure.screenshot()]
    for arrow in ARROWS:
        page.keyboard.press(arrow)
        page.evaluate("T.frame()")
        views.append(figure.screenshot())
        assert views[-1] != views[-2], arrow
    assert page.evaluate("T.state()") == state, "a view is no part of the state"


def test_play_works_from_the_keyboard(open_page, contract):
    page = open_page("v=1&chapter=training", reduced_motion="reduce")
    page.locator("button[data-action=play]").focus()
    page.keyboard.press("Enter")
    assert contract.parse(page.evaluate("T.frame().then(T.frame).then(T.state)"))["step"] == [200]
