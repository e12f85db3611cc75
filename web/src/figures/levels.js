// Rings of equal divergence around p on the triangle.
/** @import { Shares } from '../types' */

/** For each level the shares q with KL(p‖q) = level (or KL(q‖p), when `reverse`), in order around p; where the edge of
 * the triangle comes before the level, a point of the edge. Along a line from p the divergence is convex and grows.
 * @param {Shares} p @param {readonly number[]} levels rising, in nats @param {number} [count] points, a multiple of 3
 * @param {boolean} [reverse] @returns {number[][][]} */
export function rings(p, levels, count = 132, reverse = false) {
  const ways = directions(p, count);
  const near = ways.map(() => 0); // how far the level before was
  return levels.map((level, k) =>
    ways.map((d, i) => {
      // The divergence grows with the square of the distance, at first.
      const guess = Math.sqrt(k ? (near[i] ** 2 * level) / levels[k - 1] : level);
      const t = (near[i] = reach(p, d, level, near[i], guess, reverse));
      return p.map((v, j) => Math.max(0, v + t * d[j]));
    }),
  );
}

/** One ring. @param {Shares} p @param {number} level @param {number} [count] @param {boolean} [reverse] */
export const ring = (p, level, count, reverse) => rings(p, [level], count, reverse)[0];

/** From p to points of the three edges, the corners among them. As seen from p they are
 * denser towards the corners, where rings that hug the edges turn sharply.
 * @param {Shares} p @param {number} count */
function directions(p, count) {
  const ways = [];
  for (let i = 0; i < 3; i++) {
    const [j, k] = [(i + 1) % 3, (i + 2) % 3];
    const foot = p[j] + p[k] / 2;
    const away = Math.max(0.02, (p[k] * Math.sqrt(3)) / 2);
    const [low, high] = [Math.atan(-foot / away), Math.atan((1 - foot) / away)];
    for (let s = 0; s < count; s += 3) {
      const share = 0.5 - 0.5 * Math.cos((Math.PI * s) / count);
      const u = s ? foot + away * Math.tan(low + (high - low) * share) : 0;
      const b = [0, 0, 0];
      b[i] = 1 - u;
      b[j] = u;
      ways.push(b.map((v, at) => v - p[at]));
    }
  }
  return ways;
}

/** The t up to 1 at which the divergence of p and p + t d reaches a level. Newton's steps, halves where they leave the
 * bracket: on the divergence against -log(1 - t), as it grows like that towards an edge; backwards on its square root.
 * @param {Shares} p @param {number[]} d @param {number} level @param {number} low t of a lower level
 * @param {number} t a guess @param {boolean} reverse */
function reach(p, d, level, low, t, reverse) {
  if (low >= 1) return 1;
  if (reverse && d.some((v, i) => v > 0 && p[i] === 0)) return 0; // infinite at once
  let high = 2; // nothing is known of the end, 1
  let rest = 1 - t; // to the edge, with all its digits
  for (let tries = 0; tries < 60; tries++) {
    if (!(t > low && t < high)) rest = 1 - (t = Math.min((low + high) / 2, 1));
    let value = 0;
    let slope = 0;
    for (let i = 0; i < 3; i++) {
      const q = d[i] === -p[i] ? p[i] * rest : p[i] + t * d[i];
      if (reverse) {
        value -= t * d[i];
        if (q > 0) {
          const log = Math.log(q / p[i]);
          value += q * log;
          slope += d[i] * log;
        }
      } else {
        value += t * d[i];
        if (p[i] > 0) {
          value += q > 0 ? p[i] * Math.log(p[i] / q) : Infinity;
          slope += ((d[i] * d[i]) / q) * t * rest;
        } else slope += d[i] * rest;
      }
    }
    if (value <= level) {
      if (t === 1) return 1;
      low = t;
    } else high = t;
    if (high - low < 1e-12) break;
    if (reverse) rest += ((value - Math.sqrt(level * value)) * 2) / slope;
    else rest *= Math.exp((value - level) / slope);
    t = 1 - rest;
    if (Math.abs(value - level) <= 1e-5 * level) break; // a step squares what is missing
  }
  return Math.min(t, 1);
}
