// A surface to turn: faces and lines on a canvas, the farthest painted first, below the figure's SVG, which holds the
// axes and the words. It turns by drag and by arrow keys. What was painted is kept as a list, so that an export has
// the same shapes.
import { round } from '../axes.js';
import { button, h, perNat, put, short } from '../dom.js';
import { ARROWS, figure } from '../figure.js';
import { BANDS } from '../palette.js';
/** @import { Pen } from '../pen.js' */
/** @import { Context, Size, State } from '../types' */

/** Losses above this many nats are cut off; the surface goes on to infinity. */
export const CUT = 4;
const HEIGHT = 0.75; // of the box, where the floor is 1 wide
const GREY = '#80808070'; // seen on light and on dark paper

/** Floor right and back, and the share of the height of the box.
 * @typedef {readonly number[]} Spot */

/** A face (closed, filled) or a line (stroked) in the box; or the faces between two rings.
 * @typedef {object} Piece
 * @property {Spot[]} at
 * @property {Spot[]} [to] the outer ring, as many spots. Of its faces those seen from below are left out, so that one
 *   looks into a convex bowl; the rest hides nothing, and is painted in the order given
 * @property {boolean[]} [flat] between two such spots is no face
 * @property {string} [fill]
 * @property {string} [stroke]
 * @property {number} [width]
 * @property {number} [layer] 1 is painted after all others, -1 before them; lines on the surface are 0, the default
 * @property {readonly number[]} [wall] where a wall of the box faces: painted before or after all else */

/** @typedef {object} Painted
 * @property {number[][][]} loops of points on the stage, in pixels
 * @property {string} [fill]
 * @property {string} [stroke]
 * @property {number} width
 * @property {number} depth */

/** From the box to the stage. @typedef {(spot: Spot) => number[]} Project */

/** @typedef {object} Space
 * @property {Project} to
 * @property {(right: number, back: number) => number[]} away a direction on the floor, seen on the stage */

/** @typedef {object} Relief
 * @property {string} id
 * @property {string} title
 * @property {Spot[]} floor corners, around the middle of the box
 * @property {number} turn degrees
 * @property {number} tilt degrees; 90 looks straight down
 * @property {string} name of what the height is, without its unit
 * @property {(state: State) => Piece[]} pieces the same list again while nothing changed
 * @property {(pen: Pen, state: State, size: Size, space: Space) => void} draw
 * @property {(state: State) => string} describe */

/** The colour of a loss, from 0 to 1 of the height.
 * @param {number} share */
export const tone = (share) => TONES[Math.round(Math.min(1, Math.max(0, share)) * (TONES.length - 1))];

const TONES = Array.from({ length: 65 }, (_, i) => {
  const place = Math.min(i / 8, 7.999);
  const [from, to] = [0, 1].map((step) => parseInt(BANDS[Math.floor(place) + step].slice(1), 16));
  const mixed = [16, 8, 0].map((shift) => {
    const [a, b] = [(from >> shift) & 255, (to >> shift) & 255];
    return Math.round(a + (b - a) * (place % 1));
  });
  return `rgb(${mixed})`;
});

/** @param {number} degrees */
const rad = (degrees) => (degrees * Math.PI) / 180;

/** @param {number} turn @param {number} tilt in degrees @param {number} scale @param {number} cx @param {number} cy
 * @returns {Space & { depth: (spot: Spot) => number }} orthographic: parallel lines stay parallel */
export function space(turn, tilt, scale, cx, cy) {
  const [c, s] = [Math.cos(rad(turn)), Math.sin(rad(turn))];
  const [low, high] = [Math.cos(rad(tilt)), Math.sin(rad(tilt))];
  return {
    to: ([x, y, z]) => [
      cx + scale * (x * c - y * s),
      cy - scale * ((x * s + y * c) * high + (z - 0.5) * HEIGHT * low),
    ],
    away: (x, y) => [x * c - y * s, -(x * s + y * c) * high],
    depth: ([x, y, z]) => (x * s + y * c) * low - z * HEIGHT * high,
  };
}

/** All pieces on the stage, the farthest first; lines in segments, each just above the face it lies on.
 * @param {Piece[]} pieces @param {ReturnType<typeof space>} view @returns {Painted[]} */
export function arranged(pieces, view) {
  /** @type {Painted[]} */
  const painted = [];
  /** Rings on the stage: the outer ring is an inner one next. @type {Map<Spot[], number[][]>} */
  const seen = new Map();
  /** @param {Spot[]} ring */
  const project = (ring) => {
    const points = seen.get(ring) ?? ring.map(view.to);
    seen.set(ring, points);
    return points;
  };
  /** @param {Piece} piece @param {Spot[]} at @param {number} lift */
  const add = ({ fill, stroke, width = 1, layer = 0, wall }, at, lift) => {
    const side = wall ? (view.away(wall[0], wall[1])[1] > 0 ? 1 : -1) : layer;
    let depth = side ? -side * Infinity : -lift;
    if (!side) for (const spot of at) depth += view.depth(spot) / at.length;
    // A face has a line of its own colour: no seam to the next.
    painted.push({ loops: [at.map(view.to)], fill, stroke: stroke ?? fill, width, depth });
  };
  /** Each run of faces is one loop: out along the outer ring, back along the inner.
   * @param {Spot[]} ring @param {Spot[]} to @param {Piece} piece */
  const between = (ring, to, { fill, flat }) => {
    const [inner, outer] = [project(ring), project(to)];
    /** @type {number[][][]} */
    const loops = [];
    let open = false;
    for (let i = 0; i < inner.length; i++) {
      const j = (i + 1) % inner.length;
      const face = [inner[j], inner[i], outer[i], outer[j]];
      const hidden = (flat?.[i] && flat[j]) || area(face) >= 0;
      if (hidden) open = false;
      else if (open) {
        const loop = loops[loops.length - 1];
        loop.unshift(inner[j]);
        loop.push(outer[j]);
      } else open = loops.push(face) > 0;
    }
    const before = painted[painted.length - 1];
    if (before?.fill === fill) before.loops.push(...loops);
    else painted.push({ loops, fill, width: 0, depth: Infinity });
  };
  for (const piece of pieces) {
    if (piece.to) between(piece.at, piece.to, piece);
    else if (piece.fill || piece.layer) add(piece, piece.at, 0);
    else for (let i = 1; i < piece.at.length; i++) add(piece, piece.at.slice(i - 1, i + 1), 0.06);
  }
  return painted.sort((a, b) => b.depth - a.depth || 0);
}

/** Twice the area of a face on the stage; negative where its corners go round against the clock.
 * @param {number[][]} points */
function area(points) {
  let sum = 0;
  let [x0, y0] = points[points.length - 1];
  for (const [x, y] of points) {
    sum += x0 * y - x * y0;
    [x0, y0] = [x, y];
  }
  return sum;
}

/** @param {Context} context @param {Relief} relief */
export function surface(context, { id, title, floor, name, pieces, draw, describe, ...first }) {
  let { turn, tilt } = first;
  /** @type {Painted[]} */
  let painted = [];
  let key = '';
  /** @type {Piece[]} */
  let last = [];
  let seen = true;
  let late = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let rest;
  const canvas = h('canvas', {
    tabindex: 0,
    role: 'slider',
    'aria-label': 'View of the surface: arrow keys turn and tilt it, Home restores it',
    'aria-valuemin': 0,
    'aria-valuemax': 360,
  });
  // For exports: the same shapes as vectors.
  Object.assign(canvas, { paintInto: (/** @type {Pen} */ pen) => painted.forEach((one) => ink(pen, one)) });

  /** @param {number} right @param {number} up degrees */
  const turnBy = (right, up) => {
    turn = (turn + right + 360) % 360;
    tilt = Math.min(90, Math.max(0, tilt + up));
    context.redraw();
  };
  const restore = () => turnBy(first.turn - turn, first.tilt - tilt);
  const reach = Math.max(...floor.map(([x, y]) => Math.hypot(x, y)));

  return figure(context, {
    id,
    title,
    ratio: (ems) => (ems < 26 ? 1 : 0.8),
    describe,
    draw(pen, state, size) {
      const { width, height, em } = size;
      const scale = Math.min(
        (width - 5 * em) / (2 * reach),
        (height - 5.8 * em) / (2 * reach * Math.sin(rad(tilt)) + HEIGHT * Math.cos(rad(tilt))),
      );
      const view = space(turn, tilt, scale, width / 2, height / 2 + 0.7 * em);
      const now = [turn, tilt, width, height, em, devicePixelRatio].join();
      clearTimeout(rest);
      late = !seen && key === now; // what is not on the screen is painted at rest
      if (late) rest = setTimeout(() => ((key = ''), context.redraw()), 100);
      const all = late ? last : pieces(state);
      if (last !== all || key !== now) {
        [last, key] = [all, now];
        painted = arranged([{ at: floor, stroke: GREY, fill: '#80808018', layer: -1 }, ...all], view);
        paint(canvas, size, painted);
      }
      box(pen, state, size, view, floor, name);
      draw(pen, state, size, view);
      put(canvas, 'aria-valuenow', Math.round(turn));
      put(canvas, 'aria-valuetext', `turned ${Math.round(turn)}°, seen from ${Math.round(tilt)}° above`);
    },
    setup(stage) {
      const { element } = stage;
      const { signal } = context;
      new IntersectionObserver(([{ isIntersecting, boundingClientRect }]) => {
        seen = isIntersecting || !boundingClientRect.width; // no width: a hidden chapter, painted when it is shown
        if (seen && late) context.redraw();
      }).observe(canvas);
      const whole = /** @type {HTMLElement} */ (element.parentElement);
      element.prepend(canvas);
      element.classList.add('turns');
      whole.tabIndex = -1;
      whole.querySelector('.exports')?.prepend(button('Restore view', restore));
      let from = [0, 0];
      element.addEventListener(
        'pointerdown',
        (event) => {
          if (event.button !== 0) return;
          from = [event.clientX, event.clientY];
          element.setPointerCapture(event.pointerId);
          canvas.focus({ preventScroll: true });
          event.preventDefault();
        },
        { signal },
      );
      element.addEventListener(
        'pointermove',
        ({ pointerId, clientX, clientY }) => {
          if (!element.hasPointerCapture(pointerId)) return;
          turnBy((clientX - from[0]) / 2, (clientY - from[1]) / 2);
          from = [clientX, clientY];
        },
        { signal },
      );
      element.addEventListener('dblclick', restore, { signal });
      whole.addEventListener(
        'keydown',
        (event) => {
          const { key, target, shiftKey, ctrlKey, altKey, metaKey } = event;
          if ((target !== canvas && target !== whole) || ctrlKey || altKey || metaKey) return;
          const step = shiftKey ? 15 : 5;
          const [right, up] = ARROWS[key] ?? [0, 0];
          if (key === 'Home') restore();
          else if (right || up) turnBy(right * step, up * step);
          else return;
          event.preventDefault();
        },
        { signal },
      );
    },
  });
}

/** @param {HTMLCanvasElement} canvas @param {Size} size @param {Painted[]} painted */
function paint(canvas, { width, height }, painted) {
  const dense = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * dense)) canvas.width = Math.round(width * dense);
  if (canvas.height !== Math.round(height * dense)) canvas.height = Math.round(height * dense);
  const ground = canvas.getContext('2d');
  if (!ground) return;
  ground.setTransform(dense, 0, 0, dense, 0, 0);
  ground.clearRect(0, 0, width, height);
  ground.lineJoin = ground.lineCap = 'round';
  for (const { loops, fill, stroke, width: thick } of painted) {
    ground.beginPath();
    for (const points of loops) {
      points.forEach(([x, y], i) => (i ? ground.lineTo(x, y) : ground.moveTo(x, y)));
      if (fill) ground.closePath();
    }
    if (fill) {
      ground.fillStyle = fill;
      ground.fill();
    }
    if (stroke) {
      ground.strokeStyle = stroke;
      ground.lineWidth = thick;
      ground.stroke();
    }
  }
}

/** @param {Pen} pen @param {Painted} painted */
function ink(pen, { loops, fill = 'none', stroke = 'none', width }) {
  const end = fill === 'none' ? '' : 'Z';
  const d = loops.map((points) => `M${points.map((at) => at.map((v) => v.toFixed(1))).join('L')}${end}`);
  const looks = { fill, stroke, 'stroke-width': width, 'stroke-linejoin': 'round' };
  pen.shape('path', '', { d: d.join(''), ...looks });
}

/** The upright axis at the leftmost corner of the box, where nothing hides it, and the plane of the cut.
 * @param {Pen} pen @param {State} state @param {Size} size @param {Space} view @param {Spot[]} floor @param {string} name */
function box(pen, { unit }, size, { to }, floor, name) {
  const { em } = size;
  const top = CUT * perNat(unit);
  const lid = floor.map(([x, y]) => to([x, y, 1]));
  const across = [...floor].sort((a, b) => to(a)[0] - to(b)[0]);
  pen.path('axis', lid, true);
  for (const [x, y] of [across[0], across[across.length - 1]]) {
    const [[x0, y0], [x1, y1]] = [to([x, y, 0]), to([x, y, 1])];
    pen.line('axis', x0, y0, x1, y1);
  }
  const [left, deep] = across[0];
  const [[, low], [, high]] = [to([left, deep, 0]), to([left, deep, 1])];
  for (const tick of round([0, top], Math.max(1, (low - high) / (2.5 * em)))) {
    const [x, y] = to([left, deep, tick / top]);
    if (tick > 0 && tick < 0.98 * top && low - high > 4 * em)
      pen.text('tick end', x - 0.4 * em, y + 0.35 * em, short(tick));
  }
  const axis = to([left, deep, 1])[0];
  word(pen, 'name', size, axis, axis > 6 * em ? high - 0.6 * em : 0.9 * em, -1, `${name} (${unit})`);
  const [x, y] = lid.reduce((one, other) => (other[1] < one[1] ? other : one));
  const words = `cut at ${short(top, 2)} ${unit}; goes on to inf`;
  word(pen, 'tick halo', size, x, y - (floor.length > 3 ? 0.5 : 1.7) * em, 0, words);
}

/** A word beside a spot of the floor, away from the middle of the box.
 * @param {Pen} pen @param {string} look @param {Size} size @param {Space} view @param {Spot} spot
 * @param {readonly number[]} out where outside is, on the floor @param {number} ems how far @param {string} text */
export function beside(pen, look, size, { to, away }, spot, out, ems, text) {
  const [dx, dy] = away(out[0], out[1]);
  const far = (ems * size.em) / (Math.hypot(dx, dy) || 1);
  const [x, y] = to(spot);
  const side = Math.abs(dx) < 0.3 ? 0 : Math.sign(dx);
  word(pen, look, size, x + dx * far, y + dy * far + 0.35 * size.em, side, text);
}

/** Text right of a point (1), left of it (-1) or about it (0), and inside the stage.
 * @param {Pen} pen @param {string} look @param {Size} size @param {number} x @param {number} y
 * @param {number} side @param {string} text */
export function word(pen, look, { width, em }, x, y, side, text) {
  const long = text.length * 0.55 * em;
  const [left, right] = [((1 - side) / 2) * long, width - ((1 + side) / 2) * long];
  const anchor = ['end', 'middle', 'start'][side + 1];
  pen.text(`${look} ${anchor}`, Math.max(left, Math.min(x, right)), y, text);
}
