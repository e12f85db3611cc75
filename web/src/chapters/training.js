// Training: gradient descent carries q to p, and the loss down to the entropy of the labels.
import { amount, short } from '../dom.js';
import { lossFigure, now, pathFigure } from '../figures/training.js';
import { entropy, rateLimit } from '../numerics/index.js';
import { pythonProgram } from '../python.js';
import { DEFAULTS } from '../state.js';
/** @import { Chapter, Program, State } from '../types' */

const WALK = [
  'z = [Decimal(share).ln() for share in q]',
  'for _ in range(STEPS):',
  '    e = [v.exp() for v in z]',
  '    z = [v - Decimal(eta) * (w / sum(e) - Decimal(s)) for v, w, s in zip(z, e, p)]',
  'q = xent.Logits([float(v - max(z)) for v in z])',
];

/** Decimals, since floats lose the path where learning rates are too large: each step multiplies their rounding.
 * @param {State} state @returns {Program} */
function python(state) {
  const { p, q, eta, step } = state;
  const stays = step === 0 || p.every((share, i) => share === q[i]);
  const program = pythonProgram(
    state,
    stays ? { p, q } : { p, q, eta },
    [
      { name: 'cross_entropy', call: 'xent.cross_entropy(p, q)' },
      { name: 'kl_divergence', call: 'xent.kl_divergence(p, q)' },
      { name: 'entropy', call: 'xent.entropy(p)' },
    ],
    stays
      ? step
        ? ['# q = p: every step stays here']
        : []
      : WALK.map((line) => line.replace('STEPS', `${step}`)),
  );
  if (stays) return program;
  const head =
    'from decimal import Decimal, getcontext\n\nimport xent\n\n' +
    'getcontext().prec = 150  # with large eta each step enlarges the rounding of floats\n';
  return { ...program, code: program.code.replace('import xent\n\n', head) };
}

/** @type {Chapter} */
export const training = {
  id: 'training',
  title: 'Training',
  lead: 'Let the forecast learn. Step by step, downhill, it walks to the truth; the loss stops at the entropy of the labels.',
  formula: 'z ← z − η ( q − p )',
  text: [
    'The model keeps a score $z$ for each outcome, and $q$ is their softmax. Each step moves the scores against the gradient, which is simply $q − p$: what was forecast too high goes down, too low goes up. The *learning rate* $η$ says how far. Press Play.',
    'The path is no straight line, and it slows down near $p$: there the gradient fades. The loss falls to $H ( p )$ and no further.',
    'Real labels come one at a time: rain, cloud or sun. Such a step goes towards one corner. Switch the drawn labels on: that path staggers, but since they are drawn from $p$, its steps point the same way *on average*.',
    'Too large a learning rate overshoots. Below the largest stable rate the path closes in on $p$ once it is near; above it, never.',
  ],
  mind: 'a loss that stops above zero is no failure. Compare it with the entropy of the labels, not with 0.',
  sliders: [
    { name: 'eta', label: 'Learning rate η' },
    { name: 'step', label: 'Steps done' },
  ],
  quantities: [
    { name: 'cross_entropy', label: 'Loss H(p, q) after these steps', value: (state) => now(state).loss },
    { name: 'kl_divergence', label: 'Gap that is left, KL(p‖q)', value: (state) => now(state).kl },
    { name: 'entropy', label: 'Floor H(p)', value: ({ p }) => entropy(p) },
    {
      name: 'rate_limit',
      label: 'Largest stable learning rate at p',
      natural: true,
      value: ({ p }) => rateLimit(p),
    },
  ],
  presets: [
    { id: 'slow', label: 'Slow', change: () => ({ eta: 0.1 }) },
    { id: 'brisk', label: 'Brisk', change: () => ({ eta: 2 }) },
    { id: 'fast', label: 'Too fast', change: ({ p }) => ({ eta: Math.min(8, 1.25 * rateLimit(p)) }) },
    { id: 'ends', label: 'To the end', change: () => ({ step: 200 }) },
    { id: 'even', label: 'Start even', change: () => ({ q: [1 / 3, 1 / 3, 1 / 3], step: 0 }) },
    {
      id: 'out',
      label: 'Start with rain ruled out',
      change: () => ({ p: DEFAULTS.p, q: [0, 0.5, 0.5], step: 0 }),
    },
  ],
  figures: [pathFigure, lossFigure],
  question: {
    ask: 'The model starts with rain ruled out: $q$ = (0, ½, ½). It does rain one day in ten. Will training mend it?',
    choices: ['Yes, though slowly', 'Yes, with a larger learning rate', 'No, never'],
    right: 2,
    why: 'A share of 0 is a score of −inf: adding any number leaves it there. The loss stays infinite while cloud and sun settle among themselves. That is why a model should never say exactly 0.',
    show: { p: DEFAULTS.p, q: [0, 0.5, 0.5], step: 200 },
  },
  python,
  sentence: (state) =>
    `After ${state.step} steps at learning rate ${short(state.eta)} the loss is ${amount(now(state).loss, state.unit)}; its floor is ${amount(entropy(state.p), state.unit)}.`,
};
