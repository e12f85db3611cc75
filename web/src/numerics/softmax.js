// Predictions given as logits, at a temperature.
import { sum } from './measures.js';

/** Logits over tau, the greatest of them 0; which one that is; and the sum of e^x over all the others.
 * @param {readonly number[]} z @param {number} tau */
function scaled(z, tau) {
  const top = z.indexOf(Math.max(...z));
  const x = z.map((v) => (v - z[top]) / tau);
  return { x, top, rest: sum(x.length, (i) => (i === top ? 0 : Math.exp(x[i]))) };
}

/** @param {readonly number[]} z -Infinity stands for a share of 0 @param {number} tau */
export function softmax(z, tau) {
  const { x, rest } = scaled(z, tau);
  return x.map((v) => Math.exp(v) / (1 + rest));
}

/** H(p, softmax(z/tau)): right also where the prediction is nearly certain.
 * @param {readonly number[]} p @param {readonly number[]} z @param {number} tau */
export function crossEntropyLogits(p, z, tau) {
  const { x, rest } = scaled(z, tau);
  const log = Math.log1p(rest);
  return sum(p.length, (i) => (p[i] === 0 ? 0 : p[i] * (log - x[i])));
}

/** The gradient of that by z: (softmax(z/tau) - p)/tau.
 * @param {readonly number[]} p @param {readonly number[]} z @param {number} tau */
export function logitGradient(p, z, tau) {
  const { x, top, rest } = scaled(z, tau);
  // Of the greatest share only what it lacks to 1 has all its digits.
  return x.map((v, i) => (i === top ? 1 - p[i] - rest / (1 + rest) : Math.exp(v) / (1 + rest) - p[i]) / tau);
}
