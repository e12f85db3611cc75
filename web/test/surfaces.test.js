// Geometry of the two surfaces: what they are made of has exact heights, also at corners and edges.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { predictions, ruling } from '../src/figures/binarySurface.js';
import { heights, mesh } from '../src/figures/simplexSurface.js';
import { arranged, CUT, space } from '../src/figures/surface.js';
import { binaryCrossEntropy, entropy } from '../src/numerics/index.js';
import { BANDS, LEVELS } from '../src/palette.js';

test('rulings lie on the loss, up to the cut', () => {
  for (const yhat of predictions()) {
    for (const [x, y, z] of ruling(yhat)) {
      assert.equal(x, yhat - 0.5);
      assert.ok(z >= 0 && z <= 1 && Math.abs(y) <= 0.5);
      const loss = binaryCrossEntropy(y + 0.5, yhat);
      if (yhat > 0 && yhat < 1) assert.ok(Math.abs(z * CUT - loss) < 1e-4, `${yhat}: ${z * CUT} for ${loss}`);
    }
  }
});

test('predictions rise from 0 to 1 and are symmetric', () => {
  const all = predictions();
  assert.equal(all[0], 0);
  assert.equal(all.at(-1), 1);
  all.forEach((v, i) => {
    if (i > 0) assert.ok(v > all[i - 1]);
    assert.ok(Math.abs(v + all[all.length - 1 - i] - 1) < 1e-15);
  });
});

test('rings end at the cut and each level has its own', () => {
  for (const unit of [1, Math.LOG2E]) {
    const all = heights(3.2, unit);
    const ends = LEVELS.map((level) => level / unit).filter((nats) => nats < 3.2);
    for (const nats of ends) assert.ok(all.some((one) => one.nats === nats));
    assert.equal(all.at(-1)?.nats, 3.2);
    for (let i = 1; i < all.length; i++) assert.ok(all[i].nats > all[i - 1].nats);
  }
});

test('the bowl stands on H(p) and ends at the cut, wherever p is', () => {
  for (const p of [
    [0.1, 0.2, 0.7],
    [0, 0.4, 0.6],
    [0, 0, 1],
    [1e-12, 0.3, 0.7 - 1e-12],
    [1 / 3, 1 / 3, 1 / 3],
  ]) {
    const faces = mesh(p, 1).filter(({ fill }) => fill);
    const all = faces.flatMap(({ at, to = [] }) => [...at, ...to]).map(([, , z]) => z * CUT);
    assert.ok(all.every(Number.isFinite));
    assert.ok(Math.abs(Math.min(...all) - entropy(p)) < 1e-12);
    assert.ok(Math.abs(Math.max(...all) - CUT) < 1e-12);
    assert.equal(faces.at(-1)?.fill, BANDS[0]);
  }
});

test('the nearer face is painted later, and a bowl shows its inside', () => {
  const [near, far] = [-0.5, 0.3].map((y) => ({
    at: [
      [0, y, 0],
      [0.2, y, 0],
      [0.2, y + 0.2, 0],
      [0, y + 0.2, 0],
    ],
    fill: String(y),
  }));
  const view = space(0, 40, 100, 0, 0);
  assert.deepEqual(
    arranged([near, far], view).map(({ fill }) => fill),
    ['0.3', '-0.5'],
  );
  // Between rings of two spots are two faces; one is seen from above, whichever way they go.
  const [inner, outer] = [near.at.slice(0, 2), near.at.slice(2).reverse()];
  const ring = { at: inner, to: outer, fill: 'ring' };
  const [{ loops }] = arranged([ring], view);
  assert.equal(loops.length, 1);
  const [[x, y]] = inner.map(view.to);
  assert.ok(loops[0].some(([u, v]) => u === x && v === y));
  assert.equal(arranged([{ ...ring, flat: [true, true] }], view)[0].loops.length, 0);
});

test('the middle of the box stays where it is', () => {
  for (const turn of [0, 77, 300]) {
    const [x, y] = space(turn, 25, 100, 12, 34).to([0, 0, 0.5]);
    assert.ok(Math.abs(x - 12) < 1e-9 && Math.abs(y - 34) < 1e-9);
  }
});
