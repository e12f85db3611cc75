// Cross-entropy: the mean surprisal by the forecaster's numbers, when the weather follows the truth.
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
  lead: 'What does it cost, on average, to trust a forecast?',
  formula: 'H ( p , q ) = − ∑_i p_i log q_i',
  text: [
    'A forecaster says $q$, but the days follow $p$. If you trust the forecast, an outcome’s surprisal is $− log q_i$; how often you meet it is up to the truth, $p_i$. The mean is the *cross-entropy* $H ( p , q )$.',
    'So each block is as wide as the true share, and now as high as the forecast’s surprisal: the dashed line. Where the forecast gave an outcome too little, each such day costs extra (hatched); where it gave too much, each costs less (dotted). Drag the dashed tops: when one sinks the others rise, for the shares add up to 1.',
    'The savings never outweigh the extra: $H ( p , q ) ≥ H ( p )$, with equality only when $q = p$. Why? The natural logarithm stays below its tangent at 1: $ln x ≤ x − 1$. So the average saving, the mean of $ln {q_i/p_i}$, is at most the mean of ${q_i/p_i} − 1$, and that is at most $∑ q_i − 1 = 0$.',
    'The difference is the *Kullback–Leibler divergence* $KL ( p ‖ q )$, the price of a wrong forecast. You pay the entropy even if you know the truth; you pay the divergence for being wrong.',
    'In bits these are lengths of messages. A code made for the forecast spends about $− log_2 q_i$ bits on an outcome: short words for what it thinks likely. On the real weather it takes about $H ( p , q )$ bits a day, where $H ( p )$ would have done.',
  ],
  mind: 'cross-entropy is not the divergence. A perfect forecast still costs the entropy, not 0. And a forecast of 0 for something that does happen costs *inf*, however rare.',
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
    ask: 'The truth is 0.1, 0.2, 0.7. Can any forecast have a lower cross-entropy than the truth itself, q = p?',
    choices: ['Yes, a bolder one: 0.9 for sun, the likeliest', 'Yes, a careful one: ⅓ for each', 'No, none'],
    right: 2,
    why: 'The bold one shown costs 0.970 nats, the careful one 1.099, the truth 0.802. What it saves on sunny days it more than loses on the others. In the last figure q = p is the lowest point.',
    show: { p: DEFAULTS.p, q: [0.02, 0.08, 0.9], unit: 'nats' },
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
