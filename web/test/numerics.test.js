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
        const loose = /^gradient_|^q$/.test(name) || (of === 'training' && name === 'kl_divergence');
        // but softmax itself, and what it lacks to 1, keep their digits
        const certain = of === 'gradient' && [0, 1].includes(state.p[Number(name.at(-1)) - 1]);
        const close = loose && !certain ? 1e-14 : 0;
        actual.forEach((value, i) => {
          const want = truth === 'inf' ? Infinity : wanted[i];
          const good = near(value, want) || Math.abs(value - want) <= close;
          assert.ok(good, `${of} ${name} of ${JSON.stringify(state)}: ${value}, not ${want}`);
        });
      }
    }
  });
}

/** Numbers in [0, 1), the same every time. @param {number} seed */
function generator(seed) {
  let state = BigInt(seed);
  return () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n);
    return Number(state >> 11n) / 2 ** 53;
  };
}

const EDGES = [0, 5e-324, 1e-310, 1e-300, 1e-16, 2 ** -53, 1e-9, 0.3, 0.5, 1 - 2 ** -53, 1];

/** Shares: random, skewed, at edges and corners, subnormal, and with a sum that is off 1. @param {() => number} random */
function someShares(random) {
  const kind = Math.floor(6 * random());
  if (kind === 0) {
    const first = EDGES[Math.floor(EDGES.length * random())];
    const second = random() < 0.5 ? 0 : (1 - first) * random();
    return [first, second, 1 - first - second].sort(() => random() - 0.5);
  }
  const parts = [random(), random(), random()].map((v) => v ** [1, 1, 2, 8, 60, 400][kind]);
  const all = parts[0] + parts[1] + parts[2];
  const off = random() < 0.2 ? 1 - 9e-13 * random() : 1;
  return all > 0 ? parts.map((v) => (v / all) * off) : [1, 0, 0];
}

test('no NaN, nothing negative, symmetric where it should be, exactly 0 where p = q', () => {
  const random = generator(7);
  const pick = () => (random() < 0.5 ? EDGES[Math.floor(EDGES.length * random())] : random());
  for (let round = 0; round < 4000; round++) {
    const p = someShares(random);
    const q = random() < 0.2 ? p.map((v) => v * (1 - 1e-15 * random())) : someShares(random);
    const [y, yhat, eps] = [pick(), pick(), pick()];
    const n = [0, 0, 0].map(() => 1 + Math.floor(100 * random()));
    const z = [0, 0, 0].map(() => (random() < 0.3 ? 20 * Math.sign(random() - 0.5) : 40 * random() - 20));
    const [k, tau] = [2 + Math.floor(99 * random()), 0.05 * 400 ** random()];
    const state = { x: y, y, yhat, eps, p, q, n, k, z, tau, eta: 1, step: 0 };
    const about = JSON.stringify(state);
    for (const of of Object.keys(QUANTITIES).filter((name) => name !== 'training')) {
      for (const [name, value] of Object.entries(QUANTITIES[of](state))) {
        const least = /gradient/.test(name) ? -Infinity : 0;
        assert.ok(Number(value) >= least && !Object.is(value, -0), `${name} is ${value} of ${about}`);
      }
    }
    const { klDivergence, jsDivergence, binaryKlDivergence, softmax } = numerics;
    assert.equal(jsDivergence(p, q), jsDivergence(q, p), about);
    assert.ok(jsDivergence(p, q) <= Math.LN2 * (1 + 1e-12), about);
    for (const zero of [klDivergence(p, p), jsDivergence(q, q), binaryKlDivergence(y, y)])
      assert.equal(zero, 0, about);
    assert.ok(Math.abs(numerics.shares(n).reduce((a, b) => a + b) - 1) < 1e-15);
    assert.ok(Math.abs(softmax(z, tau).reduce((a, b) => a + b) - 1) < 1e-15);
  }
});

test('the ends: nothing is clipped', () => {
  assert.equal(numerics.surprisal(0), Infinity);
  assert.equal(numerics.klDivergence([0.1, 0.2, 0.7], [0, 0.5, 0.5]), Infinity);
  assert.equal(numerics.crossEntropy([0, 0.2, 0.8], [0, 0.5, 0.5]), Math.LN2);
  assert.equal(numerics.jsDivergence([1, 0, 0], [0, 0.5, 0.5]), Math.LN2);
  assert.equal(numerics.binaryCrossEntropy(1, 0), Infinity);
  assert.equal(numerics.rateLimit([0, 1, 0]), Infinity);
  assert.equal(numerics.bestLogitGap(10, 0), Infinity);
  assert.equal(numerics.bestLogitGap(10, 1), 0);
  assert.equal(numerics.smoothingFloor(10, 0), 0);
  assert.ok(Object.is(numerics.xlogy(0, 0), 0) && Object.is(numerics.xlogy(1, 1), 0));
});

test('the primitives, where the plain difference has no digits left', () => {
  for (const d of [1e-15, -1e-12, 1e-8, -1e-5, 1e-3]) {
    // by Taylor; what is left out is below 1e-15 of it
    assert.ok(near(numerics.phi(d), d ** 2 / 2 - d ** 3 / 3 + d ** 4 / 4 - d ** 5 / 5 + d ** 6 / 6));
    assert.ok(near(numerics.jsTerm(d), d ** 2 / 2 + d ** 4 / 12 + d ** 6 / 30));
  }
  for (const d of [-0.9, -0.6, -0.4, 0.3, 0.49, 0.51, 0.9, 1.9, 2.1]) {
    assert.ok(near(numerics.phi(d), d - Math.log1p(d)));
    if (d < 1) {
      assert.ok(near(numerics.jsTerm(d), ((1 + d) * Math.log1p(d) + (1 - d) * Math.log1p(-d)) / 2));
    }
  }
  assert.equal(numerics.jsTerm(1), Math.LN2);
  assert.equal(numerics.jsTerm(-1), Math.LN2);
});

test('a path: one entry a step and one more, zeros stay, p is a place of rest, calls do not disturb each other', () => {
  const random = generator(11);
  for (let round = 0; round < 60; round++) {
    const [p, q, eta] = [someShares(random), someShares(random), 0.05 + 7.95 * random()];
    const about = JSON.stringify({ p, q, eta });
    const path = numerics.train(p, q, eta, 200);
    for (const list of [path.q, path.loss, path.kl]) assert.equal(list.length, 201);
    assert.deepEqual(path.q[0], q);
    for (let t = 0; t <= 200; t++) {
      assert.ok(path.kl[t] >= 0 && path.loss[t] >= 0, `${path.kl[t]}, ${path.loss[t]} at ${t} of ${about}`);
      path.q[t].forEach((share, i) =>
        assert.ok(q[i] === 0 ? share === 0 : share >= 0, `${share} at ${t} of ${about}`),
      );
      if (p.some((share, i) => share > 0 && q[i] === 0)) assert.equal(path.kl[t], Infinity);
    }
    assert.ok(numerics.train(p, p, eta, 200).kl.every((kl) => kl === 0));
    const part = numerics.train(p, q, eta, 9);
    assert.deepEqual(part, {
      q: path.q.slice(0, 10),
      loss: path.loss.slice(0, 10),
      kl: path.kl.slice(0, 10),
    });
  }
});

test('a step as doubles take it, and the loss falls below half the rate limit', () => {
  const random = generator(13);
  for (let round = 0; round < 50; round++) {
    const [p, q] = [0, 0].map(() => numerics.softmax([2 * random(), 2 * random(), 2 * random()], 1));
    const eta = 0.05 + 3.9 * random();
    const path = numerics.train(p, q, eta, 1);
    const gradient = numerics.logitGradient(p, q.map(Math.log), 1);
    const by_hand = numerics.softmax(
      q.map((v, i) => Math.log(v) - eta * gradient[i]),
      1,
    );
    by_hand.forEach((v, i) => assert.ok(Math.abs(v - path.q[1][i]) < 1e-14));
    const calm = numerics.train(p, q, 2, 50).loss; // no eigenvalue is above ½: 2 is half of the least rate limit
    for (let t = 1; t <= 50; t++) assert.ok(calm[t] <= calm[t - 1] + 1e-15);
  }
});

test('labels one by one: reproducible, drawn from p alone, leading to p', () => {
  const p = [0.1, 0, 0.9];
  const q = [0.6, 0.3, 0.1];
  const path = numerics.sampledPath(p, q, 0.05, 4000, 3).q;
  assert.equal(path.length, 4001);
  assert.deepEqual(path[0], q);
  assert.deepEqual(numerics.sampledPath(p, q, 0.05, 4000, 3).q, path);
  assert.notDeepEqual(numerics.sampledPath(p, q, 0.05, 9, 4).q, path.slice(0, 10));
  assert.ok(path.every((shares) => shares.every((v) => v >= 0 && v <= 1)));
  assert.ok(path[4000][1] < 0.02); // never drawn
  const late = path.slice(2000);
  const mean = p.map((_, i) => late.reduce((all, shares) => all + shares[i], 0) / late.length);
  assert.ok(Math.abs(mean[0] - 0.1) < 0.02 && Math.abs(mean[2] - 0.9) < 0.02);
  const zero = numerics.sampledPath([0.5, 0.5, 0], [0, 0.5, 0.5], 0.4, 50, 1).q;
  assert.ok(zero.every((shares) => shares[0] === 0 && shares.every((v) => v >= 0)));
});
