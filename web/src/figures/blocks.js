// Blocks: as wide as an outcome's share, as high as a surprisal. Widths add up to 1, so an area is an average.
import { axes } from '../axes.js';
import { OUTCOMES } from '../controls.js';
import { number, put, short } from '../dom.js';
/** @import { Pen } from '../pen.js' */
/** @import { Size, State } from '../types' */

/** Where heights are cut, in the unit shown. */
export const CEILING = { nats: 4, bits: 6 };

const ROW = 1.25; // em
const LEADER = 1; // em, from a block to its labels

/** A figure's height over its width: wide ones are low, narrow ones have room for the labels below.
 * @param {number} ems */
export const blockRatio = (ems) => (ems < 26 ? 1.2 : 0.72);

export const digits3 = (/** @type {number} */ value) => number(value, 3);

/** A number in a narrow column: 0.1, 0.0012, 12.34, 1e-5.
 * @param {number} value */
export function brief(value) {
  if (value < 0.0005) return number(Number(value.toPrecision(1))).replace('.00e', 'e');
  return short(value, value < 0.005 ? 4 : value < 10 ? 3 : 2);
}

/** Where the blocks stand; what axes() draws with the height that ground() gives it.
 * @param {Size} size @param {number} rows */
export function inside({ width, height, em }, rows) {
  return {
    left: 3.2 * em,
    right: width - 0.8 * em,
    top: 1.6 * em,
    bottom: height - (LEADER + 0.3 + rows * ROW) * em,
  };
}

/** The left borders of the blocks, and the right one of the last.
 * @param {readonly number[]} p */
export const borders = ([a, b]) => [0, a, a + b, 1];

/** Places near those wanted, in their order, at least `gap` apart and within [low, high] where that is possible.
 * @param {readonly number[]} wanted @param {number} gap @param {number} low @param {number} high */
export function spread(wanted, gap, low, high) {
  /** @type {number[]} */
  const places = [];
  wanted.forEach((x, i) => places.push(Math.max(x, i ? places[i - 1] + gap : low)));
  for (let i = places.length - 1; i >= 0; i--) {
    places[i] = Math.min(places[i], i + 1 < places.length ? places[i + 1] - gap : high);
  }
  return places;
}

/** Frame and scales; below the frame is room for rows of labels.
 * @param {Pen} pen @param {State} state @param {Size} size @param {number} rows @param {string} name */
export function ground(pen, state, size, rows, name) {
  const { em } = size;
  const top = CEILING[state.unit];
  const height = inside(size, rows).bottom + 3 * em; // axes() keeps 3 em for an x axis
  const {
    X,
    Y,
    inside: box,
  } = axes(
    pen,
    { ...size, height },
    { span: [0, 1], name: '', ticks: [] },
    { span: [0, top], name: `${name} (${state.unit})` },
  );
  return { X, Y: (/** @type {number} */ value) => Y(Math.min(value, top)), box, top };
}

/** The plane where the tall ones end: says so, and an arrow stands in each.
 * @param {Pen} pen @param {Size} size @param {ReturnType<ground>['box']} box @param {State} state
 * @param {readonly number[]} at x of each that is cut */
export function plane(pen, { em }, { left, right, top }, state, at) {
  if (at.length === 0) return;
  pen.line('guide', left, top, right, top);
  pen.text('tick end', right, top - 0.7 * em, `cut at ${CEILING[state.unit]} ${state.unit}`);
  // Where two would stand in one place one is enough.
  for (const [i, x] of at.entries()) {
    if (!i || x - at[i - 1] > 0.8 * em) pen.text('middle strong halo', x, top + 1.7 * em, '↑');
  }
}

/** Below each block its outcome and rows of labels, moved apart where blocks are narrow, each with a line to its block.
 * @param {Pen} pen @param {Size} size @param {ReturnType<ground>} ground @param {readonly number[]} p
 * @param {(i: number) => [look: string, text: string][]} rows */
export function columns(pen, { width, em }, { X, box }, p, rows) {
  const edges = borders(p);
  const centres = p.map((_, i) => X((edges[i] + edges[i + 1]) / 2));
  const gap = Math.min(6.4 * em, width / 3);
  const places = spread(centres, gap, gap / 2, width - gap / 2);
  places.forEach((x, i) => {
    const y = box.bottom + LEADER * em;
    pen.path('axis', [
      [centres[i], box.bottom + 0.1 * em],
      [x, y],
    ]);
    [/** @type {const} */ (['strong ink', OUTCOMES[i]]), ...rows(i)].forEach(([look, text], row) =>
      pen.text(`middle tick ${look}`, x, y + (row + 0.85) * ROW * em, text),
    );
  });
}

/** A rectangle that only a pattern fills.
 * @param {Pen} pen @param {string} pattern @param {number} x @param {number} y @param {number} width @param {number} height */
export function patterned(pen, pattern, x, y, width, height) {
  put(pen.rect('pattern', x, y, width, height), 'fill', pattern);
}
