// The surface of the loss over the triangle of forecasts. Its mesh is rings of equal divergence around p: their
// heights are exact, the shading is a function of KL(p‖q) alone, and no grid shows at edges and corners.
import { OUTCOMES } from '../controls.js';
import { amount, perNat } from '../dom.js';
import { crossEntropy, entropy, klDivergence } from '../numerics/index.js';
import { BANDS, LEVELS } from '../palette.js';
import { rings } from './levels.js';
import { beside, CUT, surface, word } from './surface.js';
/** @import { Context, Shares, State } from '../types' */
/** @import { Piece, Spot } from './surface.js' */

const SIDE = 1.15;
const COUNT = 48; // points of a ring
const STEP = 0.4; // nats from ring to ring

/** Rain, cloud, sun on the floor. */
const CORNERS = [
  [-0.5, -Math.sqrt(1 / 12)],
  [0.5, -Math.sqrt(1 / 12)],
  [0, Math.sqrt(1 / 3)],
].map(([x, y]) => [x * SIDE, y * SIDE]);

/** @param {Shares} q @param {number} nats @returns {Spot} */
const spot = (q, nats) => [
  q[0] * CORNERS[0][0] + q[1] * CORNERS[1][0] + q[2] * CORNERS[2][0],
  q[0] * CORNERS[0][1] + q[1] * CORNERS[1][1] + q[2] * CORNERS[2][1],
  Math.min(nats, CUT) / CUT,
];

/** Divergences of the rings, in nats, up to the cut, and the band that ends at each: the levels, and between them
 * steps that are small in height.
 * @param {number} most divergence at the cut @param {number} unit how many of the unit one nat is */
export function heights(most, unit) {
  const all = [];
  let before = 0;
  for (const [band, level] of [...LEVELS, Infinity].entries()) {
    const to = Math.min(level / unit, most);
    const steps = Math.max(to > 0.1 ? 2 : 1, Math.ceil((to - before) / STEP));
    for (let i = 1; i <= steps; i++) all.push({ nats: before + ((to - before) * i) / steps, band });
    if (to === most) break;
    before = to;
  }
  return all;
}

/** @param {Shares} p @param {number} unit @returns {Piece[]} */
export function mesh(p, unit) {
  const least = entropy(p);
  const steps = heights(CUT - least, unit);
  const all = rings(
    p,
    steps.map(({ nats }) => nats),
    COUNT,
  );
  /** @type {Piece[]} */
  const pieces = [];
  // along the edge that p lies on
  const flat = all[0].map((_, i) => p.some((v, j) => v === 0 && all.every((ring) => !ring[i][j])));
  let inner = all[0].map(() => spot(p, least));
  const spots = [inner];
  for (const [k, { nats, band }] of steps.entries()) {
    // Where the edge of the triangle came first and rules nothing out, the ring is lower than its level.
    const outer = all[k].map((q) => {
      const finite = p.includes(0) && p.every((v, i) => v === 0 || q[i] > 1e-9);
      return spot(q, least + (finite ? Math.min(nats, klDivergence(p, q)) : nats));
    });
    // A band begins under the one inside it: no seam between them.
    for (const fill of new Set([band, steps[k + 1]?.band ?? band])) {
      pieces.push({ at: inner, to: outer, fill: BANDS[fill], flat });
    }
    spots.push((inner = outer));
  }
  pieces.reverse(); // the walls first
  for (let i = 0; i < COUNT; i++) {
    const at = [inner[i], inner[(i + 1) % COUNT]];
    if (at.every(([, , z]) => z > 1 - 1e-9)) pieces.push({ at, stroke: '#000', width: 1.5, layer: 1 });
    // The edge that p lies on, from p to each end
    if (flat[i] && i % (COUNT / 3) === 0)
      pieces.push({ at: spots.map((ring) => ring[i]), stroke: '#000', width: 1.5 });
  }
  return pieces;
}

/** @param {Context} context */
export function simplexSurface(context) {
  /** @type {{ p?: Shares, unit?: string, pieces: Piece[] }} */
  let last = { pieces: [] };
  /** @param {State} state */
  const pieces = ({ p, unit }) => {
    if (last.p !== p || last.unit !== unit) last = { p, unit, pieces: mesh(p, perNat(unit)) };
    return last.pieces;
  };
  return surface(context, {
    id: 'surface',
    title: 'Cross-entropy over all forecasts q. Drag or use arrow keys to turn it.',
    floor: CORNERS.map(([x, y]) => [x, y, 0]),
    turn: 228,
    tilt: 30,
    name: 'loss',
    pieces,
    draw(pen, { p, q, unit }, size, view) {
      const { em } = size;
      CORNERS.forEach(([x, y], i) => {
        const back = view.away(x, y)[1] < -0.2 * Math.hypot(x, y); // its foot may be hidden
        beside(pen, 'corner halo', size, view, [x, y, back ? 1 : 0], [x, y], 0.9, OUTCOMES[i]);
      });
      const [least, now] = [entropy(p), crossEntropy(p, q)];
      const [foot, low] = [0, least].map((nats) => view.to(spot(p, nats)));
      const [ground, level, high] = [0, least, now].map((nats) => view.to(spot(q, nats)));
      pen.line('guide', ground[0], ground[1], level[0], level[1]);
      pen.line('guide', low[0], low[1], level[0], level[1]);
      pen
        .rect('', high[0] - 0.25 * em, high[1], 0.5 * em, level[1] - high[1])
        .setAttribute('fill', pen.hatch);
      pen.line('line truth', foot[0], foot[1], low[0], low[1]);
      pen.circle('truth point', low[0], low[1], 0.4 * em);
      pen.circle('model point', high[0], high[1], 0.45 * em);
      /** Where there is more room. @param {string} idea @param {number} x @param {number} y @param {string} text */
      const tell = (idea, x, y, text) => {
        const side = x > size.width / 2 ? -1 : 1;
        word(pen, `${idea}-text strong halo`, size, x + 0.8 * side * em, y, side, text);
      };
      const floor = `${size.width < 26 * em ? '' : 'H(p) = '}${amount(least, unit, 3)}`;
      const under = low[1] + (Math.max(...p) > 0.9 ? -0.5 : 1.2) * em; // a corner has its name below
      const over = high[1] - 0.6 * em;
      const tight = Math.hypot(high[0] - low[0], 6 * (over - under)) < 9 * em;
      tell('truth', low[0], under, floor);
      tell('model', high[0], tight ? under - 1.3 * em : over, amount(now, unit, 3));
    },
    describe: ({ p, q, unit }) =>
      `A bowl over the triangle of forecasts, lowest at q = p with ${amount(entropy(p), unit)}; at q it is ${amount(crossEntropy(p, q), unit)}, ${amount(klDivergence(p, q), unit)} above the lowest.`,
  });
}
