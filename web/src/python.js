// The programs of "Show Python": whole, and printing the page's numbers.
/** @import { State } from './types' */

/** A program that sets names and prints calls of xent, in the unit shown.
 * @param {State} state
 * @param {Record<string, unknown>} names Python values by name: numbers, arrays of them, or text that stands as it is
 * @param {{ name: string, call: string, natural?: boolean }[]} prints the quantity and `f(args)`; its unit is added
 * @param {string[]} [before] lines between the names and the prints */
export function pythonProgram(state, names, prints, before = []) {
  const lines = [
    'import xent',
    '',
    ...Object.entries(names).map(([name, value]) => `${name} = ${literal(value)}`),
    ...before,
    ...prints.map(({ call, natural }) =>
      natural || state.unit === 'nats'
        ? `print(float(${call}))`
        : `print(float(${call.slice(0, -1)}, unit="bits")))`,
    ),
  ];
  return { prints: prints.map(({ name }) => name), code: lines.join('\n') };
}

/** Numbers become floats, also whole ones: xent asks what integers hold. Strings stand as they are.
 * @param {unknown} value @returns {string} */
function literal(value) {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  return typeof value === 'number' && Number.isInteger(value) ? `${value}.0` : String(value);
}
