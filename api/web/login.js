// The view that asks for name and password, in place of all others while nobody is logged in.
import { problem } from "./api.js";
import { by_prefix } from "./element.js";
import { log_in } from "./session.js";
import { show_error } from "./words.js";

const part = by_prefix("login");
let timer = 0;

/** Says for how long nobody can try, and lets them try then. */
function wait(seconds) {
  clearTimeout(timer);
  part("go").disabled = seconds > 0;
  if (seconds <= 0) return show_error(part("error"), null);
  const left = seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`;
  show_error(part("error"), `Too many wrong passwords. You can try again in ${left}.`);
  timer = setTimeout(wait, 1000, seconds - 1);
}

function explain(failure) {
  if (!(failure instanceof problem)) throw failure;
  if (failure.status === 429) return wait(failure.retry_after_s || 1);
  const wrong = failure.status === 401;
  show_error(part("error"), wrong ? "Name or password is wrong." : failure);
  if (wrong) part("password").select();
}

part("form").addEventListener("submit", async event => {
  event.preventDefault();
  show_error(part("error"), null);
  part("go").disabled = true;
  try {
    await log_in(part("name").value.trim(), part("password").value);
    part("password").value = "";
    part("go").disabled = false;
  } catch (failure) {
    part("go").disabled = false;
    explain(failure);
  }
});

export const login_view = {
  show() { part(part("name").value ? "password" : "name").focus(); },
};
