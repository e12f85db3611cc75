// Entropy as an area: a block for each outcome, and the one block of width 1 that holds as much.
import { OUTCOMES } from '../controls.js';
import { amount, perNat, short } from '../dom.js';
import { figure, handle } from '../figure.js';
import { crossEntropy, entropy, surprisal } from '../numerics/index.js';
import { blockRatio, borders, brief, columns, digits3, ground, inside, plane } from './blocks.js';
/** @import { Context, Shares, Size, State } from '../types' */

const ROWS = 4;

/** The shares after the border right of outcome `i` went to `x`: it moves share between its two neighbours.
 * @param {Shares} p @param {0 | 1} i @param {number} x */
export function withBorder([a, , c], i, x) {
  const [from, to] = i ? [a, 1] : [0, 1 - c];
  const border = Math.min(to, Math.max(from, x));
  return i ? [a, border - a, 1 - border] : [border, to - border, c];
}

/** Centre of a border's handle: at two heights, so that neither hides the other.
 * @param {State} state @param {Size} size @param {0 | 1} i */
function grip({ p }, size, i) {
  const { left, right, bottom } = inside(size, ROWS);
  return [left + borders(p)[i + 1] * (right - left), bottom - (i ? 3.8 : 1.4) * size.em];
}

/** @param {Context} context */
export function entropyBlocks(context) {
  return figure(context, {
    id: 'blocks',
    title: 'Width: how often. Height: how surprising. The areas together are the entropy',
    ratio: blockRatio,
    draw(pen, state, size) {
      const { p, unit } = state;
      const { em, width } = size;
      const place = ground(pen, state, size, ROWS, 'surprisal');
      const { X, Y, box, top } = place;
      const edges = borders(p);
      const heights = p.map((share) => surprisal(share) * perNat(unit));
      p.forEach((share, i) => {
        const [x, y] = [X(edges[i]), Y(heights[i])];
        if (share > 0) pen.rect('area truth', x, y, X(edges[i + 1]) - x, box.bottom - y);
        else pen.line('guide', x, y, x, box.bottom);
      });
      plane(
        pen,
        size,
        box,
        state,
        p.flatMap((_, i) => (heights[i] > top ? [X((edges[i] + edges[i + 1]) / 2)] : [])),
      );
      const mean = entropy(p);
      const y = Y(mean * perNat(unit));
      pen.line('truth line', box.left, y, box.right, y);
      // The likeliest outcome is never more surprising than the mean: above the line there is room.
      const widest = p.indexOf(Math.max(...p));
      const half = (width < 26 * em ? 4 : 6.5) * em;
      const middle = X((edges[widest] + edges[widest + 1]) / 2);
      const x = Math.min(box.right - half, Math.max(box.left + half, middle));
      const text = `${amount(mean, unit, 3)}${width < 26 * em ? '' : ' on average'}`;
      let above = y - 0.5 * em;
      for (const i of /** @type {const} */ ([0, 1])) {
        const [gx, gy] = grip(state, size, i);
        pen.circle('truth point', gx, gy, 0.45 * em);
        if (Math.abs(gx - x) < half + 0.6 * em && Math.abs(gy - above + 0.3 * em) < em) above = gy - 0.8 * em;
      }
      pen.text('middle strong halo truth-text', x, above, `H = ${text}`);
      columns(pen, size, place, p, (i) => [
        ['', `${brief(p[i])} wide`],
        ['', `${brief(heights[i])} high`],
        ['truth-text', `area ${digits3(crossEntropy([p[i]], [p[i]]) * perNat(unit))}`],
      ]);
    },
    describe: ({ p, unit }) =>
      `Three blocks side by side: ${p
        .map(
          (share, i) => `${OUTCOMES[i]} ${short(share)} wide and ${amount(surprisal(share), unit, 3)} high`,
        )
        .join(', ')}. Their areas add up to the entropy, ${amount(entropy(p), unit)}.`,
    setup(stage) {
      for (const i of /** @type {const} */ ([0, 1])) {
        const [a, b] = [OUTCOMES[i], OUTCOMES[i + 1]];
        handle(context, stage, {
          name: `border-${i + 1}`,
          label: `Border between ${a} and ${b}`,
          place: (state, size) => grip(state, size, i),
          move(x, _y, size) {
            const { left, right } = inside(size, ROWS);
            context.set({ p: withBorder(context.state.p, i, (x - left) / (right - left)) });
          },
          nudge: (across, up, { p }) => context.set({ p: withBorder(p, i, borders(p)[i + 1] + across + up) }),
          text: ({ p }) => `${a} ${short(p[i])}, ${b} ${short(p[i + 1])}`,
          now: ({ p }) => borders(p)[i + 1],
        });
      }
    },
  });
}
