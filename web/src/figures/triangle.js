// The triangle of all forecasts of three outcomes: each corner is certain of one. Points are affine in the shares.
import { OUTCOMES } from '../controls.js';
/** @import { Pen } from '../pen.js' */
/** @import { Context, Shares, Size } from '../types' */

const TALL = Math.sqrt(3) / 2;

/** Corners of rain, cloud and sun: left, right and top, with room for their names.
 * @param {Size} size */
export function corners({ width, height, em }) {
  const side = Math.min(width - 3 * em, (height - 3.8 * em) / TALL);
  const top = (height - 3.8 * em - side * TALL) / 2 + 1.9 * em;
  const bottom = top + side * TALL;
  return [
    [(width - side) / 2, bottom],
    [(width + side) / 2, bottom],
    [width / 2, top],
  ];
}

/** @param {Shares} shares @param {Size} size */
export function toPoint(shares, size) {
  const [[left, bottom], [right], [middle, top]] = corners(size);
  const [rain, cloud, sun] = shares;
  return [rain * left + cloud * right + sun * middle, (rain + cloud) * bottom + sun * top];
}

/** The shares of a point; of one outside the triangle, those of the nearest point of its edge.
 * @param {number} x @param {number} y @param {Size} size */
export function toShares(x, y, size) {
  const [[left, bottom], [right], [, top]] = corners(size);
  const sun = (bottom - y) / (bottom - top);
  const cloud = (x - left) / (right - left) - sun / 2;
  return nearest([1 - sun - cloud, cloud, sun]);
}

/** The nearest shares to three numbers that sum to 1: what is negative becomes 0, the others bear it alike.
 * @param {Shares} shares */
export function nearest(shares) {
  let now = [...shares];
  const out = new Set();
  for (let i; (i = now.findIndex((v) => v < 0)) >= 0;) {
    out.add(i);
    const part = now[i] / (3 - out.size);
    now = now.map((v, j) => (out.has(j) ? 0 : v + part));
  }
  const large = now.indexOf(Math.max(...now));
  now[large] = 1 - (now[(large + 1) % 3] + now[(large + 2) % 3]);
  return now;
}

/** Arrow keys on the triangle: sideways, and towards or away from the top corner.
 * @param {Context} context @param {'p' | 'q'} name @param {number} right @param {number} up */
export function nudge(context, name, right, up) {
  const [rain, cloud, sun] = context.state[name];
  if (up) context.moveShare(name, 2, Math.min(1, Math.max(0, sun + up)));
  else context.set({ [name]: nearest([rain - right, cloud + right, sun]) });
}

/** The edge of the triangle and the names of its corners.
 * @param {Pen} pen @param {Size} size */
export function frame(pen, size) {
  const all = corners(size);
  pen.path('axis', all, true);
  all.forEach(([x, y], i) => {
    pen.text('middle corner', x, y + (i < 2 ? 1.5 : -1.05) * size.em, OUTCOMES[i]);
  });
}
