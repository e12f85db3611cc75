// The surface of the binary loss: its height over the label and the prediction. For one prediction the loss is linear
// in the label, so the surface is made of straight lines, one for each prediction; the faces lie between them.
import { amount, short } from '../dom.js';
import { binaryCrossEntropy as loss, binaryEntropy as floor } from '../numerics/index.js';
import { beside, CUT, surface, tone, word } from './surface.js';
/** @import { Context } from '../types' */
/** @import { Piece, Spot } from './surface.js' */

const TENTHS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const ROWS = 36; // over the height of the box

/** A place over the prediction (right) and the label (back).
 * @param {number} y @param {number} yhat @param {number} nats @returns {Spot} */
const spot = (y, yhat, nats) => [yhat - 0.5, y - 0.5, Math.min(nats, CUT) / CUT];

/** The straight line over one prediction, from label to label, cut at the plane; over predictions 0 and 1 it stands
 * upright. @param {number} yhat @returns {[Spot, Spot]} */
export function ruling(yhat) {
  const ends = [loss(0, yhat), loss(1, yhat)];
  const high = ends[0] > ends[1] ? 0 : 1;
  const low = 1 - high;
  const reach = Math.min(1, (CUT - ends[low]) / (ends[high] - ends[low]));
  const last = high ? reach : 1 - reach;
  const top = Math.min(ends[high], CUT);
  return [spot(low, yhat, ends[low]), spot(last, yhat, top)];
}

/** @param {Spot[]} line @param {number} t @returns {Spot} */
const along = ([a, b], t) => a.map((from, i) => from + (b[i] - from) * t);

/** Predictions close to 0 and 1 are closer together: there the surface is steep.
 * @returns {number[]} */
export function predictions() {
  const half = [0, 1e-12, 1e-6, 1e-4, Math.exp(-CUT), ...TENTHS.slice(0, 5)];
  for (let i = 1; i < 14; i++) half.push(Math.sin((Math.PI * i) / 56) ** 2);
  half.sort((a, b) => a - b);
  return [
    ...half,
    ...half
      .slice(0, -1)
      .map((v) => 1 - v)
      .reverse(),
  ];
}

/** @returns {Piece[]} */
function made() {
  const lines = predictions().map(ruling);
  // Lines of one prediction begin at the label with the small loss: label 0 up to ½, then label 1.
  const middle = lines.findIndex(([a]) => a[1] > 0);
  /** @type {Piece[]} */
  const pieces = [];
  for (let i = 1; i < lines.length; i++) {
    const from = i === middle ? [lines[i - 1][1], lines[i - 1][0]] : lines[i - 1];
    const [low, high] = from.map(([, , z]) => z);
    const rows = Math.max(14, Math.ceil(ROWS * Math.abs(high - low)));
    for (let k = 0; k < rows; k++) {
      const at = [along(from, k / rows), along(from, (k + 1) / rows)];
      at.push(along(lines[i], (k + 1) / rows), along(lines[i], k / rows));
      pieces.push({ at, fill: tone(at.reduce((sum, [, , z]) => sum + z / 4, 0)) });
    }
  }
  for (const yhat of TENTHS) {
    const line = ruling(yhat);
    const at = Array.from({ length: 9 }, (_, k) => along(line, k / 8));
    pieces.push({ at, stroke: '#00000060', width: 1 });
  }
  const steps = predictions();
  for (const label of [0, 1]) {
    const at = steps.filter((v) => loss(label, v) < CUT).map((v) => spot(label, v, loss(label, v)));
    const end = Math.exp(-CUT);
    at[label ? 'unshift' : 'push'](spot(label, label ? end : 1 - end, CUT));
    pieces.push({ at, stroke: '#000', width: 2.5 });
    const foot = [at[at.length - 1], at[0]].map(([x, y]) => [x, y, 0]);
    pieces.push({ at: [...at, ...foot], fill: '#80808030', stroke: '#80808030', wall: [0, label - 0.5] });
  }
  pieces.push({ at: steps.map((v) => spot(v, v, floor(v))), stroke: '#000', width: 3.5 });
  return pieces;
}

/** @type {Piece[] | undefined} */
let pieces;

/** @param {Context} context */
export function binarySurface(context) {
  return surface(context, {
    id: 'surface',
    title: 'Binary cross-entropy over prediction and label. Drag or use arrow keys to turn it.',
    floor: [
      [-0.5, -0.5, 0],
      [0.5, -0.5, 0],
      [0.5, 0.5, 0],
      [-0.5, 0.5, 0],
    ],
    turn: 30,
    tilt: 30,
    name: 'loss',
    pieces: () => (pieces ??= made()),
    draw(pen, { y, yhat, unit }, size, view) {
      const { em } = size;
      const front = view.away(0, -1)[1] > 0 ? -1 : 1;
      const near = view.away(-1, 0)[1] > 0 ? -1 : 1;
      const wide = size.width > 26 * em;
      for (const tick of wide ? [0, 0.25, 0.75, 1] : [0, 1]) {
        beside(pen, 'tick', size, view, [tick - 0.5, front / 2, 0], [0, front], 1, `${tick}`);
        beside(pen, 'tick', size, view, [near / 2, tick - 0.5, 0], [near, 0], 1, `${tick}`);
      }
      beside(pen, 'name model-text', size, view, [0, front / 2, 0], [0, front], 1.2, 'prediction ŷ');
      beside(pen, 'name truth-text', size, view, [near / 2, 0, 0], [near, 0], 1.2, 'label y');
      const [now, least] = [loss(y, yhat), floor(y)];
      const [x, top] = view.to(spot(y, yhat, now));
      const [, bottom] = view.to(spot(y, yhat, least));
      const [vx, vy] = view.to(spot(y, y, least));
      pen.line('guide', x, bottom, vx, vy);
      pen.rect('', x - 0.25 * em, top, 0.5 * em, bottom - top).setAttribute('fill', pen.hatch);
      pen.circle('truth point', vx, vy, 0.35 * em);
      pen.circle('model point', x, top, 0.45 * em);
      word(pen, 'strong halo', size, x + 0.7 * em, top - 0.5 * em, 1, amount(now, unit));
    },
    describe: ({ y, yhat, unit }) =>
      `A surface over prediction and label, with a valley along ŷ = y that rises from 0 to ${amount(Math.LN2, unit)} in the middle; at label ${short(y)} and prediction ${short(yhat)} it is ${amount(loss(y, yhat), unit)}, over a valley of ${amount(floor(y), unit)}.`,
  });
}
