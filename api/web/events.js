// The event stream of the service: one connection for all tabs of the page (a browser opens six to one
// server). One tab is the leader: it holds the stream and forwards the events. The others ping it every
// few seconds; if it is closed, frozen or stuck, one of them becomes the leader. Of two leaders the one
// with the later term stays, within one term the one that began first. Tabs without listeners take no part.
const listeners = new Set();
const me = Array.from(crypto.getRandomValues(new Uint32Array(3))).join("-");
const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel("vultus-events") : null;
const race_ms = 150, ask_ms = 4000, silent_ms = 3000, rest_ms = 3000, again_ms = 2000;
let source = null, closing = 0, asking = 0, reopening = 0;
let stream_state = null;  // true: open; false: broken; null: not known yet
let term = -1;        // the highest seen
let leader = "";      // me, another tab, or empty: unknown
let since = 0;        // when its term began, Unix time
let answered = false;

export const stream_status = () => stream_state;

function tell(kind, value) {
  for (const listener of [...listeners]) listener[kind]?.(value);
}

const post = (kind, value) => channel?.postMessage({ kind, value, from: me, term, since, heard: stream_state });

function pass_on(kind, value) {
  tell(kind, value);
  post(kind, value);
}

function open() {
  const mine = source = new EventSource(new URL("api/events", document.baseURI));
  mine.addEventListener("reread", () => { stream_state = true; pass_on("reread"); });
  mine.addEventListener("job", event => {
    let change;
    try { change = JSON.parse(event.data); } catch { return; }
    pass_on("job", change);
  });
  mine.addEventListener("error", () => {
    if (mine !== source) return;
    stream_state = false;
    if (mine.readyState === EventSource.CLOSED) {  // refused: browsers do not retry
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
  stream_state = null;
  post("lead");
  open();
}

/** Pings the leader; takes its place without an answer in time. */
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

/** A message of a leader: whether it is the current one. */
function follow({ from, term: theirs, since: began, heard: state }) {
  const before = theirs === term && leader && leader !== from && (began - since || (from < leader ? -1 : 1)) > 0;
  if (theirs < term || before) {
    if (leader === me) post("lead");
    return false;
  }
  const other = leader !== from;
  if (leader === me) close();
  [term, leader, since, stream_state, answered] = [theirs, from, began, state, true];
  if (other && state !== null) tell(state ? "reread" : "broken");  // events may have been lost between the two
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
    stream_state = null;
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
  stream_state = null;
  post("gone");
}

addEventListener("pagehide", leave);
addEventListener("pageshow", event => { if (event.persisted) ask(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden && leader !== me) ask(); });

/** {job, reread, broken}: optional callbacks. Returns the function that unsubscribes. */
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
