"""In a notebook's sandboxed frame, and twice in one document."""

import json

import pytest


@pytest.fixture
def notebook(tmp_path):
    """A page that shows the explorer as a notebook does, in a sandboxed frame."""
    from xent import explorer

    file = tmp_path / "notebook.html"
    frame = explorer.show()._repr_html_()
    file.write_text(f"<!doctype html><meta charset=utf-8><title>A notebook</title><body>{frame}</body>", "utf-8")
    return file


def test_the_sandboxed_frame_works_and_logs_nothing(open_page, contract, notebook):
    page = open_page(file=notebook)
    assert page.locator("iframe").get_attribute("sandbox") == "allow-scripts"
    frame = page.frames[1]
    frame.wait_for_selector("[data-explorer][data-state]")
    assert contract.parse(frame.evaluate("T.state()")) == contract.defaults
    assert frame.evaluate("origin") == "null"
    for chapter in contract.chapters:
        frame.locator(f"[data-goto='{chapter}']").first.click()
        frame.select_option("select[name=unit]", "bits")
        frame.evaluate(
            """async (chapter) => {
          for (const input of T.section(chapter).querySelectorAll('input[type=range]')) await T.fill(input, input.max);
        }""",
            chapter,
        )
        assert "NaN" not in frame.locator(f"section[data-chapter='{chapter}']").inner_text()
    page.wait_for_timeout(1000)
    assert contract.parse(frame.evaluate("T.state()"))["chapter"] == contract.chapters[-1]
    frame.locator("button[data-action=copy-link]").click()
    page.wait_for_timeout(200)
    shown = frame.evaluate("[...T.root().querySelectorAll('input')].filter(T.visible).map((e) => e.value).join(' ')")
    assert "#" + frame.evaluate("T.state()") in shown
    assert "about:srcdoc" not in shown
    frame.locator("button[data-action=reset]").click()
    assert contract.parse(frame.evaluate("T.frame().then(T.state)"))["x"] == [0.25]


def test_every_button_of_the_frame_can_be_pressed(open_page, notebook):
    """A download that a sandbox forbids, a dialog, a link that leaves: the console would say so."""
    page = open_page(file=notebook)
    frame = page.frames[1]
    frame.wait_for_selector("[data-explorer][data-state]")
    count = frame.evaluate("T.root().querySelectorAll('button').length")
    assert count > 9
    frame.evaluate("""async () => {
      for (const one of T.root().querySelectorAll('button')) {
        const section = one.closest('section[data-chapter]');
        if (section) T.root().querySelector(`nav [data-goto='${section.dataset.chapter}']`)?.click();
        if (!T.visible(one)) continue;
        one.click();
        await T.frame();
      }
    }""")
    page.wait_for_timeout(500)
    assert frame.evaluate("T.state()").startswith("v=1&")


HOST = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Two explorers</title>
<div id="a"></div>
<div id="b"></div>
<script type="application/json" id="code">%s</script>
<script type="module">
const code = JSON.parse(document.getElementById('code').textContent);
const { default: explorer } = await import(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
const model = (state) => {
  const listeners = {};
  const values = { state };
  return {
    saved: 0,
    get: (key) => values[key],
    set(key, value) {
      if (values[key] === value) return;
      values[key] = value;
      for (const listener of listeners[`change:${key}`] ?? []) listener();
    },
    save_changes() { this.saved++; },
    on: (name, listener) => (listeners[name] ??= new Set()).add(listener),
    off: (name, listener) => listeners[name]?.delete(listener),
    listening: () => Object.values(listeners).reduce((sum, one) => sum + one.size, 0),
  };
};
window.copies = {};
for (const [name, state] of [['a', 'v=1'], ['b', 'v=1&chapter=simplex&q=0.25,0.25,0.5']]) {
  const el = document.getElementById(name);
  const own = model(state);
  copies[name] = { el, model: own, end: await explorer.render({ model: own, el }) };
}
window.ready = true;
</script>
"""


@pytest.fixture
def two(open_page, tmp_path):
    """A document with two copies of the explorer, each with its model."""
    from xent import explorer

    file = tmp_path / "two.html"
    code = json.dumps(explorer.module()).replace("<", "\\u003c")
    file.write_text(HOST % code, "utf-8")
    page = open_page(file=file, allow=("blob:",))
    page.wait_for_function("window.ready")
    return page


STATES = "Object.values(copies).map(({ el }) => el.querySelector('[data-explorer]').getAttribute('data-state'))"


# What an element refers to by id and does not find in its own copy.
LOST = """[...document.querySelectorAll('[data-explorer] *')].flatMap((e) => {
  const fill = e.getAttribute('fill')?.match(/^url\\(["']?#([^"')]+)/)?.[1];
  const names = ['aria-labelledby', 'aria-describedby', 'for'];
  const named = names.flatMap((name) => (e.getAttribute(name) ?? '').split(' '));
  const own = e.closest('[data-explorer]');
  return [fill, ...named].filter((id) => id && !own.querySelector(`[id="${id}"]`));
})"""


def test_two_copies_share_no_id_and_no_group(two):
    ids = two.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(set(ids)) == len(ids)
    assert two.evaluate("document.querySelectorAll('[data-explorer]').length") == 2
    names = "(el) => [...el.querySelectorAll('input[type=radio]')].map((e) => e.name)"
    a, b = (set(two.evaluate(f"({names})(copies.{copy}.el)")) for copy in "ab")
    assert a
    assert not a & b
    assert two.evaluate(LOST) == []


def test_two_copies_leave_each_other_alone(two, contract):
    a, b = (contract.parse(state) for state in two.evaluate(STATES))
    assert a == contract.defaults
    assert b == contract.state(chapter="simplex", q=[0.25, 0.25, 0.5])
    two.evaluate("T.fill(copies.a.el.querySelector('section[data-chapter=surprisal] input[name=x]'), 0.5)")
    two.locator("#b select[name=unit]").select_option("bits")
    two.locator("#b [data-goto=entropy]").first.click()
    a, b = (contract.parse(state) for state in two.evaluate(f"T.frame().then(() => {STATES})"))
    assert a == contract.state(x=[0.5])
    assert b == contract.state(chapter="entropy", unit="bits", q=[0.25, 0.25, 0.5])
    two.wait_for_timeout(1000)
    models = two.evaluate("Object.values(copies).map(({ model }) => model.get('state'))")
    assert models == two.evaluate(STATES)
    assert two.evaluate("location.hash") == "", "the address belongs to the notebook"


def test_a_model_that_is_set_from_outside_moves_its_copy_only(two, contract):
    two.evaluate("copies.b.model.set('state', 'v=1&chapter=binary&y=0.125&p=0.5,0.5,0')")
    a, b = (contract.parse(state) for state in two.evaluate(f"T.frame().then(() => {STATES})"))
    assert a == contract.defaults
    assert b == contract.state(chapter="binary", y=[0.125], p=[0.5, 0.5, 0])
    assert two.evaluate("T.visible(copies.b.el.querySelector('section[data-chapter=binary]'))")
    two.evaluate("copies.b.model.set('state', 'v=1&y=7')")
    assert two.evaluate("T.frame().then(() => T.visible(copies.b.el.querySelector('[data-note]')))")
    assert not two.evaluate("T.visible(copies.a.el.querySelector('[data-note]'))")


def test_a_copy_that_ends_leaves_nothing_behind(two, contract):
    two.wait_for_timeout(300)
    two.evaluate("copies.a.end()")
    assert two.evaluate("copies.a.el.querySelectorAll('[data-explorer], style').length") == 0
    assert two.evaluate("copies.a.model.listening()") == 0
    two.evaluate("copies.a.model.set('state', 'v=1&chapter=entropy')")
    two.evaluate("T.fill(copies.b.el.querySelector('section[data-chapter=simplex] input[name=q1]'), 0.5)")
    state = "copies.b.el.querySelector('[data-explorer]').getAttribute('data-state')"
    assert contract.parse(two.evaluate(state))["q"][0] == 0.5
