"""Draw the figures of the README and the guides again: `python docs/figures/make.py`, the same bytes every time.

The pictures of the report and of the explorer are shots of their pages by Chromium, where that is installed; their
bytes vary with the browser.
"""

import io
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image, PngImagePlugin

from xent import Labels, evaluate, examples, explorer, plots, read_predictions
from xent.plots import _description, _style

HERE = Path(__file__).parent
FIGURES = (
    "binary_cross_entropy_curves",
    "binary_cross_entropy_surface",
    "simplex_cross_entropy",
    "cross_entropy_surface",
    "entropy_tangent",
    "code_lengths",
    "kl_integrand",
    "forward_reverse_fit",
    "estimator_bias",
)
# Chapter, height of the shot, and what is not as at first
EXPLORED = (("simplex", 860, ""), ("binary", 1390, ""), ("training", 1230, "&step=8"))


def indexed(png: bytes) -> bytes:
    """The picture with its 256 best colours, a third of the bytes; its description stays."""
    with Image.open(io.BytesIO(png)) as image:
        kept = PngImagePlugin.PngInfo()
        if "Description" in image.info:
            kept.add_text("Description", image.info["Description"])
        small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        out = io.BytesIO()
        small.save(out, "PNG", optimize=True, dpi=image.info.get("dpi", (72, 72)), pnginfo=kept)
    return out.getvalue()


def shoot(browser: str, address: str, path: Path, height: int) -> None:
    """The first screen of a page, in all its colours: small marks would lose theirs."""
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        flags = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size=1280,{height}"]
        subprocess.run([browser, *flags, f"--screenshot={shot}", address], check=True, stderr=subprocess.DEVNULL)
        with Image.open(shot) as image:
            image.convert("RGB").save(path, "PNG", optimize=True)
    print(f"wrote {path}")


def shoot_report(browser: str) -> None:
    """The report of the bundled digits."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        subprocess.run([sys.executable, "-m", "xent", "report", "--example", "digits", "-o", page], check=True)
        shoot(browser, page.as_uri(), HERE / "report.png", 850)


def shoot_explorer(browser: str) -> None:
    """Chapters of the explorer as they stand when a link opens them."""
    with tempfile.TemporaryDirectory() as folder:
        page = explorer.write(Path(folder) / "explorer.html")
        for chapter, height, more in EXPLORED:
            address = f"{page.as_uri()}#v=1&chapter={chapter}{more}"
            shoot(browser, address, HERE / f"explorer-{chapter}.png", height)


def coverage() -> Figure:
    """How often the 95 % intervals for the entropy of counts held the truth, of the last simulation."""
    rows = json.loads((HERE.parent.parent / "benchmarks/results/estimator_quality.json").read_text())["rows"]
    rows = [row for row in rows if row["part"] == "entropy"]
    methods = list(dict.fromkeys(row["method"] for row in rows))
    looks = {0.3: ("o", "#0072B2"), 1: ("s", "#D55E00"), 3: ("^", "#009E73"), 10: ("D", "#A3397C")}
    with _style.settings():
        figure = Figure(figsize=(7.2, 4.8), dpi=200)
        ax = figure.add_axes((0.19, 0.12, 0.78, 0.7))
        ax.axvline(95, color="#222222", linewidth=1)
        for place, method in enumerate(methods):
            ax.axhline(place + 0.5, color="#dddddd", linewidth=0.8)
            for lane, (ratio, (marker, color)) in enumerate(looks.items()):
                held = [100 * row["coverage"] for row in rows if (row["method"], row["ratio"]) == (method, ratio)]
                y = place + (lane - 1.5) * 0.2
                ax.plot(held, [y] * len(held), marker, color=color, alpha=0.75, markersize=3.6, markeredgewidth=0)
        for ratio, (marker, color) in looks.items():
            ax.plot([], [], marker, color=color, markersize=5, markeredgewidth=0, label=f"N/K = {ratio:g}")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 0.99), ncols=4, frameon=False, fontsize=9.5)
        ax.set_yticks(range(len(methods)), methods)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(methods) - 0.5, -0.5)
        ax.set_xlim(-2, 102)
        ax.set_xlabel("data sets whose 95 % interval holds the true entropy (%)")
        ax.set_title(
            "Which intervals keep their promise\n15 distributions of 10 to 1,000 outcomes: a point each", pad=26
        )
    least = {m: min(100 * row["coverage"] for row in rows if row["method"] == m) for m in methods}
    worst = ", ".join(f"{method} {share:.0f}" for method, share in least.items())
    sentence = f"How often the 95 % intervals for the entropy of counts hold it; at the least, in %: {worst}."
    _description.remember(ax, sentence)
    return figure


for name in FIGURES:
    drawn = getattr(plots, name)()
    print(f"wrote {plots.save(drawn, HERE / f'{name}.svg')}")
    path = HERE / f"{name}.png"
    path.write_bytes(indexed(plots.render(drawn, "png")))
    print(f"wrote {path}")

read = read_predictions(examples.path("digits"))
drawn = plots.reliability(evaluate(Labels(read.labels), read.q, classes=read.classes))
(HERE / "reliability.png").write_bytes(indexed(plots.render(drawn, "png")))
print(f"wrote {HERE / 'reliability.png'}")

(HERE / "estimator_coverage.png").write_bytes(indexed(plots.render(coverage(), "png")))
print(f"wrote {HERE / 'estimator_coverage.png'}")

chromium = shutil.which("chromium") or shutil.which("google-chrome")
if chromium is None:
    print("the pictures of pages stay as they are: there is no chromium")
else:
    shoot_report(chromium)
    shoot_explorer(chromium)
