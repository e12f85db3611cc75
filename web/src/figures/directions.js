// The two directions of the divergence: what each outcome adds to them, and the rings of both around the truth.
import { axes } from '../axes.js';
import { OUTCOMES } from '../controls.js';
import { amount, perNat, short } from '../dom.js';
import { figure, handle } from '../figure.js';
import { jsDivergence, klDivergence } from '../numerics/index.js';
import { brief } from './blocks.js';
import { around, inWords, map, markModel, markTruth, tag } from './contour.js';
import { frame, nudge, toPoint, toShares } from './triangle.js';
/** @import { Context, Shares, Size, State } from '../types' */

const CEILING = { nats: 2, bits: 4 }; // a tick, so that the plane has its number

/** What an outcome adds to KL(a‖b): a log(a/b). @param {number} a @param {number} b */
export const part = (a, b) => (a === 0 ? 0 : a * Math.log(a / b));

/** With as many decimals as its neighbours; what is too small for them is not 0.
 * @param {number} value @param {number} digits */
export function rounded(value, digits) {
  if (!Number.isFinite(value) || value === 0) return short(value);
  return Math.abs(value) < 0.5 * 10 ** -digits ? '≈ 0' : value.toFixed(digits).replace('-', '−');
}

/** Both directions: their names, and which shares they take first.
 * @param {State} state @returns {{ name: string, first: Shares, second: Shares, look: string, weight: string }[]} */
const both = ({ p, q }) => [
  { name: 'KL(p‖q)', first: p, second: q, look: 'truth-text', weight: 'p' },
  { name: 'KL(q‖p)', first: q, second: p, look: 'model-text', weight: 'q' },
];

/** The halves of a stage: side by side, or one below the other where it is narrow.
 * @param {Size} size @returns {{ dx: number, dy: number, size: Size }[]} */
export function halves({ width, height, em }) {
  const wide = width >= 26 * em;
  const size = wide ? { width: width / 2, height, em } : { width, height: height / 2, em };
  return [0, 1].map((i) => ({ dx: wide ? i * size.width : 0, dy: wide ? 0 : i * size.height, size }));
}

/** @param {State} state */
const told = ({ p, q, unit }) =>
  `KL(p‖q) is ${amount(klDivergence(p, q), unit)}, KL(q‖p) is ${amount(klDivergence(q, p), unit)}`;

/** @param {Context} context */
export function partsFigure(context) {
  return figure(context, {
    id: 'parts',
    title: 'What each outcome adds, and the sum',
    ratio: (ems) => (ems < 26 ? 1.5 : 0.5),
    draw(pen, state, whole) {
      const scale = perNat(state.unit);
      const cut = CEILING[state.unit];
      both(state).forEach(({ name, first, second, look, weight }, half) => {
        const { dx, dy, size } = halves(whole)[half];
        const { em } = size;
        pen.group('', { transform: `translate(${dx} ${dy})` }, () => {
          const { inside, Y } = axes(
            pen,
            { ...size, height: size.height - 0.6 * em },
            { span: [0, 1], name: '', ticks: [] },
            { span: [-0.75 * scale, 1.2 * cut], name: state.unit },
          );
          const { left, right, top, bottom } = inside;
          const step = (right - left) / 4;
          const sum = klDivergence(first, second);
          pen.text('end strong', right, 0.9 * em, `${name} = ∑ ${weight} log(${weight}/${half ? 'p' : 'q'})`);
          pen.line('axis', left, Y(0), right, Y(0));
          pen.line('grid', right - step, top, right - step, bottom + 2.6 * em);
          pen.text('name start', 0.2 * em, bottom + 2.5 * em, weight);
          [...first.map((share, i) => part(share, second[i])), sum].forEach((nats, i) => {
            const value = nats * scale;
            const x = left + (i + 0.5) * step;
            const saving = value < 0;
            const end = Y(Math.min(value, cut));
            pen
              .rect(
                saving ? 'saving' : 'excess',
                x - 0.3 * step,
                Math.min(end, Y(0)),
                0.6 * step,
                Math.abs(end - Y(0)),
              )
              .setAttribute('fill', saving ? pen.dots : pen.hatch);
            const text = rounded(value, step > 4 * em ? 3 : 2);
            if (value > cut) pen.line('guide', left, end, right, end);
            pen.text(
              `middle halo${i < 3 ? '' : ' strong kl-text'}`,
              x,
              saving ? end + 1.1 * em : end - 0.4 * em,
              value > cut && value < Infinity ? `${text} ↑` : text,
            );
            pen.text('middle', x, bottom + 1.2 * em, OUTCOMES[i] ?? 'sum');
            pen.text(`middle ${look}`, x, bottom + 2.5 * em, i < 3 ? brief(first[i]) : '');
          });
        });
      });
    },
    describe(state) {
      const all = both(state).map(({ first, second }) =>
        first.map((share, i) => short(part(share, second[i]) * perNat(state.unit))).join(', '),
      );
      return `Bars of what rain, cloud and sun add: forwards ${all[0]}, backwards ${all[1]} ${state.unit}. ${told(state)}.`;
    },
  });
}

/** @param {Context} context */
export function ringsFigure(context) {
  const maps = [map(84), map(84, true)];
  const above = 1.4; // em, for a title
  /** @param {Size} whole */
  const parts = (whole) =>
    halves(whole).map(({ dx, dy, size }) => {
      const down = dy + above * size.em;
      return { dx, down, size: { ...size, height: size.height - above * size.em } };
    });
  return figure(context, {
    id: 'rings',
    title: 'Rings of forecasts q equally far from p, forwards and backwards',
    ratio: (ems) => (ems < 26 ? 2.05 : 0.52),
    draw(pen, state, whole) {
      const { p, q, unit } = state;
      both(state).forEach(({ name, first, second }, half) => {
        const { dx, down, size } = parts(whole)[half];
        const { width, em } = size;
        pen.group('', { transform: `translate(${dx} ${down})` }, () => {
          pen.text(
            'middle strong',
            width / 2,
            -0.4 * em,
            `${name} = ${amount(klDivergence(first, second), unit, 3)}`,
          );
          const [at, to] = [toPoint(p, size), toPoint(q, size)];
          pen.group('map', {}, () => {
            const taken = maps[half].draw(pen, state, size);
            taken.push(around(to, em));
            tag(pen, 'truth-text', at, 'p', size, taken, at[1] > to[1] ? 1 : -1);
            tag(pen, 'model-text', to, 'q', size, taken, at[1] > to[1] ? -1 : 1);
            // Backwards from an edge or a corner there are no rings: what p rules out, q must not invent.
            if (half && Math.min(...p) === 0)
              tag(pen, '', toPoint([0.3, 0.3, 0.4], size), 'inf', size, taken);
            maps[half].names(pen, size, taken);
            markTruth(pen, at, em);
            markModel(pen, to, em);
          });
          frame(pen, size);
        });
      });
    },
    describe: (state) =>
      `Two triangles of all forecasts around the truth p (${inWords(state.p)}), shaded by the divergence from p to q and from q to p. At q (${inWords(state.q)}) ${told(state)}.`,
    setup(stage) {
      ['q-forward', 'q-reverse'].forEach((name, half) =>
        handle(context, stage, {
          name,
          label: `Forecast q, ${half ? 'backwards' : 'forwards'}`,
          place({ q }, whole) {
            const { dx, down, size } = parts(whole)[half];
            const [x, y] = toPoint(q, size);
            return [x + dx, y + down];
          },
          move(x, y, whole) {
            const { dx, down, size } = parts(whole)[half];
            context.set({ q: toShares(x - dx, y - down, size) });
          },
          nudge: (right, up) => nudge(context, 'q', right, up),
          text: (state) => `${inWords(state.q)}: ${told(state)}`,
          now: ({ q }) => q[2],
        }),
      );
    },
  });
}

/** @param {Context} context */
export function jsFigure(context) {
  return figure(context, {
    id: 'js',
    title: 'Jensen–Shannon: the same both ways, and never more than 1 bit',
    ratio: (ems) => 4 / ems,
    draw(pen, { p, q, unit }, { width, em }) {
      const [left, right] = [0.5 * em, width - 0.5 * em];
      const js = jsDivergence(p, q);
      const end = left + (js / Math.LN2) * (right - left);
      pen.rect('gauge', left, 0.3 * em, right - left, 1.5 * em);
      pen.rect('excess', left, 0.3 * em, end - left, 1.5 * em).setAttribute('fill', pen.hatch);
      pen.text('start tick', left, 3.1 * em, '0');
      pen.text('end tick', right, 3.1 * em, amount(Math.LN2, unit));
      const middle = Math.min(Math.max(end, left + 6 * em), right - 10.5 * em);
      pen.text('middle strong kl-text', middle, 3.1 * em, `JS = ${amount(js, unit)}`);
    },
    describe: ({ p, q, unit }) =>
      `A bar: the Jensen–Shannon divergence is ${amount(jsDivergence(p, q), unit)} of at most ${amount(Math.LN2, unit)}.`,
  });
}
