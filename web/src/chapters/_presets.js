// Examples that every chapter with a model q has.
import { DEFAULTS } from '../state.js';
/** @import { Preset } from '../types' */

/** @type {Preset[]} */
export const Q_PRESETS = [
  { id: 'uniform', label: 'Even forecast', change: () => ({ q: [1 / 3, 1 / 3, 1 / 3] }) },
  { id: 'match', label: 'Forecast = truth', change: ({ p }) => ({ q: p }) },
  { id: 'swap', label: 'Swap p and q', change: ({ p, q }) => ({ p: q, q: p }) },
  { id: 'infinite', label: 'Rain ruled out', change: () => ({ p: DEFAULTS.p, q: [0, 0.5, 0.5] }) },
];
