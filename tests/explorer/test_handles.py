"""The points on the simplex: where they stand, and what a drag does."""

import numpy as np
import pytest

CORNERS = np.eye(3)
INSIDE = np.array([[1 / 3, 1 / 3, 1 / 3], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0.01, 0.98, 0.01], [0, 0.5, 0.5]])
CENTRE = """(name) => {
  const { x, y } = T.box(T.section('simplex').querySelector(`[data-handle=${name}]`));
  return [x, y];
}"""


def text(shares):
    return ",".join(repr(float(v)) for v in shares)


def centre(page, name):
    return np.array(page.evaluate(CENTRE, name))


def place(page, p, q):
    page.evaluate("T.go", f"v=1&chapter=simplex&p={text(p)}&q={text(q)}")


def corners(page, name):
    """Where the three corners of the triangle are on the page."""
    found = []
    for corner in CORNERS:
        place(page, *((corner, [0.2, 0.3, 0.5]) if name == "p" else ([0.2, 0.3, 0.5], corner)))
        found.append(centre(page, name))
    return np.array(found)


def move(page, to):
    """Moves the pointer in a few steps, and waits for the frame after the page has heard of the last."""
    x, y = (float(v) for v in to)
    page.mouse.move(x, y, steps=3)
    page.evaluate("([x, y]) => T.pointed(x, y)", [x, y])


@pytest.mark.parametrize("name", ["p", "q"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_centre_of_a_handle_is_affine_in_the_shares(open_page, name, width):
    page = open_page("v=1&chapter=simplex", viewport={"width": width, "height": 900})
    at = corners(page, name)
    sides = [np.linalg.norm(at[i] - at[j]) for i, j in ((0, 1), (1, 2), (2, 0))]
    assert min(sides) > 150
    assert max(sides) / min(sides) < 1.02, "the triangle has equal sides"
    for shares in INSIDE:
        place(page, *((shares, [0.2, 0.3, 0.5]) if name == "p" else ([0.2, 0.3, 0.5], shares)))
        assert np.abs(centre(page, name) - shares @ at).max() < 1, shares


def test_handles_are_sliders_with_a_text(open_page):
    page = open_page("v=1&chapter=simplex")
    for name in ("p", "q"):
        handle = page.locator(f"section[data-chapter=simplex] [data-handle={name}]")
        assert handle.count() == 1
        assert handle.get_attribute("role") == "slider"
        assert handle.get_attribute("tabindex") == "0"
        assert handle.get_attribute("aria-valuetext")
        box = handle.bounding_box()
        assert min(box["width"], box["height"]) >= 24, "large enough for a finger (WCAG 2.5.8)"


@pytest.mark.parametrize("name", ["p", "q"])
def test_a_drag_takes_the_point_where_the_pointer_is(open_page, contract, name):
    page = open_page("v=1&chapter=simplex")
    at = corners(page, name)
    place(page, [0.3, 0.3, 0.4], [0.2, 0.5, 0.3])
    other = "q" if name == "p" else "p"
    still = contract.parse(page.evaluate("T.state()"))[other]
    words = page.locator(f"section[data-chapter=simplex] [data-handle={name}]").get_attribute("aria-valuetext")
    page.mouse.move(*centre(page, name))
    page.mouse.down()
    for target in ([0.2, 0.2, 0.6], [0.7, 0.2, 0.1], [0.05, 0.85, 0.1]):
        move(page, np.array(target) @ at)
        state = contract.parse(page.evaluate("T.state()"))
        assert np.abs(np.array(state[name]) - target).max() < 0.01
        assert state[other] == still
    page.mouse.up()
    page.mouse.move(*at.mean(axis=0), steps=3)
    assert contract.parse(page.evaluate("T.frame().then(T.state)")) == state, "let go is let go"
    assert page.locator(f"section[data-chapter=simplex] [data-handle={name}]").get_attribute("aria-valuetext") != words
    assert np.abs(centre(page, name) - np.array(state[name]) @ at).max() < 1


@pytest.mark.parametrize("name", ["p", "q"])
def test_outside_the_triangle_the_point_stays_on_the_edge(open_page, contract, name):
    """Outside the edge a share is exactly 0, and the numbers say what follows: inf, or what the rest gives."""
    page = open_page("v=1&chapter=simplex")
    at = corners(page, name)
    middle = at.mean(axis=0)
    place(page, [0.3, 0.3, 0.4], [0.2, 0.5, 0.3])
    page.mouse.move(*centre(page, name))
    page.mouse.down()
    targets = [(f"edge {i}", 1.35 * (np.delete(at, i, 0).mean(axis=0) - middle) + middle, {i}) for i in range(3)]
    targets += [(f"corner {i}", 1.15 * (at[i] - middle) + middle, set(range(3)) - {i}) for i in range(3)]
    for what, target, zeros in targets:
        move(page, target)
        state = page.evaluate("T.state()")
        shares = contract.parse(state)[name]
        assert {i for i in range(3) if shares[i] == 0} == zeros, (what, shares)
        assert abs(sum(shares) - 1) <= 1e-12
        read = {one["name"]: one["value"] for one in page.evaluate("T.read('simplex')")}
        if name == "q":
            assert read["kl_divergence"] == "inf", what
        else:
            assert float(read["kl_divergence"]) > 0
        for one in page.evaluate("T.read('simplex')"):
            assert "NaN" not in one["text"] + one["value"]
    page.mouse.up()
    page.evaluate("T.go", state + "&x=0.5")
    assert contract.parse(page.evaluate("T.state()"))[name] == shares, "a link takes it as it is"


def test_sixty_moves_take_less_than_two_seconds(open_page):
    """Of the page's own thread, layout and painting with it: a busy machine does not count."""
    page = open_page("v=1&chapter=simplex")
    at = corners(page, "q")
    place(page, [0.1, 0.2, 0.7], [0.6, 0.3, 0.1])
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent():
        return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}["TaskDuration"]

    page.mouse.move(*centre(page, "q"))
    page.mouse.down()
    before = spent()
    for target in ([0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.2, 0.2, 0.6]):
        page.mouse.move(*(np.array(target) @ at), steps=20)
    page.evaluate("T.frame()")
    page.mouse.up()
    assert 0 < spent() - before < 2


def test_a_finger_drags_too(open_page, contract):
    """What keeps the page from scrolling under the finger is touch-action; the events are the pointer's."""
    page = open_page("v=1&chapter=simplex&q=0.2,0.5,0.3", has_touch=True, viewport={"width": 390, "height": 800})
    handle = page.locator("section[data-chapter=simplex] [data-handle=q]")
    handle.scroll_into_view_if_needed()
    assert handle.evaluate("(e) => getComputedStyle(e).touchAction") == "none"
    x, y = centre(page, "q")
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": a, "y": b} for a, b in points]})

    scrolled = page.evaluate("scrollY")
    touch("touchStart", (x, y))
    for i in range(1, 9):
        touch("touchMove", (x - 4 * i, y + 2 * i))
    touch("touchEnd")
    after = contract.parse(page.evaluate("T.frame().then(T.state)"))
    assert after["q"] != [0.2, 0.5, 0.3]
    assert page.evaluate("scrollY") == scrolled
    assert np.abs(centre(page, "q") - [x - 32, y + 16]).max() < 2


def test_handles_of_other_chapters_can_be_dragged(open_page, contract, each_chapter):
    page = open_page(f"v=1&chapter={each_chapter}&p=0.3,0.3,0.4&q=0.2,0.5,0.3&step=20")
    handles = page.locator(f"section[data-chapter='{each_chapter}'] [data-handle]")
    for i in range(handles.count()):
        what = f"{each_chapter}: handle {handles.nth(i).get_attribute('data-handle')}"
        page.evaluate(f"T.go('v=1&chapter={each_chapter}&p=0.3,0.3,0.4&q=0.2,0.5,0.3&step={20 + i}')")
        handles.nth(i).scroll_into_view_if_needed()
        before = page.evaluate("T.frame().then(T.state)")
        box = handles.nth(i).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        move(page, (x + 13, y - 17))
        page.mouse.up()
        after = page.evaluate("T.frame().then(T.state)")
        assert after != before, what
        page.evaluate("T.go", after + "&again=1")
        assert page.evaluate("T.state()") == after, f"{what}: a state that a link does not take"
