// The event stream of the service: one connection for all tabs of the page, however many photos they
// follow (a browser opens six to one server). One tab leads: it holds the stream and passes on what
// comes. The others ask for it every few seconds; when it is closed, frozen or stuck, one of them
// takes its place. Of two leaders the one of the later term stays, of one term the one that began first.
// A tab takes part while it listens.
const listeners = new Set();
const me = Array.from(crypto.getRandomValues(new Uint32Array(3))).join("-");
const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel("vultus-events") : null;
const race_ms = 150, ask_ms = 4000, silent_ms = 3000, rest_ms = 3000, again_ms = 2000;
let source = null, closing = 0, asking = 0, reopening = 0;
let heard = null;     // null: not known yet; false: the stream is broken
let term = -1;        // the highest that was seen
let leader = "";      // me, another tab, or nobody that is known
let since = 0;        // when it began, by the clock
let answered = false;

export const is_heard = () => heard;

function tell(kind, value) {
  for (const listener of [...listeners]) listener[kind]?.(value);
}

const post = (kind, value) => channel?.postMessage({ kind, value, from: me, term, since, heard });

function pass_on(kind, value) {
  tell(kind, value);
  post(kind, value);
}

function open() {
  const mine = source = new EventSource("/api/events");
  mine.addEventListener("reread", () => { heard = true; pass_on("reread"); });
  mine.addEventListener("job", event => {
    let change;
    try { change = JSON.parse(event.data); } catch { return; }
    pass_on("job", change);
  });
  mine.addEventListener("error", () => {
    if (mine !== source) return;
    heard = false;
    if (mine.readyState === EventSource.CLOSED) {  // refused: no browser tries again by itself
      source = null;
      clearTimeout(reopening);
      reopening = setTimeout(() => { if (leader === me && !source) open(); }, again_ms);
    }
    pass_on("broken");
  });
}

function close() {
  clearTimeout(reopening);
  source?.close();
  source = null;
}

function lead() {
  clearTimeout(asking);
  term += 1;
  leader = me;
  since = Date.now();
  heard = null;
  post("lead");
  open();
}

/** Asks whether the leader is there; takes its place if it does not say so in time. */
function ask() {
  clearTimeout(asking);
  if (listeners.size === 0 || leader === me) return;
  if (!channel || !leader) return lead();
  answered = false;
  post("who");
  asking = setTimeout(() => {
    if (answered) asking = setTimeout(ask, ask_ms);
    else lead();
  }, silent_ms);
}

/** Something of a leader: is it the one that counts? */
function follow({ from, term: theirs, since: began, heard: state }) {
  const before = theirs === term && leader && leader !== from && (began - since || (from < leader ? -1 : 1)) > 0;
  if (theirs < term || before) {
    if (leader === me) post("lead");
    return false;
  }
  const other = leader !== from;
  if (leader === me) close();
  [term, leader, since, heard, answered] = [theirs, from, began, state, true];
  if (other && state !== null) tell(state ? "reread" : "broken");  // what came between the two
  if (other && listeners.size > 0) {
    clearTimeout(asking);
    asking = setTimeout(ask, ask_ms);
  }
  return true;
}

channel?.addEventListener("message", ({ data }) => {
  const { kind, value, from } = data;
  if (kind === "who") {
    if (leader === me) post("lead");
  } else if (kind === "gone") {
    if (from !== leader) return;
    leader = "";
    heard = null;
    clearTimeout(asking);
    if (listeners.size > 0) asking = setTimeout(ask, race_ms * Math.random());
  } else if (follow(data) && kind !== "lead") {
    tell(kind, value);
  }
});
post("who");

function leave() {
  clearTimeout(asking);
  if (leader !== me) return;
  close();
  leader = "";
  heard = null;
  post("gone");
}

addEventListener("pagehide", leave);
addEventListener("pageshow", event => { if (event.persisted) ask(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden && leader !== me) ask(); });

/** {job, reread, broken}: calls those that are there. Returns how to stop. */
export function listen(listener) {
  listeners.add(listener);
  clearTimeout(closing);
  if (listeners.size === 1 && leader !== me) ask();
  return () => {
    listeners.delete(listener);
    clearTimeout(closing);
    if (listeners.size === 0) closing = setTimeout(leave, rest_ms);
  };
}
