// Surprisal: how many nats or bits one outcome is worth.
import { axes, curve, room } from '../axes.js';
import { amount, number, perNat, short } from '../dom.js';
import { figure, handle } from '../figure.js';
import { surprisal as nats } from '../numerics/index.js';
import { pythonProgram } from '../python.js';
/** @import { Pen } from '../pen.js' */
/** @import { Chapter, Context, Size, State } from '../types' */

const CEILING = 5; // nats; the curve goes on to infinity

/** @param {Pen} pen @param {Size} size @param {State} state */
function frame(pen, size, state) {
  return axes(
    pen,
    size,
    { span: [0, 1], name: 'probability of what happened, x' },
    { span: [0, CEILING * perNat(state.unit)], name: `surprisal (${state.unit})` },
  );
}

/** Where the point stands on the stage, without drawing.
 * @param {State} state @param {Size} size */
function point(state, size) {
  const { left, right, top, bottom } = room(size);
  const up = Math.min(nats(state.x), CEILING) / CEILING;
  return [left + state.x * (right - left), bottom - up * (bottom - top)];
}

/** @param {Context} context */
function curveFigure(context) {
  return figure(context, {
    id: 'curve',
    title: 'Surprisal of an outcome against its probability',
    ratio: 0.62,
    draw(pen, state, size) {
      const { em } = size;
      const { X, Y, inside } = frame(pen, size, state);
      const unit = perNat(state.unit);
      const top = CEILING * unit;
      pen.path(
        'truth line',
        curve((x) => nats(x) * unit, [0, 1], X, Y, top),
      );
      const [x, y] = point(state, size);
      pen.line('guide', x, inside.bottom, x, y);
      pen.line('guide', inside.left, y, x, y);
      pen.circle('truth point', x, y, 0.45 * em);
      const right = x > 0.6 * size.width;
      const high = y < 2.6 * em; // below the top: above it stands the name of the axis
      const value = nats(state.x);
      pen.text(
        `${right ? 'end' : 'start'} strong truth-text`,
        x + (right ? -0.3 : high ? 1.2 : 0.8) * em,
        y + (high ? 1.1 : -0.7) * em,
        amount(value, state.unit) + (value > CEILING ? ', beyond the top' : ''),
      );
    },
    describe: (state) =>
      `The curve of -log x falls from infinity at x = 0 to 0 at x = 1; at x = ${short(state.x)} it is ${amount(nats(state.x), state.unit)}.`,
    setup(stage) {
      handle(context, stage, {
        name: 'x',
        label: 'Probability of what happened',
        place: point,
        move(px, _py, size) {
          const { left, right } = room(size);
          context.set({ x: Math.min(1, Math.max(0, (px - left) / (right - left))) });
        },
        nudge: (right, up, { x }) => context.set({ x: Math.min(1, Math.max(0, x + right + up)) }),
        text: (state) => `${short(state.x)}: ${amount(nats(state.x), state.unit)}`,
        now: (state) => state.x,
      });
    },
  });
}

/** @type {Chapter} */
export const surprisal = {
  id: 'surprisal',
  title: 'Surprisal',
  lead: 'How surprised are you by what happens? The less likely it was, the more.',
  formula: 's ( x ) = − log x',
  text: [
    'Tomorrow it rains with probability $x$. If it does rain, the *surprisal* is $− log x$: 0 if rain was certain, and growing without limit the less likely it was.',
    'Why a logarithm? Chances of independent things multiply, and surprises should add up: two heads have probability ½ × ½ and surprisal 1 + 1 bits. So an outcome of 3 bits is as surprising as three heads in a row. The logarithm to base 2 counts *bits*, the natural one *nats*: 1 bit is ln 2, about 0.693 nats.',
  ],
  mind: 'surprisal has no upper limit. If something given probability 0 does happen, its surprisal is infinite: this page says *inf* and does not clip it.',
  sliders: [{ name: 'x', label: 'Probability of what happened, x' }],
  quantities: [{ name: 'surprisal', label: 'Surprisal', value: (state) => nats(state.x) }],
  presets: [
    { id: 'coin', label: 'A fair coin', change: () => ({ x: 0.5 }) },
    { id: 'die', label: 'A six', change: () => ({ x: 1 / 6 }) },
    { id: 'million', label: 'One in a million', change: () => ({ x: 1e-6 }) },
    { id: 'certain', label: 'Certain', change: () => ({ x: 1 }) },
    { id: 'impossible', label: 'Ruled out', change: () => ({ x: 0 }) },
  ],
  figures: [curveFigure],
  question: {
    ask: 'An outcome had probability ¼. How many heads in a row are just as surprising?',
    choices: ['Two', 'Four', 'A quarter of one'],
    right: 0,
    why: 'Two heads in a row have probability ½ × ½ = ¼: surprisal 2 bits. Probabilities multiply, surprisals add.',
    show: { x: 0.25, unit: 'bits' },
  },
  python: (state) => pythonProgram(state, { x: state.x }, [{ name: 'surprisal', call: 'xent.surprisal(x)' }]),
  sentence: (state) => `Surprisal of probability ${number(state.x)}: ${amount(nats(state.x), state.unit)}.`,
};
