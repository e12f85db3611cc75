// The two directions of the divergence, and the symmetric one between.
import { amount } from '../dom.js';
import { jsFigure, partsFigure, ringsFigure } from '../figures/directions.js';
import { jsDivergence, klDivergence } from '../numerics/index.js';
import { pythonProgram } from '../python.js';
import { DEFAULTS } from '../state.js';
import { Q_PRESETS } from './_presets.js';
/** @import { Chapter } from '../types' */

/** @type {Chapter} */
export const directions = {
  id: 'directions',
  title: 'Two directions',
  lead: 'From truth to forecast is one thing, from forecast to truth another.',
  formula: 'KL ( p ‖ q ) ≠ KL ( q ‖ p )',
  text: [
    '$KL ( p ‖ q )$ is what it costs on average, beyond the entropy, to believe $q$ while outcomes follow $p$. Each outcome adds $p_i log ( p_i / q_i )$: a cost where the forecast is too low, a saving where it is too high. The sum is never below 0. Swap $p$ and $q$ and the weights change, and so, as a rule, does the sum.',
    'Forwards, $KL ( p ‖ q )$ punishes *ruling out what happens*: where $q_i$ is 0 and $p_i$ is not, it is *inf*. So its rings stay off the edges as long as $p$ does. A forecast fitted this way covers everything that happens.',
    'Backwards, $KL ( q ‖ p )$ punishes *inventing what does not happen*: it is *inf* where $p_i$ is 0 and $q_i$ is not. Leaving an outcome out has a finite price: the rings run into the edges. A forecast fitted this way may settle on only a part of what happens.',
    'Between them stands *Jensen–Shannon*: the mean divergence of $p$ and of $q$ from their middle, $( p + q ) / 2$. It is the same both ways and never more than ln 2 nats, which is 1 bit: just that when $p$ and $q$ have nothing in common. Its square root is a true distance.',
  ],
  mind: 'KL is often called a distance but *is not one*. The way back has another length, and a detour can be shorter than the direct way.',
  sliders: [
    { name: 'p', label: 'Truth p' },
    { name: 'q', label: 'Forecast q' },
  ],
  quantities: [
    { name: 'kl_divergence', label: 'Forwards, KL(p‖q)', value: ({ p, q }) => klDivergence(p, q) },
    { name: 'kl_divergence_reverse', label: 'Backwards, KL(q‖p)', value: ({ p, q }) => klDivergence(q, p) },
    { name: 'js_divergence', label: 'Jensen–Shannon, JS(p, q)', value: ({ p, q }) => jsDivergence(p, q) },
  ],
  presets: [
    ...Q_PRESETS,
    { id: 'invented', label: 'Rain invented', change: () => ({ p: [0, 0.5, 0.5], q: DEFAULTS.p }) },
    { id: 'disjoint', label: 'Nothing in common', change: () => ({ p: [0, 0, 1], q: [0.5, 0.5, 0] }) },
  ],
  figures: [ringsFigure, partsFigure, jsFigure],
  question: {
    ask: 'Rain is possible, but the forecast rules it out. Which direction is *inf*?',
    choices: ['$KL ( p ‖ q )$, truth first', '$KL ( q ‖ p )$, forecast first', 'Both'],
    right: 0,
    why: 'Forwards, rain has weight 0.1, and its surprisal is inf. Backwards it has weight 0 and adds nothing: the others make 0.2899 nats, 0.4183 bits.',
    show: { p: DEFAULTS.p, q: [0, 0.5, 0.5] },
  },
  python: (state) =>
    pythonProgram(state, { p: state.p, q: state.q }, [
      { name: 'kl_divergence', call: 'xent.kl_divergence(p, q)' },
      { name: 'kl_divergence_reverse', call: 'xent.kl_divergence(q, p)' },
      { name: 'js_divergence', call: 'xent.js_divergence(p, q)' },
    ]),
  sentence: ({ p, q, unit }) =>
    `KL(p‖q) is ${amount(klDivergence(p, q), unit)}, KL(q‖p) ${amount(klDivergence(q, p), unit)}, Jensen–Shannon ${amount(jsDivergence(p, q), unit)}.`,
};
