// The stand-alone page: its model is the hash of its address.
import { put } from './dom.js';
import { render } from './render.js';
/** @import { Model } from './types' */

/** @param {HTMLElement} el */
export function page(el) {
  let { hash } = location; // as last read or written
  let state = hash.slice(1);
  /** @type {Set<() => void>} */
  const listeners = new Set();
  /** @type {Model} */
  const model = {
    get: () => state,
    set: (_key, value) => {
      state = value;
    },
    save_changes() {
      if (location.hash !== hash) return; // a link was followed, and its event is on the way
      try {
        history.replaceState(null, '', `#${state}`);
        ({ hash } = location);
      } catch {
        // A sandboxed page has no address of its own.
      }
    },
    on: (_event, listener) => listeners.add(listener),
    off: (_event, listener) => listeners.delete(listener),
    address: () => (location.protocol === 'about:' ? '' : location.href.split('#')[0]),
  };
  addEventListener('hashchange', () => {
    ({ hash } = location);
    state = hash.slice(1);
    listeners.forEach((listener) => listener());
  });
  // Set through the object model: the page's policy lets one style sheet in, and that one is the explorer's own.
  document.documentElement.style.fontSize = 'clamp(16px, 9px + 0.5vw, 28px)';
  document.body.style.cssText = 'margin: 0; background: light-dark(#fff, #16181c)';
  render({ model, el });
  // Alone on the page it is the main thing, and its title the title of all; in a notebook it is neither.
  put(el, 'role', 'main');
  const title = /** @type {Element} */ (el.querySelector('.title'));
  put(title, 'role', 'heading');
  put(title, 'aria-level', 1);
}
