"""Sliders: each is there, spans what is accepted, and moves the state, the read-outs and the figures."""

import pytest

LIST = """(chapter) => [...T.section(chapter).querySelectorAll('input[type=range]')].map((input) => ({
  name: input.name,
  min: Number(input.min),
  max: Number(input.max),
  labels: [...input.labels].map((label) => label.textContent.trim()).join(' ') || input.getAttribute('aria-label'),
}))"""


def test_sliders_have_their_names_spans_and_labels(open_page, contract):
    page = open_page()
    for chapter in contract.chapters:
        found = page.evaluate(LIST, chapter)
        wanted = contract.inputs(chapter)
        assert set(wanted) <= {one["name"] for one in found}, chapter
        assert len({one["name"] for one in found}) == len(found), f"{chapter}: a name twice"
        for one in found:
            if one["name"] in wanted:
                assert (one["min"], one["max"]) == wanted[one["name"]], (chapter, one)
            assert one["labels"], (chapter, one)


MOVE = """async ([chapter, name, values]) => {
  const input = T.section(chapter).querySelector(`input[type=range][name="${name}"]`);
  const figures = () => [...T.section(chapter).querySelectorAll('[data-figure]')].map((f) => f.innerHTML).join();
  const seen = [];
  for (const value of values) {
    input.value = String(value);
    const given = Number(input.value);
    input.dispatchEvent(new Event('input', { bubbles: true }));
    await T.frame();
    const read = JSON.stringify(T.read(chapter));
    seen.push({ given, state: T.state(), at: Number(input.value), read, drawn: figures() });
  }
  return seen;
}"""


def test_a_slider_moves_state_read_outs_and_figures_by_the_next_frame(open_page, contract, each_chapter):
    page = open_page(f"v=1&chapter={each_chapter}")
    for name, (low, high) in contract.inputs(each_chapter).items():
        page.evaluate(f"T.go('v=1&chapter={each_chapter}&p=0.3,0.3,0.4&q=0.2,0.5,0.3&step=7')")
        key, place = (name[:-1], int(name[-1]) - 1) if name[-1].isdigit() else (name, 0)
        middle = [low + (high - low) * part for part in (0.35, 0.6)]
        seen = page.evaluate(MOVE, [each_chapter, name, [*middle, low, high]])
        for one in seen:
            value = contract.parse(one["state"])[key][place]
            assert value == one["given"], (name, one["state"])
            assert one["at"] == value
        assert len({one["state"] for one in seen}) == len(seen), name
        assert len({one["drawn"] for one in seen}) > 1, f"{name} moves no figure"
        if (each_chapter, name) != ("training", "step"):  # from step 70 on the fourth digit stands still
            assert len({one["read"] for one in seen[:2]}) == 2, f"{name} moves no read-out"


@pytest.mark.parametrize("vector", ["p", "q"])
def test_moving_one_share_keeps_the_ratio_of_the_others(open_page, contract, each_chapter, vector):
    if f"{vector}1" not in contract.inputs(each_chapter):
        pytest.skip(f"no sliders for {vector} in this chapter")
    page = open_page(f"v=1&chapter={each_chapter}&p=0.2,0.5,0.3&q=0.2,0.5,0.3")
    for place, (a, b) in enumerate([(1, 2), (0, 2), (0, 1)]):
        page.evaluate(f"T.go('v=1&chapter={each_chapter}&p=0.2,0.5,0.3&q=0.2,0.5,0.3')")
        start = [0.2, 0.5, 0.3]
        values = [0.31, 0.9, 1, 0.25, 0, 0.999999, 1, 1, 0.4]
        for one in page.evaluate(MOVE, [each_chapter, f"{vector}{place + 1}", values]):
            shares = contract.parse(one["state"])[vector]
            assert shares[place] == one["given"]
            assert abs(sum(shares) - 1) <= 1e-12
            assert all(0 <= v <= 1 for v in shares)
            if one["given"] < 1:
                assert shares[a] / shares[b] == pytest.approx(start[a] / start[b], rel=1e-9), one["state"]
            else:
                assert shares[a] == shares[b] == 0
        other = "q" if vector == "p" else "p"
        assert contract.parse(page.evaluate("T.state()"))[other] == start


def test_a_share_that_leaves_a_corner_shares_alike(open_page, contract):
    """Where the others are both 0 and were never anything else, there is no ratio to keep."""
    page = open_page("v=1&chapter=entropy&p=0,0,1")
    (one,) = page.evaluate(MOVE, ["entropy", "p3", [0.5]])
    assert contract.parse(one["state"])["p"] == [0.25, 0.25, 0.5]


def test_sliders_stand_where_the_link_says(open_page, contract):
    state = {"p": [1e-7, 0.25, 0.7499999], "z": [19.999, -0.001, 3], "tau": 0.051, "x": 0.123456789, "step": 137}
    page = open_page()
    for chapter in contract.chapters:
        page.evaluate("T.go", contract.hash(chapter=chapter, **state))
        values = contract.parse(page.evaluate("T.state()"))
        for name in contract.inputs(chapter):
            key, place = (name[:-1], int(name[-1]) - 1) if name[-1].isdigit() else (name, 0)
            at = page.evaluate(
                "([chapter, name]) => Number(T.section(chapter).querySelector(`input[name=${name}]`).value)",
                [chapter, name],
            )
            assert at == pytest.approx(values[key][place], abs=1e-12), (chapter, name)
