// What the tests of the explorer use inside the page; loaded before any script of the page itself.
window.T = (() => {
  const root = () => document.querySelector('[data-explorer]');
  const state = () => root().getAttribute('data-state');
  // Whatever was asked of the next frame before this call has been done when it ends.
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  // Waits for a condition, frame by frame; the test's own time limit ends it.
  const until = async (met) => {
    while (!met()) await frame();
  };
  const section = (chapter) => root().querySelector(`section[data-chapter="${chapter}"]`);
  const visible = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });

  // Follows a link on the page.
  const go = async (hash) => {
    const before = location.href;
    const heard = new Promise((done) => addEventListener('hashchange', done, { once: true }));
    location.hash = hash;
    // The address may not have followed the page yet, and say already what is asked for: then it is no news.
    if (location.href === before) location.hash = `${hash}&again=1`;
    if (location.href !== before) await heard;
    await frame();
  };

  // The read-outs of one chapter.
  const read = (chapter) =>
    [...section(chapter).querySelectorAll('[data-quantity]')].map((output) => ({
      tag: output.tagName,
      name: output.getAttribute('data-quantity'),
      unit: output.getAttribute('data-unit'),
      value: output.getAttribute('data-value'),
      live: output.getAttribute('aria-live'),
      text: output.textContent,
    }));

  // A slider moved by hand: input while it moves, change when it is let go.
  const fill = async (input, value) => {
    input.value = String(value);
    input.dispatchEvent(new Event('input', { bubbles: true }));
    input.dispatchEvent(new Event('change', { bubbles: true }));
    await frame();
  };

  // Where the pointer was last seen; and the frame after it has come to a place.
  let pointer = [NaN, NaN];
  addEventListener('pointermove', (event) => { pointer = [event.clientX, event.clientY]; }, true);
  const pointed = async (x, y) => {
    while (!(Math.hypot(pointer[0] - x, pointer[1] - y) < 1)) await frame();
    await frame();
  };

  const box = (element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return { left, top, width, height, x: left + width / 2, y: top + height / 2 };
  };

  return { root, state, frame, sleep, until, section, visible, go, read, fill, pointed, box };
})();
