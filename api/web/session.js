// The session of the page: reads it from the service, logs in and out. Actions that the role does not
// allow are hidden by style (data-needs); the service refuses them in any case. The session is read again
// whenever it may have changed: after a 403, on return to the page, and when another tab logged in or out.
import { collection, pause, problem, request, send_token, use_login } from "./api.js";
import { by_id, say } from "./element.js";
import { words_of } from "./words.js";

// asks: a login is required first; known: the service answered; leaving: another user logged in, and the
// page reloads; busy: photos are being trained.
export const session = { asks: false, user: "", known: false, leaving: false, busy: false };
const listeners = new Set(), before_leaving = new Set();
const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel("vultus-session") : null;
const again_ms = 2000;
let told = "", asked_at = -again_ms, asked = 0, taken = 0, asking = 0, warned = false;

export function on_session(listener) { listeners.add(listener); }
/** `listener` may throw a sentence: why the user should not log out yet. */
export function before_log_out(listener) { before_leaving.add(listener); }

/** Another user must see nothing of this one: clears the page. */
function start_over(query = location.search) {
  session.leaving = true;
  if (query === location.search) location.reload();
  else location.replace(location.pathname + query + location.hash);
}

function take(answer) {
  const { access, user, role, csrf, scopes, collections } = answer;
  if (session.leaving) return;
  if (user && session.user && user !== session.user) return start_over();
  const covered = collections.includes("*") || collections.includes(collection);
  if (user && !covered && collections.length > 0) {
    return start_over(`?collection=${encodeURIComponent(collections[0])}`);
  }
  send_token(csrf);
  session.known = true;
  session.asks = access === "keys" && !user;
  if (user) session.user = user;
  const now = JSON.stringify([access, user, role, csrf, scopes, collections]);
  if (now === told) return;
  told = now;
  for (const scope of ["train", "admin"]) {
    document.body.classList.toggle(`may-${scope}`, scopes.includes(scope));
  }
  document.body.classList.toggle("asks", session.asks);
  by_id("who").hidden = !user;
  say(by_id("who-name"), user ?? "");
  by_id("who-name").title = role ?? "";
  show_why("");
  for (const listener of listeners) listener();
}

/** Ignores an answer that a later one has overtaken. */
function take_in_order(number, answer) {
  if (number < taken) return;
  taken = number;
  take(answer);
}

/** True if the service answered. Without an answer nothing changes; further requests get the reason. */
export async function ask_session() {
  const mine = asked += 1;
  asked_at = performance.now();
  try {
    take_in_order(mine, await request("GET", "/api/session"));
    return true;
  } catch (failure) {
    if (!(failure instanceof problem)) console.error(failure);
    return false;
  }
}

function ask_on_return() {
  clearTimeout(asking);
  const left = asked_at + again_ms - performance.now();
  if (document.hidden) return;
  if (left > 0) asking = setTimeout(ask_on_return, left);
  else ask_session();
}

export async function log_in(name, password) {
  const body = JSON.stringify({ name, password });
  const headers = { "Content-Type": "application/json" };
  const answer = await request("POST", "/api/session", { body, headers });
  take_in_order(asked += 1, answer);
  channel?.postMessage("in");
}

/** Makes the first user, by the token of a one-time link. */
export async function set_up(token, name, password) {
  const headers = { "Content-Type": "application/json" };
  await request("POST", "/api/setup", { body: JSON.stringify({ token, name, password }), headers });
}

function show_why(text) {
  by_id("leave-error").hidden = !text;
  say(by_id("leave-error"), text);
}

async function log_out() {
  const insists = warned;
  warned = false;
  try {
    if (!insists) for (const listener of before_leaving) await listener();
  } catch (why) {
    warned = true;
    return show_why(`Not logged out. ${words_of(why)} Press Log out again to log out anyway.`);
  }
  try {
    await request("DELETE", "/api/session");
  } catch (failure) {
    // The answer may be lost, but the session has ended.
    if (!await ask_session() || !session.asks) {
      return show_why(`Not logged out: ${words_of(failure)}. The session is still open; try again.`);
    }
  }
  channel?.postMessage("out");
  start_over();
}

by_id("log-out").addEventListener("click", async event => {
  const button = event.currentTarget;
  if (button.ariaBusy === "true") return;
  button.ariaBusy = "true";
  say(button, "Logging out …");
  show_why("");
  await log_out();
  button.ariaBusy = "false";
  say(button, "Log out");
});

channel?.addEventListener("message", async ({ data }) => {
  // Photos that are being trained continue when the same user logs in again.
  if (await ask_session() && data === "out" && session.asks && !session.busy) start_over();
});
document.addEventListener("visibilitychange", ask_on_return);
addEventListener("focus", ask_on_return);
addEventListener("online", ask_on_return);
addEventListener("pageshow", event => { if (event.persisted) ask_session(); });

use_login({
  lost() { if (!session.asks) ask_session(); },
  /** After a 403: reads the session again. */
  async renewed() {
    const known = await ask_session();
    if (session.leaving) throw new problem(0, "Another user logged in", "");
    if (!known) throw new problem(503, "The login cannot be checked", "");
  },
  /** After a 401: waits until the same user has logged in again. */
  async back(signal) {
    await ask_session();
    while (session.asks || session.leaving) await pause(250, signal);
  },
});
