// Where the keyboard goes when what it was on goes away: hidden, disabled or drawn anew. Browsers put it
// on the body then, and a reader by keyboard or ear begins at the top again.
const places = "[tabindex='-1'], a[href], button:not(:disabled), input:not(:disabled), select, summary";
let last = null, around = [];  // what had the keyboard, and all that it lay in, the nearest first

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
    // Somebody left it, by a click beside everything: nothing to look after.
    if (!relatedTarget) queueMicrotask(() => { if (last === target && is_there(target)) last = null; });
  });
  const watcher = new MutationObserver(() => requestAnimationFrame(look_after));
  watcher.observe(document.body,
    { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden", "disabled"] });
}
