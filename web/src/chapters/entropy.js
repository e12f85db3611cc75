// Entropy: the mean surprisal of what is to come.
import { axes, curve } from '../axes.js';
import { amount, number, perNat, short } from '../dom.js';
import { figure } from '../figure.js';
import { entropyBlocks } from '../figures/entropy-blocks.js';
import { entropy as nats, perplexity } from '../numerics/index.js';
import { pythonProgram } from '../python.js';
import { DEFAULTS } from '../state.js';
/** @import { Chapter, Context } from '../types' */

/** The entropy of fair dice with 1 to 3 sides, also of those between: perplexity is read off below.
 * @param {Context} context */
function diceFigure(context) {
  return figure(context, {
    id: 'die',
    title: 'Perplexity: the fair die that is as uncertain',
    ratio: 0.5,
    draw(pen, state, size) {
      const { em, width } = size;
      const unit = perNat(state.unit);
      const wide = width > 26 * em;
      const { X, Y, inside } = axes(
        pen,
        size,
        {
          span: [0.85, 3.2],
          name: 'sides of a fair die (perplexity)',
          ticks: [1, 2, 3],
          label: (side) => (wide ? ['1: certain', '2: a fair coin', '3: all equal'][side - 1] : `${side}`),
        },
        { span: [0, 1.2 * unit], name: `entropy (${state.unit})` },
      );
      pen.path(
        'axis',
        curve((sides) => Math.log(sides) * unit, [1, 3], X, Y, Infinity, 60),
      );
      const sides = perplexity(state.p);
      const [x, y] = [X(sides), Y(nats(state.p) * unit)];
      pen.line('guide', inside.left, y, x, y);
      pen.line('guide', x, inside.bottom, x, y);
      pen.circle('truth point', x, y, 0.45 * em);
      const right = sides < 2.2; // below the curve there, above it here
      pen.text(
        `${right ? 'start' : 'end'} strong halo truth-text`,
        x + (right ? 0.9 : -0.8) * em,
        right ? Math.min(y + 0.35 * em, inside.bottom - 0.4 * em) : y - 0.6 * em,
        `${number(sides, 2)} sides`,
      );
    },
    describe: ({ p, unit }) =>
      `The entropy of a fair die grows with the logarithm of its sides; ${amount(nats(p), unit)} is that of a die with ${number(perplexity(p))} sides.`,
  });
}

/** @type {Chapter} */
export const entropy = {
  id: 'entropy',
  title: 'Entropy',
  lead: 'Before the outcome is known: how surprised will you be, on average?',
  formula: 'H ( p ) = − ∑_i p_i log p_i',
  text: [
    'Tomorrow brings rain, cloud or sun. Their probabilities $p_i$ are shares of one whole. Each outcome has its surprisal $− log p_i$ and counts as often as it comes. The mean is the *entropy*.',
    'In the picture each outcome is a block, as wide as its share and as high as its surprisal. The widths add up to 1, so the areas add up to the mean. The thick line marks it: what rises above would just fill the gaps below. Drag the borders.',
    'Entropy is 0 when one outcome is certain, and greatest, $log 3$, when all three are equally likely. In bits it counts yes-or-no questions: no code reports the weather, day after day, in fewer bits a day on average, and good codes come as close as you like. An outcome of share ⅛ deserves a word of 3 bits.',
    '*Perplexity* says the same as a number of choices, $e^H$ with $H$ in nats or $2^H$ with $H$ in bits: you are as uncertain as before the roll of a fair die with that many sides.',
  ],
  mind: 'a rare outcome adds little, however surprising it is. Share times surprisal goes to 0 as the share does, so what never happens adds 0, though its surprisal is *inf*.',
  sliders: [{ name: 'p', label: 'Truth p' }],
  quantities: [
    { name: 'entropy', label: 'Entropy H(p)', value: ({ p }) => nats(p) },
    { name: 'perplexity', label: 'Perplexity', natural: true, value: ({ p }) => perplexity(p) },
  ],
  presets: [
    { id: 'weather', label: 'Our weather', change: () => ({ p: DEFAULTS.p }) },
    { id: 'even', label: 'All equal', change: () => ({ p: [1 / 3, 1 / 3, 1 / 3] }) },
    { id: 'coin', label: 'A fair coin', change: () => ({ p: [0.5, 0, 0.5] }) },
    { id: 'halves', label: '¼, ¼, ½', change: () => ({ p: [0.25, 0.25, 0.5] }) },
    { id: 'rare', label: 'Rain is rare', change: () => ({ p: [0.001, 0.299, 0.7] }) },
    { id: 'certain', label: 'Always sun', change: () => ({ p: [0, 0, 1] }) },
  ],
  figures: [entropyBlocks, diceFigure],
  question: {
    ask: 'In a desert, 98 days in 100 are sunny, 1 is rainy and 1 cloudy. Rain there is twice as surprising as here. Does the desert’s weather have a higher entropy than ours (0.1, 0.2, 0.7)?',
    choices: ['Higher: such shocks weigh heavily', 'Lower: they hardly ever happen', 'The same'],
    right: 1,
    why: 'Rain’s 4.6 nats come one day in 100 and add only 0.046; cloud adds as much. Sun is hardly news. The desert has 0.112 nats, our weather 0.802.',
    show: { p: [0.01, 0.01, 0.98], unit: 'nats' },
  },
  python: (state) =>
    pythonProgram(state, { p: state.p }, [
      { name: 'entropy', call: 'xent.entropy(p)' },
      { name: 'perplexity', call: 'xent.perplexity(p)', natural: true },
    ]),
  sentence: ({ p, unit }) =>
    `Entropy of ${p.map((share) => short(share)).join(', ')}: ${amount(nats(p), unit)}, as uncertain as a fair die with ${number(perplexity(p))} sides.`,
};
