// Labels: what hard labels add up to, and what smoothing does to the least loss.
import { amount, short } from '../dom.js';
import { daysFigure, smoothingFigure } from '../figures/labels.js';
import { bestLogitGap, labelEntropy, meanLoss, shares, smoothingFloor } from '../numerics/index.js';
import { pythonProgram } from '../python.js';
/** @import { Chapter } from '../types' */

/** @type {Chapter} */
export const labels = {
  id: 'labels',
  title: 'Labels',
  lead: 'Hard labels, taken together, are soft: the least loss is not 0.',
  formula: 'mean ( − log q ) = H ( {n/N} , q )',
  text: [
    'Some mornings look alike on the map and get the same forecast $q$. Of $N$ such days, $n_i$ ended in outcome $i$. A day costs $− log q$ of what happened: its label is *hard*, all on one outcome. The mean over the days is the cross-entropy of $q$ for their *shares* $n_i / N$: many hard labels of one situation act as one soft label.',
    'The best forecast is the shares themselves (thin steps). Its mean loss is their entropy, the *floor*: no forecast made from the same map gets below it. The hatched rest is the divergence from the shares to $q$.',
    '*Label smoothing* makes labels soft on purpose: it takes $ε$ from a hard label and spreads it over all $k$ classes. A model’s *logits* are its raw scores; softmax turns them into shares. A hard label wants its logit ever higher, for the loss never stops falling. A smoothed one has a best gap above the others, $ln ( 1 + k ( 1 − ε ) / ε )$, and a floor above 0. Drag the point.',
  ],
  mind: 'a loss that settles well above 0 may be perfect. With soft labels the least loss is their entropy: up to ln 2 for two outcomes, ln *k* for *k*. Compare the loss with its floor, not with 0.',
  sliders: [
    { name: 'n', label: 'Days seen, n' },
    { name: 'k', label: 'Classes, k' },
    { name: 'eps', label: 'Smoothing, ε' },
  ],
  quantities: [
    { name: 'mean_loss', label: 'Mean loss of the days under q', value: ({ n, q }) => meanLoss(n, q) },
    { name: 'label_entropy', label: 'Its floor: entropy of the labels', value: ({ n }) => labelEntropy(n) },
    {
      name: 'smoothing_floor',
      label: 'Floor of a smoothed label',
      value: ({ k, eps }) => smoothingFloor(k, eps),
    },
    {
      name: 'best_logit_gap',
      label: 'Its best logit gap',
      natural: true,
      value: ({ k, eps }) => bestLogitGap(k, eps),
    },
  ],
  presets: [
    { id: 'shares', label: 'Forecast the shares', change: ({ n }) => ({ q: shares(n) }) },
    { id: 'ruled-out', label: 'Rule out rain', change: () => ({ q: [0, 0.3, 0.7] }) },
    { id: 'mostly', label: 'Nearly always sun', change: () => ({ n: [1, 1, 98] }) },
    { id: 'anything', label: 'Anything goes', change: () => ({ n: [30, 30, 30] }) },
    { id: 'hard', label: 'No smoothing', change: () => ({ eps: 0 }) },
    { id: 'usual', label: 'Usual smoothing', change: () => ({ k: 10, eps: 0.1 }) },
  ],
  figures: [daysFigure, smoothingFigure],
  question: {
    ask: 'Ten days looked alike: 1 ended in rain, 2 in cloud, 7 in sun. What is the least mean loss that any forecast of them can have?',
    choices: [
      '0, when the model is perfect',
      'The entropy of the shares 0.1, 0.2, 0.7',
      'There is none: more training always lowers it',
    ],
    right: 1,
    why: 'Days that look alike get the same forecast. The best one is the shares, and its mean loss is their entropy: 0.8018 nats, 1.1568 bits.',
    show: { n: [1, 2, 7], q: [0.1, 0.2, 0.7] },
  },
  python(state) {
    const program = pythonProgram(
      state,
      { n: [...state.n], q: [...state.q], k: `${state.k}`, eps: state.eps },
      [
        { name: 'mean_loss', call: 'xent.cross_entropy(xent.Counts(n), q)' },
        { name: 'label_entropy', call: 'xent.entropy(xent.Counts(n))' },
        { name: 'smoothing_floor', call: 'xent.entropy(xent.Logits([0.0] + [-gap] * (k - 1)))' },
        { name: 'best_logit_gap', call: 'gap', natural: true },
      ],
      [state.eps ? 'gap = math.log1p(k * (1 - eps) / eps)' : 'gap = math.inf'],
    );
    return { ...program, code: `import math\n\n${program.code}` };
  },
  sentence: ({ n, q, k, eps, unit }) =>
    `Mean loss ${amount(meanLoss(n, q), unit)}, at least ${amount(labelEntropy(n), unit)}; a label smoothed by ${short(eps)} over ${k} classes costs at least ${amount(smoothingFloor(k, eps), unit)}.`,
};
