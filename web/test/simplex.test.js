import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ring, rings } from '../src/figures/levels.js';
import { corners, nearest, toPoint, toShares } from '../src/figures/triangle.js';
import { klDivergence } from '../src/numerics/index.js';
import { LEVELS } from '../src/palette.js';

const SIZES = [
  { width: 320, height: 272, em: 16 },
  { width: 700, height: 560, em: 16 },
];
const TRUTHS = [
  [0.1, 0.2, 0.7],
  [1 / 3, 1 / 3, 1 / 3],
  [0.5, 0.5, 0],
  [0, 0, 1],
  [1e-12, 1e-3, 0.999 - 1e-12],
  [0.98, 0.01, 0.01],
  [1e-300, 0.25, 0.75],
];

test('a point inside maps to its shares and back', () => {
  for (const size of SIZES) {
    for (const shares of TRUTHS) {
      const [x, y] = toPoint(shares, size);
      toShares(x, y, size).forEach((v, i) => assert.ok(Math.abs(v - shares[i]) < 1e-12));
    }
  }
});

test('the corners are certain of rain, cloud and sun, and lie inside the stage', () => {
  for (const size of SIZES) {
    corners(size).forEach(([x, y], i) => {
      assert.deepEqual(
        toShares(x + (x - size.width / 2), y + (y < size.height / 2 ? -99 : 99), size),
        [0, 1, 2].map((j) => (i === j ? 1 : 0)),
      );
      assert.ok(x > size.em && x < size.width - size.em && y > size.em && y < size.height - size.em);
    });
  }
});

test('outside the triangle the nearest point of the edge is taken, its share exactly 0', () => {
  for (let n = 0; n < 2000; n++) {
    const angle = n * 2.399963;
    const far = (n % 40) / 10;
    const free = [Math.cos(angle) * far, Math.sin(angle) * far];
    const given = [1 / 3 + free[0], 1 / 3 + free[1], 1 / 3 - free[0] - free[1]];
    const now = nearest(given);
    assert.ok(Math.abs(now[0] + now[1] + now[2] - 1) < 1e-12);
    assert.ok(now.every((v) => v >= 0));
    if (given.some((v) => v < 0)) assert.ok(now.includes(0));
    // Nearest: no point of the triangle lies on the side of what was given.
    for (let i = 0; i < 3; i++) {
      const turn = now.reduce((sum, v, j) => sum + (given[j] - v) * ((i === j ? 1 : 0) - v), 0);
      assert.ok(turn < 1e-12, `${given} ${now}`);
    }
  }
});

for (const reverse of [false, true]) {
  test(`every point of a ring has its level, or lies on the edge below it (reverse: ${reverse})`, () => {
    for (const p of TRUTHS) {
      const all = rings(p, LEVELS, 96, reverse);
      LEVELS.forEach((level, n) => {
        assert.equal(all[n].length, 96);
        for (const q of all[n]) {
          assert.ok(Math.abs(q[0] + q[1] + q[2] - 1) < 1e-12);
          assert.ok(q.every((v) => v >= 0));
          const kl = reverse ? klDivergence(q, p) : klDivergence(p, q);
          const atLevel = Math.abs(kl / level - 1) < 1e-8;
          // Close to the edge doubles of t are too coarse to meet the level; a hair within, it is not passed.
          const within = q.map((v, i) => v + 1e-9 * (p[i] - v));
          const below = reverse ? klDivergence(within, p) : klDivergence(p, within);
          const onEdge = q.some((v) => v < 1e-8) && below <= level;
          const notMoved = reverse && p.includes(0) && q.every((v, i) => v === p[i]);
          assert.ok(atLevel || onEdge || notMoved, `${p} ${level}: ${q} has ${kl}`);
        }
      });
    }
  });
}

test('a ring alone is as it is among others', () => {
  const [p] = TRUTHS;
  const all = rings(p, LEVELS);
  ring(p, LEVELS[5]).forEach((q, i) => q.forEach((v, j) => assert.ok(Math.abs(v - all[5][i][j]) < 1e-9)));
});
