// Notices at the bottom. Some disappear after a time, which is paused while the pointer or the focus is on
// them, for half a minute at most: a pointer may be there by chance. Others stay.
import { by_id, h } from "./element.js";

const box = by_id("toasts");
const notice_ms = 4000, held_most_ms = 30_000, rest_ms = 500;

/** Moves the focus when the focused notice disappears. */
function hand_on(gone, came_from) {
  if (!gone.contains(document.activeElement)) return;
  const next = (gone.nextElementSibling ?? gone.previousElementSibling)?.querySelector("button");
  const back = came_from?.isConnected && came_from.checkVisibility() ? came_from : null;
  (next ?? back ?? by_id("main")).focus({ preventScroll: true });
}

/** A notice that disappears after `ms`, or stays (0). `buttons`: name → action; on_clock(ms): the time
    left, at most. Returns `drop` (removes it without `on_end`) and `say` (changes its text). */
export function toast(text, { ms = 0, buttons = {}, undo = false, role = "status", on_end, on_clock } = {}) {
  const says = h("p", { text, role });
  const notice = h("div", { class: ms ? "toast" : "toast lasting" }, says,
    ...Object.entries(buttons).map(([name, click]) =>
      h("button", { type: "button", text: name, "data-undo": undo && "", on: { click } })));
  notice.style.setProperty("--time", `${ms}ms`);
  const holds = new Set();
  let left = ms, may_hold = held_most_ms, begin = 0, timer = 0, came_from = null, over = false;
  const drop = () => {
    clearTimeout(timer);
    over = true;
    hand_on(notice, came_from);
    notice.remove();
  };
  const end_in = time => {
    clearTimeout(timer);
    begin = performance.now();
    on_clock?.(time);
    timer = setTimeout(() => { if (!over) { drop(); on_end?.(); } }, time);
  };
  const spent = () => Math.max(performance.now() - begin, 0);
  const hold = kind => {
    if (holds.size === 0) {
      left = Math.max(left - spent(), rest_ms);
      end_in(Math.max(may_hold, rest_ms));
    }
    holds.add(kind);
  };
  const release = kind => {
    if (!holds.delete(kind) || holds.size > 0 || over) return;
    may_hold -= Math.min(spent(), may_hold);
    end_in(left);
  };
  notice.addEventListener("focusin", event => {
    if (!notice.contains(event.relatedTarget)) came_from = event.relatedTarget;
  });
  box.append(notice);
  if (ms) {
    if (says.nextSibling) {
      for (const [comes, goes] of [["pointerenter", "pointerleave"], ["focusin", "focusout"]]) {
        notice.addEventListener(comes, () => hold(comes));
        notice.addEventListener(goes, () => release(comes));
      }
    }
    end_in(ms);
  }
  return { drop, say: more => { if (says.textContent !== more) says.textContent = more; } };
}

export function notice(text) { toast(text, { ms: notice_ms }); }

// Ctrl+Z undoes the newest change, except in text fields.
addEventListener("keydown", event => {
  const typing = event.target instanceof Element && event.target.matches("input, textarea, select");
  if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || typing) return;
  [...box.querySelectorAll("[data-undo]")].at(-1)?.click();
});
