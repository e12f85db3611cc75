// Cross-entropy as an area: blocks as wide as the truth's shares, as high as the model's surprisals, over the truth's.
import { OUTCOMES } from '../controls.js';
import { amount, perNat, short } from '../dom.js';
import { figure, handle } from '../figure.js';
import { crossEntropy, entropy, klDivergence, surprisal } from '../numerics/index.js';
import {
  blockRatio,
  borders,
  brief,
  CEILING,
  columns,
  digits3,
  ground,
  inside,
  patterned,
  plane,
} from './blocks.js';
import { part } from './directions.js';
/** @import { Context, Size, State } from '../types' */

const ROWS = 5;

/** Top of the model's block of outcome `i`, in its middle: what is dragged.
 * @param {State} state @param {Size} size @param {number} i */
function grip({ p, q, unit }, size, i) {
  const { left, right, top, bottom } = inside(size, ROWS);
  const edges = borders(p);
  const up = Math.min(1, (surprisal(q[i]) * perNat(unit)) / CEILING[unit]);
  return [left + ((edges[i] + edges[i + 1]) / 2) * (right - left), bottom - up * (bottom - top)];
}

/** The share whose surprisal stands at a height of the stage.
 * @param {number} y @param {State['unit']} unit @param {Size} size */
function shareAt(y, unit, size) {
  const { top, bottom } = inside(size, ROWS);
  const up = Math.min(1, Math.max(0, (bottom - y) / (bottom - top)));
  return Math.exp((-up * CEILING[unit]) / perNat(unit));
}

/** @param {number} area */
const priced = (area) => (area < 0 ? `saved ${brief(-area)}` : `extra ${brief(area)}`);

/** @param {Context} context */
export function crossBlocks(context) {
  return figure(context, {
    id: 'blocks',
    title: 'Width: how often, in truth. Dashed height: how surprising, by forecast',
    ratio: blockRatio,
    draw(pen, state, size) {
      const { p, q, unit } = state;
      const { em } = size;
      const place = ground(pen, state, size, ROWS, 'surprisal');
      const { X, Y, box, top } = place;
      const edges = borders(p);
      const [truth, model] = [p, q].map((shares) => shares.map((s) => surprisal(s) * perNat(unit)));
      const skyline = [[X(0), box.bottom]];
      p.forEach((share, i) => {
        const [x, end, y, line] = [X(edges[i]), X(edges[i + 1]), Y(truth[i]), Y(model[i])];
        if (share === 0) return;
        skyline.push([x, line], [end, line]);
        pen.rect('area truth', x, y, end - x, box.bottom - y);
        patterned(pen, line < y ? pen.hatch : pen.dots, x, Math.min(y, line), end - x, Math.abs(y - line));
      });
      pen.path('model line', [...skyline, [X(1), box.bottom]]);
      plane(
        pen,
        size,
        box,
        state,
        p.flatMap((share, i) =>
          share > 0 && Math.max(truth[i], model[i]) > top ? [X((edges[i] + edges[i + 1]) / 2)] : [],
        ),
      );
      p.forEach((share, i) => {
        const [x, y] = grip(state, size, i);
        pen.circle('model point', x, y, (share > 0 ? 0.4 : 0.25) * em);
      });
      columns(pen, size, place, p, (i) => [
        ['', `${brief(p[i])} wide`],
        ['truth-text', `−log p ${brief(truth[i])}`],
        ['model-text', `−log q ${brief(model[i])}`],
        ['kl-text', priced(part(p[i], q[i]) * perNat(unit))],
      ]);
    },
    describe: ({ p, q, unit }) =>
      `Three blocks as wide as the true shares, with heights by the truth and by the forecast: ${p
        .map(
          (share, i) =>
            `${OUTCOMES[i]} ${short(share)} wide, ${amount(surprisal(share), unit, 3)} and ${amount(surprisal(q[i]), unit, 3)}`,
        )
        .join(
          ', ',
        )}. The forecast’s areas add up to ${amount(crossEntropy(p, q), unit)}, the truth’s to ${amount(entropy(p), unit)}.`,
    setup(stage) {
      OUTCOMES.forEach((outcome, i) =>
        handle(context, stage, {
          name: `height-${i + 1}`,
          label: `Surprisal of ${outcome} by the forecast`,
          place: (state, size) => grip(state, size, i),
          move: (_x, y, size) => context.moveShare('q', i, shareAt(y, context.state.unit, size)),
          nudge: (right, up, { q }) => context.moveShare('q', i, Math.min(1, Math.max(0, q[i] - right - up))),
          text: ({ q, unit }) => `${amount(surprisal(q[i]), unit)}, share ${short(q[i])}`,
          now: ({ q, unit }) => Math.min(1, (surprisal(q[i]) * perNat(unit)) / CEILING[unit]),
        }),
      );
    },
  });
}

/** The sum as a bar: entropy, and the divergence beside it.
 * @param {Context} context */
export function sumBar(context) {
  return figure(context, {
    id: 'sum',
    title: 'Cross-entropy is the entropy plus the price of a wrong forecast',
    ratio: (ems) => 6 / ems,
    draw(pen, { p, q, unit }, { width, em }) {
      const [own, gap, both] = [entropy(p), klDivergence(p, q), crossEntropy(p, q)].map(
        (nats) => nats * perNat(unit),
      );
      const [left, right] = [0.4 * em, width - 0.4 * em];
      const top = CEILING[unit];
      const X = (/** @type {number} */ value) =>
        left + (Math.min(value, top) / top) * (right - left - (width > 26 * em ? 8 : 3) * em);
      const [middle, end] = [X(own), X(both)];
      pen.text('strong truth-text', left, em, `H(p) ${digits3(own)}`);
      pen.text('strong kl-text', Math.max(middle, left + 7 * em), em, `+ KL ${digits3(gap)}`);
      if (own > 0) pen.rect('area truth', left, 1.5 * em, middle - left, 1.7 * em);
      patterned(pen, pen.hatch, middle, 1.5 * em, end - middle, 1.7 * em);
      if (gap > 0) pen.rect('kl line', middle, 1.5 * em, end - middle, 1.7 * em);
      if (both > top)
        pen.text('strong', end + 0.4 * em, 2.7 * em, `→ ${width > 26 * em ? `cut at ${top} ${unit}` : ''}`);
      pen.line('model line', left, 3.9 * em, end, 3.9 * em);
      pen.text('strong model-text', left, 5.3 * em, `= H(p, q) ${digits3(both)} ${unit}`);
    },
    describe: ({ p, q, unit }) =>
      `A bar: the entropy ${amount(entropy(p), unit)} and the divergence ${amount(klDivergence(p, q), unit)} make the cross-entropy ${amount(crossEntropy(p, q), unit)}.`,
  });
}
