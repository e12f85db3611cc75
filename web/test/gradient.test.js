import assert from 'node:assert/strict';
import test from 'node:test';
import { places, rounded, signed, squaredGradient } from '../src/figures/gradient.js';
import { matching } from '../src/chapters/gradient.js';
import { softmax } from '../src/numerics/index.js';

const p = [0.1, 0.2, 0.7];

test('the gradient of half the squared error is that of its differences', () => {
  const z = [2, 0, -1];
  for (const tau of [0.5, 1, 4]) {
    /** @param {number[]} at */
    const loss = (at) => softmax(at, tau).reduce((all, s, i) => all + (s - p[i]) ** 2 / 2, 0);
    squaredGradient(p, z, tau).forEach((slope, i) => {
      const [up, down] = [1e-5, -1e-5].map((d) => loss(z.map((v, j) => (i === j ? v + d : v))));
      assert.ok(Math.abs((up - down) / 2e-5 - slope) < 1e-9);
    });
  }
});

test('it dies where the forecast is sure and wrong', () => {
  assert.ok(squaredGradient([0, 0, 1], [5, 0, -4.2], 1)[2] > -2e-4);
});

test('the logits that match p stay in their range', () => {
  for (const tau of [0.05, 1, 20]) {
    for (const truth of [p, [0.5, 0.5, 0], [0, 0, 1], [1 / 3, 1 / 3, 1 / 3], [1e-300, 0.5, 0.5]]) {
      const z = matching(truth, tau);
      assert.ok(z.every((v) => v >= -20 && v <= 20));
      const least = Math.exp(-40 / tau);
      softmax(z, tau).forEach((s, i) => assert.ok(Math.abs(s - truth[i]) <= 2 * least + 1e-15));
    }
  }
});

test('places are in order, in the range, and close together where the share changes', () => {
  for (const tau of [0.05, 1, 20]) {
    const z = [2, 0, -1];
    const all = places(z, 2, tau);
    assert.ok(all.every((v, i) => v >= -20 && v <= 20 && (i === 0 || v >= all[i - 1])));
    const shares = all.map((v) => softmax([2, 0, v], tau)[2]);
    assert.ok(shares.every((s, i) => i === 0 || s - shares[i - 1] < 0.1));
  }
});

test('what is rounded never seems to be 0 or 1', () => {
  assert.deepEqual(
    [0, 1e-9, 0.004, 0.5, 0.996, 1].map((v) => rounded(v, true)),
    ['0', '<0.01', '<0.01', '0.5', '>0.99', '1'],
  );
  assert.equal(rounded(0.25, false), '.25');
  assert.deepEqual([0, 1e-9, -0.25, 0.25].map(signed), ['0', '≈ 0', '−0.25', '+0.25']);
});
