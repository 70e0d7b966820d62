// The line in the header: whether the service is reachable, and why jobs wait. Polls every few seconds
// while the page is visible, and notifies the listeners when the service is back.
import { pause, problem, request, wait_ms } from "./api.js";
import { by_id, say } from "./element.js";
import { ask_session, on_session, session } from "./session.js";
import { count, words_of } from "./words.js";

const line = by_id("service"), banner = by_id("away");
const back = new Set();
const look_ms = 4000, away_ms = 1500, most_ms = 15_000;
let rest_ms = away_ms;
export let status = null;  // the last answer; null while the service is unreachable

export function on_back(listener) { back.add(listener); }

function show(state, text, away = "") {
  line.dataset.state = state;
  say(line.firstElementChild, text);
  banner.hidden = !away;
  say(banner, away);
}

function show_away(failure) {
  if (!(failure instanceof problem)) {
    show("away", "Error", words_of(failure));
  } else if (failure.status === 0) {
    show("away", "No response",
      "The service does not respond. Check that it is running. This page reconnects automatically.");
  } else if (failure.status === 401) {
    show("asking", "Not logged in");
  } else {
    show("away", failure.title, `${failure.title}. Accepted jobs are safe; this page reconnects automatically.`);
  }
}

async function ask() {
  if (!session.known) await ask_session();
  const was_away = line.dataset.state === "away";
  try {
    status = await request("GET", "/api/status");
    rest_ms = look_ms;
    document.body.classList.toggle("may-fetch", status.photo_urls === true);
    const waiting = status.queue.interactive + status.queue.bulk;
    if (status.reasons.length > 0) show("waiting", status.reasons[0]);
    else show("ready", `Ready, ${count(status.workers.length, "worker", "workers")}` +
      (waiting ? `, ${waiting} waiting` : ""));
    if (was_away) for (const listener of back) listener();
  } catch (failure) {
    status = null;
    rest_ms = failure instanceof problem ? Math.min(Math.max(wait_ms(failure), away_ms), most_ms) : away_ms;
    show_away(failure);
  }
}

export async function watch() {
  for (;;) {
    if (!document.hidden && !session.asks) await ask();
    await pause(rest_ms);
  }
}

document.addEventListener("visibilitychange", () => { if (!document.hidden && !session.asks) ask(); });
addEventListener("online", () => { if (!session.asks) ask(); });
on_session(() => {
  if (session.asks) show("asking", "Not logged in");
  else if (line.dataset.state === "asking") ask();
});
