// One copy of the explorer in an element: state in, frames out. The form is anywidget's, so that the page and the
// notebook are the same module.
import { CHAPTERS_IN_ORDER } from './chapters/index.js';
import { yours } from './data.js';
import { button, div, h, put, write } from './dom.js';
import { DEFAULTS, format, mover, parse } from './state.js';
import { section } from './section.js';
import css from './style.css';
/** @import { Context, Model, State } from './types' */

/** Milliseconds after the last change until the model hears of it, and until screen readers do. */
const REST = 150;
const QUIET = 700;

let copies = 0;

/** @param {{ model: Model, el: HTMLElement }} given @returns {() => void} ends this copy */
export function render({ model, el }) {
  // The module may be there twice, and each would count from 1.
  do copies++;
  while (document.getElementById(`xent-${copies}`));
  const copy = copies;
  const ending = new AbortController();
  const { signal } = ending;
  const root = h('div', { class: 'xent', id: `xent-${copy}`, 'data-explorer': '' });
  let { state, note } = parse(model.get('state') ?? '');
  let frame = 0;
  let spoken = '';
  let rest = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  let quiet = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  const movers = { p: mover(), q: mover() };
  let telling = false;

  /** @type {Context} */
  const context = {
    root,
    signal,
    get state() {
      return state;
    },
    set(change) {
      state = { ...state, ...change };
      note = '';
      spoken = '';
      changed();
      clearTimeout(rest);
      rest = setTimeout(tell, REST);
    },
    moveShare(name, place, share) {
      context.set({ [name]: movers[name](state[name], place, share) });
    },
    id: (name) => `xent-${copy}-${name}-${++ids}`,
    redraw() {
      if (!signal.aborted) frame ||= requestAnimationFrame(draw);
    },
    say(text) {
      spoken = text;
      listenAgain();
    },
  };
  let ids = 0;

  const sections = CHAPTERS_IN_ORDER.map((chapter, i) =>
    section(context, chapter, i, CHAPTERS_IN_ORDER[i + 1]),
  );
  const own = yours(context);
  const bar = toolbar(context, (state) => `${model.address?.() ?? ''}#${format(state)}`);
  const chapters = contents();
  const warning = h('p', { class: 'note', 'data-note': '', hidden: true });
  const style = h('style', {}, css);
  const live = h('p', { class: 'unseen', role: 'status' });
  root.append(
    div('top', h('p', { class: 'title' }, 'Cross-entropy you can touch'), bar.element),
    chapters.element,
    warning,
    ...sections.map((one) => one.element),
    own.element,
    live,
  );
  root.addEventListener('click', go, { signal });

  /** @param {MouseEvent} event */
  function go(event) {
    const target = /** @type {Element} */ (event.target).closest('[data-goto]');
    const id = target?.getAttribute('data-goto');
    if (!target || !id) return;
    context.set({ chapter: id });
    draw();
    const heading = /** @type {HTMLElement} */ (root.querySelector(`[data-chapter="${id}"] h2`));
    if (!chapters.element.contains(target)) heading.focus({ preventScroll: true });
    if (root.getBoundingClientRect().top < 0) root.scrollIntoView();
  }

  function changed() {
    put(root, 'data-state', format(state));
    write(warning, note);
    warning.hidden = note === '';
    context.redraw();
  }

  function draw() {
    cancelAnimationFrame(frame);
    frame = 0;
    // First all are hidden: a figure that asks for its width has no chapter but its own laid out.
    sections.forEach(({ element }, i) => (element.hidden = CHAPTERS_IN_ORDER[i].id !== state.chapter));
    for (const one of sections) {
      if (one.element.hidden) continue;
      one.update(state);
      one.draw(state);
    }
    own.update(state);
    bar.update(state);
    chapters.update(state);
    listenAgain();
  }

  /** At rest one sentence goes to screen readers. */
  function listenAgain() {
    clearTimeout(quiet);
    quiet = setTimeout(() => {
      const chapter = CHAPTERS_IN_ORDER.find(({ id }) => id === state.chapter);
      write(live, spoken || note || (chapter?.sentence(state) ?? ''));
    }, QUIET);
  }

  /** At rest the hidden chapters take their numbers, and the model hears of the state. */
  function tell() {
    for (const one of sections) one.update(state);
    const text = format(state);
    if (model.get('state') === text) return;
    telling = true;
    model.set('state', text);
    model.save_changes();
    telling = false;
  }

  /** The model has another state: a link was followed, a cell was run. */
  function hear() {
    const text = model.get('state') ?? '';
    if (telling) return; // our own words
    if (text === format(state) && note === '') return;
    clearTimeout(rest);
    ({ state, note } = parse(text));
    changed();
    rest = setTimeout(tell, REST);
  }

  model.on('change:state', hear);
  signal.addEventListener('abort', () => {
    model.off('change:state', hear);
    cancelAnimationFrame(frame);
    clearTimeout(rest);
    clearTimeout(quiet);
    root.remove();
    style.remove();
  });
  el.append(style, root);
  changed();
  draw();
  rest = setTimeout(tell, REST);
  return () => ending.abort();
}

/** Unit, reset, link.
 * @param {Context} context @param {(state: State) => string} address */
function toolbar(context, address) {
  const id = context.id('unit');
  const unit = h('select', { id, name: 'unit' }, h('option', {}, 'nats'), h('option', {}, 'bits'));
  unit.addEventListener('change', () => context.set({ unit: unit.value === 'bits' ? 'bits' : 'nats' }));
  const reset = button('Reset', () => {
    const { chapter, unit } = context.state;
    context.set({ ...DEFAULTS, chapter, unit });
  });
  reset.setAttribute('data-action', 'reset');
  const link = h('input', {
    class: 'link',
    readonly: true,
    hidden: true,
    'aria-label': 'Link to this state',
  });
  const copy = button('Copy link', () => copyLink(context, link, address(context.state)));
  copy.setAttribute('data-action', 'copy-link');
  return {
    element: div('toolbar', h('label', { for: id }, 'Unit'), unit, reset, copy, link),
    /** @param {State} state */
    update(state) {
      unit.value = state.unit;
      if (link.value !== address(state)) link.hidden = true;
    },
  };
}

/** @param {Context} context @param {HTMLInputElement} link @param {string} text */
async function copyLink(context, link, text) {
  try {
    // Where a frame is refused the clipboard, asking for it alone would leave a message in the console.
    const policy = /** @type {{ featurePolicy?: { allowsFeature(name: string): boolean } }} */ (document)
      .featurePolicy;
    if (policy?.allowsFeature('clipboard-write') === false) throw new Error();
    await navigator.clipboard.writeText(text);
    context.say('The link was copied.');
    link.hidden = true;
  } catch {
    link.value = text;
    link.hidden = false;
    link.select();
    context.say('No clipboard here: the link stands in the field.');
  }
}

/** The list of chapters. */
function contents() {
  const buttons = CHAPTERS_IN_ORDER.map(({ id, title }, i) =>
    h(
      'button',
      { type: 'button', 'data-goto': id },
      h('span', { class: 'count' }, `${i + 1}`),
      ' ',
      h('span', {}, title),
    ),
  );
  return {
    element: h('nav', { 'aria-label': 'Chapters' }, h('ol', {}, ...buttons.map((one) => h('li', {}, one)))),
    /** @param {State} state */
    update(state) {
      for (const one of buttons) {
        if (one.getAttribute('data-goto') === state.chapter) put(one, 'aria-current', 'page');
        else one.removeAttribute('aria-current');
      }
    },
  };
}
