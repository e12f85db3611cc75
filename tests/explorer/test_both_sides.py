"""Python and the page read a state alike, write numbers alike, and a report's link is shown as it stands."""

import random
import struct

import numpy as np
import pytest

import xent
from xent import explorer
from xent.explorer import _state
from xent.explorer._asset import script

# Renders once and gives each state as a notebook would: what does the page make of it?
SHOWN = """states => {
  const listeners = [];
  let state = 'v=1';
  const model = {
    get: () => state, set() {}, save_changes() {}, off() {}, on: (_, listener) => listeners.push(listener),
  };
  xentExplorer.render({ model, el: document.body });
  const root = document.querySelector('[data-explorer]');
  return states.map((given) => {
    state = given;
    listeners.forEach((listener) => listener());
    return [root.dataset.state, root.querySelector('[data-note]').hidden];
  });
}"""


@pytest.fixture
def shown(browser):
    """What the page makes of states: for each its own state and whether it has nothing to say about it."""
    page = browser.new_page()
    page.add_script_tag(content=script())
    yield lambda states: page.evaluate(SHOWN, states)
    page.close()


def mangled(count):
    """States as they come: most of them nearly right."""
    rng = random.Random(7)
    pieces = [
        *("v=1", "v=1", "v=1", "v=2", "unit=bits", "unit=nats", "unit=bans", "unit=%62its", "chapter=entropy", "k=7"),
        *(
            "v%3D1%26k%3D7",
            "p=1,0,0",
            "p=0.5,0.25,0.25",
            "p=.5,5e-1,0",
            "p=1,1,0",
            "p=%zz",
            "p=0.5,0.5",
            "q=1e-7,0,0.9999999",
            "q=0,0,1.",
        ),
        *(
            "q=0,0,1.",
            "q=-0,1,0",
            "q=+1,0,0",
            "q=nan,0,1",
            "q=0x1,0,0",
            "q=1 ,0,0",
            "q=0.3%2C0.3,0.4",
            "%71=0,0.5,0.5",
            "q=",
            "q",
        ),
        *("=1", "", "&", "#v=1", "ü=%C3%BC", "q=%ff,0,1", "p=0.3,0.3,0.4000000000009", "p=0.3,0.3,0.4000000000011"),
        *("p=1_0,0,0", "p=٠,1,0", "p=1e400,0,0", "p=1e-400,0,1", "p=1,0,0\n", "x" * 1990, "🍃" * 990, "p=<b>,0,1"),
    ]
    texts = ["&".join(rng.sample(pieces, rng.randrange(1, 7))) for _ in range(count)]
    return [*pieces, *(f"v=1&{piece}" for piece in pieces), *texts]


def test_both_sides_read_a_state_alike(shown):
    states = mangled(2000)
    for state, (there, _) in zip(states, shown(states), strict=True):
        assert _state.read(state) == _state.read(there), state


def test_both_sides_write_numbers_alike(shown):
    rng = random.Random(11)
    small = [struct.unpack("<d", struct.pack("<Q", rng.getrandbits(62)))[0] for _ in range(3000)]
    numbers = [x for x in (*small, *(rng.random() * 10.0 ** -rng.randrange(12) for _ in range(3000))) if x <= 1]
    assert len(numbers) > 4000
    texts = [_state.number_text(x) for x in numbers]
    for text, (there, quiet) in zip(texts, shown([f"v=1&x={text}" for text in texts]), strict=True):
        assert quiet
        assert f"&x={text}&" in there


def test_what_python_sets_is_shown_to_the_bit(shown):
    rng = np.random.default_rng(3)
    shares = [xent.normalize(w) for w in rng.gamma(0.2, size=(500, 3))]
    states = [_state.replaced("v=1&chapter=simplex", "q", q) for q in shares]
    for state, (there, quiet) in zip(states, shown(states), strict=True):
        assert quiet
        assert f"&{state.split('&')[2]}&" in there


def test_a_reports_links_are_shown_as_they_stand(browser, tmp_path):
    rng = np.random.default_rng(1)
    e = xent.evaluate(rng.integers(0, 5, 80), rng.dirichlet(np.ones(5) / 3, 80), unit="bits")
    e.to_html(tmp_path / "report.html")
    explorer.write(tmp_path / "explorer.html")
    for place in (0, 1):
        page = browser.new_page()
        said = []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.goto((tmp_path / "report.html").as_uri())
        link = page.locator("a").nth(place)
        href = link.get_attribute("href")
        link.click()
        root = page.locator("[data-explorer]")
        state = root.get_attribute("data-state")
        assert page.locator("[data-note]").is_hidden()
        assert _state.read(state) == _state.read(href.partition("#")[2])
        assert set(href.partition("#")[2].split("&")) <= set(state.split("&"))
        assert page.locator('[data-chapter="simplex"]').is_visible()
        assert said == []
        page.close()
