// The small functions the divergences are made of: each is a difference of two nearly equal numbers when its
// argument is small, so there it is summed as a series.

/** c0 + c1 u + c2 u² + ..., as far as a double sees it.
 * @param {number} u in (-1, 1)
 * @param {(k: number) => number} coefficient falling with k */
function series(u, coefficient) {
  let sum = 0;
  let power = 1;
  for (let k = 0; k < 99 && Math.abs(power) > 1e-18; k++, power *= u) sum += power * coefficient(k);
  return sum;
}

/** t - log(1 + t), never negative: the divergence p log(p/q) - p + q is p phi((q - p)/p).
 * @param {number} t at least -1 */
export function phi(t) {
  if (!(t > -2 / 3 && t < 2)) return t - Math.log1p(t);
  const s = t / (2 + t); // log(1 + t) is 2 atanh s
  return s * (t - 2 * s * s * series(s * s, (k) => 1 / (2 * k + 3)));
}

/** ½[(1 + d) log(1 + d) + (1 - d) log(1 - d)]: the divergence of two outcomes ½(1 ± d) from a fair coin.
 * @param {number} d from -1 to 1; the sign does not matter */
export function jsTerm(d) {
  const a = Math.abs(d);
  if (a >= 0.5) return (xlogy(1 + a, 1 + a) + xlogy(1 - a, 1 - a)) / 2;
  return d * d * series(d * d, (k) => 1 / ((2 * k + 2) * (2 * k + 1)));
}

/** w log x, where a weight of 0 gives 0 whatever x is. @param {number} w @param {number} x */
export function xlogy(w, x) {
  return w === 0 ? 0 : w * Math.log(x) + 0; // + 0: never -0
}
