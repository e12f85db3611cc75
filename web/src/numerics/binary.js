// Two outcomes. 1 - y is never formed where its digits would be lost: its log is log1p(-y).
import { klTerm } from './measures.js';
import { xlogy } from './primitives.js';

/** -y log y - (1 - y) log(1 - y). @param {number} y */
export const binaryEntropy = (y) => binaryCrossEntropy(y, y);

/** -y log q - (1 - y) log(1 - q), the prediction being q. @param {number} y @param {number} yhat */
export const binaryCrossEntropy = (y, yhat) =>
  0 - xlogy(y, yhat) - (y === 1 ? 0 : (1 - y) * Math.log1p(-yhat));

/** Divergence of two coins. @param {number} y @param {number} yhat */
export const binaryKlDivergence = (y, yhat) => klTerm(y, yhat) + klTerm(1 - y, 1 - yhat, y - yhat);
