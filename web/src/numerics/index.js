// Every quantity of the page, in nats: plain numbers in, plain numbers out. See golden.json for what they must be.
export * from './primitives.js';
export * from './measures.js';
export * from './binary.js';
export * from './softmax.js';
export * from './labels.js';
export * from './training.js';
