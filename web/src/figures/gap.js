// Cross-entropy along the straight line of models that leads from the truth through the forecast: entropy is its
// lowest point, the divergence its height above it.
import { axes, curve } from '../axes.js';
import { amount, perNat } from '../dom.js';
import { figure } from '../figure.js';
import { crossEntropy, entropy, klDivergence } from '../numerics/index.js';
import { brief, CEILING, digits3, patterned, plane } from './blocks.js';
/** @import { Context, Shares } from '../types' */

const SPAN = /** @type {const} */ ([-0.3, 2]);

/** Where a line leads when the forecast is the truth: to even shares, or from these to a corner.
 * @param {Shares} p @param {Shares} q */
export function target(p, q) {
  if (p.some((share, i) => share !== q[i])) return q;
  return Math.max(...p) < 0.34 ? [0, 0, 1] : [1 / 3, 1 / 3, 1 / 3];
}

/** The model at `t` on the line: p at 0, q at 1. @param {Shares} p @param {Shares} q @param {number} t */
export const along = (p, q, t) => p.map((share, i) => Math.max(0, share + t * (q[i] - share)));

/** From where to where no share is negative, within the span shown. @param {Shares} p @param {Shares} q */
export function ends(p, q) {
  let [low, high] = /** @type {readonly number[]} */ (SPAN);
  p.forEach((share, i) => {
    const t = share / (share - q[i]);
    if (q[i] < share) high = Math.min(high, t);
    else if (q[i] > share) low = Math.max(low, t);
  });
  return /** @type {const} */ ([low, high]);
}

/** @param {Context} context */
export function gapFigure(context) {
  return figure(context, {
    id: 'gap',
    title: 'All forecasts on the line through the truth and this one',
    ratio: 0.58,
    draw(pen, state, size) {
      const { p, q, unit } = state;
      const { em, width } = size;
      const per = perNat(unit);
      const top = CEILING[unit];
      const to = target(p, q);
      const same = to !== q;
      const { X, Y, inside } = axes(
        pen,
        size,
        {
          span: SPAN,
          name: 'forecast on the line',
          ticks: same ? [0] : [0, 1],
          label: (t) => (t ? 'this q' : 'q = p'),
        },
        { span: [0, top], name: `cross-entropy (${unit})` },
      );
      const [own, cost] = [entropy(p) * per, crossEntropy(p, q) * per];
      const gap = klDivergence(p, q) * per;
      const at = X(same ? 0 : 1);
      const [low, high] = [Y(own), Y(Math.min(cost, top))];
      const half = 0.7 * em;
      patterned(pen, pen.hatch, at - half, high, 2 * half, low - high);
      pen.line('truth line', inside.left, low, inside.right, low);
      const path = curve((t) => crossEntropy(p, along(p, to, t)) * per, ends(p, to), X, Y, top);
      pen.path('model line', path);
      if (gap > 0) pen.line('kl line', at, low, at, high);
      plane(pen, size, inside, state, cost > top ? [at] : []);
      pen.circle('truth point', X(0), low, 0.45 * em);
      if (cost <= top) pen.circle('model point', at, high, 0.45 * em);
      const wide = width > 26 * em;
      const written = (/** @type {number} */ value) => (wide ? `${digits3(value)} ${unit}` : brief(value));
      const below = low + 1.5 * em < inside.bottom;
      pen.text(
        'end strong halo truth-text',
        inside.right,
        low + (below ? 1.3 : -0.5) * em,
        `H(p) = ${written(own)}`,
      );
      const kl = `KL = ${written(gap)}`;
      if (same) {
        // High above the lowest point: the curve rises on both sides of it.
        const y = inside.top + 0.25 * (low - inside.top);
        pen.line('guide', at, low, at, y + 0.5 * em);
        pen.text('strong halo kl-text', inside.left + 0.5 * em, y, wide ? `q = p: ${kl}` : 'q = p: KL = 0');
        return;
      }
      // Left above the curve, which is convex, there is room; right of the gap, below the curve, while it is wide.
      const near = low - high < 3 * em;
      const stack = wide ? [`H(p, q) = ${written(cost)}`] : ['H(p, q)', `= ${written(cost)}`];
      if (near) stack.unshift(kl);
      else pen.text('strong halo kl-text', at + 1.1 * em, (low + high) / 2 + 0.3 * em, kl);
      const tall = 1.25 * stack.length * em;
      const y = high - tall < inside.top ? high + 0.1 * em + tall : high - 0.6 * em;
      stack.forEach((text, i) =>
        pen.text(
          `end strong halo ${text === kl ? 'kl' : 'model'}-text`,
          at - 1.1 * em,
          y - (stack.length - 1 - i) * 1.25 * em,
          text,
        ),
      );
    },
    describe: ({ p, q, unit }) =>
      `On the line of forecasts through p and q the cross-entropy is lowest at q = p, where it is the entropy, ${amount(entropy(p), unit)}; at this q it is ${amount(crossEntropy(p, q), unit)}, higher by KL, ${amount(klDivergence(p, q), unit)}.`,
  });
}
