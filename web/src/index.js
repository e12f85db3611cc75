// What the asset offers: `render` for notebooks, `page` for the page.
export { render } from './render.js';
export { page } from './page.js';
