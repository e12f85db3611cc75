import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  classesOf,
  exactSum,
  guessLabel,
  guessMark,
  layouts,
  LARGEST,
  matcher,
  proportions,
  records,
  summarize,
  table,
} from '../src/predictions.js';

/** @param {string} text @param {string} [mark] */
const fields = (text, mark = ',') => records(text, mark).map((row) => row.fields);

/** Everything as guessed. @param {string} text @param {string} [event] */
function guessed(text, event) {
  const data = table(text, guessMark(text));
  const label = guessLabel(data.header);
  const { all, guess } = layouts(data.header, label);
  return summarize(data, label, all[guess], classesOf(data, label, all[guess], event));
}

test('quotes, quotes in quotes, line breaks in quotes, and what splits', () => {
  assert.deepEqual(fields('a,b\n1,2\n'), [
    ['a', 'b'],
    ['1', '2'],
  ]);
  assert.deepEqual(fields('"a,1","say ""x"""\r\n"",""""\r\n'), [
    ['a,1', 'say "x"'],
    ['', '"'],
  ]);
  assert.deepEqual(fields('"a""",b'), [['a"', 'b']]);
  assert.deepEqual(fields('a;"b\r\nc";d', ';'), [['a', 'b\r\nc', 'd']]);
  assert.deepEqual(fields('a\tb\rc\td', '\t'), [
    ['a', 'b'],
    ['c', 'd'],
  ]);
  assert.deepEqual(fields('\uFEFF"a",b\n\n  \n,\n'), [
    ['a', 'b'],
    ['', ''],
  ]);
  assert.deepEqual(fields('a,5" disk,c'), [['a', '5" disk', 'c']]);
  assert.deepEqual(fields(''), []);
});

test('lines are those of the file, whatever quotes and empty lines there are', () => {
  const rows = records('h,i\r\n\r\n"two\nlines",1\nx,2\r"a\r\nb\rc",3\n9,4', ',');
  assert.deepEqual(
    rows.map(({ line }) => line),
    [1, 3, 5, 6, 9],
  );
});

test('any table comes back from its CSV', () => {
  let seed = 7;
  const random = (/** @type {number} */ n) => (seed = (seed * 48271) % 2147483647) % n;
  const pieces = ['"', ',', ';', '\n', '\r\n', 'x', ' ', '\t', '""', 'ä', '😀', '\u2028'];
  for (let round = 0; round < 500; round++) {
    const made = Array.from({ length: 1 + random(5) }, () =>
      Array.from({ length: 2 + random(3) }, () =>
        Array.from({ length: random(6) }, () => pieces[random(pieces.length)]).join(''),
      ),
    );
    const quoted = made.map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(','));
    assert.deepEqual(fields(quoted.join(round % 2 ? '\n' : '\r\n')), made);
  }
});

test('what is no table is refused in words', () => {
  assert.throws(() => records('a,"b\nc', ','), /opens on line 1 is never closed/);
  assert.throws(() => table('a,b\n1,2\0', ','), /zero bytes/);
  assert.throws(() => table('', ','), /no row/);
  assert.throws(() => table('label,p\n', ','), /no row/);
  assert.throws(() => table('label\nx\n', ','), /only one column/);
  assert.throws(() => table(`${'c,'.repeat(1100)}c\n1`, ','), /1101 columns/);
  assert.throws(() => table(`a,b\n${'1'.repeat(LARGEST)}`, ','), /reads up to 20 MB/);
});

test('the mark, the label and the columns are guessed as xent report does', () => {
  assert.equal(guessMark('a;b;c\n1,5;2,5;3'), ';');
  assert.equal(guessMark('a\tb\tc'), '\t');
  assert.equal(guessMark('"a;b;c;d",b'), ',');
  assert.equal(guessMark(''), ',');
  assert.equal(guessLabel(['y', 'target', 'x']), 1);
  assert.equal(guessLabel(['Label', 'x']), -1);
  const of = (/** @type {string[]} */ header) => {
    const { all, guess } = layouts(header, guessLabel(header));
    return guess < 0 ? undefined : [all[guess].name, ...all[guess].columns.map((i) => header[i])];
  };
  assert.deepEqual(of(['label', 'p_a', 'p_b', 'prob_c', 'prob_d']), ['p_', 'p_a', 'p_b']);
  assert.deepEqual(of(['label', 'p_a', 'proba_c', 'proba_d']), ['proba_', 'proba_c', 'proba_d']);
  assert.deepEqual(of(['y', 'prob', 'p']), ['', 'p']);
  assert.deepEqual(of(['y', 'predictions']), ['', 'predictions']);
  assert.equal(of(['y', 'score_a', 'score_b']), undefined);
  const names = layouts(['y', 'my_score_a', 'my_score_b'], 0).all.map(({ name }) => name);
  assert.deepEqual(names, ['my_', 'my_score_', '', '', '']);
});

test('labels match names as text, and one spelling of numbers and truth values', () => {
  const number = matcher(['0', '1', '2']);
  assert.deepEqual([' 1', '2.0', '1e0', '-0', '3', '0x1', ''].map(number), [
    1,
    2,
    1,
    0,
    undefined,
    undefined,
    undefined,
  ]);
  const truth = matcher(['0', '1']);
  assert.deepEqual(['TRUE', 'false', 'yes'].map(truth), [1, 0, undefined]);
  assert.deepEqual(['1', '0'].map(matcher(['True', 'False'])), [0, 1]);
  const twin = matcher(['1', '1.0']);
  assert.deepEqual(['1', '1.0', '01'].map(twin), [0, 1, undefined]);
  assert.equal(matcher(['a', 'b'])('__proto__'), undefined);
});

test('losses, counts and shares of a small table', () => {
  const { counts, forecast, losses, mean, entropy, infinite, worst, faults } = guessed(
    'label,p_a,p_b\na,0.5,0.5\nb,0.75,0.25\na,1,0\n',
  );
  assert.deepEqual(counts, [2, 1]);
  assert.deepEqual(forecast, [0.75, 0.25]);
  assert.deepEqual([...losses], [Math.log(2), Math.log(4), 0]);
  assert.equal(mean, Math.log(2));
  assert.ok(Math.abs(entropy - 0.6365141682948128) < 1e-15);
  assert.equal(infinite, 0);
  assert.deepEqual(
    worst.map(({ line }) => line),
    [3, 2, 4],
  );
  assert.deepEqual(faults, []);
});

test('rows that cannot be used are counted by kind and named by line', () => {
  const { faults, losses, rows } = guessed(
    [
      'label,p_a,p_b',
      'a,0.5,0.5',
      'a,0.5',
      ',0.5,0.5',
      'c,0.5,0.5',
      'a,x,0.5',
      'a,nan,0.5',
      'a,,1',
      'a,-0.5,1.5',
      'a,inf,0',
      'a,0.5,0.52',
      'a,0.5,0.5000009',
      'a,0x1,0',
      'a,0.5,0.5,',
    ].join('\n'),
  );
  assert.equal(rows, 13);
  assert.deepEqual([...losses], [Math.log(2), Math.log(2)]);
  const lines = Object.fromEntries(
    faults.map(({ what, lines }) => [what.split(' ').slice(0, 4).join(' '), lines]),
  );
  assert.deepEqual(lines, {
    'with more or fewer': [3, 14],
    'without a label': [4],
    'with a label that': [5],
    'with something that is': [6, 7, 8, 10, 13],
    'with a number outside': [9],
    'whose probabilities are off': [11],
  });
  const many = guessed(`label,p_a,p_b\n${'a,1,1\n'.repeat(9)}a,1,0`).faults;
  assert.deepEqual(many[0].count, 9);
  assert.deepEqual(many[0].lines, [2, 3, 4, 5, 6]);
});

test('probability 0 of what happened is infinite, and the mean of the others stands beside it', () => {
  const { infinite, mean, losses } = guessed('label,p_a,p_b\na,0,1\na,0.5,0.5\nb,0,1\n');
  assert.equal(infinite, 1);
  assert.equal(losses[0], Infinity);
  assert.equal(mean, Math.log(2) / 2);
});

test('one column is of the class that is chosen, else of 1, of true, of the second label', () => {
  const near = (/** @type {number} */ a, /** @type {number} */ b) =>
    assert.ok(Math.abs(a / b - 1) < 1e-15, `${a} ${b}`);
  near(guessed('y,p\n1,0.8\n0,0.8\n').losses[1], -Math.log1p(-0.8));
  assert.deepEqual(guessed('y,p\nTrue,1\nFALSE,0').classes, ['false', 'true']);
  assert.deepEqual(guessed('y,p\n1,1\n').classes, ['0', '1']);
  assert.deepEqual(guessed('y,p\nspam,1\nham,0').classes, ['ham', 'spam']);
  assert.deepEqual(guessed('y,p\nspam,1\nham,0', 'ham').classes, ['spam', 'ham']);
  assert.equal(guessed('y,p\nspam,1\nham,0', 'ham').infinite, 2);
  assert.deepEqual(guessed('y,p\nspam,1\n').classes, ['not spam', 'spam']);
  near(guessed('y,p\n0,1e-20\n').losses[0], 1e-20);
  assert.throws(() => guessed('y,p\na,1\nb,0\nc,0'), /more than two/);
});

test('decimal commas, where commas do not split', () => {
  assert.deepEqual([...guessed('label;p_a;p_b\na;0,5;0,5\n').losses], [Math.log(2)]);
});

test('class names: without the prefix, or whole where the labels are whole', () => {
  assert.deepEqual(guessed('label,p_a,p_b\np_a,1,0').classes, ['p_a', 'p_b']);
  assert.deepEqual(guessed('label,p_a,p_b\na,1,0').classes, ['a', 'b']);
  assert.throws(() => guessed('label,p_a,p_a\na,1,0'), /Two columns are called “a”/);
});

test('a thousand classes, and not one more', () => {
  const header = (/** @type {number} */ k) =>
    `label,${Array.from({ length: k }, (_, i) => `p_${i}`).join(',')}`;
  const row = (/** @type {number} */ k) => `7,${Array.from({ length: k }, () => 1 / k).join(',')}`;
  const { losses, entropy, forecast } = guessed(`${header(1000)}\n${row(1000)}`);
  assert.ok(Math.abs(losses[0] - Math.log(1000)) < 1e-14);
  assert.equal(entropy, 0);
  assert.equal(forecast.length, 1000);
  assert.throws(() => guessed(`${header(1001)}\n${row(1001)}`), /1001 classes/);
});

test('ten costliest, ties in the order of the file', () => {
  const rows = Array.from({ length: 40 }, (_, i) => `a,${[0.5, 0.25][i % 2]},${[0.5, 0.75][i % 2]}`);
  const { worst } = guessed(`label,p_a,p_b\n${rows.join('\n')}`);
  assert.deepEqual(
    worst.map(({ line }) => line),
    [3, 5, 7, 9, 11, 13, 15, 17, 19, 21],
  );
});

test('sums keep what additions round away, and proportions sum to 1', () => {
  const sum = exactSum();
  [1, 1e100, 1, -1e100].forEach(sum.add);
  assert.equal(sum.total(), 2);
  const tenth = exactSum();
  for (let i = 0; i < 1e6; i++) tenth.add(0.1);
  assert.equal(tenth.total(), 100000); // added one by one it is 100000.00000133288
  for (const weights of [
    [1, 2, 7],
    [1 / 3, 0.1, 0.9],
    [5e-300, 1, 3],
  ]) {
    const [a, b, c] = proportions(weights);
    assert.ok(Math.abs(a + b + c - 1) <= 3e-16);
  }
});

test('rounded probabilities are used as given, and counted', () => {
  const { losses, rough, faults } = guessed('label,p_a,p_b\na,0.333,0.666\nb,0.5,0.5\n');
  assert.deepEqual([...losses], [-Math.log(0.333), Math.LN2]);
  assert.deepEqual([rough, faults.length], [1, 0]);
});
