// The chapters in the order in which one idea needs the one before.
import { surprisal } from './surprisal.js';
import { entropy } from './entropy.js';
import { crossEntropy } from './cross-entropy.js';
import { directions } from './directions.js';
import { binary } from './binary.js';
import { simplex } from './simplex.js';
import { labels } from './labels.js';
import { gradientChapter } from './gradient.js';
import { training } from './training.js';
/** @import { Chapter } from '../types' */

/** @type {Chapter[]} */
export const CHAPTERS_IN_ORDER = [
  surprisal,
  entropy,
  crossEntropy,
  directions,
  binary,
  simplex,
  labels,
  gradientChapter,
  training,
];
