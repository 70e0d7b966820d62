// The login form, which also makes the first user, shown instead of all other views while nobody is logged in.
import { by_prefix } from "../element.js";
import { ask_session, log_in, session, set_up } from "../session.js";
import { show_error } from "../words.js";

const part = by_prefix("login");
let timer = 0;

// A one-time link makes the first user (ACCESS.md). Its token must not stay in the address bar.
let token = /^#setup=([0-9a-f]{64})$/.exec(location.hash)?.[1] ?? null;
if (token) {
  history.replaceState(null, "", location.pathname + location.search);
  part("title").textContent = "Create the administrator";
  part("go").textContent = "Create and log in";
  part("password").autocomplete = "new-password";
}

/** After it the form logs in. */
async function use_link() {
  await set_up(token, part("name").value.trim(), part("password").value);
  token = null;
  part("title").textContent = "Log in";
  part("go").textContent = "Log in";
}

/** Shows how long logins are blocked, and enables the form afterwards. */
function wait(until) {
  clearTimeout(timer);
  const seconds = Math.ceil((until - Date.now()) / 1000);
  part("go").disabled = seconds > 0;
  if (seconds <= 0) return show_error(part("error"), null);
  const left = seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`;
  show_error(part("error"), `Too many wrong passwords. Try again in ${left}.`);
  timer = setTimeout(wait, 1000, until);
}

async function explain(failure) {
  if (failure.status === 429) return wait(Date.now() + (failure.retry_after_s || 1) * 1000);
  // The answer was lost, but the cookie may have been set.
  if (failure.status === 0 && await ask_session() && !session.asks) {
    part("password").value = "";
    return;
  }
  if (token) return show_error(part("error"), failure);
  const wrong = failure.status === 401;
  show_error(part("error"), wrong ? "Wrong name or password" : failure);
  if (wrong) part("password").select();
}

part("form").addEventListener("submit", async event => {
  event.preventDefault();
  show_error(part("error"), null);
  if (part("go") === document.activeElement) part("password").focus();
  part("go").disabled = true;
  try {
    if (token) await use_link();
    await log_in(part("name").value.trim(), part("password").value);
    part("password").value = "";
    part("go").disabled = false;
  } catch (failure) {
    part("go").disabled = false;
    await explain(failure);
  }
});

export const login_view = {
  show() { part(part("name").value ? "password" : "name").focus(); },
};
