// A chapter on the page: the text, its figures, sliders and read-outs, a question, and the Python that gives the same.
import { button, div, h, math, put, rich, write } from './dom.js';
import { readout, slider } from './controls.js';
/** @import { Chapter, Context, Question, State } from './types' */

/** @param {Context} context @param {Chapter} chapter @param {number} place @param {Chapter | undefined} next
 * @returns {{ element: HTMLElement, update: (state: State) => void, draw: (state: State) => void }} */
export function section(context, chapter, place, next) {
  const id = context.id(chapter.id);
  const figures = chapter.figures.map((make) => make(context));
  const sliders = chapter.sliders.map((one) => slider(context, one));
  const readouts = chapter.quantities.map((one, i) => readout(one, i === 0));
  const python = program(chapter);
  const element = h(
    'section',
    { 'data-chapter': chapter.id, 'aria-labelledby': id },
    h(
      'header',
      {},
      h('h2', { id, tabindex: -1 }, h('span', { class: 'count' }, `${place + 1}`), chapter.title),
      h('p', { class: 'lead' }, ...rich(chapter.lead)),
    ),
    div(
      'side',
      div('figures', ...figures.map((one) => one.element)),
      div(
        'words',
        math(chapter.formula, true),
        ...chapter.text.map((paragraph) => h('p', {}, ...rich(paragraph))),
        h('p', { class: 'mind' }, h('strong', {}, 'Careful: '), ...rich(chapter.mind)),
      ),
    ),
    div(
      'side',
      div(
        'panel',
        div('readouts', ...readouts.map((one) => one.element)),
        ...(chapter.extras ?? []).map((make) => make(context)),
        ...(sliders.length ? [div('sliders', ...sliders.map((one) => one.element))] : []),
        presets(context, chapter),
      ),
      question(context, chapter.question),
      python.element,
    ),
    next
      ? h(
          'p',
          { class: 'next' },
          button(`Next: ${next.title}`, () => {}, { 'data-goto': next.id, class: 'primary' }),
        )
      : '',
  );
  return {
    element,
    update(state) {
      for (const part of [...sliders, ...readouts, python]) part.update(state);
    },
    draw(state) {
      for (const one of figures) one.update(state);
    },
  };
}

/** @param {Context} context @param {Chapter} chapter */
function presets(context, { presets: all }) {
  const buttons = all.map(({ id, label, change }) =>
    button(label, () => context.set(change(context.state)), { 'data-preset': id }),
  );
  return h('div', { class: 'presets', role: 'group', 'aria-label': 'Examples' }, ...buttons);
}

/** Predict, then check: a choice, and after the check why, with the figures set to show it.
 * @param {Context} context @param {Question} question */
function question(context, { ask, choices, right, why, show }) {
  const name = context.id('choice');
  const radios = choices.map((_, i) => h('input', { type: 'radio', name, value: i }));
  const answer = h('p', { class: 'answer', hidden: true });
  const check = button('Check', () => {
    const chosen = radios.findIndex((radio) => radio.checked);
    if (chosen < 0) {
      write(answer, 'Choose one first: a guess makes the answer stick.');
    } else {
      answer.replaceChildren(h('strong', {}, chosen === right ? 'Yes. ' : 'Not quite. '), ...rich(why));
      put(answer, 'data-right', chosen === right ? 'yes' : 'no');
      context.set(show);
    }
    answer.hidden = false;
    context.say(answer.textContent ?? '');
  });
  return h(
    'fieldset',
    { class: 'question' },
    h('legend', {}, 'Predict, then check'),
    h('p', {}, ...rich(ask)),
    ...radios.map((radio, i) => h('label', {}, radio, h('span', {}, ...rich(choices[i])))),
    check,
    answer,
  );
}

/** @param {Chapter} chapter */
function program(chapter) {
  const code = h('code');
  const pre = h('pre', { tabindex: 0 }, code);
  /** @param {State} state */
  const update = (state) => {
    const { prints, code: text } = chapter.python(state);
    put(pre, 'data-python', prints.join(' '));
    write(code, text);
  };
  return { element: h('details', { class: 'python' }, h('summary', {}, 'Show Python'), pre), update };
}
