// The gradient: what a logit is told, is its forecast minus the truth.
import { amount, short } from '../dom.js';
import { OUTCOMES } from '../controls.js';
import { pushFigure, slopeFigure } from '../figures/gradient.js';
import { crossEntropyLogits, logitGradient } from '../numerics/index.js';
import { pythonProgram } from '../python.js';
import { DEFAULTS } from '../state.js';
/** @import { Chapter, State } from '../types' */

/** Logits whose softmax at temperature tau is p: tau ln p, moved up where that would leave the range.
 * A share of 0 would need minus infinity; the lowest logit comes as near as the range allows.
 * @param {readonly number[]} p @param {number} tau */
export function matching(p, tau) {
  const z = p.map((share) => tau * Math.log(share));
  const up = Math.min(...z) < -20 ? 20 - Math.max(...z) : 0;
  return z.map((v) => Math.max(-20, v + up));
}

/** @param {State} state */
const loss = ({ p, z, tau }) => crossEntropyLogits(p, z, tau);

/** @param {State} state */
const gradient = ({ p, z, tau }) => logitGradient(p, z, tau);

/** @type {Chapter} */
export const gradientChapter = {
  id: 'gradient',
  title: 'Gradient',
  lead: 'What does the loss tell the model? Forecast minus truth, nothing else.',
  formula: '{∂H/∂z_i} = {1/τ} ( s_i − p_i )',
  text: [
    'Most models give no shares but scores, one for each outcome: the *logits* $z$. *Softmax* makes them shares: $s_i$ is $exp ( z_i / τ )$ divided by the sum of all three. The *temperature* $τ$ flattens: the higher it is, the more even the forecast.',
    'The gradient says how the loss, in nats, changes as a logit grows. For cross-entropy all logarithms and exponentials cancel, and what is left is *forecast minus truth*, over $τ$. Training goes against it: each logit is pushed along its arrow, from the forecast to the truth. The pushes sum to 0: what one outcome gains, the others give.',
    'The gradient is never larger than $1 / τ$, and is 0 only where forecast and truth agree. Drag a logit far to the wrong side: cross-entropy goes on pushing, while the gradient of squared error dies, just where the forecast is worst.',
  ],
  mind: 'computing softmax first, then a clipped logarithm, breaks this: below the clip the loss is flat and the push is gone. Compute the loss from the logits.',
  sliders: [
    { name: 'z', label: 'Logits z' },
    { name: 'tau', label: 'Temperature τ' },
  ],
  quantities: [
    { name: 'cross_entropy', label: 'Cross-entropy of p and s', value: loss },
    ...OUTCOMES.map((outcome, i) => ({
      name: `gradient_${i + 1}`,
      label: `Gradient, ${outcome}`,
      natural: true,
      value: (/** @type {State} */ state) => gradient(state)[i],
    })),
  ],
  presets: [
    { id: 'right', label: 'Sure and right', change: () => ({ p: [0, 0, 1], z: [-4, -4, 4], tau: 1 }) },
    { id: 'wrong', label: 'Sure and wrong', change: () => ({ p: [0, 0, 1], z: [4, -4, -4], tau: 1 }) },
    { id: 'even', label: 'Even', change: () => ({ z: [0, 0, 0] }) },
    { id: 'match', label: 'Match p', change: ({ p, tau }) => ({ z: matching(p, tau) }) },
    { id: 'soft', label: 'Soft truth', change: () => ({ p: DEFAULTS.p }) },
  ],
  figures: [pushFigure, slopeFigure],
  question: {
    ask: 'It was sun, for certain; the forecast gave sun only 0.0001. How hard does cross-entropy push the logit of sun, where 1 is the hardest push there is?',
    choices: ['Hardly: softmax is flat there', 'By 0.9999', 'By 10,000'],
    right: 1,
    why: 'Forecast minus truth is 0.0001 − 1. Squared error multiplies this by the slope of softmax, about 0.0001, and hardly learns from its worst mistakes.',
    show: { p: [0, 0, 1], z: [5, 0, -4.2], tau: 1 },
  },
  python(state) {
    const program = pythonProgram(
      state,
      { p: [...state.p], z: [...state.z], tau: state.tau },
      [
        { name: 'cross_entropy', call: 'xent.cross_entropy(p, xent.Logits([v / tau for v in z]))' },
        ...OUTCOMES.map((_, i) => ({
          name: `gradient_${i + 1}`,
          call: `(e[${i}] / sum(e) - p[${i}]) / tau`,
          natural: true,
        })),
      ],
      ['e = [math.exp((v - max(z)) / tau) for v in z]'],
    );
    return { ...program, code: `import math\n\n${program.code}` };
  },
  sentence: (state) =>
    `Cross-entropy ${amount(loss(state), state.unit)}; its gradient by the logits is ${gradient(state)
      .map((v) => short(v))
      .join(', ')}.`,
};
