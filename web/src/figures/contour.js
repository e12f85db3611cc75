// The map of a truth: the triangle of all forecasts q, shaded by KL(p‖q) alone, and what is marked on it.
// Everything on the map is darker than its brightest band, so that the minimum stays the brightest place.
import { perNat, put, short } from '../dom.js';
import { OUTCOMES } from '../controls.js';
import { handle } from '../figure.js';
import { BANDS, LEVELS } from '../palette.js';
import { rings } from './levels.js';
import { corners, nudge, toPoint, toShares } from './triangle.js';
/** @import { Pen } from '../pen.js' */
/** @import { Stage } from '../figure.js' */
/** @import { Context, Shares, Size, State } from '../types' */

/** @typedef {{ x: number, y: number, w: number, h: number }} Box its middle, width and height */

/** @param {Shares} shares */
export const inWords = (shares) => OUTCOMES.map((name, i) => `${name} ${short(shares[i])}`).join(', ');

/** The path around shares, in tenths of a pixel.
 * @param {number[][]} ring @param {number[][]} three the corners */
function outline(ring, [[left, bottom], [right], [middle, top]]) {
  let d = '';
  for (const [rain, cloud, sun] of ring) {
    const x = rain * left + cloud * right + sun * middle;
    const y = (rain + cloud) * bottom + sun * top;
    d += `${d ? 'L' : 'M'}${Math.round(10 * x) / 10} ${Math.round(10 * y) / 10}`;
  }
  return `${d}Z`;
}

/** Draws the map of one figure. The rings are kept while p stays: a drag of q computes none.
 * @param {number} [count] points of a ring @param {boolean} [reverse] shaded by KL(q‖p) */
export function map(count, reverse) {
  let key = '';
  let named = '';
  /** @type {number[][][]} */
  let kept = [];
  /** @type {string[]} */
  let outlines = [];
  return {
    /** The bands; gives the boxes that are taken.
     * @param {Pen} pen @param {State} state @param {Size} size */
    draw(pen, { p, unit }, size) {
      const three = corners(size);
      named = unit;
      if (key !== `${p} ${unit} ${three}`) {
        key = `${p} ${unit} ${three}`;
        const nats = LEVELS.map((level) => level / perNat(unit));
        kept = rings(p, nats, count, reverse);
        outlines = kept.map((ring) => outline(ring, three));
        outlines.push(`M${three.join('L')}Z`);
      }
      for (let i = LEVELS.length; i >= 0; i--) pen.shape('path', 'band', { d: outlines[i], fill: BANDS[i] });
      /** @type {Box[]} */
      const taken = three.map(([x, y], i) => ({
        x,
        y: y + (i < 2 ? 1.2 : -1.1) * size.em,
        w: 3 * size.em,
        h: 1.1 * size.em,
      }));
      taken.push(around(toPoint(p, size), size.em));
      return taken;
    },
    /** Names the rings along one line from p, the one on which most names find room.
     * @param {Pen} pen @param {Size} size @param {Box[]} taken */
    names(pen, size, taken) {
      const { em } = size;
      /** @type {{ text: string, box: Box }[]} */
      let best = [];
      for (let way = 0; way < kept[0].length; way += 4) {
        /** @type {typeof best} */
        const fits = [];
        for (let i = LEVELS.length - 1; i >= 0; i--) {
          const q = kept[i][way];
          if (Math.min(...q) < 0.025) continue; // half of it would lie outside
          const [x, y] = toPoint(q, size);
          const text = fits.length
            ? short(LEVELS[i])
            : `${LEVELS[i]} ${named.slice(0, LEVELS[i] === 1 ? 3 : 4)}`;
          const box = { x, y, w: (0.45 * text.length + 0.4) * em, h: 1.1 * em };
          const clash = (/** @type {Box} */ other) => overlap(box, other);
          if (!taken.some(clash) && !fits.some((one) => clash(one.box))) fits.push({ text, box });
        }
        if (fits.length > best.length) best = fits;
      }
      for (const { text, box } of best) pen.text('middle ring-name', box.x, box.y + 0.28 * em, text);
    },
  };
}

/** @param {readonly number[]} point @param {number} em @returns {Box} */
export const around = ([x, y], em) => ({ x, y, w: 1.6 * em, h: 1.6 * em });

/** @param {Box} a @param {Box} b */
export const overlap = (a, b) => Math.abs(a.x - b.x) * 2 < a.w + b.w && Math.abs(a.y - b.y) * 2 < a.h + b.h;

/** A word beside a point, where there is room: above or below it, else at its sides.
 * @param {Pen} pen @param {string} look colour of an idea @param {readonly number[]} point @param {string} text
 * @param {Size} size @param {Box[]} taken what is taken; the box of the word is added @param {number} [side] -1: above first */
export function tag(pen, look, [px, py], text, { width, height, em }, taken, side = -1) {
  const w = (0.42 * text.length + 0.9) * em;
  const h = 1.5 * em;
  const places = [1.75, -1.75, 3.4, -3.4].flatMap((down) =>
    [0, 0.5, -0.5].map((across) => [across * w, down * side * em]),
  );
  places.push([w / 2 + em, 0], [-w / 2 - em, 0]);
  const boxes = places.map(([dx, dy]) => ({
    x: Math.min(width - w / 2, Math.max(w / 2, px + dx)),
    y: Math.min(height - h / 2, Math.max(h / 2, py + dy)),
    w,
    h,
  }));
  const box = boxes.find((one) => !taken.some((other) => overlap(one, other))) ?? boxes[0];
  taken.push(box);
  put(pen.rect('tag', box.x - w / 2, box.y - h / 2, w, h), 'rx', 0.4 * em);
  pen.text(`middle ${look}`, box.x, box.y + 0.32 * em, text);
}

/** The truth: a ring, solid. Hollow, so that the minimum below it is seen.
 * @param {Pen} pen @param {readonly number[]} point @param {number} em */
export function markTruth(pen, [x, y], em) {
  for (const look of ['mark under', 'mark truth']) pen.circle(look, x, y, 0.62 * em);
}

/** A model: a diamond, dashed.
 * @param {Pen} pen @param {readonly number[]} point @param {number} em */
export function markModel(pen, [x, y], em) {
  const r = 0.8 * em;
  for (const look of ['mark under', 'mark model']) {
    pen.path(
      look,
      [
        [x, y - r],
        [x + r, y],
        [x, y + r],
        [x - r, y],
      ],
      true,
    );
  }
}

/** A handle that carries p or q over the triangle.
 * @param {Context} context @param {Stage} stage @param {'p' | 'q'} key @param {string} name @param {string} label */
export function carry(context, stage, key, name, label) {
  const grip = handle(context, stage, {
    name,
    label,
    place: (state, size) => toPoint(state[key], size),
    move: (x, y, size) => context.set({ [key]: toShares(x, y, size) }),
    nudge: (right, up) => nudge(context, key, right, up),
    text: (state) => inWords(state[key]),
    now: (state) => state[key][2],
  });
  grip.classList.add('bare'); // nothing lies over the shading
}
