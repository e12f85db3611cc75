// Gradient descent on the cross-entropy of a softmax: z = ln q, then z -= eta (softmax(z) - p).
import { crossEntropy, klDivergence, klTerm, sum } from './measures.js';
import { crossEntropyLogits, softmax } from './softmax.js';

/** @typedef {readonly number[]} Shares */
/** @typedef {{ q: number[][], loss: number[], kl: number[] }} Path q, H(p, q) and KL(p‖q) before each step and after the last */

/** The step size beyond which a minimum at p repels: 2 over the greatest eigenvalue of diag(p) - ppᵀ, with what the
 * sum of p lacks to 1 taken as it is.
 * @param {Shares} p three shares */
export function rateLimit(p) {
  const [a, b, c] = [...p].sort((x, y) => y - x);
  const lack = 1 - a - b - c; // exact where it counts
  const pairs = a * b + b * c + c * a; // half the trace
  const scale = Math.max(pairs, Math.abs(lack)); // squares must not vanish
  if (scale === 0) return Infinity;
  const [ab, bc, ca, d, e] = [a * b, b * c, c * a, lack, pairs].map((v) => v / scale);
  const spread = ((ab - bc) ** 2 + (bc - ca) ** 2 + (ca - ab) ** 2) / 2; // e² - 3abc
  const half = e + ((1 - lack) * d) / 2;
  let top = half + Math.sqrt(spread);
  for (let i = 0; d && top > 0 && i < 9; i++) {
    // The characteristic polynomial, its constant term ab c d being the only place where the root stands twice.
    const square = spread + d * ab * (c / scale / top - 3 * c) + d * d * ((1 - lack) ** 2 / 4 - pairs);
    top = half + Math.sqrt(Math.max(0, square));
  }
  return top > 0 ? 2 / scale / top : Infinity;
}

// -- the path -----------------------------------------------------------------------------------------------------------
// A step takes an error of z times 1 - eta λ, λ up to ½: from eta = 4 on the path may be chaotic, and at eta = 8 an
// error of the first step may be 3^200 times as large after the last. So the path is walked with whole numbers of
// 2^-bits, as many bits as that takes, and rounded to doubles at the end.

const STEPS = 200;

/** Arithmetic on whole numbers that stand for multiples of 2^-bits. @param {number} bits */
function fixedPoint(bits) {
  const b = BigInt(bits);
  const one = 1n << b;
  let ln2 = 0n;
  for (let n = 1n; n <= b; n++) ln2 += (one >> n) / n;

  /** @param {number} x at least 0 @returns {[number, bigint]} e and m: x is m 2^e, m from 1 to 2 */
  const split = (x) => {
    let e = 0;
    for (; x < 1; e--) x *= 2;
    for (; x >= 2; e++) x /= 2;
    return [e, BigInt(x * 2 ** 52) << (b - 52n)];
  };
  /** @param {number} x */
  const from = (x) => {
    if (x === 0) return 0n;
    const [e, m] = split(x);
    return e < 0 ? m >> BigInt(-e) : m << BigInt(e);
  };
  /** e^x, x at most 0. @param {bigint} x */
  const exp = (x) => {
    const n = x / ln2;
    if (-n > b) return 0n;
    const r = (x - n * ln2) >> 16n;
    let [sum, term] = [0n, one];
    for (let k = 1n; (term = (term * r) / (k * one)); k++) sum += term;
    for (let i = 0; i < 16; i++) sum = 2n * sum + ((sum * sum) >> b); // (1 + s)² - 1
    return (one + sum) >> -n;
  };
  /** ln x, x above 0: Newton's steps from the double. @param {number} x */
  const log = (x) => {
    const [e, m] = split(x);
    let y = from(Math.log(Number(m) / Number(one)));
    for (let good = 50; good < bits; good *= 2) y += ((m * exp(-y)) >> b) - one;
    return y + BigInt(e) * ln2;
  };
  /** @param {bigint} x */
  const number = (x) => Number(x) / Number(one);
  return { b, from, exp, log, number };
}

/** Logits, the greatest of them 0, before each step and after the last.
 * @param {Shares} p @param {Shares} q @param {number} eta @param {number} steps */
function logits(p, q, eta, steps) {
  const bits = 128 + Math.ceil(steps * Math.log2(Math.max(1, eta / 2 - 1)));
  const { b, from, exp, log, number } = fixedPoint(bits);
  const rate = from(eta);
  const truth = p.map(from);
  // A share of 0 stays 0: it takes no part.
  let z = q.map((v) => (v > 0 ? log(v) : null));
  const path = [];
  for (let t = 0; t <= steps; t++) {
    const top = z.reduce((m, v) => (m === null || (v !== null && v > m) ? v : m), null) ?? 0n;
    const x = z.map((v) => (v !== null ? v - top : v));
    path.push(x.map((v) => (v === null ? -Infinity : number(v))));
    const e = x.map((v) => (v === null ? 0n : exp(v)));
    const all = e.reduce((m, v) => m + v);
    z = x.map((v, i) => (v === null ? v : v - ((rate * ((e[i] << b) / all - truth[i])) >> b)));
  }
  return path;
}

/** The shares and their divergence from p, by logits. @param {Shares} p @param {number[]} x */
function divergence(p, x) {
  const q = softmax(x, 1);
  const log = crossEntropyLogits([1], [0], 1);
  return { q, log };
}
