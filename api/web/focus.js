// Moves the focus when the focused element is hidden, disabled or redrawn. Browsers would focus the body
// then, and users of a keyboard or a screen reader would have to start at the top again.
const places = "[tabindex='-1'], a[href], button:not(:disabled), input:not(:disabled), select, summary";
let last = null, around = [];  // the focused element, and its ancestors, the nearest first

const is_there = element => element.isConnected && element.checkVisibility() && !element.disabled;

function look_after() {
  if (!last || document.activeElement !== document.body || is_there(last)) return;
  for (const place of around) {
    if (!is_there(place)) continue;
    const next = place.matches(places) ? place : [...place.querySelectorAll(places)].find(is_there);
    if (next) return next.focus({ preventScroll: true });
  }
}

export function keep_focus() {
  document.addEventListener("focusin", ({ target }) => {
    last = target;
    around = [];
    for (let at = target.parentElement; at; at = at.parentElement) around.push(at);
  });
  document.addEventListener("focusout", ({ target, relatedTarget }) => {
    // The user removed the focus with a click on the background: leave it.
    if (!relatedTarget) queueMicrotask(() => { if (last === target && is_there(target)) last = null; });
  });
  const watcher = new MutationObserver(() => requestAnimationFrame(look_after));
  watcher.observe(document.body,
    { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden", "disabled"] });
}
