// Your own predictions: a table from a file or pasted, what its rows cost, and which cost most. It stays here.
import { axes, round } from './axes.js';
import { OUTCOMES, readout } from './controls.js';
import { amount, button, div, h, number, perNat, short, write } from './dom.js';
import { figure } from './figure.js';
import {
  LARGEST,
  MARKS,
  classesOf,
  guessLabel,
  guessMark,
  layouts,
  proportions,
  refuse,
  summarize,
  table,
  tooLarge,
} from './predictions.js';
/** @import { Pen } from './pen.js' */
/** @import { Layout, Summary, Table } from './predictions.js' */
/** @import { Context, Size, State } from './types' */

const EXAMPLE = `label,p_rain,p_cloud,p_sun
sun,0.1,0.2,0.7
sun,0.05,0.15,0.8
cloud,0.2,0.6,0.2
rain,0.7,0.2,0.1
sun,0.3,0.4,0.3
cloud,0.1,0.3,0.6
sun,0.02,0.08,0.9
rain,0,0.3,0.7
`;

/** @param {Context} context */
export function yours(context) {
  const id = context.id('yours');
  const body = div('body');
  const details = h('details', {}, h('summary', {}, 'Open a table of predictions'), body);
  /** @type {((state: State) => void) | undefined} */
  let update;
  details.addEventListener('toggle', () => {
    if (!details.open) return;
    update ??= built(context, body);
    context.redraw();
  });
  return {
    element: h(
      'section',
      { class: 'yours', 'aria-labelledby': id },
      h(
        'header',
        {},
        h('h2', { id }, 'Your own predictions'),
        h('p', { class: 'lead' }, 'What did a model of yours pay for what happened, row by row?'),
      ),
      details,
    ),
    /** @param {State} state */
    update: (state) => details.open && update?.(state),
  };
}

/** @param {Context} context @param {HTMLElement} body @returns {(state: State) => void} */
function built(context, body) {
  let text = '';
  /** @type {Table} */
  let data;
  /** @type {Layout[]} */
  let ways = [];
  /** @type {Summary | undefined} */
  let result;
  let drawn = '';

  const mark = choice('Columns are split by', () => parse());
  const label = choice('What happened', () => columns());
  const way = choice('Probabilities', () => count());
  const event = choice('They are of', () => count());
  const choices = h(
    'div',
    { class: 'choices', hidden: true },
    mark.element,
    label.element,
    way.element,
    event.element,
  );
  fill(mark.select, ['comma', 'semicolon', 'tab'], 0);
  const file = h('input', { type: 'file', accept: '.csv,.tsv,text/csv,text/tab-separated-values' });
  const area = h('textarea', { rows: 4, spellcheck: 'false', autocomplete: 'off' });
  const told = h('p', { class: 'told', hidden: true });
  const rows = h('p');
  const words = h('p');
  const loss = () => (result?.infinite ? Infinity : (result?.mean ?? 0));
  const floor = () => result?.entropy ?? 0;
  const readouts = [
    readout({ name: 'mean_loss', label: 'Mean loss (cross-entropy)', value: loss }, true, 'data-yours'),
    readout({ name: 'label_entropy', label: 'Label entropy', value: floor }, false, 'data-yours'),
  ];
  const faults = h('ul');
  const unit = h('th', { scope: 'col' });
  const worst = h('tbody');
  const simplex = button('See these shares in the simplex', toSimplex, { 'data-goto': 'simplex' });
  const mapped = h('p', {}, simplex, ' ', h('span'));
  const chart = figure(context, {
    id: 'your-data',
    title: 'How surprising each row was',
    ratio: 0.5,
    draw: (pen, state, size) => result && histogram(pen, size, state, result),
    describe: (state) => (result ? described(result, state) : ''),
  });
  const results = h(
    'div',
    { class: 'results', hidden: true },
    h('div', {}, div('readouts', ...readouts.map(({ element }) => element)), words, rows, faults, mapped),
    chart.element,
    h(
      'table',
      {},
      h('caption', {}, 'The costliest rows'),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...['Line', 'Label', 'Its probability'].map((name) => h('th', { scope: 'col' }, name)),
          unit,
        ),
      ),
      worst,
    ),
  );

  file.addEventListener('change', async () => {
    const chosen = file.files?.[0];
    if (!chosen) return;
    if (chosen.size > LARGEST) return fail(tooLarge(chosen.size));
    tell('Reading…');
    try {
      const read = await chosen['text'](); // quoted: the browser's word, and one of ours (build.mjs)
      if (file.files?.[0] === chosen) take(read);
    } catch {
      fail('The file could not be read.');
    }
  });
  body.append(
    h(
      'p',
      {},
      'A CSV or TSV with a header: a column that says what happened, and the probabilities that were forecast, one column a class (',
      h('code', {}, 'label,p_rain,p_cloud,p_sun'),
      ') or one for two classes. It stays on this computer: this page sends nothing, and as a file its own policy forbids it to.',
    ),
    h('label', {}, 'A file ', file),
    h('label', {}, 'Or rows, pasted ', area),
    h(
      'p',
      { class: 'presets' },
      button('Use the pasted rows', () => take(area.value), { class: 'primary' }),
      button('Try an example', () => {
        area.value = EXAMPLE;
        take(EXAMPLE);
      }),
    ),
    told,
    choices,
    results,
  );

  /** @param {string} given */
  function take(given) {
    text = given;
    mark.select.selectedIndex = MARKS.indexOf(guessMark(text));
    parse();
  }
  function parse() {
    attempt(() => {
      choices.hidden = !text;
      fill(label.select, [], -1);
      fill(way.select, [], -1);
      event.element.hidden = true;
      data = table(text, MARKS[mark.select.selectedIndex]);
      fill(label.select, data.header, guessLabel(data.header));
      columns();
    });
  }
  function columns() {
    attempt(() => {
      const { all, guess } = layouts(data.header, label.select.selectedIndex);
      ways = all;
      fill(way.select, all.map(named), guess);
      event.select.replaceChildren();
      count();
    });
  }
  /** @param {Layout} layout */
  function named({ name, columns: all, single }) {
    if (single) return `${data.header[all[0]]} (one column for two classes)`;
    return `${name ? `${name}…` : 'all other columns'} (${all.length} classes)`;
  }
  function count() {
    attempt(() => {
      const at = label.select.selectedIndex;
      const layout = ways[way.select.selectedIndex];
      if (at < 0) refuse('Which column says what happened? Choose it under “What happened”.');
      if (!layout) refuse('Which columns are the probabilities? Choose them under “Probabilities”.');
      const classes = classesOf(data, at, layout, event.select.value);
      event.element.hidden = !layout.single;
      if (layout.single && event.select.value !== classes[1])
        fill(event.select, [...classes].sort(), [...classes].sort().indexOf(classes[1]));
      const found = summarize(data, at, layout, classes);
      const bad = faultLines(found);
      if (!found.losses.length) refuse(`No row can be used: ${bad.join('; ')}.`);
      result = found;
      tell('');
      results.hidden = false;
      drawn = '';
      context.redraw();
      context.say(`Mean loss of ${counted(found.losses.length, 'row')}: ${cost(found, context.state)}.`);
    });
  }
  /** @param {() => void} act */
  function attempt(act) {
    try {
      act();
    } catch (error) {
      fail(/** @type {Error} */ (error).message);
    }
  }
  /** @param {string} words */
  function fail(words) {
    result = undefined;
    results.hidden = true;
    tell(words);
    context.say(words);
  }
  /** @param {string} words */
  function tell(words) {
    write(told, words);
    told.hidden = !words;
  }
  /** The classes as the three outcomes: how often each happened is p, the mean of the forecasts is q. */
  function toSimplex() {
    if (result) context.set({ p: proportions(result.counts), q: proportions(result.forecast) });
  }

  return (state) => {
    const now = `${state.unit} ${body.clientWidth}`;
    if (!result || now === drawn) return;
    drawn = now;
    const { losses, infinite, rough, classes, entropy, rows: all } = result;
    for (const one of readouts) one.update(state);
    const gap = entropy - loss();
    write(
      words,
      infinite
        ? `${cost(result, state)}. No later row can make up for it.`
        : `Always forecasting the shares of the labels would cost their entropy, ${amount(entropy, state.unit)} a row. These forecasts ${gap < 0 ? 'cost' : 'save'} ${amount(Math.abs(gap), state.unit)} a row ${gap < 0 ? 'more' : 'of it'}.`,
    );
    const rest = classes.length - 6;
    write(
      rows,
      `${counted(losses.length, 'row')}${losses.length < all ? ` of ${counted(all)}` : ''}, ${classes.length} classes: ${classes.slice(0, 6).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}.${rough ? ` ${counted(rough, 'row')} off 1 by more than rounding, used as given.` : ''}`,
    );
    faults.replaceChildren(...faultLines(result).map((line) => h('li', {}, `Left out: ${line}.`)));
    write(unit, `Surprisal (${state.unit})`);
    worst.replaceChildren(
      ...result.worst.map((row) =>
        h(
          'tr',
          {},
          ...[counted(row.line), row.label, short(row.share), number(row.loss * perNat(state.unit))].map(
            (cell) => h('td', {}, cell),
          ),
        ),
      ),
    );
    mapped.hidden = classes.length !== 3;
    write(
      /** @type {Node} */ (mapped.lastChild),
      `There p is how often each class happened and q the mean of the forecasts; ${OUTCOMES.join(', ')} stand for ${classes.join(', ')}.`,
    );
    chart.update(state);
  };
}

/** A select with its label. @param {string} name @param {() => void} act */
function choice(name, act) {
  const select = h('select');
  select.addEventListener('change', act);
  return { select, element: h('label', {}, `${name} `, select) };
}

/** @param {HTMLSelectElement} select @param {string[]} names @param {number} chosen */
function fill(select, names, chosen) {
  select.replaceChildren(...names.map((name) => h('option', {}, name)));
  select.selectedIndex = chosen;
}

/** @param {number} count @param {string} [what] */
const counted = (count, what) =>
  count.toLocaleString('en-US') + (what ? ` ${what}${count === 1 ? '' : 's'}` : '');

/** @param {Summary} result @returns {string[]} */
const faultLines = ({ faults }) =>
  faults.map(
    ({ what, count, lines }) =>
      `${counted(count, 'row')} ${what} (line${count > 1 ? 's' : ''} ${lines.join(', ')}${count > lines.length ? ', …' : ''})`,
  );

/** @param {Summary} result @param {State} state */
function cost({ infinite, mean, losses }, { unit }) {
  if (!infinite) return amount(mean, unit);
  const others = losses.length > infinite ? `; ${amount(mean, unit)} over the others` : '';
  return `${counted(infinite, 'row')} gave probability 0 to what happened: inf${others}`;
}

/** How many rows in each step of surprisal, in the unit shown, up to the largest finite one.
 * @param {Summary} result @param {State} state */
function bins({ losses, entropy }, { unit }) {
  const scale = perNat(unit);
  const finite = losses.filter((loss) => loss < Infinity);
  const top = finite.reduce((a, b) => Math.max(a, b), entropy) * scale;
  const [, step] = round([0, top || 1], 24);
  const counts = Array(Math.max(1, Math.ceil(top / step - 1e-9))).fill(0);
  for (const loss of finite) counts[Math.min(counts.length - 1, Math.floor((loss * scale) / step))]++;
  return { step, counts };
}

/** @param {Pen} pen @param {Size} size @param {State} state @param {Summary} result */
function histogram(pen, size, state, result) {
  const { em } = size;
  const { step, counts } = bins(result, state);
  const { infinite, mean, entropy, losses } = result;
  const end = step * counts.length;
  const beyond = infinite ? 0.12 * end : 0; // where what has no finite surprisal stands
  const most = Math.max(...counts, infinite);
  const ticks = round([0, end], Math.max(2, Math.floor(size.width / (5 * em))));
  if (infinite) ticks.push(end + beyond / 2);
  const { X, Y, inside } = axes(
    pen,
    size,
    {
      span: [0, end + beyond],
      name: `surprisal (${state.unit})`,
      ticks,
      label: (tick) => (tick > end ? 'inf' : short(tick)),
    },
    {
      span: [0, most * 1.4],
      name: 'rows',
      ticks: round([0, most], 4).filter(Number.isInteger),
      label: (tick) => counted(tick),
    },
  );
  const bar = (/** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ count) =>
    count && pen.rect('bar', X(from) + 1, Y(count), X(to) - X(from) - 2, inside.bottom - Y(count));
  counts.forEach((count, i) => bar(i * step, (i + 1) * step, count));
  bar(end + beyond * 0.2, end + beyond * 0.8, infinite);
  const lines = /** @type {const} */ ([
    ['truth', entropy, 'entropy'],
    ['model', mean, infinite ? 'finite mean' : 'mean loss'],
  ]);
  lines.forEach(([look, value, name], i) => {
    if (infinite === losses.length && look === 'model') return;
    const x = X(value * perNat(state.unit));
    const y = inside.top + (1 + 1.4 * i) * em;
    const text = `${name} ${amount(value, state.unit, 3)}`;
    const width = 0.47 * em * text.length;
    const left = x + width > inside.right;
    pen.line(`line ${look}`, x, inside.bottom, x, y - 0.8 * em);
    pen.text(
      `halo ${look}-text ${left ? 'end' : 'start'}`,
      left ? Math.max(x - 0.4 * em, inside.left + width) : x + 0.4 * em,
      y,
      text,
    );
  });
}

/** @param {Summary} result @param {State} state */
function described(result, state) {
  const { losses, worst, entropy } = result;
  const least = losses.reduce((a, b) => Math.min(a, b));
  return `A histogram of the surprisals of ${counted(losses.length, 'row')}, from ${amount(least, state.unit)} to ${amount(worst[0].loss, state.unit)}; ${cost(result, state)}; label entropy ${amount(entropy, state.unit)}.`;
}
