"""Draw the figures of the README and the guides again: `python docs/figures/make.py`, the same bytes every time."""

import io
from pathlib import Path

from PIL import Image, PngImagePlugin

from xent import plots

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
        kept.add_text("Description", image.info["Description"])
        small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        out = io.BytesIO()
        small.save(out, "PNG", optimize=True, dpi=image.info["dpi"], pnginfo=kept)
    return out.getvalue()


for name in FIGURES:
    drawn = getattr(plots, name)()
    print(f"wrote {plots.save(drawn, HERE / f'{name}.svg')}")
    path = HERE / f"{name}.png"
    path.write_bytes(indexed(plots.render(drawn, "png")))
    print(f"wrote {path}")
