import assert from 'node:assert/strict';
import test from 'node:test';
import { halves, part, rounded } from '../src/figures/directions.js';
import { klDivergence, sum } from '../src/numerics/index.js';

test('what the outcomes add sums to the divergence', () => {
  for (const [p, q] of [
    [
      [0.1, 0.2, 0.7],
      [0.6, 0.3, 0.1],
    ],
    [
      [0, 0.5, 0.5],
      [0.2, 0.3, 0.5],
    ],
    [
      [0.1, 0.2, 0.7],
      [0, 0.5, 0.5],
    ],
  ]) {
    const all = sum(3, (i) => part(p[i], q[i]));
    const kl = klDivergence(p, q);
    assert.ok(all === kl || Math.abs(all - kl) < 1e-15 * 8);
  }
  assert.equal(part(0, 0), 0);
});

test('the halves lie side by side, and below each other where it is narrow', () => {
  const wide = halves({ width: 600, height: 300, em: 16 });
  assert.deepEqual([wide[1].dx, wide[1].dy, wide[1].size.width], [300, 0, 300]);
  const narrow = halves({ width: 300, height: 600, em: 16 });
  assert.deepEqual([narrow[1].dx, narrow[1].dy, narrow[1].size.width], [0, 300, 300]);
});

test('small parts are not printed as 0', () => {
  assert.deepEqual(
    [0, 1e-5, -0.18, 1, Infinity].map((v) => rounded(v, 2)),
    ['0', '≈ 0', '−0.18', '1.00', 'inf'],
  );
});
