// Where the blocks and their labels stand.
import assert from 'node:assert/strict';
import test from 'node:test';
import { axes } from '../src/axes.js';
import { blockRatio, borders, brief, ground, inside, spread } from '../src/figures/blocks.js';
import { DEFAULTS } from '../src/state.js';
/** @import { Pen } from '../src/pen.js' */

const pen = /** @type {Pen} */ (/** @type {unknown} */ ({ line() {}, text() {} }));

test('handles and drawing agree on where the blocks stand', () => {
  for (const width of [296, 735, 1500]) {
    const size = { width, height: width * blockRatio(width / 16), em: 16 };
    for (const rows of [4, 5]) {
      assert.deepEqual(ground(pen, DEFAULTS, size, rows, 'surprisal').box, inside(size, rows));
    }
  }
  const size = { width: 400, height: 300, em: 16 };
  const flat = axes(pen, size, { span: [0, 1], name: '' }, { span: [0, 1], name: '' }).inside;
  assert.equal(flat.left, inside(size, 4).left);
  assert.equal(flat.right, inside(size, 4).right);
});

test('heights beyond the plane, also infinite ones, end at it', () => {
  const size = { width: 400, height: 480, em: 16 };
  const { Y, box } = ground(pen, DEFAULTS, size, 4, 'surprisal');
  assert.equal(Y(Infinity), Y(4));
  assert.ok(Math.abs(Y(4) - box.top) < 1e-9);
  assert.equal(Y(0), box.bottom);
});

test('the last border is the edge of the frame, whatever the shares round to', () => {
  assert.deepEqual(borders([0.1, 0.2, 0.7]), [0, 0.1, 0.1 + 0.2, 1]);
});

test('labels keep their order, their distance and the edges', () => {
  for (const wanted of [
    [50, 150, 250],
    [0, 0, 150],
    [150, 300, 300],
    [0, 299, 300],
    [10, 12, 14],
    [295, 298, 300],
  ]) {
    const places = spread(wanted, 80, 40, 260);
    assert.ok(places[0] >= 40 && places[2] <= 260, String(places));
    assert.ok(places[1] - places[0] >= 80 && places[2] - places[1] >= 80, String(places));
  }
  assert.deepEqual(spread([50, 150, 250], 80, 40, 260), [50, 150, 250]);
});

test('numbers of narrow columns are short', () => {
  const shown = [0, 0.1, 0.00123, 0.001, 2.302585, 16.6096, 2.885e-5, 0.00044, Infinity].map(brief);
  assert.deepEqual(shown, ['0', '0.1', '0.0012', '0.001', '2.303', '16.61', '3e-5', '4e-4', 'inf']);
});
