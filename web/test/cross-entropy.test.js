// The cross-entropy chapter: areas that add up, and the line of models through p and q.
import assert from 'node:assert/strict';
import test from 'node:test';
import { crossEntropy } from '../src/chapters/cross-entropy.js';
import { part } from '../src/figures/directions.js';
import { along, ends, target } from '../src/figures/gap.js';
import { crossEntropy as nats, entropy, klDivergence } from '../src/numerics/index.js';
import { DEFAULTS } from '../src/state.js';

const { p, q } = DEFAULTS;

test('what the outcomes cost extra adds up to the divergence', () => {
  const total = part(p[0], q[0]) + part(p[1], q[1]) + part(p[2], q[2]);
  assert.ok(Math.abs(total - klDivergence(p, q)) < 1e-15);
  assert.equal(part(0, 0), 0);
  assert.equal(part(0, 0.5), 0);
  assert.equal(part(0.5, 0), Infinity);
});

test('the line leads from the truth to the forecast, and is lowest at the truth', () => {
  assert.deepEqual(along(p, q, 0), [...p]);
  assert.ok(along(p, q, 1).every((share, i) => Math.abs(share - q[i]) < 1e-15));
  for (const t of [-0.15, -0.01, 0.01, 0.5, 1.1]) assert.ok(nats(p, along(p, q, t)) > entropy(p));
});

test('the line ends where a share is used up', () => {
  const [low, high] = ends(p, q);
  assert.ok(Math.abs(low + 0.2) < 1e-15 && Math.abs(high - 7 / 6) < 1e-15);
  assert.deepEqual(ends(p, [0, 0.5, 0.5])[1], 1);
  const [from, to] = ends([0, 0, 1], [0.5, 0, 0.5]);
  assert.ok(from === 0 && to === 2, `${from} to ${to}`);
  for (const t of ends(p, q)) assert.ok(along(p, q, t).every((share) => share >= 0));
});

test('where the forecast is the truth another line is shown', () => {
  assert.equal(target(p, q), q);
  assert.deepEqual(target(p, [...p]), [1 / 3, 1 / 3, 1 / 3]);
  const even = [1 / 3, 1 / 3, 1 / 3];
  assert.deepEqual(target(even, even), [0, 0, 1]);
});

test('the four examples of every chapter with a forecast', () => {
  const change = Object.fromEntries(crossEntropy.presets.map((one) => [one.id, one.change(DEFAULTS)]));
  assert.deepEqual(change, {
    uniform: { q: [1 / 3, 1 / 3, 1 / 3] },
    match: { q: p },
    swap: { p: q, q: p },
    infinite: { p, q: [0, 0.5, 0.5] },
  });
});

test('the answer to the question has the numbers of the figures', () => {
  const { show, why } = crossEntropy.question;
  const costs = [show.q ?? [], [1 / 3, 1 / 3, 1 / 3], p].map((model) => nats(p, model).toFixed(3));
  assert.deepEqual(costs, ['0.970', '1.099', '0.802']);
  for (const cost of costs) assert.ok(why.includes(cost), cost);
});

test('the sentence says inf where the forecast ruled out what happens', () => {
  assert.match(crossEntropy.sentence({ ...DEFAULTS, q: [0, 0.5, 0.5] }), /inf nats.*0\.8018 nats.*inf nats/);
});
