// Colours that figures compute with; all others are custom properties of style.css.

/** Viridis at nine even places, from low loss (bright) to high: bands of the levels below, and what lies beyond. */
export const BANDS = [
  '#fde725',
  '#addc30',
  '#5ec962',
  '#28ae80',
  '#21918c',
  '#2c728e',
  '#3b528b',
  '#472d7b',
  '#440154',
];

/** Levels of the divergence, in the unit shown. Near the minimum it grows with the square of the distance: geometric
 * levels give even rings, and the minimum is seen. */
export const LEVELS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3];
