"""Around the chapters: figures saved as files, a table of one's own, print, and copies that come and go."""

from __future__ import annotations

import html
import io
import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image, ImageFilter

import xent

SVG = "{http://www.w3.org/2000/svg}"


def saved(page, figure, kind):
    """The name and the bytes of a figure saved by its button."""
    with page.expect_download() as download:
        page.locator(f"[data-figure='{figure}'] button[data-export={kind}]").locator("visible=true").click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def picture(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def figures(page, chapter):
    return page.evaluate(
        "(chapter) => [...T.section(chapter).querySelectorAll('[data-figure]')].map((e) => e.dataset.figure)", chapter
    )


LOOKS = {
    "dark": {"color_scheme": "dark"},
    "narrow, bits": {"viewport": {"width": 320, "height": 800}},
}


def test_figures_are_saved_as_svg_that_stands_alone_and_as_the_png_of_it(open_page, browser, contract, each_chapter):
    """The PNG, which the page paints itself, is what a browser makes of the SVG; each chapter in one of two looks."""
    look = list(LOOKS)[list(contract.quantities).index(each_chapter) % 2]
    unit = "bits" if "bits" in look else "nats"
    page = open_page(f"v=1&chapter={each_chapter}&unit={unit}", **LOOKS[look])
    page.wait_for_timeout(100)
    alone = browser.new_context(device_scale_factor=2)
    try:
        for figure in figures(page, each_chapter):
            name, svg = saved(page, figure, "svg")
            assert name == f"xent-{each_chapter}-{figure}.svg"
            root = ET.fromstring(svg)
            assert root.tag == f"{SVG}svg"
            element = page.locator(f"section[data-chapter='{each_chapter}'] [data-figure='{figure}']")
            assert root.findtext(f"{SVG}title") in element.locator("figcaption").inner_text()
            assert root.findtext(f"{SVG}desc") == element.locator("svg[role=img]").get_attribute("aria-label")
            text = svg.decode()
            assert not re.search(
                r"class=|style=|var\(|light-dark|color-mix|color\(|NaN|undefined|https?:(?!//www.w3)", text
            )
            for target in re.findall(r"url\(#([^)]+)\)", text):
                assert text.count(f'id="{target}"') == 1, target

            name, png = saved(page, figure, "png")
            assert name == f"xent-{each_chapter}-{figure}.png"
            got = picture(png)
            assert got.size == (2 * int(root.get("width")), 2 * int(root.get("height")))
            view = alone.new_page()
            view.set_viewport_size({"width": int(root.get("width")), "height": int(root.get("height"))})
            view.set_content(f"<body style='margin:0'>{text.split('?>')[1]}")
            expected = picture(view.screenshot())
            view.close()
            soft = [np.asarray(one.filter(ImageFilter.GaussianBlur(3)), float) for one in (got, expected)]
            assert np.mean(np.abs(soft[0] - soft[1]) > 24) < 0.002, figure
            paper = np.asarray(got)[0, 0]
            assert np.mean(np.any(np.asarray(got) != paper, axis=2)) > 0.01, f"{figure} is empty"
            assert (paper.mean() < 64) == (look == "dark")
    finally:
        alone.close()


def test_a_saved_curve_has_its_point_where_the_numbers_say(open_page):
    page = open_page("v=1&x=0.5")
    page.wait_for_timeout(100)
    root = ET.fromstring(saved(page, "curve", "svg")[1])
    (point,) = root.iter(f"{SVG}circle")
    assert point.get("fill") == "#0072b2"
    ticks = {t.text: (float(t.get("x")), float(t.get("y"))) for t in root.iter(f"{SVG}text")}
    x0, x1 = ticks["0.1"][0], ticks["0.9"][0]
    assert_allclose(float(point.get("cx")), (x0 + x1) / 2, atol=0.02)
    one, five = ticks["1"][1], ticks["5"][1]
    assert ticks["2"][1] < one  # of the two texts "1" the one above stands: that of the y axis came last
    up = one + (five - one) * (math.log(2) - 1) / 4
    middle = float(point.get("cy")) - up
    assert abs(middle) < 10  # a text stands on its line, a third of its size below the middle
    _, png = saved(page, "curve", "png")
    left, top = (float(v) for v in root.get("viewBox").split()[:2])
    pixel = picture(png).getpixel(
        (round(2 * (float(point.get("cx")) - left)), round(2 * (float(point.get("cy")) - top)))
    )
    assert pixel == (0x00, 0x72, 0xB2)


def test_the_buttons_say_what_they_save(open_page):
    page = open_page()
    names = page.evaluate(
        "[...T.section('surprisal').querySelectorAll('[data-export]')].map((e) => e.getAttribute('aria-label'))"
    )
    title = page.locator("[data-chapter=surprisal] figcaption > span").first.inner_text()
    assert names == [f"Save {title} as SVG", f"Save {title} as PNG"]


def framed(tmp_path, page_file):
    path = tmp_path / "frame.html"
    page = html.escape(page_file.read_text(), quote=True)
    path.write_text(
        "<!doctype html><html lang='en'><title>frame</title>"
        f"<iframe sandbox='allow-scripts' width='1000' height='900' srcdoc=\"{page}\"></iframe>"
    )
    return path


def test_a_sandboxed_page_says_that_it_cannot_save(open_page, page_file, tmp_path):
    """And neither this, nor a copied link, nor a changed state leaves a word in the console."""
    page = open_page(file=framed(tmp_path, page_file))
    frame = page.frames[1]
    frame.locator("[data-chapter=surprisal] [data-export=svg]").click()
    assert "may not save files" in frame.locator("[data-chapter=surprisal] figcaption").inner_text()
    frame.locator("[data-action=copy-link]").click()
    frame.wait_for_function("document.querySelector('.link').value.startsWith('#v=1&')")
    frame.locator("input[name=x]").press("ArrowRight")
    page.wait_for_timeout(400)
    frame.locator("summary", has_text="Open a table").click()
    frame.get_by_role("button", name="Try an example").click()
    assert frame.locator("[data-yours=mean_loss]").inner_text() == "inf nats"


# Your own predictions


@pytest.fixture
def own(open_page):
    """A function that opens the page and gives it this table, pasted or as a file; the section and the page."""

    def own(text, *, hash="", file=None, **options):
        page = open_page(hash, **options)
        part = page.locator("section.yours")
        part.locator("summary").click()
        if file:
            data = text if isinstance(text, bytes) else text.encode()
            part.locator("input[type=file]").set_input_files({"name": file, "mimeType": "text/csv", "buffer": data})
            page.wait_for_timeout(100)
        else:
            part.locator("textarea").fill(text)
            part.get_by_role("button", name="Use the pasted rows").click()
        page.evaluate("T.frame()")
        return part, page

    return own


def value(part, name):
    return float(part.locator(f"[data-yours={name}]").get_attribute("data-value"))


def numbers(rng, rows, classes):
    q = rng.dirichlet(np.full(classes, 0.5), rows)
    y = np.array([rng.choice(classes, p=one) for one in q])
    return y, q


def csv(y, q, names, mark=","):
    lines = [mark.join(["label", *(f"p_{name}" for name in names)])]
    lines += [mark.join([names[label], *map(repr, row)]) for label, row in zip(y, q.tolist(), strict=True)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("file", [None, "mine.csv"])
@pytest.mark.parametrize("unit", ["nats", "bits"])
def test_the_numbers_of_a_table_are_those_of_evaluate(own, unit, file):
    names = ["cat", "dog", "bird", "fish"]
    y, q = numbers(np.random.default_rng(5), 700, 4)
    part, page = own(csv(y, q, names), hash=f"v=1&unit={unit}", file=file)
    expected = xent.evaluate(y, q, unit=unit)
    assert_allclose(value(part, "mean_loss"), expected.cross_entropy.value, rtol=1e-14)
    assert_allclose(value(part, "label_entropy"), expected.uncertainty, rtol=1e-14)
    cells = [row.split("\t") for row in part.locator("tbody").inner_text().split("\n")]
    assert [int(cell[0].replace(",", "")) for cell in cells] == [w.row + 2 for w in expected.worst_rows[:10]]
    assert [cell[1] for cell in cells] == [names[y[w.row]] for w in expected.worst_rows[:10]]
    assert_allclose([float(cell[3]) for cell in cells], [w.loss for w in expected.worst_rows[:10]], atol=6e-5)
    assert "700 rows, 4 classes: cat, dog, bird, fish." in part.inner_text()
    # The other unit follows, and nothing is computed again.
    other = "nats" if unit == "bits" else "bits"
    page.locator("select[name=unit]").select_option(other)
    page.evaluate("T.frame()")
    assert_allclose(value(part, "mean_loss"), xent.evaluate(y, q, unit=other).cross_entropy.value, rtol=1e-14)
    assert f"({other})" in part.locator("thead").inner_text()
    assert other in part.locator("svg[role=img]").get_attribute("aria-label")


def test_the_bars_hold_every_row(own):
    y, q = numbers(np.random.default_rng(6), 300, 3)
    part, page = own(csv(y, q, ["a", "b", "c"]) + "a,0,1,0\n")
    heights = part.locator("rect.bar").evaluate_all("all => all.map((e) => Number(e.getAttribute('height')))")
    losses = -np.log(q[np.arange(300), y])
    width = next(step for step in (0.1, 0.2, 0.25, 0.5, 1) if math.ceil(max(losses) / step) <= 25 or step == 1)
    counts, _ = np.histogram(losses, np.arange(0, max(losses) + width, width))
    expected = [*counts[counts > 0], 1]
    assert_allclose(np.array(heights) / heights[-1], expected, rtol=0.01)
    assert "301 rows" in part.locator("svg[role=img]").get_attribute("aria-label")
    name, svg = saved(page, "your-data", "svg")
    assert name == "xent-your-data.svg"
    assert len(list(ET.fromstring(svg).iter(f"{SVG}rect"))) == len(heights) + 1  # and the paper


def test_infinite_rows_are_counted_and_the_others_have_their_mean(own):
    part, _ = own("label,p_a,p_b\na,0,1\na,0.5,0.5\nb,1,0\nb,0.75,0.25\n")
    assert value(part, "mean_loss") == math.inf
    assert part.locator("[data-yours=mean_loss]").inner_text() == "inf nats"
    mean = (math.log(2) + math.log(4)) / 2
    assert f"2 rows gave probability 0 to what happened: inf; {mean:.4f} nats over the others" in part.inner_text()
    assert part.locator("tbody tr").first.inner_text() == "2\ta\t0\tinf"
    part, _ = own("label,p_a,p_b\na,0,1\n")
    assert "over the others" not in part.inner_text()


def test_rows_that_are_left_out_are_named(own):
    part, _ = own("label,p_a,p_b\na,0.5,0.5\na,0.6,0.5\na,0.5\nc,0.5,0.5\na,nan,1\n\na,0.6,0.6\n")
    said = part.locator("li").all_inner_texts()
    assert said == [
        "Left out: 2 rows whose probabilities are off 1 by more than 0.01 (lines 3, 8).",
        "Left out: 1 row with more or fewer fields than the header (line 4).",
        "Left out: 1 row with a label that names no class (line 5).",
        "Left out: 1 row with something that is not a number (line 6).",
    ]
    assert "1 row of 6" in part.inner_text()
    assert_allclose(value(part, "mean_loss"), math.log(2), rtol=1e-15)


def test_guesses_are_shown_and_can_be_changed(own):
    part, page = own("what;score;p;y\nham;0.25;0.5;1\nspam;0.75;0.5;0\n")
    shown = "all => all.map((e) => e.selectedOptions[0]?.textContent)"
    assert part.locator("select").evaluate_all(shown) == ["semicolon", "y", "p (one column for two classes)", "1"]
    assert_allclose(value(part, "mean_loss"), math.log(2), rtol=1e-15)
    part.get_by_label("What happened").select_option("what")
    part.get_by_label("Probabilities").select_option("score (one column for two classes)")
    page.evaluate("T.frame()")
    assert_allclose(value(part, "mean_loss"), -math.log(0.75), rtol=1e-15)
    part.get_by_label("They are of").select_option("ham")
    page.evaluate("T.frame()")
    assert_allclose(value(part, "mean_loss"), -math.log(0.25), rtol=1e-15)
    part.get_by_label("Columns are split by").select_option("tab")
    assert "only one column" in part.inner_text()
    assert part.locator("[data-yours]").first.is_hidden()
    part.get_by_label("Columns are split by").select_option("semicolon")
    page.evaluate("T.frame()")
    assert_allclose(value(part, "mean_loss"), math.log(2), rtol=1e-15)


HOSTILE = {
    "empty": b"",
    "only a header": b"label,p_a,p_b\n",
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "UTF-16 that does not say so": "label,p_a,p_b\na,1,0\n".encode("utf-16-le"),
    "an open quote": b'label,p_a,p_b\n"a,1,0\n',
    "one column": b"label\na\n",
    "no label": b"x,p_a,p_b\na,1,0\n",
    "no probabilities": b"label,x\na,1\n",
    "nothing to use": b"label,p_a,p_b\na,7,8\n",
    "names twice": b"label,p_a,p_a\na,1,0\n",
    "too many columns": b"label," + b"p_a," * 5000 + b"p_b\na\n",
    "too large": b"label,p_a,p_b\n" + b"a,1,0\n" * 4_000_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_in_words(own, kind):
    part, _ = own(HOSTILE[kind], file="mine.csv")
    told = part.locator(".body > .told")
    told.wait_for()
    part.page.wait_for_function("!document.querySelector('.body > .told').textContent.startsWith('Reading')")
    assert re.search(r"^[A-Z“].{20,}\?? ?.*[.”]$", told.inner_text()), told.inner_text()
    assert part.locator(".results").is_hidden()


def test_text_of_a_table_stays_text(own):
    evil = "<img src=x onerror=alert(1)>"
    part, page = own(f"label,p_{evil},p_b\n{evil},0.5,0.5\nb,0.25,0.75\n", file="<b>.csv")
    assert page.locator("img").count() == 0
    assert evil in part.locator("tbody").inner_text()
    assert evil in part.inner_text().split("classes: ")[1]


def test_shares_of_three_classes_go_to_the_simplex(own, contract):
    y, q = numbers(np.random.default_rng(7), 90, 3)
    q = q * (1 + 5e-7)  # sums that pass and are not 1
    part, page = own(csv(y, q, ["a", "b", "c"]))
    part.get_by_role("button", name="See these shares in the simplex").click()
    state = contract.parse(page.evaluate("T.frame().then(T.state)"))
    assert state["chapter"] == "simplex"
    assert_allclose(state["p"], np.bincount(y) / 90, rtol=1e-15)
    assert_allclose(state["q"], q.mean(axis=0) / q.mean(axis=0).sum(), rtol=1e-14)
    assert abs(math.fsum(state["p"]) - 1) <= 1e-12
    assert abs(math.fsum(state["q"]) - 1) <= 1e-12
    assert page.locator("section[data-chapter=simplex]").is_visible()
    page.reload()
    assert page.locator("[data-note]").is_hidden()
    part, _ = own("label,p_a,p_b\na,1,0\n")
    assert part.get_by_role("button", name="See these shares in the simplex").is_hidden()


def test_nothing_is_there_before_it_is_asked_for_and_all_goes_by_keyboard(open_page):
    page = open_page(viewport={"width": 320, "height": 800})
    part = page.locator("section.yours")
    assert part.locator("input, textarea, select, svg").count() == 0
    part.locator("summary").press("Enter")
    part.locator("textarea").wait_for()
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.tagName + ' ' + (document.activeElement.type ?? '')"))
    assert reached[:2] == ["INPUT file", "TEXTAREA textarea"]
    part.get_by_role("button", name="Try an example").press("Enter")
    page.evaluate("T.frame()")
    assert value(part, "mean_loss") == math.inf
    part.get_by_label("Probabilities").press("ArrowDown")
    assert "all other columns" in part.get_by_label("Probabilities").evaluate("e => e.selectedOptions[0].textContent")
    assert page.evaluate("document.documentElement.scrollWidth") == 320


# Print, idleness, copies


def test_printed_the_chapter_has_its_figure_numbers_and_program(open_page):
    page = open_page("v=1&x=0.1", color_scheme="dark")
    page.emulate_media(media="print")
    section = page.locator("section[data-chapter=surprisal]")
    assert section.locator("svg[role=img]").is_visible()
    assert section.locator("output").first.is_visible()
    assert (
        section.locator("pre").evaluate("e => e.checkVisibility({ contentVisibilityAuto: true }) && e.clientHeight")
        > 40
    )
    for hidden in ("nav", ".toolbar", ".question", ".exports", ".yours", "input[type=range]"):
        assert page.locator(hidden).first.is_hidden(), hidden
    assert page.locator("[data-explorer]").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
    data = page.pdf(format="A4")
    assert 1 <= len(re.findall(rb"/Type\s*/Page[^s]", data)) <= 2


COPIES = """
const model = (state) => {
  const heard = new Set();
  return {
    heard, saved: 0, state,
    get() { return this.state; },
    set(_, value) { this.state = value; heard.forEach((one) => one()); },
    save_changes() { this.saved++; },
    on(_, one) { heard.add(one); },
    off(_, one) { heard.delete(one); },
  };
};
const put = (parent) => parent.appendChild(document.createElement('div'));
"""


@pytest.fixture
def copies(open_page, tmp_path):
    """A document with the module loaded twice, and a function `model`."""
    path = tmp_path / "copies.html"
    script = xent.explorer.module().replace("</", "<\\/")
    one = "".join(
        f"<script type='module'>import m from 'data:text/javascript;base64,{code}'; window.{name} = m;</script>"
        for name, code in (("first", encoded(script)), ("second", encoded(script + "\n//")))
    )
    path.write_text(f"<!doctype html><html lang='en'><title>copies</title><body>{one}<script>{COPIES}</script>")
    return open_page(file=path, allow=("data:",))


def encoded(text):
    import base64

    return base64.b64encode(text.encode()).decode()


def test_copies_share_nothing_and_leave_nothing(copies):
    copies.wait_for_function("window.first && window.second")
    copies.evaluate("""() => {
      window.models = ['v=1&x=0.5', 'v=1&x=0.75&unit=bits', 'v=1&x=9', ''].map(model);
      const late = document.createElement('div');
      window.shadow = put(document.body).attachShadow({ mode: 'open' });
      window.places = [put(document.body), late, shadow, put(document.body)];
      window.ends = [first, first, second, second].map((m, i) => m.render({ model: models[i], el: places[i] }));
      document.body.append(late);
    }""")
    copies.wait_for_timeout(400)
    states = "models.map((one) => /x=([^&]*)/.exec(one.state)[1])"
    assert copies.evaluate(states) == ["0.5", "0.75", "0.25", "0.25"]
    assert not copies.evaluate("shadow.querySelector('[data-note]').hidden"), "the note went with its own rewriting"
    ids = copies.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) > 15
    assert len(set(ids)) == len(ids)
    drawn = "[...places].map((one) => one.querySelector('svg .truth').getBBox().width > 100)"
    assert copies.evaluate(drawn) == [True] * 4
    copies.evaluate("places[1].querySelector('input[name=x]').focus()")
    copies.keyboard.press("Home")
    copies.wait_for_timeout(400)
    assert copies.evaluate(states) == ["0.5", "0", "0.25", "0.25"]
    frames = """new Promise((done) => {
      let count = 0;
      const real = requestAnimationFrame;
      window.requestAnimationFrame = (one) => { count++; return real(one); };
      setTimeout(() => done(count), 1000);
    })"""
    copies.wait_for_timeout(1000)
    assert copies.evaluate(frames) == 0
    copies.evaluate("ends.forEach((end) => end())")
    assert copies.evaluate("places.map((one) => one.childNodes.length)") == [0] * 4
    assert copies.evaluate("models.map((one) => one.heard.size)") == [0] * 4
