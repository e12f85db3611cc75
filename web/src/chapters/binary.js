// Two outcomes: the loss of a yes-no forecast, with labels that are certain and labels that are not.
import { axes, curve } from '../axes.js';
import { amount, number, perNat, short } from '../dom.js';
import { figure, handle } from '../figure.js';
import { binarySurface } from '../figures/binarySurface.js';
import { overlap } from '../figures/contour.js';
import {
  binaryCrossEntropy as loss,
  binaryEntropy as floor,
  binaryKlDivergence as gap,
} from '../numerics/index.js';
import { pythonProgram } from '../python.js';
/** @import { Box } from '../figures/contour.js' */
/** @import { Chapter, Context, Size, State } from '../types' */

const CEILING = 3; // nats; the curves go on to infinity

/** Where a prediction and a loss stand on the stage, without drawing.
 * @param {Size} size @param {number} yhat @param {number} nats */
function place({ width, height, em }, yhat, nats) {
  const left = 3.2 * em;
  const bottom = height - 3 * em;
  const up = Math.min(nats, CEILING) / CEILING;
  return [left + yhat * (width - 0.8 * em - left), bottom - up * (bottom - 1.6 * em)];
}

/** The prediction at a place on the stage. @param {number} x @param {Size} size */
const share = (x, { width, em }) => within((x - 3.2 * em) / (width - 4 * em));

/** @param {number} value */
const within = (value) => Math.min(1, Math.max(0, value));

/** @param {Context} context */
function curves(context) {
  return figure(context, {
    id: 'curves',
    title: 'Loss against prediction for labels 1, 0 and y. Drag the points.',
    ratio: 0.62,
    draw(pen, { y, yhat, unit }, size) {
      const { em } = size;
      const nat = perNat(unit);
      const narrow = size.width < 30 * em;
      const top = CEILING * nat;
      const { X, Y, inside } = axes(
        pen,
        size,
        { span: [0, 1], name: 'prediction ŷ: probability given to yes' },
        { span: [0, top], name: `loss (${unit})` },
      );
      /** @param {number} label */
      const line = (label) => curve((v) => loss(label, v) * nat, [0, 1], X, Y, top);
      pen.path('line hard', line(1));
      pen.path('line hard dashed', line(0));
      pen.path('line truth', line(y));
      const [now, bottom] = [loss(y, yhat), floor(y)];
      const [x, high] = place(size, yhat, now);
      const [vx, low] = place(size, y, bottom);

      // The least loss, and the gap above it
      pen.line('guide', inside.left, low, inside.right, low);
      pen.rect('', x - 0.3 * em, high, 0.6 * em, low - high).setAttribute('fill', pen.hatch);
      /** @type {Box[]} */
      const taken = [
        { x, y: (low + high) / 2, w: em, h: low - high },
        { x: vx, y: low, w: em, h: em },
      ];
      /** A word at the first of these middles that is free; beside anything else it would only be in the way.
       * @param {string} look @param {string} text @param {number[][]} spots */
      const say = (look, text, spots) => {
        const w = (look.includes('strong') ? 0.56 : 0.46) * em * text.length;
        const [left, right] = [inside.left + 0.3 * em + w / 2, inside.right + 0.2 * em - w / 2];
        const box = spots
          .filter(([, v]) => v < inside.bottom)
          .map(([u, v]) => ({ x: Math.min(right, Math.max(left, u)), y: v, w, h: 1.2 * em }))
          .find((one) => !taken.some((other) => overlap(one, other)));
        if (!box) return;
        taken.push(box);
        pen.text(`${look} middle halo`, box.x, box.y + 0.3 * em, text);
        return box.y;
      };
      const words = `${amount(now, unit)}${now > CEILING ? ', beyond the top' : ''}`;
      const far = (yhat > y ? -1 : 1) * (0.28 * words.length + 0.9) * em; // first where the curve falls
      const beside = Math.max(high - 0.9 * em, inside.top + 0.8 * em);
      const rows = [beside, high - 2 * em, beside + 2.4 * em];
      say(
        'strong',
        words,
        rows.flatMap((v) => [
          [x + far, v],
          [x - far, v],
        ]),
      );
      const ends = y > 0.5 ? [0, size.width] : [size.width, 0];
      say(
        'truth-text',
        `${narrow ? '' : 'least: '}H(y) = ${amount(bottom, unit, 3)}`,
        [1, -0.7].flatMap((down) => ends.map((u) => [u, low + down * em])),
      );
      for (const label of [1, 0]) {
        const text = label ? 'y = 1: −log ŷ' : 'y = 0: −log(1 − ŷ)';
        const off = (0.23 * text.length + 0.6) * em;
        /** @param {number} nats */
        const at = (nats) => [
          label ? X(Math.exp(-nats)) + off : X(1 - Math.exp(-nats)) - off,
          Y(nats * nat) - 0.3 * em,
        ];
        say('tick', text, [2.5, 2, 1.6, 1.3].map(at));
      }
      const text = `ŷ = ½: always ${amount(Math.LN2, unit, 3)}`;
      const coin = say(
        'tick',
        text,
        [0.16, 1.25, 1.6, 1.9, 2.2].map((nats) => [X(0.5), Y(nats * nat)]),
      );
      const half = Y(Math.LN2 * nat);
      if (coin) pen.line('guide', X(0.5), coin + (coin < half ? 0.6 : -0.6) * em, X(0.5), half);
      pen.circle('ink point', X(0.5), half, 0.25 * em);
      const excess = `gap ${amount(gap(y, yhat), unit, 3)}`;
      const aside = (0.23 * excess.length + 0.9) * em;
      const middle = (low + high) / 2;
      if (low - high > 1.6 * em && now < CEILING) {
        say('kl-text', excess, [
          [x + aside, middle],
          [x - aside, middle],
        ]);
      }
      pen.circle('truth point', vx, low, 0.4 * em);
      pen.circle('model point', x, high, 0.45 * em);
    },
    describe: ({ y, yhat, unit }) =>
      `Three curves of loss against prediction: label 1 falls to 0 at the right, label 0 to 0 at the left, label ${short(y)} to ${amount(floor(y), unit)} at ŷ = y; at the prediction ${short(yhat)} it is ${amount(loss(y, yhat), unit)}, ${amount(gap(y, yhat), unit)} above its least.`,
    setup(stage) {
      /** @param {'y' | 'yhat'} name @param {string} label @param {(state: State) => number} height @param {string} words */
      const grip = (name, label, height, words) =>
        handle(context, stage, {
          name,
          label,
          place: (state, size) => place(size, state[name], height(state)),
          move: (x, _y, size) => context.set({ [name]: share(x, size) }),
          nudge: (right, up, state) => context.set({ [name]: within(state[name] + right + up) }),
          text: (state) => `${short(state[name])}: ${words}${amount(height(state), state.unit)}`,
          now: (state) => state[name],
        });
      grip('y', 'Label y', ({ y }) => floor(y), 'at least ');
      grip('yhat', 'Prediction ŷ', ({ y, yhat }) => loss(y, yhat), '');
    },
  });
}

/** @type {Chapter} */
export const binary = {
  id: 'binary',
  title: 'Binary loss',
  lead: 'Will it rain? With two outcomes one number is the whole forecast, and cross-entropy is the loss most classifiers learn by.',
  formula: '− [ y log ŷ + ( 1 − y ) log ( 1 − ŷ ) ]',
  text: [
    'The prediction $ŷ$ is the probability given to *yes*. A *hard label* says what happened: $y = 1$ for yes, $y = 0$ for no. One of the two terms vanishes, and the loss is the surprisal of what happened: $− log ŷ$ or $− log ( 1 − ŷ )$. Mind the brackets: it is the logarithm of $1 − ŷ$.',
    'A *soft label* is a share: when three of ten radar readings say rain, $y = 0.3$. The loss is then a mix of both surprisals, and its minimum is not 0 but $H ( y )$, the entropy of the label, reached at $ŷ = y$. All above that is the gap, $KL ( y ‖ ŷ )$.',
    'The surface shows every label at once. The loss of one prediction is linear in the label: the thin lines are straight. They rest on a *valley* along $ŷ = y$, the thick line, which rises from 0 to log 2 in the middle and falls to 0 again.',
    'Models move the *logit* of $ŷ$, $log ( ŷ / ( 1 − ŷ ) )$. Along it the slope of the loss, in nats, is just $ŷ − y$: how far the prediction is off.',
  ],
  mind: 'with soft labels a loss that stays above 0 is no failure. Compare it with $H ( y )$, not with 0.',
  sliders: [
    { name: 'y', label: 'Label y: how much of it is yes' },
    { name: 'yhat', label: 'Prediction ŷ: probability given to yes' },
  ],
  quantities: [
    {
      name: 'binary_cross_entropy',
      label: 'Binary cross-entropy: the loss',
      value: ({ y, yhat }) => loss(y, yhat),
    },
    { name: 'binary_entropy', label: 'Its minimum, H(y)', value: ({ y }) => floor(y) },
    { name: 'binary_kl_divergence', label: 'The gap, KL(y‖ŷ)', value: ({ y, yhat }) => gap(y, yhat) },
    {
      name: 'gradient',
      label: 'Gradient by the logit, ŷ − y',
      natural: true,
      value: ({ y, yhat }) => yhat - y,
    },
  ],
  presets: [
    { id: 'right', label: 'Hard label, right', change: () => ({ y: 1, yhat: 0.9 }) },
    { id: 'wrong', label: 'Sure and wrong', change: () => ({ y: 0, yhat: 0.95 }) },
    { id: 'coin', label: 'A coin', change: () => ({ y: 1, yhat: 0.5 }) },
    { id: 'matched', label: 'Soft label, matched', change: () => ({ y: 0.3, yhat: 0.3 }) },
    { id: 'ruled-out', label: 'Ruled out', change: () => ({ y: 0.3, yhat: 0 }) },
  ],
  figures: [curves, binarySurface],
  question: {
    ask: 'The label is soft: $y = 0.5$. What is the least loss that any prediction can reach?',
    choices: ['0: a perfect prediction costs nothing', 'log 2, that is 1 bit', 'It is infinite'],
    right: 1,
    why: 'At $ŷ = y = 0.5$ the loss is the entropy of the label, log 2 = 1 bit. Every other prediction costs more.',
    show: { y: 0.5, yhat: 0.5 },
  },
  python: (state) =>
    pythonProgram(state, { y: state.y, yhat: state.yhat }, [
      { name: 'binary_cross_entropy', call: 'xent.binary_cross_entropy(y, yhat)' },
      { name: 'binary_entropy', call: 'xent.binary_entropy(y)' },
      { name: 'binary_kl_divergence', call: 'xent.binary_kl_divergence(y, yhat)' },
      { name: 'gradient', call: 'yhat - y', natural: true },
    ]),
  sentence: ({ y, yhat, unit }) =>
    `Binary cross-entropy of label ${number(y)} and prediction ${number(yhat)}: ${amount(loss(y, yhat), unit)}, least ${amount(floor(y), unit)}.`,
};
