// Pending changes: delete, rename, merge, clear. Each waits five seconds for an "Undo"; then it is sent
// until the service accepts or refuses it. The browser stores it until then, with its Idempotency-Key, so
// that neither a closed tab nor a log-out loses it and it takes effect once: any open tab of the same
// user sends it.
import { collection, follow, new_key, pause, problem, request, submit } from "./api.js";
import { kept_changes, put_change, remove_change, change_of, is_change } from "./kept.js";
import { load_people } from "./people_cache.js";
import { before_log_out, on_session, session } from "./session.js";
import { notice, toast } from "./toast.js";
import { count, failure_of, wait_of, words_of } from "./words.js";

const undo_ms = 5000, grace_ms = 1500, tend_ms = 3000, log_out_ms = 10_000;
const silent_ms = 12_000;    // a tab without an attempt for so long is gone
const ask_ms = 3_600_000;    // an older change is sent only after a confirmation
const tab = new_key();
const listeners = new Set();
const toasts = new Map();     // id → {state, drop, say}
const under_way = new Map();  // id → promise of its delivery
const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function on_pending(listener) { listeners.add(listener); }
function changed() { for (const listener of listeners) listener(); }

const may_send = () => session.known && !session.asks && !session.leaving;
/** The changes of this user, the oldest first. */
const mine = () => may_send() ? kept_changes().filter(one => one.user === session.user) : [];
const is_unsent = one => one.state === "waiting" || one.state === "sending";
const is_old = one => is_unsent(one) && Date.now() - one.at > ask_ms;

/** The pending changes of this collection; {label, to, faces, everyone, state, wish, why} */
export const pending = () => mine().filter(one => one.collection === collection);

function update(id, values) {
  const one = change_of(id);
  if (one) put_change({ ...one, ...values });  // a change that was undone is not stored again
}

const names_of = one => [one.label, one.to].filter(Boolean).map(name => name.normalize("NFC").trim());
function touch(one, other) {
  if (one.collection !== other.collection) return false;
  return one.everyone || other.everyone || names_of(one).some(name => names_of(other).includes(name));
}

function drop_toast(id) {
  toasts.get(id)?.drop();
  toasts.delete(id);
}

/** One notice per change; the same one again only updates the text. */
function tell(one, state, text, options = {}) {
  if (!may_send()) return;  // the next user must see no names
  const there = toasts.get(one.id);
  if (there?.state === state) return there.say(text);
  drop_toast(one.id);
  toasts.set(one.id, { state, ...toast(text, options) });
}

function take_back(id) {
  const is_there = change_of(id)?.state === "waiting";
  if (is_there) remove_change(id);
  drop_toast(id);
  if (!is_there) notice("Too late: already sent");
  changed();
}

function tell_refused(one) {
  const dismiss = () => { drop_toast(one.id); remove_change(one.id); changed(); };
  tell(one, "refused", `Not done: ${one.wish}. ${one.why}`, { role: "alert", buttons: { Dismiss: dismiss } });
}

function tell_old(one) {
  const drop = () => { drop_toast(one.id); remove_change(one.id); changed(); };
  const send_now = () => { update(one.id, { at: Date.now() }); deliver(one.id, true); };
  tell(one, "old", `Not sent since ${time.format(one.at)}: ${one.wish}.`,
    { role: "alert", buttons: { "Send now": send_now, "Discard": drop } });
}

/** A change that is sent later. {text, wish, method, target, label, to, faces, everyone}: `text` describes
    the result, `wish` the action; faces of label get another name, or are removed (to ""). */
export function change(wanted) {
  const id = new_key(), at = Date.now(), ms = wanted.everyone ? 0 : undo_ms;
  put_change({ ...wanted, id, user: session.user, collection, at, due: at + ms, state: "waiting", tab });
  if (ms) {
    tell({ id }, "waiting", `In a moment: ${wanted.text}`, { ms, undo: true, buttons: { Undo: () => take_back(id) },
      on_end: () => { toasts.delete(id); deliver(id); },
      on_clock: left => update(id, { due: Date.now() + left }) });
  } else {
    deliver(id);
  }
  changed();
}

function deliver(id, late = false) {
  if (!under_way.has(id)) {
    under_way.set(id, send(id, late).catch(console.error).finally(() => under_way.delete(id)));
  }
  return under_way.get(id);
}

/** Handles the finished job of a change. */
async function done(id, on_wait) {
  const one = change_of(id);
  if (one.job) return follow({ id: one.job.split("/").pop(), links: { self: one.job }, state: "pending" });
  update(id, { state: "sending", tab, beat: Date.now() });
  changed();
  const job = await submit(one.method, one.target, { key: id, on_wait });
  update(id, { state: "accepted", job: job.links.self });
  drop_toast(id);
  changed();
  return follow(job);
}

async function send(id, late) {
  const one = change_of(id);
  if (!one) return;
  if (toasts.get(id)?.state !== "sending") drop_toast(id);
  for (const older of mine()) {  // changes of the same people are sent in order
    if (older.id === id) break;
    if (is_unsent(older) && touch(older, one)) await deliver(older.id);
  }
  if (!change_of(id)) return;
  const on_wait = failure => {
    update(id, { beat: Date.now(), why: words_of(failure) });
    tell(one, "sending", `Not sent yet: ${one.wish}. ${wait_of(failure)}`, { role: "alert" });
  };
  let why = "";
  try {
    const job = await done(id, on_wait);
    if (job.state !== "succeeded") why = failure_of(job);
  } catch (failure) {
    if (failure instanceof problem && failure.passing) return on_wait(failure);  // tend() retries
    const is_over = change_of(id)?.job && [404, 410].includes(failure.status);
    if (!is_over) why = words_of(failure);
  }
  await load_people();
  drop_toast(id);
  if (why) {
    update(id, { state: "refused", why });
    if (change_of(id)) tell_refused(change_of(id));
  } else {
    remove_change(id);
    if (late) notice(`Done now: ${one.wish}.`);
  }
  changed();
}

/** Sends the waiting changes, of `label` or of everybody, and waits for the answers. */
export async function settle(label, signal) {
  const wanted = { label, collection, everyone: label === undefined };
  const left = () => pending().filter(one => is_unsent(one) && !is_old(one) && touch(one, wanted));
  for (const one of left()) deliver(one.id);
  while (left().length > 0) await pause(100, signal);
}

/** Continues with changes of other tabs and earlier visits; shows refusals. */
function tend() {
  const now = Date.now();
  for (const one of mine()) {
    if (under_way.has(one.id)) continue;
    if (one.state === "refused") tell_refused(one);
    else if (is_old(one)) tell_old(one);
    else if (one.state === "waiting" ? now > one.due + grace_ms && !toasts.has(one.id) :
      one.tab === tab || now > one.beat + silent_ms) deliver(one.id, true);
  }
}

/** Sends waiting changes when the page is closed. Those that fail are sent at the next visit. */
function leave() {
  const all = mine().filter(one => is_unsent(one) && !is_old(one));
  for (const [index, one] of all.entries()) {
    if (one.tab !== tab) continue;
    update(one.id, { state: "sending", beat: 0 });
    if (one.state === "waiting") {
      drop_toast(one.id);
      if (all.slice(0, index).some(older => touch(older, one))) continue;  // it must wait for the older one
      request(one.method, one.target, { key: one.id, keepalive: true }).catch(() => {});
    }
  }
}

before_log_out(async () => {
  const before = mine(), end = performance.now() + log_out_ms;
  const left = () => mine().filter(one => is_unsent(one) && !is_old(one));
  for (const one of left()) deliver(one.id);
  while (left().length > 0 && performance.now() < end) await pause(100);
  const refused = mine().filter(one => one.state === "refused" &&
    before.some(other => other.id === one.id && other.state !== "refused"));
  const [first] = [...left(), ...refused];
  if (!first) return;
  const all = count(left().length + refused.length, "change is", "changes are");
  throw `${all} not done: ${first.wish}. ${first.why ?? ""}`;
});

addEventListener("pagehide", leave);
document.addEventListener("freeze", leave);
addEventListener("storage", event => {  // another tab sent or undid it, or was refused
  if (!is_change(event.key)) return;
  for (const [id, { state }] of toasts) {
    const one = change_of(id);
    if (!one || (state !== "old" && one.state !== state)) drop_toast(id);
  }
  if (event.newValue === null) load_people();
  tend();
  changed();
});
on_session(() => {
  if (!may_send()) for (const id of [...toasts.keys()]) drop_toast(id);
  tend();
  changed();
});
setInterval(tend, tend_ms);
