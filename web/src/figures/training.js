// Gradient descent seen twice: the path of q on the map of the truth, and the loss against the step.
import { axes, round } from '../axes.js';
import { amount, button, h, perNat, put, short, write } from '../dom.js';
import { figure, handle } from '../figure.js';
import { crossEntropy, entropy, klDivergence, rateLimit, sampledPath, train } from '../numerics/index.js';
import { RANGES } from '../state.js';
import { around, carry, inWords, map, markModel, markTruth, tag } from './contour.js';
import { frame, toPoint } from './triangle.js';
/** @import { Context, Figure, Size, State } from '../types' */

const LAST = RANGES.step.high;
const PACE = 40; // steps a second

/** Where q stands after the steps done. Without steps nothing is walked: a path costs more than all else on the page.
 * @param {State} state */
export function now({ p, q, eta, step }) {
  if (step === 0) return { q, loss: crossEntropy(p, q), kl: klDivergence(p, q) };
  const path = train(p, q, eta, LAST);
  return { q: path.q[step], loss: path.loss[step], kl: path.kl[step] };
}

/** The walk on labels drawn one by one: not in the state, so each copy of the page has its own.
 * @type {WeakMap<Context, { seed: number, on: boolean, key: string, path: number[][] }>} */
const samples = new WeakMap();

/** @param {Context} context */
function sample(context) {
  let own = samples.get(context);
  if (!own) samples.set(context, (own = { seed: 1, on: false, key: '', path: [] }));
  const { p, q, eta } = context.state;
  const key = [p, q, eta, own.seed].join(';');
  if (own.on && own.key !== key) Object.assign(own, { key, path: sampledPath(p, q, eta, LAST, own.seed).q });
  return own;
}

/** @param {Context} context @returns {Figure} */
export function pathFigure(context) {
  const ground = map();
  const controls = player(context);
  const shown = figure(context, {
    id: 'path',
    title: 'The path of q from its start (diamond) to the truth p; shaded by the gap KL(p‖q)',
    ratio: 0.74,
    draw(pen, state, size) {
      const { p, q, eta, step, unit } = state;
      const { em } = size;
      const at = (/** @type {readonly number[]} */ shares) => toPoint(shares, size);
      pen.group('map', {}, () => {
        const path = train(p, q, eta, LAST).q.map(at);
        const walked = path.slice(0, step + 1);
        const { on, path: drawn } = sample(context);
        const taken = ground.draw(pen, state, size);
        const [truth, start, here] = [at(p), path[0], path[step]];
        taken.push(around(start, em), around(here, em));
        /** @param {string} look @param {number[][]} points */
        const dots = (look, points) =>
          pen.shape('path', look, {
            d: points.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join(''),
          });
        pen.path('line ahead', path);
        dots('steps ahead', path);
        pen.path('line sample', on ? drawn.slice(0, step + 1).map(at) : []);
        pen.path('line walked', walked);
        dots('steps', walked);
        markTruth(pen, truth, em);
        markModel(pen, start, em);
        pen.circle('point model', here[0], here[1], 0.42 * em);
        const above = truth[1] <= here[1] ? -1 : 1;
        const narrow = size.width < 26 * em;
        tag(
          pen,
          'truth-text',
          truth,
          `${narrow ? '' : 'p: '}H(p) = ${amount(entropy(p), unit, 3)}`,
          size,
          taken,
          above,
        );
        const { kl } = now(state);
        const cost = kl < Infinity ? `${narrow ? '' : 'H(p) '}+ ${amount(kl, unit, 3)}` : 'inf';
        tag(
          pen,
          'model-text',
          here,
          `${narrow ? '' : step ? `step ${step}: ` : 'start: '}${cost}`,
          size,
          taken,
          -above,
        );
        ground.names(pen, size, taken);
      });
      frame(pen, size);
    },
    describe(state) {
      const { loss, q } = now(state);
      const { step, p, unit } = state;
      return (
        `The path of gradient descent on the triangle of forecasts, towards the truth p (${inWords(p)}). ` +
        `After ${step} steps q is ${inWords(q)}: cross-entropy ${amount(loss, unit)}.`
      );
    },
    setup(stage) {
      carry(context, stage, 'p', 'truth', 'Truth p on the triangle');
      carry(context, stage, 'q', 'start', 'Start of q on the triangle');
    },
  });
  shown.element.append(controls.element);
  return {
    element: shown.element,
    update(state) {
      shown.update(state);
      controls.update(state);
    },
  };
}

/** Play, step, back; labels drawn one by one; a warning when steps are too large.
 * @param {Context} context */
function player(context) {
  const { signal } = context;
  let ticking = 0;
  /** What the last tick left: when something else is found, someone else has changed it, and play stops. */
  let left = context.state;
  let began = 0;
  const play = button('Play', () => (ticking ? stop() : start()), {
    'data-action': 'play',
    class: 'primary',
  });

  function stop() {
    cancelAnimationFrame(ticking);
    ticking = 0;
    show();
  }
  function show() {
    write(play, ticking ? 'Pause' : 'Play');
  }
  function start() {
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return go(LAST);
    if (context.state.step === LAST) go(0);
    left = context.state;
    began = 0;
    ticking = requestAnimationFrame(tick);
    show();
  }
  /** @param {number} time */
  function tick(time) {
    const { chapter, step, p, q } = context.state;
    if (chapter !== left.chapter || step !== left.step || p !== left.p || q !== left.q) return stop();
    began ||= time - (step * 1000) / PACE;
    const next = Math.min(LAST, Math.floor(((time - began) * PACE) / 1000 + 1e-6));
    if (next > step) go(next);
    left = context.state;
    if (next === LAST) return stop();
    ticking = requestAnimationFrame(tick);
  }
  /** @param {number} step */
  function go(step) {
    context.set({ step: Math.min(LAST, Math.max(0, step)) });
  }
  /** @param {number} by */
  const walk = (by) => () => {
    stop();
    go(context.state.step + by);
  };
  signal.addEventListener('abort', stop);

  const id = context.id('sampled');
  const own = sample(context);
  const box = h('input', { type: 'checkbox', id });
  const again = button('New sample', () => {
    own.seed++;
    context.redraw();
  });
  again.hidden = true;
  box.addEventListener('change', () => {
    own.on = box.checked;
    again.hidden = !own.on;
    context.redraw();
  });
  const warning = h('p', { class: 'mind', hidden: true });
  return {
    element: h(
      'div',
      { class: 'player' },
      h(
        'div',
        { class: 'presets', role: 'group', 'aria-label': 'Walk the path' },
        play,
        button('Back', walk(-1), { 'data-action': 'back' }),
        button('Step', walk(1), { 'data-action': 'step' }),
        h('label', { for: id }, box, ' Also walk on labels drawn one by one'),
        again,
      ),
      warning,
    ),
    /** @param {State} state */
    update({ p, eta }) {
      const limit = rateLimit(p);
      warning.hidden = eta <= limit;
      write(
        warning,
        `A learning rate of ${short(eta)} is above ${short(limit)}: near p a step overshoots by more than it mends. The path hops about p, in a cycle or without a pattern.`,
      );
    },
  };
}

/** The scales of the loss figure, the same as axes() draws. An infinite loss is drawn at `cut`; above is room for words.
 * @param {State} state @param {Size} size */
function scales({ p, q, eta, step }, { width, height, em }) {
  const { loss } = train(p, q, eta, LAST);
  const floor = entropy(p);
  const finite = loss[0] < Infinity;
  const cut = finite ? Math.max(...loss, floor + 0.1) : 2 * Math.max(floor, 0.5);
  const top = 1.3 * cut;
  const left = 3.2 * em;
  const span = width - 0.8 * em - left;
  const bottom = height - 3 * em;
  const X = (/** @type {number} */ at) => left + Math.sqrt(at / LAST) * span;
  const Y = (/** @type {number} */ nats) => bottom - (Math.min(nats, cut) / top) * (bottom - 1.6 * em);
  return { loss, floor, finite, cut, top, X, Y, left, span, at: [X(step), Y(loss[step])] };
}

/** @param {Context} context */
export function lossFigure(context) {
  return figure(context, {
    id: 'loss',
    title: 'Loss against the step, over its floor; hatched: the gap that is left',
    ratio: 0.42,
    draw(pen, state, size) {
      const { em, width } = size;
      const { p, unit, step } = state;
      const { loss, floor, finite, cut, top, X, Y, at } = scales(state, size);
      const perUnit = perNat(unit);
      axes(
        pen,
        size,
        {
          span: [0, Math.sqrt(LAST)],
          name: 'step, the first ones drawn wider',
          ticks: [0, 5, 20, 50, 100, 200].map(Math.sqrt),
          label: (root) => short(root * root),
        },
        {
          span: [0, top * perUnit],
          name: `cross-entropy (${unit})`,
          ticks: round([0, (finite ? 1 : 0.8) * cut * perUnit], 4),
        },
      );
      pen.text('tick end', X(0) - 0.4 * em, Y(cut) + 0.35 * em, finite ? '' : 'inf');
      const curve = loss.map((nats, t) => [X(t), Y(nats)]);
      const gap = pen.path('gap', [...curve, [X(LAST), Y(floor)], [X(0), Y(floor)]], true);
      put(gap, 'fill', pen.hatch);
      const { on, path } = sample(context);
      pen.path('line sample', on ? path.map((q, t) => [X(t), Y(crossEntropy(p, q))]) : []);
      pen.line('line truth', X(0), Y(floor), X(LAST), Y(floor));
      pen.path('line walked', curve);
      const word = `${step ? `step ${step}` : 'start'}: ${amount(loss[step], unit)}`;
      const half = 0.27 * em * word.length;
      pen.line('guide', at[0], 2.8 * em, at[0], Y(0));
      pen.circle('point model', at[0], at[1], 0.45 * em);
      const middle = Math.min(width - half, Math.max(X(0) + half, at[0]));
      pen.text('middle strong model-text halo', middle, 2.4 * em, word);
      const low = Y(0) - Y(floor) < 1.6 * em;
      const words = `floor: H(p) = ${amount(floor, unit)}`;
      pen.text('end truth-text halo', X(LAST), Y(floor) + (low ? -0.5 : 1.2) * em, words);
    },
    describe(state) {
      const { loss } = now(state);
      const { p, unit, step } = state;
      return `The loss over its floor, H(p) = ${amount(entropy(p), unit)}; after ${step} steps it is ${amount(loss, unit)}.`;
    },
    setup(stage) {
      /** @param {number} step */
      const go = (step) => context.set({ step: Math.min(LAST, Math.max(0, Math.round(step))) });
      handle(context, stage, {
        name: 'step',
        label: 'Step on the loss curve',
        place: (state, size) => scales(state, size).at,
        move(x, _y, size) {
          const { left, span } = scales(context.state, size);
          go(Math.max(0, (x - left) / span) ** 2 * LAST);
        },
        nudge: (right, up, { step }) => go(step + 100 * (right + up)),
        text: (state) => `step ${state.step}: ${amount(now(state).loss, state.unit)}`,
        now: ({ step }) => step / LAST,
      });
    },
  });
}
