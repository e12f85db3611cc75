// Three outcomes at once: cross-entropy as a landscape over all forecasts, lowest where the forecast is the truth.
import { amount } from '../dom.js';
import { barsFigure } from '../figures/bars.js';
import { contourFigure } from '../figures/simplexContour.js';
import { simplexSurface } from '../figures/simplexSurface.js';
import { crossEntropy, entropy, klDivergence } from '../numerics/index.js';
import { pythonProgram } from '../python.js';
import { Q_PRESETS } from './_presets.js';
/** @import { Chapter } from '../types' */

/** @type {Chapter} */
export const simplex = {
  id: 'simplex',
  title: 'The simplex',
  lead: 'Put every possible forecast on one map, the *simplex*. Cross-entropy is a bowl over it, lowest at the truth.',
  formula: 'H ( p , q ) = H ( p ) + KL ( p ‖ q )',
  text: [
    'Three shares that sum to 1 are one point of a triangle: a corner is certain of its outcome, the middle finds all three equally likely. Drag the truth $p$ and the forecast $q$, on the map or as bars.',
    'Every forecast on the same ring costs the same. Inwards it gets cheaper, until at $q = p$ only $H ( p )$ is left: the bottom of the bowl is *not* zero, it is the entropy of the truth.',
    'The labels of the rings are gaps, each about three times the one inside it. Near the bottom the gap grows with the square of the distance: twice as wrong costs four times as much.',
    'At an edge the forecast rules an outcome out. If that outcome can happen, the cost is *inf*: the walls of the bowl have no end.',
  ],
  mind: 'the colours show $KL ( p ‖ q )$, the gap above the minimum, not $H ( p , q )$. The two differ by $H ( p )$, which no forecast can change.',
  sliders: [
    { name: 'p', label: 'Truth p' },
    { name: 'q', label: 'Forecast q' },
  ],
  quantities: [
    { name: 'cross_entropy', label: 'Cross-entropy H(p, q)', value: ({ p, q }) => crossEntropy(p, q) },
    { name: 'entropy', label: 'Its minimum, the entropy H(p)', value: ({ p }) => entropy(p) },
    { name: 'kl_divergence', label: 'The gap, KL(p‖q)', value: ({ p, q }) => klDivergence(p, q) },
  ],
  presets: [
    ...Q_PRESETS,
    { id: 'near', label: 'Nearly right', change: ({ p }) => ({ q: p.map((v) => 0.9 * v + 0.1 / 3) }) },
    { id: 'certain', label: 'A certain truth', change: () => ({ p: [0, 0, 1] }) },
  ],
  figures: [contourFigure, barsFigure, simplexSurface],
  question: {
    ask: 'Rain, cloud and sun are equally likely, and the forecast knows it: $q = p$. How large is the cross-entropy?',
    choices: ['0: the forecast is perfect', 'log 3, the entropy of the truth', 'It is infinite'],
    right: 1,
    why: 'A perfect forecast still pays $H ( p )$, here $log 3$ = 1.0986 nats or 1.585 bits: the weather stays uncertain. Only the *gap* is 0.',
    show: { p: [1 / 3, 1 / 3, 1 / 3], q: [1 / 3, 1 / 3, 1 / 3] },
  },
  python: (state) =>
    pythonProgram(state, { p: state.p, q: state.q }, [
      { name: 'cross_entropy', call: 'xent.cross_entropy(p, q)' },
      { name: 'entropy', call: 'xent.entropy(p)' },
      { name: 'kl_divergence', call: 'xent.kl_divergence(p, q)' },
    ]),
  sentence: ({ p, q, unit }) =>
    `Cross-entropy ${amount(crossEntropy(p, q), unit)}: at least ${amount(entropy(p), unit)}, and a gap of ${amount(klDivergence(p, q), unit)}.`,
};
