// Sliders and read-outs.
import { amount, div, h, number, perNat, put, short, write } from './dom.js';
import { RANGES } from './state.js';
/** @import { Context, Quantity, Slider, State } from './types' */

export const OUTCOMES = ['rain', 'cloud', 'sun'];

/** A slider, or three for a vector; each with its label and the number it stands at.
 * @param {Context} context @param {Slider} slider
 * @returns {{ element: HTMLElement, update: (state: State) => void }} */
export function slider(context, { name, label }) {
  const { parts = 1 } = RANGES[name];
  if (parts === 1) return single(context, name, label, name, 0);
  const all = OUTCOMES.map((outcome, i) => single(context, name, outcome, `${name}${i + 1}`, i));
  const id = context.id(name);
  const group = h(
    'div',
    { role: 'group', 'aria-labelledby': id, class: `vector idea-${name}` },
    h('p', { id, class: 'vector-name' }, label),
    ...all.map(({ element }) => element),
  );
  return { element: group, update: (state) => all.forEach(({ update }) => update(state)) };
}

/** @param {Context} context @param {Slider['name']} name @param {string} label @param {string} input @param {number} place */
function single(context, name, label, input, place) {
  const { low, high, whole } = RANGES[name];
  const id = context.id(input);
  const range = h('input', { type: 'range', id, name: input, min: low, max: high, step: whole ? 1 : 'any' });
  const shown = h('span', { class: 'at', 'aria-hidden': 'true' });
  range.addEventListener('input', () => {
    const value = Number(range.value);
    if (name === 'p' || name === 'q') context.moveShare(name, place, value);
    else {
      const all = context.state[name];
      context.set({ [name]: typeof all === 'number' ? value : all.map((v, i) => (i === place ? value : v)) });
    }
  });
  /** @param {State} state */
  const update = (state) => {
    const all = state[name];
    const value = typeof all === 'number' ? all : all[place];
    if (Number(range.value) !== value) range.value = String(value);
    put(range, 'aria-valuetext', short(value));
    write(shown, short(value));
    range.style.setProperty('--at', `${(100 * (value - low)) / (high - low)}%`);
  };
  return { element: div(`slider idea-${name}`, h('label', { for: id }, label), range, shown), update };
}

/** A quantity: its name, the rounded number with its unit, the whole number in data-value.
 * @param {Quantity} quantity @param {boolean} headline @param {string} [key] the attribute that holds its name
 * @returns {{ element: HTMLElement, update: (state: State) => void }} */
export function readout({ name, label, natural, value }, headline, key = 'data-quantity') {
  const output = h('output', { [key]: name, 'aria-live': 'off' });
  return {
    element: div(`readout${headline ? ' headline' : ''}`, h('span', {}, label), output),
    update(state) {
      const now = value(state);
      const exact = natural ? now : now * perNat(state.unit);
      put(output, 'data-unit', natural ? '1' : state.unit);
      put(output, 'data-value', Number.isFinite(exact) ? exact : exact > 0 ? 'inf' : '-inf');
      const text = natural ? number(now) : amount(now, state.unit);
      write(output, text.replace('−', '-')); // a number that can be copied elsewhere
    },
  };
}
