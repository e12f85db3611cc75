import assert from 'node:assert/strict';
import test from 'node:test';
import { lossAtGap, smoothingAt } from '../src/figures/labels.js';
import { bestLogitGap, crossEntropyLogits, smoothingFloor } from '../src/numerics/index.js';

test('the loss over the logit gap is the cross-entropy of the smoothed label', () => {
  for (const [k, eps, gap] of [
    [10, 0.1, 3],
    [2, 0.5, 0],
    [100, 0, 7],
    [3, 1, 12],
  ]) {
    const p = [1 - eps + eps / k, ...Array(k - 1).fill(eps / k)];
    const z = [gap, ...Array(k - 1).fill(0)];
    assert.ok(Math.abs(lossAtGap(k, eps, gap) - crossEntropyLogits(p, z, 1)) < 1e-12);
  }
});

test('the floor lies on the curve at the best gap, and no gap nearby is better', () => {
  for (const [k, eps] of [
    [10, 0.1],
    [2, 0.9],
    [100, 0.01],
  ]) {
    const gap = bestLogitGap(k, eps);
    const floor = smoothingFloor(k, eps);
    assert.ok(Math.abs(lossAtGap(k, eps, gap) - floor) < 1e-12);
    for (const off of [-0.1, 0.1]) assert.ok(lossAtGap(k, eps, gap + off) > floor);
    assert.ok(Math.abs(smoothingAt(k, gap) - eps) < 1e-12);
  }
});
