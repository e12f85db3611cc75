// The two figures of labels: days that got different labels, and a label smoothed over all classes.
import { axes, curve } from '../axes.js';
import { OUTCOMES } from '../controls.js';
import { amount, number, perNat, short } from '../dom.js';
import { figure, handle } from '../figure.js';
import { brief, CEILING, plane, spread } from './blocks.js';
import {
  bestLogitGap,
  labelEntropy,
  meanLoss,
  shares,
  smoothingFloor,
  sum,
  surprisal,
} from '../numerics/index.js';
/** @import { Context, Size, State } from '../types' */

const WIDEST = 12; // the largest logit gap that is drawn

/** @param {Context} context */
export function daysFigure(context) {
  return figure(context, {
    id: 'days',
    title: 'The loss of each day, sorted by what happened; the means of all days',
    ratio: (ems) => (ems < 26 ? 1 : 0.62),
    draw(pen, state, size) {
      const { n, q, unit } = state;
      const { em } = size;
      const scale = perNat(unit);
      const ceiling = CEILING[unit];
      const { inside, X, Y } = axes(
        pen,
        { ...size, height: size.height - 2.2 * em },
        { span: [0, sum(3, (i) => n[i])], name: '', ticks: [] },
        { span: [0, ceiling], name: `loss of a day (${unit})` },
      );
      const { left, right, top, bottom } = inside;
      /** @param {number} value */
      const level = (value) => Y(Math.min(value, ceiling));
      const day = X(1) - left;
      const marks = day < 2.5 ? 10 : 1; // where days are too thin, one mark is ten days
      const ends = n.map((_, i) => sum(i + 1, (j) => n[j]));
      const middles = n.map((count, i) => X(ends[i] - count / 2));
      const names = spread(middles, 4 * em, left + 2 * em, right - 2 * em);
      const [own, losses] = [shares(n), q].map((all) => all.map((share) => surprisal(share) * scale));
      pen.text('name start', 0.2 * em, bottom + 2.3 * em, 'days');
      pen.text('name start', 0.2 * em, bottom + 3.5 * em, 'q');
      pen.text('name start', 0.2 * em, bottom + 4.7 * em, '−log q');
      n.forEach((count, i) => {
        const x = X(ends[i] - count);
        const up = level(losses[i]);
        pen.rect('area model', x, up, count * day, bottom - up);
        const tally = pen.line('tally', x + 1, bottom + 0.6 * em, x + count * day, bottom + 0.6 * em);
        tally.setAttribute('stroke-dasharray', `${marks * day - 1} 1`);
        pen.line('guide', middles[i], bottom + 1 * em, names[i], bottom + 1.5 * em);
        pen.text('middle', names[i], bottom + 2.3 * em, `${count} ${OUTCOMES[i]}`);
        pen.text('middle model-text', names[i], bottom + 3.5 * em, brief(q[i]));
        pen.text('middle model-text', names[i], bottom + 4.7 * em, brief(losses[i]));
      });
      pen.path(
        'truth step',
        own.flatMap((loss, i) => [ends[i] - n[i], ends[i]].map((days) => [X(days), level(loss)])),
      );
      plane(
        pen,
        size,
        inside,
        state,
        middles.filter((_, i) => Math.max(own[i], losses[i]) > ceiling),
      );
      const floor = labelEntropy(n) * scale;
      const mean = meanLoss(n, q) * scale;
      const [low, high] = [level(floor), level(mean)];
      pen.rect('gap', right - 1.1 * em, high, 1.1 * em, low - high).setAttribute('fill', pen.hatch);
      pen.line('line truth', left, low, right, low);
      pen.line('line model', left, high, right, high);
      const end = right - 1.5 * em;
      // The floor is below the mean; its name is below its line where there is room for it.
      const under = low + 1.3 * em < bottom;
      const over = mean > ceiling ? top + 3 * em : high - 0.45 * em;
      pen.text(
        'end halo strong truth-text',
        end,
        under ? low + 1.15 * em : low - 0.45 * em,
        `floor ${number(floor)} ${unit}`,
      );
      pen.text(
        'end halo strong model-text',
        end,
        under ? over : Math.min(over, low - 1.7 * em),
        `mean ${number(mean)} ${unit}${mean > ceiling ? ' ↑' : ''}`,
      );
    },
    describe: ({ n, q, unit }) =>
      `${n.map((count, i) => `${count} ${OUTCOMES[i]}`).join(', ')}: the losses under q have the mean ${amount(meanLoss(n, q), unit)}; no forecast gets below ${amount(labelEntropy(n), unit)}, the entropy of the labels.`,
  });
}

/** The loss of a smoothed label when its logit stands `gap` above all the others.
 * @param {number} k @param {number} eps @param {number} gap */
export const lossAtGap = (k, eps, gap) => Math.log1p((k - 1) * Math.exp(-gap)) + eps * ((k - 1) / k) * gap;

/** The smoothing whose best logit gap this is. @param {number} k @param {number} gap */
export const smoothingAt = (k, gap) => k / (Math.exp(gap) + k - 1);

/** @param {State} state @param {Size} size */
function plot({ k }, { width, height, em }) {
  const below = 3.4 * em;
  return { below, size: { width, height: height - below, em }, top: 1.2 * Math.log(k) };
}

/** @param {State} state @param {Size} size */
function best(state, size) {
  const { below, size: part, top } = plot(state, size);
  const { em } = size;
  const bottom = part.height - 3 * em;
  const right = Math.min(bestLogitGap(state.k, state.eps), WIDEST) / WIDEST;
  const up = smoothingFloor(state.k, state.eps) / top;
  return [3.2 * em + right * (size.width - 4 * em), below + bottom - up * (bottom - 1.6 * em)];
}

/** @param {Context} context */
export function smoothingFigure(context) {
  return figure(context, {
    id: 'smoothing',
    title: 'A smoothed label, and its loss as its logit rises above the others',
    ratio: (ems) => (ems < 26 ? 1 : 0.6),
    draw(pen, state, size) {
      const { width, em } = size;
      const { k, eps, unit } = state;
      const { below, size: part, top } = plot(state, size);
      const scale = perNat(unit);
      const rows = { 'the label': 1 - eps + eps / k, [`${k - 1} other${k > 2 ? 's, each' : ''}`]: eps / k };
      Object.entries(rows).forEach(([name, share], i) => {
        const y = (0.2 + 1.5 * i) * em;
        const long = share * (width - 12 * em);
        pen.text('start', 0.2 * em, y + 0.9 * em, name);
        pen.rect('area truth', 7.6 * em, y, long, 1.1 * em);
        pen.text('start truth-text', 8 * em + long, y + 0.9 * em, brief(share));
      });
      pen.group('', { transform: `translate(0 ${below})` }, () => {
        const { X, Y, inside } = axes(
          pen,
          part,
          { span: [0, WIDEST], name: 'logit gap: the label above the others' },
          { span: [0, top * scale], name: `loss (${unit})` },
        );
        pen.line('line ink', width - 11.6 * em, 0.6 * em, width - 10.1 * em, 0.6 * em);
        pen.text('start', width - 9.7 * em, 0.9 * em, 'smoothed');
        pen.line('line faint', width - 4.7 * em, 0.6 * em, width - 3.2 * em, 0.6 * em);
        pen.text('start', width - 2.8 * em, 0.9 * em, 'hard');
        const looks = { 'line faint': 0, 'line ink': eps };
        for (const [look, smoothing] of Object.entries(looks)) {
          pen.path(
            look,
            curve((gap) => lossAtGap(k, smoothing, gap) * scale, [0, WIDEST], X, Y, top * scale, 80),
          );
        }
        const [x, y] = best(state, size);
        const gap = bestLogitGap(k, eps);
        const floor = smoothingFloor(k, eps);
        const up = y - below;
        pen.line('line truth thin', inside.left, up, inside.right, up);
        pen.circle('truth point', x, up, 0.45 * em);
        const under = up + 1.4 * em < inside.bottom;
        // High up the curve is narrow around its lowest point: the text goes below it.
        const deep = up + 3 * em < inside.bottom;
        pen.line('guide', x, deep ? up : up - 1.8 * em, x, inside.bottom);
        pen.text(
          'end halo strong truth-text',
          inside.right - 0.4 * em,
          under ? up + 1.2 * em : up - 3.4 * em,
          `floor ${amount(floor, unit)}`,
        );
        const text = gap === Infinity ? 'no best gap →' : `best gap ${short(gap)}${gap > WIDEST ? ' →' : ''}`;
        if (deep) pen.text('start halo strong', x + 1.4 * em, up + 2.5 * em, text);
        else
          pen.text(
            'middle halo strong',
            Math.max(inside.left + 4.6 * em, Math.min(x, inside.right - 4.6 * em)),
            up - 2.1 * em,
            text,
          );
      });
    },
    describe: ({ k, eps, unit }) =>
      `With ${k} classes and smoothing ${short(eps)} the loss is least, ${amount(smoothingFloor(k, eps), unit)}, where the label's logit is ${short(bestLogitGap(k, eps))} above the others; that of a hard label falls towards 0 for ever.`,
    setup(stage) {
      handle(context, stage, {
        name: 'gap',
        label: 'Best logit gap',
        place: best,
        move(x, _y, { width, em }) {
          const gap = ((x - 3.2 * em) / (width - 4 * em)) * WIDEST;
          context.set({ eps: Math.min(1, smoothingAt(context.state.k, Math.min(WIDEST, gap))) });
        },
        nudge(right, up, { k, eps }) {
          const gap = Math.min(WIDEST, bestLogitGap(k, eps)) + WIDEST * (right + up);
          context.set({ eps: Math.min(1, smoothingAt(k, Math.min(WIDEST, gap))) });
        },
        text: ({ k, eps, unit }) =>
          `${short(bestLogitGap(k, eps))}, at smoothing ${short(eps)}: floor ${amount(smoothingFloor(k, eps), unit)}`,
        now: ({ k, eps }) => Math.min(1, bestLogitGap(k, eps) / WIDEST),
      });
    },
  });
}
