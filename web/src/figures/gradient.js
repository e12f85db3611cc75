// The two figures of the gradient: where the forecast is pushed to, and how hard, however wrong it is.
import { axes } from '../axes.js';
import { OUTCOMES } from '../controls.js';
import { short } from '../dom.js';
import { figure, handle } from '../figure.js';
import { logitGradient, softmax, sum } from '../numerics/index.js';
/** @import { Pen } from '../pen.js' */
/** @import { Context, Size, State } from '../types' */

const EDGE = 20; // logits go from -20 to 20

/** The gradient of half the squared error, ½ ∑ (s - p)², by the logits: each error times the slope of the softmax.
 * @param {readonly number[]} p @param {readonly number[]} z @param {number} tau */
export function squaredGradient(p, z, tau) {
  const s = softmax(z, tau);
  const mean = sum(3, (j) => (s[j] - p[j]) * s[j]);
  return s.map((v, i) => (v * (v - p[i] - mean)) / tau);
}

/** With a sign, for people; what is too small to print is not 0. @param {number} value */
export const signed = (value) =>
  value && Math.abs(value) < 0.00005 ? '≈ 0' : (value > 0 ? '+' : '') + short(value, 4);

/** A share above its bar: two decimals, and never 0 or 1 where it is not.
 * @param {number} share @param {boolean} wide else there is no room for a leading 0 */
export function rounded(share, wide) {
  const text =
    share > 0 && share < 0.005
      ? '<0.01'
      : share < 1 && share > 0.995
        ? '>0.99'
        : `${Number(share.toFixed(2))}`;
  return wide ? text : text.replace('0.', '.');
}

/** An upright arrow; without a head where there is no room for one.
 * @param {Pen} pen @param {number} x @param {number} from @param {number} to @param {number} em */
function arrow(pen, x, from, to, em) {
  const head = Math.min(0.6 * em, Math.abs(to - from)) * Math.sign(to - from);
  pen.line('line ink', x, from, x, to - 0.6 * head);
  pen.path(
    'arrow',
    [
      [x, to],
      [x - 0.4 * em, to - head],
      [x + 0.4 * em, to - head],
    ],
    true,
  );
}

/** @param {Context} context */
export function pushFigure(context) {
  return figure(context, {
    id: 'push',
    title: 'Truth, forecast, and the push on each logit',
    ratio: 0.55,
    draw(pen, state, size) {
      const { width, height, em } = size;
      const { p, z, tau } = state;
      const s = softmax(z, tau);
      const g = logitGradient(p, z, tau);
      pen.text('end strong truth-text', width - 12.4 * em, 0.9 * em, 'truth p');
      pen.text('end strong model-text', width - 6.4 * em, 0.9 * em, 'forecast s');
      pen.text('end strong', width - 0.8 * em, 0.9 * em, tau === 1 ? '↕ push' : '↕ push × τ');
      pen.group('', { transform: `translate(0 ${1.2 * em})` }, () => {
        const chart = { width, height: height - 1.2 * em, em };
        const { inside, Y } = axes(
          pen,
          chart,
          { span: [0, 1], name: '', ticks: [] },
          { span: [0, 1], name: 'share' },
        );
        const { left, right, bottom } = inside;
        const column = (right - left) / 3;
        const wide = column > 6.5 * em;
        pen.text('name start', 0.2 * em, bottom + 2.5 * em, 'push');
        for (let i = 0; i < 3; i++) {
          const at = (/** @type {number} */ share) => left + (i + share) * column;
          const w = 0.28 * column;
          pen.rect('area truth', at(0.08), Y(p[i]), w, bottom - Y(p[i]));
          pen.rect('area model', at(0.42), Y(s[i]), w, bottom - Y(s[i]));
          pen.line('guide', at(0.36), Y(p[i]), at(0.85), Y(p[i]));
          pen.line('guide', at(0.7), Y(s[i]), at(0.85), Y(s[i]));
          pen.text('middle halo truth-text', at(0.22), Y(p[i]) - 0.4 * em, rounded(p[i], wide));
          pen.text('middle halo model-text', at(0.56), Y(s[i]) - 0.4 * em, rounded(s[i], wide));
          arrow(pen, at(0.85), Y(s[i]), Y(p[i]), em);
          pen.text('middle', at(0.5), bottom + 1.2 * em, OUTCOMES[i]);
          pen.text('middle strong', at(0.5), bottom + 2.5 * em, signed(0 - g[i]));
        }
      });
    },
    describe({ p, z, tau }) {
      const s = softmax(z, tau).map((v) => short(v));
      const push = logitGradient(p, z, tau).map((v, i) => `${OUTCOMES[i]} ${signed(0 - v)}`);
      return `Bars of the truth ${p.map((v) => short(v)).join(', ')} and the forecast ${s.join(', ')}; arrows from forecast to truth push the logits: ${push.join(', ')}, in sum 0.`;
    },
  });
}

/** Three panels, side by side, one for each logit.
 * @param {Size} size @param {number} tau */
function panels({ width, height, em }, tau) {
  const left = 3.2 * em;
  const step = (width - 0.4 * em - left) / 3;
  const top = 2.8 * em;
  const bottom = height - 3 * em;
  return {
    top,
    bottom,
    left: (/** @type {number} */ i) => left + i * step,
    breadth: step - 0.6 * em,
    X: (/** @type {number} */ i, /** @type {number} */ z) =>
      left + i * step + ((z + EDGE) / (2 * EDGE)) * (step - 0.6 * em),
    Y: (/** @type {number} */ g) => (top + bottom) / 2 - (g * tau * (bottom - top)) / 2,
  };
}

/** @param {number} v */
const kept = (v) => Math.min(EDGE, Math.max(-EDGE, v));

/** Logits at which to look: evenly, and closely where the share of this one goes from 0 to 1.
 * @param {readonly number[]} z @param {number} i @param {number} tau */
export function places(z, i, tau) {
  const [a, b] = z.filter((_, j) => j !== i);
  const half = Math.max(a, b) + tau * Math.log1p(Math.exp(-Math.abs(a - b) / tau)); // here the share is ½
  const all = [];
  for (let k = -25; k <= 25; k++) all.push((EDGE * k) / 25, kept(half + (tau * k) / 3));
  return all.sort((x, y) => x - y);
}

/** @param {Context} context */
export function slopeFigure(context) {
  /** @param {State} state @param {number} i @param {number} value */
  const moved = ({ z }, i, value) => z.map((v, j) => (i === j ? value : v));
  return figure(context, {
    id: 'slope',
    title: 'The gradient as one logit moves, compared with that of squared error, ½ ∑ (s − p)²',
    ratio: 0.46,
    draw(pen, state, size) {
      const { width, em } = size;
      const { p, z, tau } = state;
      const { top, bottom, left, breadth, X, Y } = panels(size, tau);
      const wide = breadth > 7 * em;
      pen.text('name start', 0.2 * em, 2.2 * em, wide ? 'gradient' : 'gradient by the logit of');
      pen.line('line ink', width - 16.6 * em, 0.6 * em, width - 15.1 * em, 0.6 * em);
      pen.text('end', width - 8.8 * em, 0.9 * em, 'cross-entropy');
      pen.line('line faint', width - 8.1 * em, 0.6 * em, width - 6.6 * em, 0.6 * em);
      pen.text('end', width - 0.4 * em, 0.9 * em, 'squared error');
      for (const g of [-1 / tau, 0, 1 / tau])
        pen.text('tick end', left(0) - 0.4 * em, Y(g) + 0.35 * em, short(g, 2));
      for (let i = 0; i < 3; i++) {
        for (const part of [-1, 0, 1])
          pen.line(part ? 'grid' : 'axis', left(i), Y(part / tau), left(i) + breadth, Y(part / tau));
        for (const tick of wide ? [-10, 0, 10] : [-10, 10]) {
          pen.line('grid', X(i, tick), top, X(i, tick), bottom);
          pen.text('tick middle', X(i, tick), bottom + 1.2 * em, short(tick));
        }
        pen.text('name middle', X(i, 0), bottom + 2.5 * em, `${wide ? 'logit of ' : ''}${OUTCOMES[i]}`);
        const lines = { 'line faint': squaredGradient, 'line ink': logitGradient };
        for (const [look, gradient] of Object.entries(lines)) {
          pen.path(
            look,
            places(z, i, tau).map((v) => [X(i, v), Y(gradient(p, moved(state, i, v), tau)[i])]),
          );
        }
        const x = X(i, z[i]);
        const y = Y(logitGradient(p, z, tau)[i]);
        pen.line('guide', x, Y(0), x, y);
        pen.circle('point ink', x, y, 0.45 * em);
      }
    },
    describe({ p, z, tau }) {
      const g = logitGradient(p, z, tau).map((v) => short(v));
      const squared = squaredGradient(p, z, tau).map((v) => short(v));
      return `As a logit grows, the gradient of cross-entropy rises from −p/τ towards (1 − p)/τ; here it is ${g.join(', ')}. That of squared error dies at both ends; here it is ${squared.join(', ')}.`;
    },
    setup(stage) {
      OUTCOMES.forEach((outcome, i) =>
        handle(context, stage, {
          name: `z${i + 1}`,
          label: `Logit of ${outcome}`,
          place(state, size) {
            const { X, Y } = panels(size, state.tau);
            return [X(i, state.z[i]), Y(logitGradient(state.p, state.z, state.tau)[i])];
          },
          move(x, _y, size) {
            const { X } = panels(size, 1);
            const value = ((x - X(i, 0)) / (X(i, EDGE) - X(i, 0))) * EDGE;
            context.set({ z: moved(context.state, i, kept(value)) });
          },
          nudge: (right, up, state) =>
            context.set({ z: moved(state, i, kept(state.z[i] + 2 * EDGE * (right + up))) }),
          text: ({ p, z, tau }) => `${short(z[i])}: gradient ${short(logitGradient(p, z, tau)[i])}`,
          now: (state) => (state.z[i] + EDGE) / (2 * EDGE),
        }),
      );
    },
  });
}
