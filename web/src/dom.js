// Elements, numbers and formulas as the page writes them.

const MATHML = 'http://www.w3.org/1998/Math/MathML';

/** An element with attributes and children. `false`, null and undefined attributes are left out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, unknown>} [attributes] @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]} */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  element.append(...children);
  return element;
}

/** A button that does one thing.
 * @param {string} text @param {() => void} act @param {Record<string, unknown>} [attributes] */
export function button(text, act, attributes = {}) {
  const element = h('button', { type: 'button', ...attributes }, text);
  element.addEventListener('click', act);
  return element;
}

/** Sets an attribute only where it differs: layout is left alone when nothing changed.
 * @param {Element} element @param {string} name @param {string | number} value */
export function put(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** @param {Node} node @param {string} text */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A number for people: four decimals, fewer where they say nothing, powers of ten where they are needed.
 * @param {number} value @param {number} [digits] */
export function number(value, digits = 4) {
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '−inf';
  const size = Math.abs(value);
  const text =
    size === 0
      ? '0'
      : size < 0.5 * 10 ** -(digits - 1) || size >= 1e6
        ? value.toExponential(2)
        : value.toFixed(digits);
  return text.replace('-', '−').replace('e−', 'e-').replace('e+', 'e');
}

/** The same without zeros at the end: 0.25, not 0.2500.
 * @param {number} value @param {number} [digits] */
export function short(value, digits = 3) {
  const text = number(value, digits);
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text;
}

/** How many of `unit` one nat is.
 * @param {string} unit */
export const perNat = (unit) => (unit === 'bits' ? Math.LOG2E : 1);

/** A quantity in nats, for people, in the unit shown.
 * @param {number} nats @param {string} unit @param {number} [digits] */
export const amount = (nats, unit, digits) => `${number(nats * perNat(unit), digits)} ${unit}`;

/** One line of mathematics: tokens between spaces, `a_b` with b below, `a^b` above, `{a/b}` a fraction.
 * @param {string} line @param {boolean} [block] */
export function math(line, block = false) {
  const element = document.createElementNS(MATHML, 'math');
  if (block) element.setAttribute('display', 'block');
  // p log q, not plogq: thin spaces, which are tokens too.
  const spaced = line.trim().replace(/(?<=[\p{L})] )(?=l(n|og)\b)|(?<=\bl(n|og)(_2)? )(?=[^(])/gu, '\u2009 ');
  element.append(...spaced.split(/ +/).map(token));
  return element;
}

/** @param {string} text @returns {Element} */
function token(text) {
  const parts = /^\{(.+)\/(.+)\}$/.exec(text) ?? /^(.+?)([_^])(.+)$/.exec(text);
  if (parts && text.startsWith('{')) return mathml('mfrac', token(parts[1]), token(parts[2]));
  if (parts) {
    const name = parts[1] === '∑' ? 'munder' : parts[2] === '_' ? 'msub' : 'msup';
    return mathml(name, token(parts[1]), token(parts[3]));
  }
  const name = /^[\d.]+$/.test(text) ? 'mn' : /^[\p{L}\u2009]+['′]?$/u.test(text) ? 'mi' : 'mo';
  const element = mathml(name, text);
  if ('()[]|'.includes(text)) element.setAttribute('stretchy', 'false');
  return element;
}

/** @param {string} name @param {(Node | string)[]} children */
function mathml(name, ...children) {
  const element = document.createElementNS(MATHML, name);
  element.append(...children);
  return element;
}

/** Text with `*emphasis*` and `$mathematics$`.
 * @param {string} text @returns {(Node | string)[]} */
export function rich(text) {
  return text.split(/(\*[^*]+\*|\$[^$]+\$)/).map((part) => {
    if (part.startsWith('*')) return h('em', {}, part.slice(1, -1));
    return part.startsWith('$') ? math(part.slice(1, -1)) : part;
  });
}
