"""A figure as SVG that stands inside a web page: no ids that clash, no addresses, colours that follow the page."""

from __future__ import annotations

import hashlib
import io
import re
import xml.etree.ElementTree as ET
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from xent.plots import _style
from xent.plots._description import describe
from xent.plots._save import quiet, unique_gids

# A page may set these; without them the figure takes the page's text colour and greys that show on white and on black.
_COLORS = {
    "#000000": "var(--ink, currentColor)",
    "#222222": "var(--ink, currentColor)",
    "#444444": "var(--soft, #767676)",
    "#666666": "var(--soft, #767676)",
    "#ffffff": "var(--card, transparent)",
    "#0072b2": "var(--truth, #0072B2)",
    "#d55e00": "var(--model, #D55E00)",
    "#009e73": "var(--gap, #009E73)",
}
_DROPPED = {"metadata", "style"}
_LONG = re.compile(r"-?\d*\.\d{3,}(?:e-?\d+)?")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def svg(drawn: Axes | Figure, *, prefix: str | None = None) -> str:
    """A figure as an `<svg>` element for an HTML page.

    Text stays text, in the page's font. Colours are the CSS variables `--ink`, `--soft`, `--card`, `--truth`, `--model`
    and `--gap` where the page has them; the background is transparent. Nothing refers to anything outside.

    Parameters
    ----------
    drawn : Axes or Figure
        What a function of `xent.plots` returned, or the figure around it.
    prefix : str, optional
        Begins every id; letters, digits, `-` and `_`. Without it, one made from the picture: give one where the same
        picture stands on a page twice.

    Returns
    -------
    str
        `<svg class="xent-plot" role="img" ...>` with the description as its `<title>`; the same for the same figure.

    Raises
    ------
    ValueError
        A `prefix` that is no name.

    Examples
    --------
    >>> from xent import plots
    >>> text = plots.svg(plots.entropy_tangent(), prefix="gap")
    >>> text[:30], 'id="gap-cross-entropy"' in text
    ('<svg class="xent-plot" role="i', True)
    """
    if prefix is not None and not _PREFIX.fullmatch(str(prefix)):
        raise ValueError(f"`prefix` is {prefix!r}; it is a letter, then letters, digits, `-` or `_`.")
    figure: Any = drawn.get_figure(root=True) if isinstance(drawn, Axes) else drawn
    raw, names = _drawn(figure)
    description = describe(drawn)
    if prefix is None:
        prefix = "x" + hashlib.sha256(raw + description.encode("utf-8", "replace")).hexdigest()[:8]
    root = ET.fromstring(raw)
    width, height = (float(size) for size in root.attrib["viewBox"].split()[2:])
    body = _tidied(root)
    _renamed(body, names, prefix)
    root.tag = "svg"
    root.text = None
    root.attrib.clear()
    root.attrib.update(_face(width, height, prefix if description else ""))
    root[:] = body
    if description:
        title = ET.Element("title", {"id": f"{prefix}-title"})
        title.text = description
        root.insert(0, title)
    return ET.tostring(root, encoding="unicode")


def _drawn(figure: Any) -> tuple[bytes, set[str]]:
    """The figure as matplotlib writes it, on nothing, and the names that we gave."""
    out = io.BytesIO()
    with _style.settings(), unique_gids(figure), quiet():
        figure.savefig(out, format="svg", metadata={"Date": None}, transparent=True)
        names = {artist.get_gid() for artist in figure.findobj() if artist.get_gid()}
    return out.getvalue(), names


def _face(width: float, height: float, prefix: str) -> dict[str, str]:
    """The attributes of the element; its natural size is in CSS pixels, its units are points."""
    return {
        "class": "xent-plot",
        "role": "img",
        **({"aria-labelledby": f"{prefix}-title"} if prefix else {}),
        "viewBox": f"0 0 {width:g} {height:g}",
        "width": f"{width * 4 / 3:.0f}",
        "height": f"{height * 4 / 3:.0f}",
        "style": "max-width: 100%; height: auto; font-family: system-ui, sans-serif; "
        "stroke-linejoin: round; stroke-linecap: butt",
    }


def _tidied(parent: ET.Element) -> list[ET.Element]:
    """The children without namespaces, backgrounds, metadata and groups that say nothing."""
    kept: list[ET.Element] = []
    for child in parent:
        child.tag = child.tag.rpartition("}")[2]
        unseen = child.tag == "path" and child.attrib.get("style", "").startswith("fill: none") and not _inked(child)
        if child.tag in _DROPPED or unseen:
            continue
        for name in list(child.attrib):
            value = child.attrib.pop(name)
            if not value.startswith("rotate(-0 "):
                child.attrib[name.rpartition("}")[2]] = _value(name, value)
        child.text = child.text if (child.text or "").strip() else None
        child.tail = None
        child[:] = _tidied(child)
        if child.tag in ("defs", "g") and len(child) == 0:
            continue
        kept.append(child)
    return kept


def _inked(path: ET.Element) -> bool:
    """Whether a path without a filling has a line, or is a shape that others use or clip to."""
    return "stroke:" in path.attrib["style"] or "id" in path.attrib


def _value(name: str, value: str) -> str:
    """One attribute: two decimals are enough, and colours and fonts are the page's."""
    if name in ("d", "x", "y", "width", "height", "transform", "points"):
        return _LONG.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), " ".join(value.split()))
    if name != "style":
        return value
    parts = [part.strip() for part in value.split(";")]
    parts = [part for part in parts if part and not part.startswith("font-family:")]
    parts = [re.sub(r"^(font:.*?[\d.]+px) .*$", r"\1 system-ui, sans-serif", part) for part in parts]
    return re.sub(r"#[0-9a-fA-F]{6}", lambda found: _COLORS.get(found[0].lower(), found[0]), "; ".join(parts))


def _renamed(body: list[ET.Element], names: set[str], prefix: str) -> None:
    """Keep the ids we gave and those referred to, each behind the prefix; groups left without any attribute go."""
    everything = [element for child in body for element in child.iter()]
    used = {found for e in everything for value in e.attrib.values() for found in _REFERENCE.findall(value)}
    used |= {e.attrib["href"].removeprefix("#") for e in everything if "href" in e.attrib}
    for element in everything:
        for name, value in list(element.attrib.items()):
            if name == "id" and value not in used | names:
                del element.attrib[name]
            elif name == "id":
                element.attrib[name] = f"{prefix}-{value}"
            elif name == "href":
                element.attrib[name] = f"#{prefix}-{value.removeprefix('#')}"
            else:
                element.attrib[name] = _REFERENCE.sub(rf"url(#{prefix}-\1)", value)
    body[:] = _unwrapped(body)


def _unwrapped(elements: list[ET.Element]) -> list[ET.Element]:
    flat: list[ET.Element] = []
    for element in elements:
        element[:] = _unwrapped(list(element))
        flat.extend(element if element.tag == "g" and not element.attrib else [element])
    return flat
