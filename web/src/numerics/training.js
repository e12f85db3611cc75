// Gradient descent on the cross-entropy of a softmax: z = ln q, then z -= eta (softmax(z) - p).
import { crossEntropy, klDivergence, klTerm, sum } from './measures.js';
import { crossEntropyLogits, softmax } from './softmax.js';

/** @import { Shares } from './measures.js' */
/** @typedef {{ q: number[][], loss: number[], kl: number[] }} Path q, H(p, q) and KL(p‖q) before each step and after the last */

/** The step size beyond which the minimum at p repels: 2 over the greatest eigenvalue of diag(p) - ppᵀ.
 * @param {Shares} p */
export function rateLimit(p) {
  const parts = [...p].sort((a, b) => b - a);
  const lack = parts.reduce((rest, v) => rest - v, 1); // exact where it counts
  // The eigenvalue lies between the two greatest shares, where 1 - sum p²/(p - λ) falls from ∞ to -∞.
  let [high, low] = parts;
  for (let middle; (middle = low + (high - low) / 2) > low && middle < high;) {
    const at = middle;
    if (lack > at * sum(parts.length, (i) => parts[i] / (parts[i] - at))) low = middle;
    else high = middle;
  }
  return 2 / low;
}

// -- the path -----------------------------------------------------------------------------------------------------------
// A step takes an error of z times 1 - eta λ, λ up to ½: from eta = 4 on the path may be chaotic, and at eta = 8 an
// error of the first step may be 3^200 times as large after the last. So the path is walked with whole numbers of
// 2^-bits, as many bits as that takes, and rounded to doubles at the end.

const STEPS = 200;

/** @type {Record<number, ReturnType<typeof fixedPoint>>} */
const made = {};

/** Arithmetic on whole numbers that stand for multiples of 2^-bits. @param {number} bits */
function fixedPoint(bits) {
  const b = BigInt(bits);
  const one = 1n << b;
  const two = 2n * one;
  const taylor = [one]; // 1/k!, down to where x^k/k! does not show for x below 2^-16
  for (let k = 2n; taylor[0] >> (16n * k - 16n); k++) taylor.unshift(taylor[0] / k);
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
    if (!x) return one;
    const n = x / ln2;
    if (-n > b) return 0n;
    const r = (x - n * ln2) >> 16n;
    let sum = 0n;
    for (const c of taylor) sum = ((sum + c) * r) >> b;
    for (let i = 0; i < 16; i++) sum = (sum * (two + sum)) >> b; // (1 + s)² - 1
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
  /** The fewer steps are left, the fewer bits are needed. @param {number} t */
  const after = (t) => {
    const bits = 64 * Math.ceil(2 + ((steps - t) * Math.log2(Math.max(1, eta / 2 - 1))) / 64);
    return (made[bits] ??= fixedPoint(bits));
  };
  let now = after(0);
  // A share of 0 stays 0: it takes no part.
  let z = q.map((v) => (v > 0 ? now.log(v) : null));
  let given = [eta, ...p].map(now.from);
  const path = [];
  for (let t = 0; t <= steps; t++) {
    const cut = now.b - after(t).b;
    if (cut) {
      now = after(t);
      z = z.map((v) => (v === null ? v : v >> cut));
      given = [eta, ...p].map(now.from);
    }
    const { b, exp, number } = now;
    const [rate, ...truth] = given;
    const top = z.reduce((m, v) => (m === null || (v !== null && v > m) ? v : m), null) ?? 0n;
    const x = z.map((v) => (v !== null ? v - top : v));
    path.push(x.map((v) => (v === null ? -Infinity : number(v))));
    const e = x.map((v) => (v === null ? 0n : exp(v)));
    const all = e.reduce((m, v) => m + v);
    z = x.map((v, i) => (v === null ? v : v - ((rate * ((e[i] << b) / all - truth[i])) >> b)));
  }
  return path;
}

/** KL(p‖softmax(x)). @param {Shares} p @param {number[]} x */
function divergence(p, x) {
  const q = softmax(x, 1);
  const greatest = Math.log(Math.max(...q));
  // a share below the normal doubles is rounded, its logit is not
  return sum(p.length, (i) => klTerm(p[i], q[i], q[i] - p[i], q[i] < 1e-300 ? x[i] + greatest : undefined));
}

/** @type {{ key: string, path: Path } | undefined} the last path: moving along it costs nothing */
let last;

/** `steps` steps from q. A share of 0 stays 0, and where q = p it stays there. The first q is the one given.
 * @param {Shares} p @param {Shares} q @param {number} eta @param {number} steps
 * @returns {Path} */
export function train(p, q, eta, steps) {
  const length = Math.max(steps, STEPS);
  const key = [p, q, eta, length].join(';');
  if (last?.key !== key) {
    const still = p.every((v, i) => v === q[i]); // p is the minimum, though its sum be off 1 by a rounding
    const path = still ? [] : logits(p, q, eta, length);
    const at = [...Array(length + 1).keys()];
    last = {
      key,
      path: {
        q: at.map((t) => (t && !still ? softmax(path[t], 1) : [...q])),
        loss: at.map((t) => (t && !still ? crossEntropyLogits(p, path[t], 1) : crossEntropy(p, q))),
        kl: at.map((t) => (t && !still ? divergence(p, path[t]) : klDivergence(p, q))),
      },
    };
  }
  const { path } = last;
  return {
    q: path.q.slice(0, steps + 1),
    loss: path.loss.slice(0, steps + 1),
    kl: path.kl.slice(0, steps + 1),
  };
}

/** The same with one label a step, drawn from p. The same seed gives the same path.
 * @param {Shares} p @param {Shares} q @param {number} eta @param {number} steps @param {number} seed
 * @returns {{ q: number[][] }} */
export function sampledPath(p, q, eta, steps, seed) {
  let state = seed | 0;
  // mulberry32
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const path = [[...q]];
  let z = q.map((v) => Math.log(v));
  for (let t = 0; t < steps; t++) {
    let left = random() * sum(p.length, (i) => p[i]);
    let label = -1;
    p.forEach((share, i) => {
      if (share > 0 && left >= 0) label = i;
      left -= share;
    });
    const now = softmax(z, 1);
    z = z.map((v, i) => v - eta * (now[i] - (i === label ? 1 : 0)));
    path.push(softmax(z, 1));
  }
  return { q: path };
}
