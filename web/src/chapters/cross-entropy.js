// Cross-entropy: the mean surprisal by the forecaster's numbers, when the truth deals the days.
import { amount, short } from '../dom.js';
import { crossBlocks, sumBar } from '../figures/cross-blocks.js';
import { gapFigure } from '../figures/gap.js';
import { crossEntropy as nats, entropy, klDivergence } from '../numerics/index.js';
import { pythonProgram } from '../python.js';
import { DEFAULTS } from '../state.js';
import { Q_PRESETS } from './_presets.js';
/** @import { Chapter } from '../types' */

/** @type {Chapter} */
export const crossEntropy = {
  id: 'cross-entropy',
  title: 'Cross-entropy',
  lead: 'The truth deals the days; you believed a forecast. What does that cost on average?',
  formula: 'H ( p , q ) = − ∑_i p_i log q_i',
  text: [
    'A forecaster says $q$, but the days follow $p$. Whoever trusts the forecast is surprised by its numbers, $− log q_i$; how often, only the truth decides, $p_i$. The mean is the *cross-entropy* $H ( p , q )$.',
    'So a block keeps the width of the true share, and gets the height of the forecast’s surprisal: the dashed line. Where the forecast gave an outcome too little, every such day costs extra: hatched. Where it gave too much, such days cost less: dotted. Drag the dashed tops: one that sinks lifts the others, for the forecast has only one whole to share out.',
    'The savings never outweigh the extra: $H ( p , q ) ≥ H ( p )$, and they are equal only when $q = p$. Why? A logarithm stays below its tangent, $log x ≤ x − 1$. So what the forecast saves on average, the mean of $log {q_i/p_i}$, is at most the mean of ${q_i/p_i} − 1$, and that is at most the sum of $q$ less 1: nothing.',
    'The difference is the *Kullback–Leibler divergence* $KL ( p ‖ q )$, the price of a wrong forecast. The entropy you pay even when you know the truth; the divergence you pay for being wrong.',
    'In bits these are lengths of messages. A code made for the forecast gives an outcome about $− log_2 q_i$ bits: short words for what it thinks likely. Used for the real weather it takes $H ( p , q )$ bits a day, where $H ( p )$ would have done.',
  ],
  mind: 'cross-entropy is not the divergence. A perfect forecast still costs the entropy, not 0. And a forecast of 0 for what does happen costs *inf*, however rare it is.',
  sliders: [
    { name: 'p', label: 'Truth p' },
    { name: 'q', label: 'Forecast q' },
  ],
  quantities: [
    { name: 'cross_entropy', label: 'Cross-entropy H(p, q)', value: ({ p, q }) => nats(p, q) },
    { name: 'entropy', label: 'Entropy H(p)', value: ({ p }) => entropy(p) },
    { name: 'kl_divergence', label: 'Divergence KL(p‖q)', value: ({ p, q }) => klDivergence(p, q) },
  ],
  presets: Q_PRESETS,
  figures: [crossBlocks, sumBar, gapFigure],
  question: {
    ask: 'The truth is 0.1, 0.2, 0.7. Can any forecast have a lower cross-entropy than the one that says just that, q = p?',
    choices: ['Yes, a bolder one: 0.9 for sun, the likeliest', 'Yes, a careful one: ⅓ for each', 'No, none'],
    right: 2,
    why: 'The bold one costs 0.970 nats, the careful one 1.099, the truth itself 0.802. What boldness saves on sunny days it loses on the others. In the last figure q = p is the lowest point.',
    show: { p: DEFAULTS.p, q: [0.02, 0.08, 0.9] },
  },
  python: (state) =>
    pythonProgram(state, { p: state.p, q: state.q }, [
      { name: 'cross_entropy', call: 'xent.cross_entropy(p, q)' },
      { name: 'entropy', call: 'xent.entropy(p)' },
      { name: 'kl_divergence', call: 'xent.kl_divergence(p, q)' },
    ]),
  sentence: ({ p, q, unit }) =>
    `Cross-entropy of ${q.map((share) => short(share)).join(', ')}: ${amount(nats(p, q), unit)}, entropy ${amount(entropy(p), unit)} and divergence ${amount(klDivergence(p, q), unit)}.`,
};
