// A figure: a stage with an SVG drawing, handles to drag above it, a title and its exports below.
import { div, drawn, h, put } from './dom.js';
import { exports } from './export.js';
import { Pen } from './pen.js';
/** @import { Context, Figure, Size, State } from './types' */

/** @typedef {object} Drawing
 * @property {string} id the value of data-figure
 * @property {string} title
 * @property {number | ((ems: number) => number)} [ratio] height over width, where there is room; or for every width
 * @property {(pen: Pen, state: State, size: Size) => void} draw
 * @property {(state: State) => string} describe one sentence on what is seen, with the main number
 * @property {(handles: Stage) => void} [setup] puts handles or a canvas on the stage, once */

/** @typedef {object} Stage
 * @property {HTMLElement} element positioned: what is put into it may be placed absolutely
 * @property {(part: (state: State, size: Size) => void) => void} onUpdate called after every drawing
 * @property {() => Size} size as last drawn */

/** @param {Context} context @param {Drawing} drawing @returns {Figure} */
export function figure(context, { id, title, ratio = 0.7, draw, describe, setup }) {
  const svg = drawn('svg', { role: 'img' });
  const pen = new Pen(svg, { hatch: context.id('hatch'), dots: context.id('dots') });
  const stage = div('stage', svg);
  const source = { id, title, stage, size: () => size, describe: () => describe(context.state) };
  const caption = h('figcaption', {}, h('span', {}, title), exports(context, source));
  const element = h('figure', { 'data-figure': id }, stage, caption);
  /** @type {((state: State, size: Size) => void)[]} */
  const parts = [];
  let size = { width: 0, height: 0, em: 16 };
  let stale = true; // asking for the width in every drawing would lay the page out in every drawing
  const observer = new ResizeObserver(() => {
    stale ||= stage.clientWidth !== size.width;
    if (stale) context.redraw();
  });
  observer.observe(stage);
  context.signal.addEventListener('abort', () => observer.disconnect());
  setup?.({ element: stage, onUpdate: (part) => parts.push(part), size: () => size });
  return {
    element,
    update(state) {
      if (stale) {
        size = measured(stage, ratio);
        stale = size.width === 0;
        stage.style.setProperty('height', `${size.height}px`);
      }
      if (stale) return; // not laid out yet: the observer calls again
      pen.start(size);
      draw(pen, state, size);
      pen.finish();
      put(svg, 'aria-label', describe(state));
      for (const part of parts) part(state, size);
    },
  };
}

/** Narrow figures are taller: their labels stay as large.
 * @param {HTMLElement} stage @param {number | ((ems: number) => number)} ratio @returns {Size} */
function measured(stage, ratio) {
  const width = stage.clientWidth;
  const em = parseFloat(getComputedStyle(stage).fontSize);
  const tall =
    typeof ratio === 'function' ? ratio(width / em) : width < 26 * em ? Math.max(ratio, 0.85) : ratio;
  return { width, height: Math.round(width * tall), em };
}

/** @typedef {object} Grip
 * @property {string} name the value of data-handle
 * @property {string} label
 * @property {(state: State, size: Size) => readonly number[]} place its centre on the stage, [x, y]
 * @property {(x: number, y: number, size: Size) => void} move the pointer took it there
 * @property {(right: number, up: number, state: State) => void} nudge arrow keys: steps of 0.01 (Shift: 0.1)
 * @property {(state: State) => string} text aria-valuetext
 * @property {(state: State) => number} now aria-valuenow, between 0 and 1 */

/** @type {Record<string, readonly number[]>} */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** A handle on a stage, for pointer and keyboard. The figure draws what it looks like; this is what is gripped.
 * @param {Context} context @param {Stage} stage @param {Grip} grip */
export function handle(context, stage, { name, label, place, move, nudge, text, now }) {
  const element = h('div', {
    class: 'handle',
    role: 'slider',
    tabindex: 0,
    'data-handle': name,
    'aria-label': label,
    'aria-valuemin': 0,
    'aria-valuemax': 1,
  });
  const { signal } = context;
  let grip = [0, 0];
  /** @param {PointerEvent} event */
  const at = (event) => {
    const box = stage.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  element.addEventListener(
    'pointerdown',
    (event) => {
      if (event.button !== 0) return;
      const [x, y] = at(event);
      const [cx, cy] = place(context.state, stage.size());
      grip = [x - cx, y - cy]; // the point stays under the finger, it does not jump to it
      element.setPointerCapture(event.pointerId);
      element.focus();
      event.preventDefault();
    },
    { signal },
  );
  element.addEventListener(
    'pointermove',
    (event) => {
      if (!element.hasPointerCapture(event.pointerId)) return;
      const [x, y] = at(event);
      move(x - grip[0], y - grip[1], stage.size());
    },
    { signal },
  );
  element.addEventListener(
    'keydown',
    (event) => {
      const arrow = ARROWS[event.key];
      if (!arrow || event.ctrlKey || event.altKey || event.metaKey) return;
      const step = event.shiftKey ? 0.1 : 0.01;
      nudge(arrow[0] * step, arrow[1] * step, context.state);
      event.preventDefault();
    },
    { signal },
  );
  stage.element.append(element);
  stage.onUpdate((state, size) => {
    const [x, y] = place(state, size);
    element.style.setProperty('left', `${x}px`);
    element.style.setProperty('top', `${y}px`);
    put(element, 'aria-valuetext', text(state));
    put(element, 'aria-valuenow', now(state));
  });
  return element;
}
