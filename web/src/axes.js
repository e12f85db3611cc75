// The frame of a flat chart: scales, ticks, grid, names with units.
import { short } from './dom.js';
/** @import { Pen } from './pen.js' */
/** @import { Size } from './types' */

/** @typedef {object} Axis
 * @property {readonly [number, number]} span
 * @property {string} name with its unit
 * @property {readonly number[]} [ticks] else round numbers are found
 * @property {(tick: number) => string} [label] */

/** Where a chart of this size has its data, without drawing. @param {Size} size */
export const room = ({ width, height, em }) => ({
  left: 3.2 * em,
  right: width - 0.8 * em,
  top: 1.6 * em,
  bottom: height - 3 * em,
});

/** Draws the frame and gives the two scales: data to pixels.
 * @param {Pen} pen @param {Size} size @param {Axis} x @param {Axis} y
 * @returns {{ X: (value: number) => number, Y: (value: number) => number, inside: ReturnType<typeof room> }} */
export function axes(pen, size, x, y) {
  const { height, em } = size;
  const inside = room(size);
  const X = scale(x.span, inside.left, inside.right);
  const Y = scale(y.span, inside.bottom, inside.top);
  const across = Math.max(2, Math.floor((inside.right - inside.left) / (4 * em)));
  for (const tick of x.ticks ?? round(x.span, across)) {
    pen.line('grid', X(tick), inside.top, X(tick), inside.bottom);
    pen.text('tick middle', X(tick), inside.bottom + 1.2 * em, (x.label ?? short)(tick));
  }
  const up = Math.max(2, Math.floor((inside.bottom - inside.top) / (2.5 * em)));
  for (const tick of y.ticks ?? round(y.span, up)) {
    pen.line('grid', inside.left, Y(tick), inside.right, Y(tick));
    pen.text('tick end', inside.left - 0.4 * em, Y(tick) + 0.35 * em, (y.label ?? short)(tick));
  }
  pen.line('axis', inside.left, inside.bottom, inside.right, inside.bottom);
  pen.line('axis', inside.left, inside.top, inside.left, inside.bottom);
  pen.text('name middle', (inside.left + inside.right) / 2, height - 0.5 * em, x.name);
  pen.text('name start', 0.2 * em, 0.9 * em, y.name);
  return { X, Y, inside };
}

/** @param {readonly [number, number]} span @param {number} from @param {number} to */
function scale([low, high], from, to) {
  return (/** @type {number} */ value) => from + ((value - low) / (high - low)) * (to - from);
}

/** Round numbers in a span, about `count` of them.
 * @param {readonly [number, number]} span @param {number} count */
export function round([low, high], count) {
  const rough = (high - low) / count;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = ten * ([1, 2, 5, 10].find((m) => m * ten >= rough * 0.999) ?? 10);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step + 0); // + 0: never -0
  return ticks;
}

/** Points of a function, for pen.path; where it rises above `ceiling` the line ends at the ceiling.
 * @param {(x: number) => number} f @param {readonly [number, number]} span
 * @param {(x: number) => number} X @param {(y: number) => number} Y @param {number} ceiling @param {number} [count] */
export function curve(f, [low, high], X, Y, ceiling, count = 160) {
  const points = [];
  let before = NaN;
  for (let i = 0; i <= count; i++) {
    // Denser towards both ends, where the logarithms are steep.
    const x = low + (high - low) * (0.5 - 0.5 * Math.cos((Math.PI * i) / count));
    const over = f(x) > ceiling;
    if (i > 0 && over !== f(before) > ceiling) points.push([X(crossing(f, ceiling, before, x)), Y(ceiling)]);
    if (!over) points.push([X(x), Y(f(x))]);
    before = x;
  }
  return points;
}

/** Where a function passes a value, between a place below it and one above.
 * @param {(x: number) => number} f @param {number} value @param {number} a @param {number} b */
function crossing(f, value, a, b) {
  const rising = f(b) > value;
  for (let i = 0; i < 40; i++) {
    const middle = (a + b) / 2;
    if (f(middle) > value === rising) b = middle;
    else a = middle;
  }
  return (a + b) / 2;
}
