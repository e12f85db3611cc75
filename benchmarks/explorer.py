"""Speed and size of the explorer in Chromium: redrawing while a handle is dragged, first paint, bytes.

    python benchmarks/explorer.py

Each line: the median of 60 pointer moves, for the scripts alone and with style, layout and painting.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from _timing import machine, replace_section, write
from playwright.sync_api import Page, sync_playwright

from xent import explorer

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
MOVES, LOADS = 60, 10
MOST_BYTES, MOST_PAINT, MOST_SCRIPT = 120_000, 100, 8

# From the event to the end of the frame that it asked for: `script` adds up what the page runs, `frame` is the whole
# until the first task after painting. The page's own listeners are between the two on the window.
WATCH = """
window.moves = [];
let now;
addEventListener('pointermove', () => { now = { start: performance.now(), script: 0 }; }, true);
addEventListener('pointermove', () => { now.script += performance.now() - now.start; });
const real = requestAnimationFrame.bind(window);
window.requestAnimationFrame = (callback) => real((time) => {
  const begun = performance.now();
  callback(time);
  if (!now) return;
  const move = now;
  now = undefined;
  move.script += performance.now() - begun;
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    moves.push([move.script, performance.now() - move.start]);
    channel.port1.close();
  };
  channel.port2.postMessage(0);
});
"""


def drag(page: Page, url: str, chapter: str) -> dict[str, object]:
    """Drags the first handle of a chapter to and fro."""
    page.goto("about:blank")
    page.goto(f"{url}#v=1&chapter={chapter}&step=40")
    handle = page.locator(f"section[data-chapter='{chapter}'] [data-handle]").first
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(MOVES + 5):
        there = 5 * (i % 12 if i % 24 < 12 else 12 - i % 12)
        page.mouse.move(x + there, y - there)
    page.mouse.up()
    page.wait_for_timeout(200)
    moves = page.evaluate("moves")[5:]  # the first warm up
    script, frame = (statistics.median(column) for column in zip(*moves, strict=True))
    name = handle.get_attribute("data-handle")
    print(f"{chapter:<16}{name:<10}{script:8.2f} ms{frame:10.2f} ms{len(moves):6} moves   target {MOST_SCRIPT} ms")
    return {"case": f"drag, {chapter}", "handle": name, "script_ms": script, "frame_ms": frame, "moves": len(moves)}


def main() -> None:
    """Measures, prints, and keeps the results."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = explorer.write(Path(folder) / "page.html")
        size = file.stat().st_size
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        paints = []
        for _ in range(LOADS + 1):
            page = browser.new_page()
            page.goto(file.as_uri())
            page.wait_for_timeout(300)
            paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            page.close()
        paint = statistics.median(paints[1:])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(WATCH)
        page.goto(file.as_uri())
        chapters = page.evaluate(
            "[...document.querySelectorAll('section[data-chapter]')].map((s) => s.dataset.chapter)"
        )
        rows = [drag(page, file.as_uri(), chapter) for chapter in chapters]
        version = browser.version
        browser.close()
    print(f"first paint {paint:.0f} ms, median of {LOADS} loads, target {MOST_PAINT} ms")
    print(f"page {size:,} bytes, target {MOST_BYTES:,}")
    rows.append({"case": "first paint", "ms": paint, "loads": LOADS, "chromium": version})
    rows.append({"case": "page", "bytes": size})
    write("explorer", rows)
    document(rows, version, paint, size)


def document(rows: list[dict[str, object]], version: str, paint: float, size: int) -> None:
    """docs/performance.md, from the run that was just made."""
    facts = machine()
    lines = [
        f"Measured {facts['date']} at {facts['commit']}: {facts['cpu']}, Chromium {version} without a GPU.",
        "",
        f"The page is {size:,} bytes (target {MOST_BYTES:,}). First paint from a file, the median of {LOADS} loads:",
        f"{paint:.0f} ms (target {MOST_PAINT} ms).",
        "",
        "| chapter | handle | script, ms | frame, ms | target |",
        "|---|---|---:|---:|---:|",
    ]
    for row in rows:
        if "script_ms" in row:
            met = "" if row["script_ms"] < MOST_SCRIPT else ", missed"
            chapter = row["case"].removeprefix("drag, ")
            lines.append(
                f"| {chapter} | {row['handle']} | {row['script_ms']:.1f} | {row['frame_ms']:.1f} | {MOST_SCRIPT}{met} |"
            )
    replace_section("explorer", lines)


if __name__ == "__main__":
    main()
