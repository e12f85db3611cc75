// Draws into an SVG element, shape by shape, and keeps the elements from one drawing to the next: a drag changes
// attributes and creates nothing. Looks come from classes (style.css), so that themes and exports are one thing.
import { drawn, put, write } from './dom.js';
/** @import { Size } from './types' */

/** @typedef {Record<string, string | number>} Attributes */

export class Pen {
  /** @param {SVGSVGElement} svg @param {Record<'hatch' | 'dots', string>} fills ids of its two patterns */
  constructor(svg, fills) {
    this.svg = svg;
    /** Fill of an excess or a divergence, and of a saving: `pen.rect(...).setAttribute('fill', pen.hatch)`. */
    this.hatch = `url(#${fills.hatch})`;
    this.dots = `url(#${fills.dots})`;
    /** @type {Size} */
    this.size = { width: 0, height: 0, em: 16 };
    this.top = drawn('g');
    svg.append(pattern(fills.hatch, 'hatch', 'M-1 1L1 -1M0 6L6 0M5 7L7 5', 6), this.top);
    svg.append(pattern(fills.dots, 'dots', 'M1.5 1.5h1.6M4.5 4.5h1.6', 6));
    /** @private @type {Element[]} */
    this.parents = [this.top];
    /** @private */
    this.places = [0];
  }

  /** @param {Size} size */
  start(size) {
    this.size = size;
    put(this.svg, 'viewBox', `0 0 ${size.width} ${size.height}`);
    this.places = [0];
    this.parents = [this.top];
  }

  /** What an earlier drawing left over goes. */
  finish() {
    const parent = this.parents[this.parents.length - 1];
    while (parent.childNodes.length > this.places[this.places.length - 1]) parent.lastChild?.remove();
  }

  /** The next shape: the element of the last drawing when it is of this kind, else a new one.
   * @param {string} tag @param {string} look its classes @param {Attributes} attributes @returns {SVGElement} */
  shape(tag, look, attributes) {
    const depth = this.parents.length - 1;
    const parent = this.parents[depth];
    const old = parent.childNodes[this.places[depth]++];
    let element = /** @type {SVGElement} */ (old);
    if (!old || old.nodeName !== tag || element.getAttribute('class') !== look) {
      element = drawn(/** @type {'g'} */ (tag), { class: look });
      if (old) old.replaceWith(element);
      else parent.append(element);
    }
    for (const name in attributes) put(element, name, tidy(attributes[name]));
    return element;
  }

  /** A group; what `fill` draws goes inside. Attributes that one drawing gives, every drawing must give.
   * @param {string} look @param {Attributes} attributes @param {() => void} fill */
  group(look, attributes, fill) {
    this.parents.push(this.shape('g', look, attributes));
    this.places.push(0);
    fill();
    this.finish();
    this.parents.pop();
    this.places.pop();
  }

  /** @param {string} look @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 */
  line(look, x1, y1, x2, y2) {
    return this.shape('line', look, { x1, y1, x2, y2 });
  }

  /** @param {string} look @param {number} x @param {number} y @param {number} width @param {number} height */
  rect(look, x, y, width, height) {
    return this.shape('rect', look, { x, y, width: Math.max(width, 0), height: Math.max(height, 0) });
  }

  /** @param {string} look @param {number} cx @param {number} cy @param {number} r */
  circle(look, cx, cy, r) {
    return this.shape('circle', look, { cx, cy, r });
  }

  /** A path through points, each [x, y].
   * @param {string} look @param {(readonly number[])[]} points @param {boolean} [closed] */
  path(look, points, closed = false) {
    let d = '';
    for (const [x, y] of points) d += `${d ? 'L' : 'M'}${tidy(x)} ${tidy(y)}`;
    return this.shape('path', look, { d: d + (closed && d ? 'Z' : '') });
  }

  /** Text; `look` may hold `start`, `middle` or `end` (where x is) and the colour of an idea.
   * @param {string} look @param {number} x @param {number} y @param {string} text */
  text(look, x, y, text) {
    const element = this.shape('text', look, { x, y });
    write(element, text);
    return element;
  }
}

/** Hundredths of a pixel are enough. @param {string | number} value */
function tidy(value) {
  return typeof value === 'number' ? Math.round(value * 100) / 100 : value;
}

/** @param {string} id @param {string} look @param {string} d @param {number} side */
const pattern = (id, look, d, side) =>
  drawn(
    'pattern',
    { id, width: side, height: side, patternUnits: 'userSpaceOnUse' },
    drawn('path', { d, class: look }),
  );
