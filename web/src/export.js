// A figure as a file. The looks that style.css gives are written into a copy of the drawing, which then stands alone;
// the PNG is painted from that copy shape by shape, because the page's policy lets no image in, not even its own.
import { button, drawn, h, put, write } from './dom.js';
import { Pen } from './pen.js';
/** @import { Context, Size } from './types' */

/** A layer drawn on a canvas may bring what draws it as shapes. @typedef {HTMLCanvasElement & { paintInto?: (pen: Pen) => void }} Layer */

/** @typedef {object} Source
 * @property {string} name of the file, without its ending
 * @property {string} title
 * @property {HTMLElement} stage
 * @property {() => Size} size
 * @property {() => string} describe */

/** What SVG assumes where nothing is said: this need not be written.
 * @type {Record<string, string>} */
const ASSUMED = {
  fill: '#000000',
  stroke: 'none',
  'stroke-width': '1',
  'stroke-dasharray': 'none',
  'stroke-linecap': 'butt',
  'stroke-linejoin': 'miter',
  'paint-order': 'normal',
  opacity: '1',
  'fill-opacity': '1',
  'stroke-opacity': '1',
};
const LETTERS = ['font-family', 'font-size', 'font-weight', 'text-anchor'];

/** The two buttons below a figure.
 * @param {Context} context @param {Omit<Source, 'name'> & { id: string }} source */
export function exports(context, { id, ...source }) {
  const told = h('span', { class: 'told' });
  /** @param {Blob | null} blob @param {string} ending */
  const save = (blob, ending) => {
    if (!blob) return tell('This figure is too large for a PNG here: save it as SVG.');
    const url = URL.createObjectURL(blob);
    const chapter = source.stage.closest('[data-chapter]')?.getAttribute('data-chapter');
    h('a', { href: url, download: `xent-${chapter ? `${chapter}-` : ''}${id}.${ending}` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    tell('');
  };
  /** @param {string} text */
  const tell = (text) => {
    write(told, text);
    if (text) context.say(text);
  };
  /** @param {string} ending @param {(drawing: SVGSVGElement) => void} act */
  const one = (ending, act) =>
    button(
      ending,
      () => {
        if (confined()) tell('A sandboxed page may not save files. Open the page itself: there it can.');
        else if (source.size().width) act(standAlone(context, source));
      },
      {
        'aria-label': `Save ${source.title.split(/[.,;]/)[0]} as ${ending}`,
        'data-export': ending.toLowerCase(),
      },
    );
  return h(
    'span',
    { class: 'exports' },
    one('SVG', (drawing) => save(new Blob([text(drawing)], { type: 'image/svg+xml' }), 'svg')),
    one('PNG', (drawing) => painted(drawing, 2 * devicePixelRatio).toBlob((blob) => save(blob, 'png'))),
    told,
  );
}

/** Whether this is a frame without an origin of its own: there a download only makes the console complain. */
const confined = () => parent !== window && self.origin === 'null' && !window.frameElement;

/** @param {SVGSVGElement} drawing */
function text(drawing) {
  // Control characters have no place in XML, whatever a label holds.
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(drawing)}\n`.replace(
    /[^\t\n\r\x20-\uFFFD]/g,
    '',
  );
}

/** The drawing with its looks written into it, on paper, with a margin for what reaches over the edge.
 * @param {Context} context @param {Omit<Source, 'name'>} source */
function standAlone(context, { title, stage, size, describe }) {
  const { width, height, em } = size();
  const box = { x: -em, y: -em, width: width + 2 * em, height: height + 2 * em };
  const paper = colour(getComputedStyle(context.root).backgroundColor)[0];
  const drawing = drawn(
    'svg',
    { viewBox: Object.values(box).join(' '), width: box.width, height: box.height },
    drawn('title', {}, title),
    drawn('desc', {}, describe()),
    drawn('rect', { ...box, fill: paper }),
  );
  for (const layer of [...stage.children]) {
    if (layer instanceof SVGSVGElement) drawing.append(...[...layer.childNodes].map(baked));
    const paint = /** @type {Layer} */ (layer).paintInto;
    if (!paint) continue;
    const sheet = drawn('svg'); // in the page, so that style.css reaches it
    stage.append(sheet);
    const pen = new Pen(sheet, { hatch: context.id('hatch'), dots: context.id('dots') });
    pen.start(size());
    paint.call(layer, pen);
    pen.finish();
    drawing.append(...[...sheet.childNodes].map(baked));
    sheet.remove();
  }
  return drawing;
}

/** A copy with its computed looks as attributes.
 * @param {Node} from @returns {Node} */
function baked(from) {
  const copy = from.cloneNode(false);
  if (!(from instanceof SVGElement && copy instanceof SVGElement)) return copy;
  for (const { name } of [...copy.attributes]) {
    if (/^(class|style|role|tabindex|aria-.*|data-.*)$/.test(name)) copy.removeAttribute(name);
  }
  const style = getComputedStyle(from);
  /** @type {Record<string, string>} */
  const looks = {};
  // Groups say nothing but how clear they are: what they said would be inherited where nothing is assumed.
  for (const name of from.matches('g, pattern, clipPath, defs') ? ['opacity'] : Object.keys(ASSUMED)) {
    looks[name] = style.getPropertyValue(name).replace(/(\d)px/g, '$1');
  }
  for (const name of ['fill', 'stroke']) {
    if (!looks[name]) continue;
    const [plain, alpha] = colour(looks[name]);
    looks[name] = plain;
    looks[`${name}-opacity`] = String(Math.round(1000 * alpha * Number(looks[`${name}-opacity`])) / 1000);
  }
  for (const name of from.nodeName === 'text' ? LETTERS : []) looks[name] = style.getPropertyValue(name);
  for (const name in looks) {
    const bare = looks[name] === ASSUMED[name] || (looks.stroke === 'none' && name.startsWith('stroke'));
    if (bare) copy.removeAttribute(name);
    else put(copy, name, looks[name]);
  }
  copy.append(...[...from.childNodes].map(baked));
  return copy;
}

/** A computed colour as any viewer reads it, and its alpha.
 * @param {string} computed @returns {[string, number]} */
export function colour(computed) {
  const srgb = computed.startsWith('color(srgb');
  if (!srgb && !computed.startsWith('rgb')) return [computed.replace(/["']/g, ''), 1];
  const [r, g, b, alpha = 1] = (computed.match(/[\d.]+(e-?\d+)?/g) ?? []).map(Number);
  const hex = [r, g, b].map((part) => Math.round(srgb ? part * 255 : part));
  return [`#${hex.map((part) => part.toString(16).padStart(2, '0')).join('')}`, alpha];
}

/** @param {SVGSVGElement} drawing @param {number} scale pixels of the canvas to one of the drawing */
function painted(drawing, scale) {
  const { x, y, width, height } = drawing.viewBox.baseVal;
  return onCanvas(width, height, scale, (brush) => {
    brush.translate(-x, -y);
    for (const child of drawing.children) paint(brush, child, drawing, scale, 1);
  });
}

/** @param {number} width @param {number} height @param {number} scale
 * @param {(brush: CanvasRenderingContext2D) => void} act */
function onCanvas(width, height, scale, act) {
  const canvas = h('canvas', { width: Math.round(width * scale), height: Math.round(height * scale) });
  const brush = canvas.getContext('2d');
  brush?.scale(scale, scale);
  if (brush) act(brush);
  return canvas;
}

/** @param {CanvasRenderingContext2D} brush @param {Element} element @param {SVGSVGElement} drawing
 * @param {number} scale @param {number} clear opacity of what it stands in */
function paint(brush, element, drawing, scale, clear) {
  /** @param {string} name */
  const get = (name) => element.getAttribute(name) ?? ASSUMED[name] ?? '';
  /** The element that `url(#id)` means. @param {string} name */
  const named = (name) => drawing.querySelector(/^url\((#.+)\)$/.exec(get(name))?.[1] ?? 'x');
  const opacity = clear * Number(get('opacity'));
  const shape = outline(element);
  if (!shape && !['g', 'text'].includes(element.nodeName)) return;
  brush.save();
  const turn = /** @type {SVGGraphicsElement} */ (element).transform.baseVal.consolidate();
  if (turn) brush.transform(...abcdef(turn.matrix));
  const window = named('clip-path')?.firstElementChild;
  if (window) brush.clip(outline(window) ?? new Path2D());
  if (element.nodeName === 'g') {
    for (const child of element.children) paint(brush, child, drawing, scale, opacity);
  } else {
    brush.font = ['font-weight', 'font-size', 'font-family'].map(get).join(' ');
    brush.textAlign =
      get('text-anchor') === 'middle' ? 'center' : get('text-anchor') === 'end' ? 'right' : 'left';
    brush.lineWidth = Number(get('stroke-width'));
    brush.lineCap = /** @type {CanvasLineCap} */ (get('stroke-linecap'));
    brush.lineJoin = /** @type {CanvasLineJoin} */ (get('stroke-linejoin'));
    brush.miterLimit = 4;
    brush.setLineDash((get('stroke-dasharray').match(/[\d.]+/g) ?? []).map(Number));
    for (const way of get('paint-order').startsWith('stroke') ? ['stroke', 'fill'] : ['fill', 'stroke']) {
      if (get(way) === 'none') continue;
      const pattern = named(way);
      const ink = pattern ? tiles(brush, pattern, drawing, scale) : get(way);
      brush.globalAlpha = opacity * Number(get(`${way}-opacity`));
      if (way === 'fill') {
        brush.fillStyle = ink;
        if (shape) brush.fill(shape);
        else brush.fillText(element.textContent ?? '', Number(get('x')), Number(get('y')));
      } else {
        brush.strokeStyle = ink;
        if (shape) brush.stroke(shape);
        else brush.strokeText(element.textContent ?? '', Number(get('x')), Number(get('y')));
      }
    }
  }
  brush.restore();
}

/** @param {DOMMatrix} matrix @returns {[number, number, number, number, number, number]} */
const abcdef = ({ a, b, c, d, e, f }) => [a, b, c, d, e, f];

/** @param {Element} element @returns {Path2D | undefined} */
function outline(element) {
  /** @param {string} name */
  const at = (name) => Number(element.getAttribute(name));
  const path = new Path2D(element.nodeName === 'path' ? (element.getAttribute('d') ?? '') : undefined);
  switch (element.nodeName) {
    case 'path':
      return path;
    case 'line':
      path.moveTo(at('x1'), at('y1'));
      path.lineTo(at('x2'), at('y2'));
      return path;
    case 'rect':
      path.roundRect(at('x'), at('y'), at('width'), at('height'), at('rx'));
      return path;
    case 'circle':
      path.arc(at('cx'), at('cy'), at('r'), 0, 7);
      return path;
  }
}

/** @param {CanvasRenderingContext2D} brush @param {Element} pattern @param {SVGSVGElement} drawing @param {number} scale */
function tiles(brush, pattern, drawing, scale) {
  const side = Number(pattern.getAttribute('width'));
  const tile = onCanvas(side, side, scale, (small) => {
    for (const child of pattern.children) paint(small, child, drawing, scale, 1);
  });
  const made = /** @type {CanvasPattern} */ (brush.createPattern(tile, 'repeat'));
  const back = side / tile.width;
  made.setTransform(new DOMMatrix([back, 0, 0, back, 0, 0]));
  return made;
}
