// Notices at the bottom, and changes that wait five seconds for an "Undo" before they are sent. The
// clock stands still while the pointer or the keyboard is on the notice.
import { by_id, h } from "./element.js";

const box = by_id("toasts");
const undo_ms = 5000, notice_ms = 4000;
const waiting = new Set();

function show(text, ms, button, on_end) {
  const notice = h("div", { class: "toast" }, h("p", { text, role: "status" }), button);
  notice.style.setProperty("--time", `${ms}ms`);
  let left = ms, begin = 0, timer = 0;
  const end = () => { clearTimeout(timer); notice.remove(); on_end?.(); };
  const run = () => { clearTimeout(timer); begin = performance.now(); timer = setTimeout(end, left); };
  const hold = () => { clearTimeout(timer); left = Math.max(left - (performance.now() - begin), 500); };
  if (button) {
    for (const kind of ["pointerenter", "focusin"]) notice.addEventListener(kind, hold);
    for (const kind of ["pointerleave", "focusout"]) notice.addEventListener(kind, run);
  }
  box.append(notice);
  run();
  return { end, drop: () => { clearTimeout(timer); notice.remove(); } };
}

export function notice(text) { show(text, notice_ms); }

/** Calls `send` in five seconds, or `undone` if the person takes it back. */
export function later(text, send, undone) {
  const entry = {};
  const finish = done => { if (waiting.delete(entry)) done(); };
  const button = h("button", { type: "button", text: "Undo", on: { click: () => {
    entry.shown.drop();
    finish(undone);
  } } });
  entry.shown = show(text, undo_ms, button, () => finish(() => send(false)));
  entry.leave = () => finish(() => send(true));
  waiting.add(entry);
}

// Whoever closes the page meant it.
addEventListener("pagehide", () => { for (const entry of [...waiting]) entry.leave(); });

// Ctrl+Z takes back the newest change, unless somebody is typing.
addEventListener("keydown", event => {
  const typing = event.target instanceof Element && event.target.matches("input, textarea, select");
  if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || typing) return;
  if (waiting.size > 0) box.querySelector(".toast:last-child button")?.click();
});
