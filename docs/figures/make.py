"""Draw the figures of the README and the guides again: `python docs/figures/make.py`, the same bytes every time.

The pictures of the report and of the explorer are shots of their pages by Chromium, where that is installed; their
bytes vary with the browser.
"""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, PngImagePlugin

from xent import Labels, evaluate, examples, explorer, plots, read_predictions

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

chromium = shutil.which("chromium") or shutil.which("google-chrome")
if chromium is None:
    print("the pictures of pages stay as they are: there is no chromium")
else:
    shoot_report(chromium)
    shoot_explorer(chromium)
