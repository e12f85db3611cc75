// The entropy chapter: borders that move share between neighbours, and what the chapter says.
import assert from 'node:assert/strict';
import test from 'node:test';
import { entropy } from '../src/chapters/entropy.js';
import { withBorder } from '../src/figures/entropy-blocks.js';
import { entropy as nats } from '../src/numerics/index.js';
import { DEFAULTS } from '../src/state.js';

test('a border moves share between its neighbours and leaves the third alone', () => {
  assert.deepEqual(withBorder([0.1, 0.2, 0.7], 0, 0.25)[2], 0.7);
  assert.ok(Math.abs(withBorder([0.1, 0.2, 0.7], 0, 0.25)[1] - 0.05) < 1e-15);
  assert.deepEqual(withBorder([0.1, 0.2, 0.7], 1, 0.5), [0.1, 0.4, 0.5]);
});

test('a border stops at the next one', () => {
  assert.deepEqual(withBorder([0.25, 0.25, 0.5], 0, -1), [0, 0.5, 0.5]);
  assert.deepEqual(withBorder([0.25, 0.25, 0.5], 0, 2), [0.5, 0, 0.5]);
  assert.deepEqual(withBorder([0.25, 0.25, 0.5], 1, 0), [0.25, 0, 0.75]);
  assert.deepEqual(withBorder([0.25, 0.25, 0.5], 1, 2), [0.25, 0.75, 0]);
  assert.deepEqual(withBorder([1, 0, 0], 0, 0.5), [0.5, 0.5, 0]);
});

test('however often borders move, the shares are accepted by a link', () => {
  let p = [0.1, 0.2, 0.7];
  for (let i = 0; i < 5000; i++) {
    p = withBorder(p, i % 2 ? 1 : 0, (i * 0.6180339887) % 1);
    assert.ok(p.every((share) => share >= 0 && share <= 1));
    assert.ok(Math.abs(p[0] + p[1] + p[2] - 1) <= 1e-15, String(p));
  }
});

test('the presets are shares that a link may carry', () => {
  for (const { id, change } of entropy.presets) {
    const { p } = change(DEFAULTS);
    assert.ok(p && Math.abs(p[0] + p[1] + p[2] - 1) <= 1e-12, id);
  }
});

test('the answer to the question has the numbers of the figures', () => {
  assert.equal(nats(entropy.question.show.p ?? []).toFixed(3), '0.112');
  assert.equal(nats(DEFAULTS.p).toFixed(3), '0.802');
  assert.match(entropy.question.why, /0\.112 nats.*0\.802/);
});

test('the sentence names the entropy in the unit shown', () => {
  assert.match(entropy.sentence(DEFAULTS), /0\.8018 nats.*2\.2296 sides/);
  assert.match(entropy.sentence({ ...DEFAULTS, unit: 'bits' }), /1\.1568 bits.*2\.2296 sides/);
});
