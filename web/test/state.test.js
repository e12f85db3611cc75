import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHAPTERS, DEFAULTS, RANGES, format, mover, parse, withShare } from '../src/state.js';

/** What one key becomes. @param {string} key @param {string} value */
const given = (key, value) => {
  const { state, note } = parse(`v=1&${key}=${value}`);
  return { value: /** @type {any} */ (state)[key], note };
};

/** @param {string} key @param {string} value */
function refused(key, value) {
  const { value: got, note } = given(key, value);
  assert.deepEqual(got, /** @type {any} */ (DEFAULTS)[key], `${key}=${value}`);
  assert.match(note, new RegExp(`\\b${key} has a value`), `${key}=${value}`);
}

/** @param {string} key @param {string} value @param {unknown} expected */
function taken(key, value, expected) {
  assert.deepEqual(given(key, value), { value: expected, note: '' }, `${key}=${value}`);
}

test('the defaults as text', () => {
  assert.equal(
    format(DEFAULTS),
    'v=1&chapter=surprisal&unit=nats&x=0.25&y=0.3&yhat=0.6&eps=0.1&p=0.1,0.2,0.7&q=0.6,0.3,0.1' +
      '&n=1,2,7&k=10&z=2,0,-1&tau=1&eta=0.4&step=0',
  );
});

test('no hash is no complaint', () => {
  for (const hash of ['', '#']) assert.deepEqual(parse(hash), { state: DEFAULTS, note: '' });
});

test('every state comes back to the last bit', () => {
  let seed = 3;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const number = (/** @type {typeof RANGES[string]} */ { low, high, whole }) => {
    if (whole) return low + Math.floor(random() * (high - low + 1));
    const kind = random();
    if (kind < 0.1) return low;
    if (kind < 0.2) return high;
    const value = low + (high - low) * random() ** (kind < 0.5 ? 1 : 40 * kind);
    return Math.min(high, Math.max(low, value));
  };
  for (let round = 0; round < 3000; round++) {
    const state = {
      ...DEFAULTS,
      chapter: CHAPTERS[Math.floor(random() * CHAPTERS.length)],
      unit: random() < 0.5 ? 'nats' : 'bits',
    };
    for (const [key, range] of Object.entries(RANGES)) {
      const all = Array.from({ length: range.parts ?? 1 }, () => number(range));
      const value =
        key === 'p' || key === 'q' ? withShare(Math.floor(random() * 3), random() ** 9, random() ** 9) : all;
      Object.assign(state, { [key]: range.parts ? value : value[0] });
    }
    const text = format(/** @type {any} */ (state));
    assert.deepEqual(parse(`#${text}`), { state, note: '' });
    assert.equal(format(parse(text).state), text);
    assert.deepEqual(
      parse(encodeURIComponent(text).replaceAll('%26', '&').replaceAll('%3D', '=')).state,
      state,
    );
  }
});

test('decimals are taken as given', () => {
  taken('x', '1e-7', 1e-7);
  taken('x', '1E-320', 1e-320);
  taken('x', '.5', 0.5);
  taken('x', '1.', 1);
  taken('x', '+0.5', 0.5);
  taken('x', '00.25', 0.25);
  taken('x', '0.30000000000000004', 0.30000000000000004);
  taken('x', '%30%2E5', 0.5);
  taken('z', '-20,20,-1e-5', [-20, 20, -1e-5]);
  taken('k', '1e2', 100);
  assert.ok(Object.is(given('x', '-0').value, -0));
  assert.match(format(parse('v=1&x=-0').state), /&x=0&/);
});

test('anything else is refused and named', () => {
  for (const value of [
    '',
    ' 0.5',
    '0.5 ',
    '%200.5',
    '0x10',
    '0b1',
    '1_0',
    'Infinity',
    'NaN',
    'nan',
    '1e',
    'e1',
    '.',
  ])
    refused('x', value);
  for (const value of [
    '0,5',
    '1e999',
    '-1e-320',
    '1.0000000000000002',
    '--1',
    '%',
    '%E0%A4%A',
    '%00',
    '٠',
    '0.5\n',
  ])
    refused('x', value);
  for (const value of ['1.5', '1', '101', '1e3', 'ten']) refused('k', value);
  for (const value of ['1,2', '1,2,7,1', '1,2,', '0,2,7', '1,2,7.5', '101,1,1', '']) refused('n', value);
  for (const value of ['Nats', 'bit', 'constructor', '']) refused('unit', value);
  for (const value of ['__proto__', 'toString', 'Simplex', '<b>', '']) refused('chapter', value);
  refused('tau', '0.049999999999999996');
  refused('step', '200.00000000000003');
  refused('z', '0,0,20.000000000000004');
});

test('shares must sum to 1 within 1e-12', () => {
  taken('p', '0.5,0.5,0.0000000000009', [0.5, 0.5, 9e-13]);
  taken('q', '0.4999999999991,0.5,0', [0.4999999999991, 0.5, 0]);
  refused('p', '0.5,0.5,0.0000000000011');
  refused('q', '0.4999999999989,0.5,0');
  refused('p', '0.5,0.6,-0.1');
  refused('p', '1,2,7');
});

test('keys: unknown ones pass, the last of two stands, malformed ones do no harm', () => {
  for (const hash of [
    'v=1&__proto__=1',
    'v=1&constructor=2&toString=3',
    'v=1&&&=&x&=5',
    'v=1&%=3',
    'v=1&x1=7',
  ])
    assert.deepEqual(parse(hash), { state: DEFAULTS, note: '' }, hash);
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
  taken('x', '0.5&x=0.75', 0.75);
  refused('x', '0.5&x=2');
  taken('x', '0.5&y', 0.5);
  taken('unit', 'b%69ts', 'bits');
  assert.equal(parse('v=1&%78=0.5').state.x, 0.5);
  assert.match(parse('v=1&x=2&y=3').note, /x, y have values/);
});

test('a hash without v=1, or too long, is refused whole', () => {
  for (const hash of [
    'x=0.5',
    'v=2&x=0.5',
    'v=1.0&x=0.5',
    'v=&x=0.5',
    'V=1&x=0.5',
    'nothing',
    '%',
    'v=1&v=2&x=0.5',
  ]) {
    const { state, note } = parse(hash);
    assert.deepEqual(state, DEFAULTS);
    assert.match(note, /not used: it does not begin with v=1/, hash);
  }
  const fill = (/** @type {number} */ length) => 'v=1&x=0.5&junk='.padEnd(length, 'a');
  assert.equal(parse(fill(2000)).state.x, 0.5);
  assert.equal(parse(`#${fill(2000)}`).state.x, 0.5);
  assert.equal(parse(fill(2001)).state.x, 0.25);
  assert.match(parse(fill(2001)).note, /2001 characters/);
});

test('the defaults stay what they are', () => {
  parse('v=1&p=1,0,0&x=1');
  assert.deepEqual(parse('').state.p, [0.1, 0.2, 0.7]);
  assert.throws(() => Object.assign(DEFAULTS, { x: 1 }));
  assert.throws(() => Object.assign(DEFAULTS.p, { 0: 1 }));
});

test('one share moved: it is as asked, the sum is 1, the others keep their ratio', () => {
  for (const share of [0, 1e-300, 0.1, 1 / 3, 0.7, 1 - 1e-16, 1]) {
    for (const first of [0, 0.2, 0.5, 1]) {
      for (const place of [0, 1, 2]) {
        const moved = withShare(place, share, first);
        assert.equal(moved[place], share);
        assert.ok(moved.every((v) => v >= 0 && v <= 1));
        assert.ok(Math.abs(moved[0] + moved[1] + moved[2] - 1) <= 3e-16);
        const [a, b] = moved.filter((_, i) => i !== place);
        assert.ok(Math.abs(a * (1 - first) - b * first) <= 2e-16);
      }
    }
  }
});

test('to 1 and back, and through 1 without a stop', () => {
  const move = mover();
  let p = move([0.1, 0.2, 0.7], 2, 0.99);
  p = move(p, 2, 1);
  assert.deepEqual(p, [0, 0, 1]);
  p = move(p, 2, 0.7);
  assert.ok(Math.abs(p[0] - 0.1) < 1e-15 && Math.abs(p[1] - 0.2) < 1e-15);
  // From a corner that was not come to by moving, the others share alike.
  assert.deepEqual(mover()([0, 0, 1], 2, 0.5), [0.25, 0.25, 0.5]);
  // Another share moved in between: its ratio is a new one.
  p = move(move(p, 0, 1), 1, 0.5);
  assert.deepEqual(p, [0.5, 0.5, 0]);
});

test('percent-encoding, of parts or of the whole', () => {
  const state = { ...DEFAULTS, chapter: 'simplex', p: [0.3, 0.3, 0.4] };
  for (const text of [encodeURIComponent(format(state)), format(state).replaceAll(',', '%2C')]) {
    assert.deepEqual(parse(text), { state, note: '' });
  }
  assert.match(parse('v%3D1%ZZ').note, /v=1/);
});
