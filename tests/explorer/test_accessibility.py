"""axe-core finds nothing, nothing scrolls sideways, figures have words, and one region speaks when all is at rest."""

import pytest

OPTIONS = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "resultTypes": ["violations"],
}
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced": {"forced_colors": "active"},
    "narrow": {"viewport": {"width": 320, "height": 800}},
}


def violations(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [f"{one['id']}: {one['help']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


UNFOLD = "T.root().querySelectorAll('details').forEach((one) => { one.open = true; })"


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_any_chapter(open_page, contract, look):
    page = open_page(**LOOKS[look])
    found = []
    for chapter in contract.chapters:
        page.evaluate(f"T.go('v=1&chapter={chapter}')")
        page.evaluate(UNFOLD)
        found += [f"{chapter}: {one}" for one in violations(page)]
    assert found == [], "\n".join(found)


def test_axe_finds_nothing_when_things_are_said_and_infinite(open_page):
    """The note of a bad link, the field of the link, an answer, and infinities."""
    page = open_page(
        "v=1&chapter=cross-entropy&q=0,0.5,0.5&x=7",
        before="Clipboard.prototype.writeText = () => Promise.reject(new Error('refused'));",
    )
    assert violations(page) == []
    section = page.locator("section[data-chapter='cross-entropy']")
    section.locator("input[type=radio]").first.check()
    section.get_by_role("button", name="Check").click()
    page.locator("button[data-action=copy-link]").click()
    page.wait_for_timeout(100)
    assert violations(page) == []


SIDEWAYS = """() => {
  const found = [];
  const wide = document.documentElement;
  if (wide.scrollWidth > wide.clientWidth) found.push(`the page: ${wide.scrollWidth} px`);
  for (const e of document.querySelectorAll('body *')) {
    if (!T.visible(e) || e.closest('svg') !== null || e.closest('math') !== null) continue;
    const { overflowX, clipPath } = getComputedStyle(e);
    if (clipPath !== 'none' || e.parentElement.closest('.unseen')) continue;
    const name = `${e.localName}.${e.className} ${e.textContent.slice(0, 30)}`;
    if (['auto', 'scroll'].includes(overflowX) && e.scrollWidth > e.clientWidth + 1)
      found.push(`${name} scrolls: ${e.scrollWidth} in ${e.clientWidth}`);
    const { left, right, width } = e.getBoundingClientRect();
    if (width > 0 && (right > innerWidth + 1 || left < -1)) found.push(`${name} sticks out: ${left} to ${right}`);
  }
  return found;
}"""
CUT = """(chapter) => {
  // Texts of a figure that its own edge cuts, or that lie on each other.
  const found = [];
  for (const svg of T.section(chapter).querySelectorAll('[data-figure] svg')) {
    const edge = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].filter((t) => t.textContent.trim() && T.visible(t));
    const boxes = texts.map((t) => ({ t: t.textContent, b: t.getBoundingClientRect() }));
    for (const { t, b } of boxes) {
      if (b.left < edge.left - 1 || b.right > edge.right + 1 || b.top < edge.top - 3 || b.bottom > edge.bottom + 3)
        found.push(`cut: ${t}`);
    }
    for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++) {
      const [a, b] = [boxes[i].b, boxes[j].b];
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      // A line box is taller than its letters: a third of it may be shared.
      if (across > 2 && down > 0.4 * Math.min(a.height, b.height)) found.push(`overlap: ${boxes[j].t} | ${boxes[i].t}`);
    }
  }
  return found;
}"""
EDGES = {
    "surprisal": ["x=0", "x=1", "x=0.0001", "x=0.02"],
    "entropy": ["p=0,0,1", "p=1,0,0", "p=0.34,0.33,0.33", "p=0.02,0.02,0.96"],
    "cross-entropy": ["q=0,0.5,0.5", "q=0.1,0.2,0.7", "p=0,0,1&q=1,0,0", "p=0,0,1&q=0,0,1", "q=0.11,0.2,0.69"],
    "directions": ["q=0,0.5,0.5", "q=0.1,0.2,0.7", "p=0,0,1&q=1,0,0", "p=0,0,1&q=0,0,1", "q=0.001,0.002,0.997"],
    "binary": ["y=0&yhat=0", "y=1&yhat=1", "y=0&yhat=1", "y=1&yhat=0", "y=0.5&yhat=0.5", "y=0.3&yhat=0.31"],
    "simplex": ["q=0,0.5,0.5", "q=0.1,0.2,0.7", "p=0,0,1&q=1,0,0", "p=0,0,1&q=0,0,1", "p=0,1,0&q=0.3,0.4,0.3"],
    "labels": ["eps=0", "eps=1&k=2", "n=1,1,100&k=100", "n=100,100,100&q=0,0.5,0.5"],
    "gradient": ["z=20,-20,0&tau=0.05", "z=0,0,0", "tau=20", "p=0,0,1&z=0,0,20", "z=-20,-20,20"],
    "training": ["step=200", "step=3&eta=8", "q=0,0.5,0.5&step=50", "q=0.1,0.2,0.7", "p=0,0,1&q=1,0,0&step=9"],
}


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_scrolls_sideways_and_no_text_is_cut(open_page, each_chapter, width):
    page = open_page(viewport={"width": width, "height": 800})
    wrong = []
    for state in ["", *EDGES[each_chapter]]:
        for unit in ("nats", "bits"):
            page.evaluate("T.go", f"v=1&chapter={each_chapter}&unit={unit}&{state}")
            page.evaluate(UNFOLD)
            found = page.evaluate(SIDEWAYS) + page.evaluate(CUT, each_chapter)
            wrong += [f"{state} {unit}: {one}" for one in found]
    assert wrong == [], "\n".join(wrong)


def test_figures_have_words_that_follow_the_data(open_page, each_chapter):
    collect = """(chapter) => [...T.section(chapter).querySelectorAll('[data-figure]')].map((f) =>
      [...f.querySelectorAll('[role=img], img, canvas, svg')].filter((e) => !e.closest('[aria-hidden=true]'))
        .map((e) => e.getAttribute('aria-label') ?? e.textContent).join(' '))"""
    page = open_page()
    words = []
    states = ["", *EDGES[each_chapter]]
    for state in states:
        page.evaluate("T.go", f"v=1&chapter={each_chapter}&{state}")
        words.append(page.evaluate(collect, each_chapter))
        for text in words[-1]:
            assert len(text) > 30, state
            assert "NaN" not in text, (state, text)
            assert "undefined" not in text, (state, text)
            assert "Infinity" not in text, (state, text)
    for one, versions in enumerate(zip(*words, strict=True)):
        assert len(set(versions)) > 1, f"figure {one} always says {versions[0]!r}"


POLITE = """[...document.querySelectorAll('[role=status], [role=log], [aria-live], output')]
  .filter((e) => (e.getAttribute('aria-live') ?? 'polite') === 'polite')"""
LISTEN = (
    """async () => {
  const region = POLITE[0];
  const first = region.textContent;
  const heard = [];
  const observer = new MutationObserver(() => heard.push(region.textContent));
  observer.observe(region, { subtree: true, childList: true, characterData: true });
  const x = T.section('surprisal').querySelector('input[name=x]');
  for (let i = 0; i < 24; i++) { await T.fill(x, 0.3 + i / 50); await T.sleep(35); }
  const moving = heard.length;
  await T.sleep(1800);
  return { first, moving, heard };
}"""
).replace("POLITE", POLITE)


def test_one_polite_region_speaks_and_only_at_rest(open_page):
    page = open_page("v=1&chapter=surprisal")
    page.wait_for_timeout(1500)
    assert page.evaluate(f"{POLITE}.length") == 1
    said = page.evaluate(LISTEN)
    assert said["first"].strip()
    assert said["moving"] == 0
    assert len(said["heard"]) == 1
    assert said["heard"][0].strip() not in ("", said["first"].strip())


def test_the_region_says_something_in_every_chapter(open_page, contract):
    page = open_page()
    heard = set()
    for chapter in contract.chapters:
        page.evaluate(f"T.go('v=1&chapter={chapter}&q=0,0.5,0.5')")
        page.wait_for_timeout(1200)
        text = page.locator("[role=status], [aria-live=polite]").first.inner_text().strip()
        assert text, chapter
        assert "NaN" not in text, (chapter, text)
        heard.add(text)
    assert len(heard) == len(contract.chapters)
