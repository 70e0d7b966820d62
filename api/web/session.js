// Who uses the page: asks the service, logs in and out. What the role does not allow is hidden by
// style (data-needs); the service refuses it in any case.
import { collection, on_unauthorized, request, send_token } from "./api.js";
import { by_id, say } from "./element.js";

export const session = { asks: false, user: "" };  // asks: nothing works before somebody logs in
const listeners = new Set();

export function on_session(listener) { listeners.add(listener); }

/** Another user sees nothing of this one: all that is shown goes. */
function start_over(query = location.search) {
  if (query === location.search) location.reload();
  else location.replace(location.pathname + query + location.hash);
}

function take(told) {
  const { access, user, role, csrf, scopes, collections } = told;
  if (user && session.user && user !== session.user) return start_over();
  const covered = collections.includes("*") || collections.includes(collection);
  if (user && !covered) return start_over(`?collection=${encodeURIComponent(collections[0])}`);
  send_token(csrf);
  session.asks = access === "keys" && !user;
  if (user) session.user = user;
  for (const scope of ["train", "admin"]) {
    document.body.classList.toggle(`may-${scope}`, scopes.includes(scope));
  }
  document.body.classList.toggle("asks", session.asks);
  by_id("who").hidden = !user;
  say(by_id("who-name"), user ?? "");
  by_id("who-name").title = role ?? "";
  for (const listener of listeners) listener();
}

/** Without an answer nothing changes; whoever asks for more gets the reason. */
export async function ask_session() {
  try { take(await request("GET", "/api/session")); } catch { /* the header says why */ }
}

export async function log_in(name, password) {
  const body = JSON.stringify({ name, password });
  take(await request("POST", "/api/session", { body, headers: { "Content-Type": "application/json" } }));
}

by_id("log-out").addEventListener("click", async () => {
  await request("DELETE", "/api/session").catch(() => {});
  start_over();
});
on_unauthorized(() => { if (!session.asks) ask_session(); });
