// p and q as bars, side by side: their tops can be dragged.
import { axes } from '../axes.js';
import { OUTCOMES } from '../controls.js';
import { put, short } from '../dom.js';
import { figure, handle } from '../figure.js';
/** @import { Context, Size } from '../types' */

/** Middle and top of the bar of outcome i; the same room as axes() leaves.
 * @param {Size} size @param {number} i @param {number} of 0: p, 1: q @param {number} share */
function top({ width, height, em }, i, of, share) {
  const left = 3.2 * em;
  const group = (width - 0.8 * em - left) / 3;
  const bottom = height - 3 * em;
  return [left + group * (i + 0.33 + 0.34 * of), bottom - share * (bottom - 1.6 * em), group * 0.3];
}

/** @param {Context} context */
export function barsFigure(context) {
  return figure(context, {
    id: 'bars',
    title: 'The same p (solid) and q (dashed) as bars. Hatched: where q gives too little; dotted: too much',
    ratio: 0.36,
    draw(pen, { p, q }, size) {
      const { em } = size;
      const { inside } = axes(
        pen,
        size,
        { span: [0, 3], name: 'tomorrow', ticks: [] },
        { span: [0, 1], name: 'share', ticks: [0, 0.25, 0.5, 0.75, 1] },
      );
      OUTCOMES.forEach((outcome, i) => {
        const [x, y, w] = top(size, i, 0, p[i]);
        const [u, v] = top(size, i, 1, q[i]);
        pen.rect('area truth', x - w / 2, y, w, inside.bottom - y);
        pen.rect('area model', u - w / 2, v, w, inside.bottom - v);
        const gap = pen.rect('gap', u - w / 2, Math.min(y, v), w, Math.abs(y - v));
        put(gap, 'fill', p[i] > q[i] ? pen.hatch : pen.dots);
        pen.text('middle truth-text', x, y - 0.4 * em, short(p[i], 2));
        pen.text('middle model-text halo', u, Math.min(y, v) - 0.4 * em, short(q[i], 2));
        pen.text('tick middle', (x + u) / 2, inside.bottom + 1.2 * em, outcome);
      });
    },
    describe: ({ p, q }) =>
      `Bars: ${OUTCOMES.map((name, i) => `${name} has ${short(p[i])} in truth and ${short(q[i])} in the forecast`).join('; ')}.`,
    setup(stage) {
      OUTCOMES.forEach((outcome, i) => {
        for (const key of /** @type {const} */ (['p', 'q'])) {
          /** @param {number} share */
          const set = (share) => context.moveShare(key, i, Math.min(1, Math.max(0, share)));
          handle(context, stage, {
            name: `${key}${i + 1}`,
            label: `${key === 'p' ? 'Truth p' : 'Forecast q'}, ${outcome}`,
            place: (state, size) => top(size, i, key === 'p' ? 0 : 1, state[key][i]),
            move: (_x, y, { height, em }) => set((height - 3 * em - y) / (height - 4.6 * em)),
            nudge: (right, up, state) => set(state[key][i] + right + up),
            text: (state) => short(state[key][i]),
            now: (state) => state[key][i],
          });
        }
      });
    },
  });
}
