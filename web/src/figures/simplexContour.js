// Three-outcome cross-entropy seen from above: p and q on the triangle, rings of equal gap, the minimum at q = p.
import { amount } from '../dom.js';
import { figure } from '../figure.js';
import { crossEntropy, entropy, klDivergence } from '../numerics/index.js';
import { around, carry, inWords, map, markModel, markTruth, tag } from './contour.js';
import { frame, toPoint } from './triangle.js';
/** @import { Context } from '../types' */

/** @param {Context} context */
export function contourFigure(context) {
  const ground = map();
  return figure(context, {
    id: 'contour',
    title: 'All forecasts q, shaded by the gap KL(p‖q); each ring is labelled with its gap',
    ratio: 0.78,
    draw(pen, state, size) {
      pen.group('map', {}, () => {
        const { p, q, unit } = state;
        const [at, to] = [toPoint(p, size), toPoint(q, size)];
        const taken = ground.draw(pen, state, size);
        taken.push(around(to, size.em));
        const gap = klDivergence(p, q);
        const lower = Math.sign(at[1] - to[1]) || -1; // the upper point's word stands above it
        const far = Math.hypot(to[0] - at[0], to[1] - at[1]);
        const out = Math.min(1, (0.62 * size.em) / (far || 1)); // the line leaves the middle of the minimum free
        pen.line('line kl', at[0] + out * (to[0] - at[0]), at[1] + out * (to[1] - at[1]), to[0], to[1]);
        const narrow = size.width < 26 * size.em;
        const least = `H(p) = ${amount(entropy(p), unit, 3)}`;
        const cost = gap === Infinity ? 'inf' : `${narrow ? '' : 'H(p) '}+ ${amount(gap, unit, 3)}`;
        tag(pen, 'truth-text', at, narrow ? least : `p: ${least}`, size, taken, lower);
        tag(pen, 'model-text', to, `q: ${cost}`, size, taken, -lower);
        ground.names(pen, size, taken);
        markTruth(pen, at, size.em);
        markModel(pen, to, size.em);
      });
      frame(pen, size);
    },
    describe: ({ p, q, unit }) =>
      `The triangle of all forecasts. Around the truth p (${inWords(p)}) lie rings of equal cross-entropy; the least, ` +
      `H(p) = ${amount(entropy(p), unit)}, is at q = p. At q (${inWords(q)}) it is ` +
      `${amount(crossEntropy(p, q), unit)}, ${amount(klDivergence(p, q), unit)} more.`,
    setup(stage) {
      carry(context, stage, 'p', 'p', 'Truth p on the triangle');
      carry(context, stage, 'q', 'q', 'Forecast q on the triangle');
    },
  });
}
