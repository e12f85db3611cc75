// The measures of one distribution, and of two. Shares are used as given, never rescaled: where the sums of p and q
// differ by a rounding, KL is the sum of its outcomes' terms p log(p/q) - p + q, none of them negative.
import { jsTerm, phi, xlogy } from './primitives.js';

/** @typedef {readonly number[]} Shares */

/** @param {number} count @param {(i: number) => number} term */
export function sum(count, term) {
  let total = 0;
  for (let i = 0; i < count; i++) total += term(i);
  return total;
}

/** -log x. @param {number} x */
export const surprisal = (x) => 0 - Math.log(x);

/** @param {Shares} p */
export const entropy = (p) => crossEntropy(p, p);

/** @param {Shares} p */
export const perplexity = (p) => Math.exp(entropy(p));

/** -sum p log q; infinite where q rules out what p allows. @param {Shares} p @param {Shares} q */
export const crossEntropy = (p, q) => 0 - sum(p.length, (i) => xlogy(p[i], q[i]));

/** @param {Shares} p @param {Shares} q */
export const klDivergence = (p, q) => sum(p.length, (i) => klTerm(p[i], q[i]));

/** p log(p/q) - p + q, never negative.
 * @param {number} p @param {number} q
 * @param {number} [excess] q - p, where it is known better than from the rounded p and q
 * @param {number} [logq] log q, where it is known better than from the rounded q */
export function klTerm(p, q, excess = q - p, logq = undefined) {
  if (p === 0) return q;
  const t = excess / p;
  if (t > -2 / 3 && t < 2) return p * phi(t); // does not cancel
  const ratio = logq === undefined ? p / q : 0;
  const usable = ratio > 1e-300 && ratio < Infinity; // a quotient below the normal numbers has lost its digits
  return p * (usable ? Math.log(ratio) : Math.log(p) - (logq ?? Math.log(q))) + excess;
}

/** Half of KL(p‖m) + KL(q‖m), m halfway; symmetric bit for bit. As in the package, what sums that differ by a rounding
 * add is taken off: that of two outcomes with these sums.
 * @param {Shares} p @param {Shares} q */
export function jsDivergence(p, q) {
  const both = sum(p.length, (i) => p[i] + q[i]);
  const apart = Math.abs(sum(p.length, (i) => p[i] - q[i])); // summed apart: the sums would have rounded it away
  const total = sum(p.length, (i) => jsOutcome(p[i], q[i]));
  return Math.max(0, total - (both * jsTerm(apart / both)) / 2) / (both / 2);
}

/** @param {number} p @param {number} q */
function jsOutcome(p, q) {
  const both = p + q;
  if (both === 0) return 0;
  const d = Math.abs(p - q) / both;
  if (d < 0.5) return both * (jsTerm(d) / 2);
  const large = Math.max(p, q);
  const small = Math.min(p, q); // 1 - d would have lost its digits
  return (xlogy(large, (2 * large) / both) + xlogy(small, (2 * small) / both)) / 2;
}
