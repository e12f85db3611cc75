// Labels: how often each class was seen, and one-hot labels smoothed.
import { sum } from './measures.js';
import { xlogy } from './primitives.js';

/** @param {readonly number[]} n */
const total = (n) => sum(n.length, (i) => n[i]);

/** @param {readonly number[]} n counts */
export const shares = (n) => n.map((count) => count / total(n));

/** Mean surprisal of these labels under q. @param {readonly number[]} n @param {readonly number[]} q */
export const meanLoss = (n, q) => (0 - sum(n.length, (i) => xlogy(n[i], q[i]))) / total(n);

/** Entropy of the labels' shares. @param {readonly number[]} n */
export function labelEntropy(n) {
  const all = total(n);
  return sum(n.length, (i) => n[i] && (n[i] / all) * Math.log1p((all - n[i]) / n[i]));
}

/** Entropy of a one-hot label smoothed by eps: 1 - eps + eps/k for the label, eps/k for each of the others.
 * @param {number} k classes @param {number} eps */
export function smoothingFloor(k, eps) {
  if (eps === 0) return 0;
  const rest = eps * ((k - 1) / k);
  const label = 1 - eps + eps / k;
  return (
    eps * (((k - 1) / k) * (Math.log(k) - Math.log(eps))) -
    label * (rest < 0.5 ? Math.log1p(-rest) : Math.log(label))
  );
}

/** How far the label's logit stands above the others at that floor. @param {number} k @param {number} eps */
export function bestLogitGap(k, eps) {
  const odds = ((1 - eps) * k) / eps;
  return odds < Infinity ? Math.log1p(odds) : Math.log(k) - Math.log(eps);
}
