// The chapters in the order in which one idea needs the one before.
import { binary } from './binary.js';
import { directions } from './directions.js';
import { gradientChapter } from './gradient.js';
import { labels } from './labels.js';
import { simplex } from './simplex.js';
import { surprisal } from './surprisal.js';
import { training } from './training.js';
/** @import { Chapter } from '../types' */

/** @type {Chapter[]} */
export const CHAPTERS_IN_ORDER = [surprisal, directions, binary, simplex, labels, gradientChapter, training];
