// Elements, numbers and formulas as the page writes them.

/** An element with attributes and children. `false`, null and undefined attributes are left out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, unknown>} [attributes] @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]} */
export const h = (tag, attributes = {}, ...children) =>
  filled(document.createElement(tag), attributes, children);

/** @param {string} look @param {(Node | string)[]} children */
export const div = (look, ...children) => h('div', { class: look }, ...children);

/** The same in a drawing.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag @param {Record<string, unknown>} [attributes] @param {(Node | string)[]} children
 * @returns {SVGElementTagNameMap[K]} */
export const drawn = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

/** The same in a formula.
 * @param {string} tag @param {Record<string, unknown>} attributes @param {(Node | string)[]} children */
const mathml = (tag, attributes, ...children) =>
  filled(document.createElementNS('http://www.w3.org/1998/Math/MathML', tag), attributes, children);

/** @template {Element} E @param {E} element @param {Record<string, unknown>} attributes @param {(Node | string)[]} children */
function filled(element, attributes, children) {
  for (const name in attributes) {
    const value = attributes[name] ?? false;
    if (value !== false) element.setAttribute(name, value === true ? '' : String(value));
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
export function math(line, block) {
  const words = line.split(' ');
  const tokens = words.flatMap((word, i) => {
    if (!['log', 'ln', 'exp'].includes(word)) return token(word);
    const thin = () => mathml('mspace', { width: '.17em' }); // as books set it: p log p, log(1 − p)
    const before = /[\p{L}\d)]$/u.test(words[i - 1] ?? '') ? [thin()] : [];
    return [...before, token(word), ...(words[i + 1] === '(' ? [] : [thin()])];
  });
  return mathml('math', { display: block && 'block' }, ...tokens);
}

/** @param {string} text @returns {Element} */
function token(text) {
  const fraction = /^\{(.+)\/(.+)\}$/.exec(text);
  if (fraction) return mathml('mfrac', {}, token(fraction[1]), token(fraction[2]));
  const [, base, mark, script] = /^(.+?)([_^])(.+)$/.exec(text) ?? [];
  if (base)
    return mathml(base === '∑' ? 'munder' : mark === '_' ? 'msub' : 'msup', {}, token(base), token(script));
  const name = /^[\d.]+$/.test(text) ? 'mn' : /^\p{L}+['′]?$/u.test(text) ? 'mi' : 'mo';
  return mathml(name, { stretchy: '()[]|'.includes(text) && 'false' }, text);
}

/** Text with `*emphasis*` and `$mathematics$`.
 * @param {string} text @returns {(Node | string)[]} */
export function rich(text) {
  return text.split(/(\*[^*]+\*|\$[^$]+\$)/).map((part) => {
    if (part.startsWith('*')) return h('em', {}, part.slice(1, -1));
    return part.startsWith('$') ? math(part.slice(1, -1)) : part;
  });
}
