// The line in the header: is the service there, and why do jobs wait? Asks every few seconds while
// the page is visible, and tells the listeners when the service is back.
import { pause, request } from "./api.js";
import { by_id, say } from "./element.js";
import { on_session, session } from "./session.js";
import { count } from "./words.js";

const line = by_id("service"), banner = by_id("away");
const back = new Set();
export let status = null;  // the last answer; null while the service is away

export function on_back(listener) { back.add(listener); }

function show(state, text, away = "") {
  line.dataset.state = state;
  say(line.firstElementChild, text);
  banner.hidden = !away;
  say(banner, away);
}

function show_away(failure) {
  if (failure.status === 0) {
    show("away", "No answer", "The service does not answer. Is it running? This page goes on by itself when it is back.");
  } else if (failure.status === 401) {
    show("asking", "Not logged in");
  } else {
    show("away", failure.title, `${failure.title}. What was accepted is safe; this page goes on by itself.`);
  }
}

async function ask() {
  const was_away = line.dataset.state === "away";
  try {
    status = await request("GET", "/api/status");
    const waiting = status.queue.interactive + status.queue.bulk;
    if (status.reasons.length > 0) show("waiting", status.reasons[0]);
    else show("ready", `Ready, ${count(status.workers.length, "worker", "workers")}` +
      (waiting ? `, ${waiting} waiting` : ""));
    if (was_away) for (const listener of back) listener();
  } catch (failure) {
    status = null;
    show_away(failure);
  }
}

export async function watch() {
  for (;;) {
    if (!document.hidden && !session.asks) await ask();
    await pause(status ? 4000 : 1500);
  }
}

document.addEventListener("visibilitychange", () => { if (!document.hidden && !session.asks) ask(); });
on_session(() => {
  if (session.asks) show("asking", "Not logged in");
  else if (line.dataset.state === "asking") ask();
});
