// The state of the page as text: `v=1&chapter=simplex&unit=nats&p=0.1,0.2,0.7&...`, the form of the URL's hash.
/** @import { State } from './types' */

export const CHAPTERS = [
  'surprisal',
  'entropy',
  'cross-entropy',
  'directions',
  'binary',
  'simplex',
  'labels',
  'gradient',
  'training',
];

/** @type {Readonly<State>} */
export const DEFAULTS = Object.freeze({
  chapter: 'surprisal',
  unit: 'nats',
  x: 0.25,
  y: 0.3,
  yhat: 0.6,
  eps: 0.1,
  p: Object.freeze([0.1, 0.2, 0.7]),
  q: Object.freeze([0.6, 0.3, 0.1]),
  n: Object.freeze([1, 2, 7]),
  k: 10,
  z: Object.freeze([2, 0, -1]),
  tau: 1,
  eta: 0.4,
  step: 0,
});

const SHARE = { low: 0, high: 1 };

/** Least and greatest number of each key, and whether it is a whole one; also what the sliders span.
 * @type {Record<string, { low: number, high: number, whole?: boolean, parts?: number }>} */
export const RANGES = {
  x: SHARE,
  y: SHARE,
  yhat: SHARE,
  eps: SHARE,
  p: { ...SHARE, parts: 3 },
  q: { ...SHARE, parts: 3 },
  n: { low: 1, high: 100, whole: true, parts: 3 },
  k: { low: 2, high: 100, whole: true },
  z: { low: -20, high: 20, parts: 3 },
  tau: { low: 0.05, high: 20 },
  eta: { low: 0.05, high: 8 },
  step: { low: 0, high: 200, whole: true },
};

const LONGEST = 2000;
export const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** @param {State} state */
export function format(state) {
  const numbers = Object.keys(RANGES).map((key) => `${key}=${state[/** @type {keyof State} */ (key)]}`);
  return [`v=1&chapter=${state.chapter}&unit=${state.unit}`, ...numbers].join('&');
}

/** The state that a hash names, and what is to be said about it ('' when all is well).
 * Values are used as given; a key that is not accepted takes its default and is named.
 * @param {string} hash
 * @returns {{ state: State, note: string }} */
export function parse(hash) {
  let text = hash.replace(/^#/, '');
  if (text === '') return { state: { ...DEFAULTS }, note: '' };
  if (text.length > LONGEST) return refused(`it has ${text.length} characters, more than ${LONGEST}`);
  if (!text.includes('=')) text = decoded(text); // encoded as a whole
  const given = new Map();
  for (const part of text.split('&')) {
    const at = part.indexOf('=');
    if (at > 0) given.set(decoded(part.slice(0, at)), decoded(part.slice(at + 1)));
  }
  if (given.get('v') !== '1') return refused('it does not begin with v=1');
  const state = { ...DEFAULTS };
  const bad = [];
  for (const key of Object.keys(DEFAULTS)) {
    if (!given.has(key)) continue;
    const value = accepted(key, given.get(key));
    if (value === undefined) bad.push(key);
    else Object.assign(state, { [key]: value });
  }
  const which = bad.length > 1 ? 'have values' : 'has a value';
  return {
    state,
    note: bad.length
      ? `In this link ${bad.join(', ')} ${which} that cannot be used; the default stands instead.`
      : '',
  };
}

/** @param {string} why */
function refused(why) {
  return { state: { ...DEFAULTS }, note: `This link was not used: ${why}. The defaults stand instead.` };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return '\0'; // accepted nowhere
  }
}

/** @param {string} key @param {string} text @returns {unknown} undefined when not accepted */
function accepted(key, text) {
  if (key === 'chapter') return CHAPTERS.includes(text) ? text : undefined;
  if (key === 'unit') return text === 'nats' || text === 'bits' ? text : undefined;
  const { low, high, whole, parts = 1 } = RANGES[key];
  const words = text.split(',');
  const numbers = words.map(Number);
  const good = (/** @type {number} */ v, /** @type {number} */ i) =>
    DECIMAL.test(words[i]) && v >= low && v <= high && (!whole || Number.isInteger(v));
  if (words.length !== parts || !numbers.every(good)) return undefined;
  if (parts === 1) return numbers[0];
  if (key === 'p' || key === 'q') {
    if (!(Math.abs(numbers[0] + numbers[1] + numbers[2] - 1) <= 1e-12)) return undefined;
  }
  return numbers;
}

/** One share moved, the others in the ratio `first : 1 - first`. Sums to 1 within a rounding.
 * @param {number} place @param {number} share @param {number} first
 * @returns {number[]} */
export function withShare(place, share, first) {
  const rest = 1 - share;
  const others = [rest * first, rest - rest * first];
  return [0, 1, 2].map((i) => (i === place ? share : /** @type {number} */ (others.shift())));
}

/** Moves one share of a vector after another; the ratio of the two others stays, also after going to 1 and back. */
export function mover() {
  /** @type {readonly number[]} */
  let last = [];
  let moved = -1;
  let first = 0.5;
  return (
    /** @type {readonly number[]} */ vector,
    /** @type {number} */ place,
    /** @type {number} */ share,
  ) => {
    if (vector !== last || place !== moved) {
      const [a, b] = vector.filter((_, i) => i !== place);
      first = a + b > 0 ? a / (a + b) : 0.5;
      moved = place;
    }
    return (last = withShare(place, share, first));
  };
}
