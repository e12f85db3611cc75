"""What the pictures show is what the numbers say."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image

SCALE = 2
CENTRE = """(name) => {
  const { x, y } = T.box(T.section('simplex').querySelector(`[data-handle=${name}]`));
  return [x + scrollX, y + scrollY];
}"""


FIGURE = """() => {
  const { left, top, width, height } = T.box(T.section('simplex').querySelector('[data-figure=contour]'));
  const [x, y] = [Math.floor(left + scrollX), Math.floor(top + scrollY)];
  return { x, y, width: Math.ceil(width), height: Math.ceil(height) };
}"""


def text(shares):
    return ",".join(repr(float(v)) for v in shares)


def centre(page, name, p, q):
    page.evaluate("T.go", f"v=1&chapter=simplex&p={text(p)}&q={text(q)}")
    return np.array(page.evaluate(CENTRE, name))


def corners(page):
    return np.array([centre(page, "p", corner, [0.2, 0.3, 0.5]) for corner in np.eye(3)])


def picture(page, p, q):
    """The contour and around it, and where its left upper corner is on the page."""
    page.evaluate("T.go", f"v=1&chapter=simplex&p={text(p)}&q={text(q)}")
    page.evaluate("T.frame()")
    clip = page.evaluate(FIGURE)
    return photograph(page, full_page=True, clip=clip), np.array([clip["x"], clip["y"]])


def photograph(what, **options):
    return np.asarray(Image.open(io.BytesIO(what.screenshot(**options))).convert("RGB")).astype(int)


def shares_of_pixels(image, origin, at):
    """The shares at the middle of every pixel, by the corners of the triangle; and whether it is well inside."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    points = np.stack([(x + 0.5) / SCALE + origin[0], (y + 0.5) / SCALE + origin[1], np.ones(x.shape)], -1)
    shares = points @ np.linalg.inv(np.column_stack([at, np.ones(3)]))
    return shares, (shares > 0.01).all(-1)


def divergence(p, shares):
    p = np.asarray(p)
    terms = np.zeros(shares.shape[:-1])
    for i in range(3):
        if p[i] > 0:
            terms += p[i] * np.log(p[i] / np.maximum(shares[..., i], 1e-12))
    return terms


def brightness(image):
    return image @ np.array([0.2126, 0.7152, 0.0722])


TRUTHS = [[0.1, 0.2, 0.7], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.3, 0.2], [0.2, 0.6, 0.2]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_shading_is_a_function_of_the_divergence_bright_where_it_is_low(open_page, scheme):
    page = open_page("v=1&chapter=simplex", device_scale_factor=SCALE, color_scheme=scheme)
    at = corners(page)
    colours = {}
    for p in TRUTHS:
        # The model far away, so that its mark and the line between them hide little of what is low.
        q = [0.02, 0.02, 0.96] if p[2] < 0.5 else [0.96, 0.02, 0.02]
        image, origin = picture(page, p, q)
        shares, inside = shares_of_pixels(image, origin, at)
        kl = divergence(p, shares)
        medians = []
        # Bands between the levels, each far enough from its edges that no line of a ring is in it.
        for low, high in [(0.0035, 0.009), (0.012, 0.026), (0.037, 0.085), (0.12, 0.26), (0.37, 0.85)]:
            band = inside & (kl > low) & (kl < high)
            assert band.sum() > 200, (p, low)
            here = image[band]
            median = np.median(here, axis=0)
            # The rest are the marks of p and q, their names, and the line between them.
            same = np.abs(here - median).max(axis=-1) < 16
            assert same.mean() > 0.6, f"at p = {p} the band {low} to {high} has many colours"
            medians.append(median)
            colours.setdefault((low, high), []).append(median)
        light = [brightness(median) for median in medians]
        assert all(a > b + 4 for a, b in itertools.pairwise(light)), (p, light)
    for band, found in colours.items():
        assert np.ptp(found, axis=0).max() < 16, f"the band {band} changes its colour with p"


@pytest.mark.parametrize("p", TRUTHS)
def test_the_centre_of_the_brightest_band_is_the_truth(open_page, p):
    page = open_page("v=1&chapter=simplex", device_scale_factor=SCALE)
    at = corners(page)
    image, origin = picture(page, p, [0.02, 0.02, 0.96] if p[2] < 0.5 else [0.96, 0.02, 0.02])
    shares, inside = shares_of_pixels(image, origin, at)
    red, green, blue = np.moveaxis(image, -1, 0)
    # Yellow is the bright end of viridis and of cividis; lines and marks upon it are not.
    yellow = inside & (red > 225) & (green > 205) & (blue < 110)
    assert yellow.sum() > 40
    assert np.abs(shares[yellow].mean(axis=0) - p).max() < 0.02


def test_moving_the_model_leaves_the_shading_alone(open_page):
    page = open_page("v=1&chapter=simplex", device_scale_factor=SCALE)
    at = corners(page)
    p = [0.3, 0.3, 0.4]
    (first, origin), (second, _) = (picture(page, p, q) for q in ([0.8, 0.1, 0.1], [0.1, 0.8, 0.1]))
    _, inside = shares_of_pixels(first, origin, at)
    changed = (np.abs(first - second).max(axis=-1) > 24) & inside
    # The mark and the plate with its value, in two places, the line to it, and the numbers of the rings beside that.
    assert 0 < changed.sum() / inside.sum() < 0.12


@pytest.mark.parametrize("chapter", ["binary", "simplex"])
def test_surfaces_are_drawn_and_follow_the_state(open_page, chapter):
    page = open_page(f"v=1&chapter={chapter}")
    figure = page.locator(f"section[data-chapter={chapter}] [data-figure=surface]")
    shots = []
    for state in ("p=0.1,0.2,0.7&y=0.1", "p=0.6,0.2,0.2&y=0.9", "p=0,0,1&y=1&yhat=0"):
        page.evaluate(f"T.go('v=1&chapter={chapter}&{state}')")
        page.evaluate("T.frame()")
        image = photograph(figure)
        paper = (np.abs(image - image[2, 2]).max(axis=-1) < 8).mean()
        assert 0.1 < paper < 0.9, "neither blank nor full"
        assert len(np.unique(image.reshape(-1, 3) // 24, axis=0)) > 12
        shots.append(image)
    assert (shots[0] != shots[1]).any()
