// The chapters in the order in which one idea needs the one before.
import { surprisal } from './surprisal.js';
import { binary } from './binary.js';
/** @import { Chapter } from '../types' */

/** @type {Chapter[]} */
export const CHAPTERS_IN_ORDER = [surprisal, binary];
