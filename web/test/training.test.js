import assert from 'node:assert/strict';
import { test } from 'node:test';
import { training } from '../src/chapters/training.js';
import { now } from '../src/figures/training.js';
import { rateLimit, train } from '../src/numerics/index.js';
import { DEFAULTS } from '../src/state.js';

const code = (/** @type {import('../src/types').Change} */ change) =>
  training.python({ ...DEFAULTS, ...change }).code;

test('the numbers of a step are those of the path, also where no path is walked', () => {
  for (const q of [DEFAULTS.q, DEFAULTS.p, [0, 0.5, 0.5]]) {
    const path = train(DEFAULTS.p, q, 0.4, 200);
    for (const step of [0, 1, 40, 200]) {
      assert.deepEqual(now({ ...DEFAULTS, q, step }), {
        q: path.q[step],
        loss: path.loss[step],
        kl: path.kl[step],
      });
    }
  }
});

test('the program walks where there is something to walk', () => {
  assert.match(code({ step: 7 }), /in range\(7\):/);
  assert.doesNotMatch(code({ step: 0 }), /range/);
  assert.doesNotMatch(code({ step: 7, q: DEFAULTS.p }), /range/);
});

test('too fast is faster than the largest stable rate, and within the slider', () => {
  const preset = training.presets.find(({ id }) => id === 'fast');
  assert.ok(preset);
  for (const p of [DEFAULTS.p, [1 / 3, 1 / 3, 1 / 3]]) {
    const { eta = 0 } = preset.change({ ...DEFAULTS, p });
    assert.ok(eta > rateLimit(p) && eta <= 8);
  }
});
