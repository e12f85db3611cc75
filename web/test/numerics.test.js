// The numbers of the page against the truth of make_golden.py, and what must hold for every state.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import * as numerics from '../src/numerics/index.js';

/** @typedef {{ x: number, y: number, yhat: number, eps: number, p: number[], q: number[], n: number[], k: number, z: number[], tau: number, eta: number, step: number }} State */
/** @typedef {Record<string, number | number[]>} Values */

/** The quantities of a kind of case, by name. @type {Record<string, (s: State) => Values>} */
const QUANTITIES = {
  surprisal: ({ x }) => ({ surprisal: numerics.surprisal(x) }),
  distributions: ({ p, q }) => ({
    entropy: numerics.entropy(p),
    perplexity: numerics.perplexity(p),
    cross_entropy: numerics.crossEntropy(p, q),
    kl_divergence: numerics.klDivergence(p, q),
    kl_divergence_reverse: numerics.klDivergence(q, p),
    js_divergence: numerics.jsDivergence(p, q),
    rate_limit: numerics.rateLimit(p),
  }),
  binary: ({ y, yhat }) => ({
    binary_cross_entropy: numerics.binaryCrossEntropy(y, yhat),
    binary_entropy: numerics.binaryEntropy(y),
    binary_kl_divergence: numerics.binaryKlDivergence(y, yhat),
    gradient: yhat - y,
  }),
  labels: ({ n, q, k, eps }) => ({
    mean_loss: numerics.meanLoss(n, q),
    label_entropy: numerics.labelEntropy(n),
    smoothing_floor: numerics.smoothingFloor(k, eps),
    best_logit_gap: numerics.bestLogitGap(k, eps),
  }),
  gradient: ({ p, z, tau }) => {
    const [gradient_1, gradient_2, gradient_3] = numerics.logitGradient(p, z, tau);
    return { cross_entropy: numerics.crossEntropyLogits(p, z, tau), gradient_1, gradient_2, gradient_3 };
  },
  training: ({ p, q, eta, step }) => {
    const path = numerics.train(p, q, eta, step);
    return {
      cross_entropy: path.loss[step],
      kl_divergence: path.kl[step],
      entropy: numerics.entropy(p),
      q: path.q[step],
    };
  },
};

/** @type {{ of: string, state: State, values: Record<string, any> }[]} */
const CASES = JSON.parse(await readFile(new URL('golden.json', import.meta.url), 'utf8')).cases;

/** Below the normal doubles no result has a relative precision: there, three units of the last place.
 * @param {number} actual @param {number} truth */
const near = (actual, truth) =>
  actual === truth ||
  Math.abs(actual - truth) <= 1e-12 * Math.abs(truth) ||
  (Math.abs(truth) < 2 ** -1022 && Math.abs(actual - truth) <= 3 * Number.MIN_VALUE);

for (const of of Object.keys(QUANTITIES)) {
  test(`${of}: as in the golden file`, () => {
    const cases = CASES.filter((c) => c.of === of);
    assert.ok(cases.length >= 20);
    for (const { state, values } of cases) {
      const found = QUANTITIES[of](state);
      assert.deepEqual(Object.keys(found), Object.keys(values));
      for (const [name, truth] of Object.entries(values)) {
        const [actual, wanted] = [[found[name]].flat(), [truth].flat()];
        // what is a difference of two numbers that may be equal is right to so much of 1
        const close =
          /^gradient_|^q$/.test(name) || (of === 'training' && name === 'kl_divergence') ? 1e-14 : 0;
        actual.forEach((value, i) => {
          const want = truth === 'inf' ? Infinity : wanted[i];
          const good = near(value, want) || Math.abs(value - want) <= close;
          assert.ok(good, `${of} ${name} of ${JSON.stringify(state)}: ${value}, not ${want}`);
        });
      }
    }
  });
}
