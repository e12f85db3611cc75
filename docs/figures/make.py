"""Draw the figures of the README and the guides again: `python docs/figures/make.py`, the same bytes every time.

The picture of the report is a shot of its page by Chromium, where that is installed; its bytes vary with the browser.
"""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, PngImagePlugin

from xent import Labels, evaluate, examples, plots, read_predictions

HERE = Path(__file__).parent
FIGURES = (
    "binary_cross_entropy_curves",
    "binary_cross_entropy_surface",
    "simplex_cross_entropy",
    "cross_entropy_surface",
    "entropy_tangent",
    "code_lengths",
)


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


def shoot_report(browser: str, path: Path) -> None:
    """The first screen of the report of the bundled digits."""
    with tempfile.TemporaryDirectory() as folder:
        page, shot = Path(folder) / "report.html", Path(folder) / "report.png"
        subprocess.run([sys.executable, "-m", "xent", "report", "--example", "digits", "-o", page], check=True)
        flags = ["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1280,850", f"--screenshot={shot}"]
        subprocess.run([browser, *flags, page.as_uri()], check=True)
        path.write_bytes(indexed(shot.read_bytes()))


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
    print("report.png stays as it is: there is no chromium")
else:
    shoot_report(chromium, HERE / "report.png")
    print(f"wrote {HERE / 'report.png'}")
