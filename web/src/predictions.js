// A table of labels and forecasts as text: read, its columns guessed as `xent report` guesses them, its losses summed.
// Nothing is rescaled, clipped or dropped without being counted and named by its line.
import { labelEntropy, surprisal } from './numerics/index.js';
import { DECIMAL } from './state.js';

/** Bytes of a file, or characters of a paste, that are read. */
export const LARGEST = 20_000_000;
const MOST_COLUMNS = 1100;
const MOST_CLASSES = 1000;
/** How far from 1 the sum of a row may be, and from where on that is more than rounding: as for `xent report`. */
const OFF = 0.01 + 1e-6;
const ROUNDING = 1e-6;

export const MARKS = [',', ';', '\t'];
const LABELS = ['label', 'target', 'y', 'y_true', 'ground_truth'];
const PREFIXES = ['p_', 'prob_', 'proba_', 'y_pred_proba_'];
const SINGLES = ['p', 'prob', 'probs', 'predictions'];

/** @typedef {{ line: number, fields: string[] }} Row */
/** @typedef {{ header: string[], rows: Row[] }} Table */
/** One class a column; `single`: the one column is the probability of one of two classes.
 * @typedef {{ name: string, columns: number[], single: boolean }} Layout */
/** @typedef {{ what: string, count: number, lines: number[] }} Fault */

/** @typedef {object} Summary
 * @property {string[]} classes
 * @property {number[]} counts how often each class happened
 * @property {number[]} forecast the mean probability given to each
 * @property {number} rows that were read
 * @property {Float64Array} losses of the rows that could be used, in nats, in the order of the file
 * @property {number} infinite how many of them are
 * @property {number} rough how many rows are off 1 by more than rounding, and used as given
 * @property {number} mean of the finite ones
 * @property {number} entropy of the labels
 * @property {{ line: number, label: string, share: number, loss: number }[]} worst costliest first
 * @property {Fault[]} faults rows that could not be used */

/** @param {string} why @returns {never} */
export function refuse(why) {
  throw new Error(why);
}

/** Fields by line, quotes undone. @param {string} text @param {string} mark @returns {Row[]} */
export function records(text, mark) {
  /** @type {Row[]} */
  const rows = [];
  /** @type {string[]} */
  let fields = [];
  let line = 1;
  let first = 1;
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  for (;;) {
    let field = '';
    if (text[at] === '"') {
      const opened = line;
      for (let again = false; text[at] === '"'; again = true) {
        const end = text.indexOf('"', at + 1);
        if (end < 0) refuse(`The quotation mark that opens on line ${opened} is never closed.`);
        const piece = text.slice(at + 1, end);
        field += again ? `"${piece}` : piece; // "" within quotes is one of them
        line += piece.match(/\r\n?|\n/g)?.length ?? 0;
        at = end + 1;
      }
    }
    const from = at;
    while (at < text.length && text[at] !== mark && text[at] !== '\n' && text[at] !== '\r') at++;
    fields.push(field + text.slice(from, at));
    if (text[at] === mark) {
      at++;
      continue;
    }
    if (fields.length > 1 || fields[0].trim()) rows.push({ line: first, fields });
    if (at >= text.length) return rows;
    at += text.startsWith('\r\n', at) ? 2 : 1;
    fields = [];
    first = ++line;
  }
}

/** What splits the columns: what the first line has most of. @param {string} text */
export function guessMark(text) {
  const top = /^[^\r\n]*/.exec(text.trimStart())?.[0].replace(/"[^"]*"/g, '') ?? '';
  const counts = MARKS.map((mark) => top.split(mark).length);
  return MARKS[counts.indexOf(Math.max(...counts))];
}

/** @param {string} text @param {string} mark @returns {Table} */
export function table(text, mark) {
  if (text.length > LARGEST) refuse(tooLarge(text.length));
  if (text.includes('\0')) refuse('This is not a table of text: it holds zero bytes.');
  const [top, ...rows] = records(text, mark);
  if (!rows.length) refuse('There is no row here: the first line is a header, each other line a row.');
  if (top.fields.length < 2) refuse('There is only one column: labels and probabilities need two or more.');
  if (top.fields.length > MOST_COLUMNS)
    refuse(`There are ${top.fields.length} columns, more than ${MOST_COLUMNS}.`);
  return { header: top.fields.map((name, i) => name.trim() || `column ${i + 1}`), rows };
}

/** @param {number} size */
export const tooLarge = (size) =>
  `This has ${Math.ceil(size / 1e6)} MB; the page reads up to ${LARGEST / 1e6} MB. \`xent report\` reads files of any size.`;

/** Place of the label's column, -1 where none is called so. @param {string[]} header */
export const guessLabel = (header) => LABELS.map((name) => header.indexOf(name)).find((at) => at >= 0) ?? -1;

/** Ways to take the columns as probabilities, and which of them `xent report` would take (-1: none).
 * @param {string[]} header @param {number} label
 * @returns {{ all: Layout[], guess: number }} */
export function layouts(header, label) {
  const others = header.map((_, i) => i).filter((i) => i !== label);
  const heads = others.flatMap((i) =>
    [...header[i].matchAll(/_/g)].map((_) => header[i].slice(0, _.index + 1)),
  );
  /** @type {Layout[]} */
  const all = [];
  for (const head of new Set([...PREFIXES, ...heads])) {
    const columns = others.filter((i) => header[i].startsWith(head) && header[i].length > head.length);
    if (columns.length > 1) all.push({ name: head, columns, single: false });
  }
  let guess = all.findIndex(({ name }) => PREFIXES.includes(name));
  if (others.length > 1) all.push({ name: '', columns: others, single: false });
  for (const i of others) all.push({ name: '', columns: [i], single: true });
  for (const name of SINGLES) {
    if (guess < 0) guess = all.findIndex(({ columns, single }) => single && header[columns[0]] === name);
  }
  return { all, guess };
}

/** One spelling for 3, 3.0 and " 3", and for True and TRUE. @param {string} text */
function canonical(text) {
  const bare = text.trim();
  if (/^(true|false)$/i.test(bare)) return bare.toLowerCase();
  return DECIMAL.test(bare) && Number.isSafeInteger(Number(bare)) ? String(Number(bare) + 0) : bare;
}

/** Finds the class that a label names. @param {string[]} classes @returns {(label: string) => number | undefined} */
export function matcher(classes) {
  const exact = new Map(classes.map((name, i) => [name, i]));
  /** @type {Map<string, number | undefined>} */
  const loose = new Map();
  classes.forEach((name, i) => loose.set(canonical(name), loose.has(canonical(name)) ? undefined : i));
  const truth = ['false', 'true'];
  for (const [here, there] of [
    [['0', '1'], truth],
    [truth, ['0', '1']],
  ]) {
    if (loose.size === 2 && here.every((name) => loose.has(name)))
      here.forEach((name, i) => loose.set(there[i], loose.get(name)));
  }
  return (label) => exact.get(label) ?? loose.get(canonical(label));
}

/** The classes of a layout; of a single column, its two, the one that it is the probability of last.
 * @param {Table} table @param {number} label @param {Layout} layout @param {string} [event] the chosen one
 * @returns {string[]} */
export function classesOf({ header, rows }, label, { name, columns, single }, event) {
  const seen = new Set();
  for (const { fields } of rows) {
    if (fields[label]?.trim()) seen.add(single ? canonical(fields[label]) : fields[label]);
    if (single && seen.size > 2) break;
  }
  if (!single) {
    const whole = columns.map((i) => header[i]);
    const classes = [...seen].every((one) => whole.includes(one))
      ? whole
      : whole.map((one) => one.slice(name.length));
    const twice = classes.find((one, i) => classes.indexOf(one) < i);
    if (twice !== undefined) refuse(`Two columns are called “${twice}”: classes need different names.`);
    if (classes.length > MOST_CLASSES)
      refuse(`There are ${classes.length} classes, more than ${MOST_CLASSES}.`);
    return classes;
  }
  if (seen.size > 2)
    refuse('One column of probabilities is for two classes, and here are more than two different labels.');
  const plain = [
    ['0', '1'],
    ['false', 'true'],
  ].find((pair) => [...seen].every((one) => pair.includes(one)));
  const two = plain ?? [...seen].sort();
  if (two.length < 2) two.unshift(`not ${two[0]}`);
  return event === two[0] ? [two[1], two[0]] : two;
}

/** A sum that keeps what each addition rounds away (Neumaier's). */
export function exactSum() {
  let sum = 0;
  let lost = 0;
  return {
    /** @param {number} x */
    add(x) {
      const next = sum + x;
      lost += Math.abs(sum) >= Math.abs(x) ? sum - next + x : x - next + sum;
      sum = next;
    },
    total: () => sum + lost,
  };
}

/** @param {Table} table @param {number} label @param {Layout} layout @param {string[]} classes @returns {Summary} */
export function summarize({ header, rows }, label, { columns, single }, classes) {
  const find = matcher(classes);
  const counts = classes.map(() => 0);
  const sums = classes.map(exactSum);
  const finite = exactSum();
  const losses = new Float64Array(rows.length);
  /** @type {Summary['worst']} */
  const worst = [];
  /** @type {Map<string, Fault>} */
  const faults = new Map();
  let used = 0;
  let infinite = 0;
  let rough = 0;
  let miss = 0;
  const q = classes.map(() => 0);
  /** What is wrong with a row, if anything; fills q. @param {string[]} fields @param {number | undefined} happened */
  const wrong = (fields, happened) => {
    if (fields.length !== header.length) return 'with more or fewer fields than the header';
    if (!fields[label].trim()) return 'without a label';
    if (happened === undefined) return 'with a label that names no class';
    const sum = exactSum();
    for (let i = 0; i < columns.length; i++) {
      // A comma that splits no columns is a decimal point.
      const text = fields[columns[i]].trim().replace(',', '.');
      q[i] = DECIMAL.test(text) ? Number(text) : NaN;
      if (Number.isNaN(q[i])) return 'with something that is not a number';
      if (q[i] < 0 || q[i] > 1 + (single ? 0 : ROUNDING)) return 'with a number outside 0 to 1';
      sum.add(q[i]);
    }
    miss = single ? 0 : Math.abs(sum.total() - 1);
    if (single) [q[0], q[1]] = [1 - q[0], q[0]];
    else if (!(miss <= OFF)) return 'whose probabilities are off 1 by more than 0.01';
  };
  for (const { line, fields } of rows) {
    const happened = find(fields[label] ?? '');
    const what = wrong(fields, happened);
    if (what !== undefined || happened === undefined) {
      const fault = faults.get(what ?? '') ?? { what: what ?? '', count: 0, lines: [] };
      faults.set(fault.what, fault);
      if (++fault.count <= 5) fault.lines.push(line);
      continue;
    }
    if (miss > ROUNDING) rough++;
    const share = q[happened];
    const loss = single && happened === 0 ? 0 - Math.log1p(-q[1]) : surprisal(share);
    losses[used++] = loss;
    counts[happened]++;
    q.forEach((one, i) => sums[i].add(one));
    if (loss < Infinity) finite.add(loss);
    else infinite++;
    if (worst.length < 10 || loss > worst[9].loss) {
      const after = worst.findIndex((one) => one.loss < loss);
      worst.splice(after < 0 ? worst.length : after, 0, { line, label: fields[label], share, loss });
      worst.length = Math.min(worst.length, 10);
    }
  }
  return {
    classes,
    counts,
    forecast: sums.map((sum) => sum.total() / used),
    rows: rows.length,
    losses: losses.subarray(0, used),
    infinite,
    rough,
    mean: finite.total() / (used - infinite),
    entropy: labelEntropy(counts),
    worst,
    faults: [...faults.values()],
  };
}

/** Shares that sum to 1: each divided by their sum. @param {number[]} weights */
export function proportions(weights) {
  const sum = exactSum();
  weights.forEach(sum.add);
  return weights.map((weight) => weight / sum.total());
}
