// The page's client of the HTTP API: requests, problems, and following a job to its end. Does not touch
// the page; the event stream is in events.js, the live channel in views/live.js.
import { stream_status, listen } from "./events.js";

/** Where the service is, without a slash at the end: empty, or the path under which a proxy shows it. */
export const base = new URL(".", document.baseURI).pathname.slice(0, -1);
export const collection = new URLSearchParams(location.search).get("collection") || "default";

/** An error of the service (problem+json), or no complete answer (status 0). */
export class problem extends Error {
  constructor(status, title, detail, code = "", retry_after_s = 0) {
    super(detail || title);
    Object.assign(this, { status, title, detail, code, retry_after_s });
  }
  /** Whether the same request may succeed later. */
  get passing() { return [0, 408, 429].includes(this.status) || this.status >= 500; }
}

const answer_ms = 30_000, upload_ms = 300_000;  // timeouts
const again_ms = 250;      // pause after a login
const failures_most = 10;  // of a service that answers with errors
const wait_s = { first: 1, step: 1, own_most: 5, told_most: 300 };

let token = "";  // CSRF token of the session
export function send_token(text) { token = text ?? ""; }

// Set by session.js.
// Their 401 is about what was sent, not a session that ended.
const without_login = new Set(["/api/session", "/api/setup"]);
let login = { lost() {}, async renewed() {}, async back() {} };
export function use_login(given) { login = given; }

export function address(path, options = {}) {
  const query = new URLSearchParams({ collection, ...options });
  return `${path}?${query}`;
}

/** One request; returns the whole answer as text. */
async function ask(method, target, { body, key, headers = {}, signal, keepalive }) {
  if (key) headers = { ...headers, "Idempotency-Key": key };
  if (token && method !== "GET") headers = { ...headers, "X-CSRF-Token": token };
  const limit = new AbortController(), leave = () => limit.abort();
  const timer = setTimeout(leave, body instanceof FormData ? upload_ms : answer_ms);
  signal?.throwIfAborted();
  signal?.addEventListener("abort", leave, { once: true });
  try {
    const answer = await fetch(target.startsWith(`${base}/`) ? target : base + target,
      { method, body, headers, signal: limit.signal, keepalive, cache: "no-store" });
    return { answer, text: await answer.text() };
  } catch {  // no connection, a lost one, or a timeout
    signal?.throwIfAborted();
    throw new problem(0, "The service does not respond", "Check that it is running, then try again.");
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", leave);
  }
}

function seconds_of(text) {
  if (!text) return 0;
  const seconds = Number(text), date_ms = Date.parse(text) - Date.now();
  return Math.max(0, Number.isNaN(seconds) ? Math.ceil(date_ms / 1000) || 0 : seconds);
}

export async function request(method, target, options = {}) {
  const sent = token, is_question = method === "GET" && target === "/api/session";
  let { answer, text } = await ask(method, target, options);
  if (answer.status === 403 && !is_question) {  // perhaps another login in another tab
    await login.renewed();
    if (token !== sent) ({ answer, text } = await ask(method, target, options));
  }
  if (answer.status === 204) return null;
  let value = null;
  try { value = JSON.parse(text); } catch { /* checked below */ }
  if (answer.ok && value !== null) return value;
  if (answer.ok) throw new problem(0, "The answer was truncated", "Try again.");
  if (answer.status === 401 && !without_login.has(target)) login.lost();
  const code = String(value?.type ?? "").split("/").pop();
  const title = value?.title || `The service answered ${answer.status}`;
  throw new problem(answer.status, title, value?.detail || "", code,
    seconds_of(answer.headers.get("Retry-After")));
}

/** An Idempotency-Key for one submission: sending it again has no second effect. */
export function new_key() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
}

/** The pause before a retry: Retry-After, else an increasing back-off. */
export function wait_ms(failure, tries = 1) {
  const own = Math.min(wait_s.first + wait_s.step * (tries - 1), wait_s.own_most);
  return Math.min(Math.max(failure.retry_after_s, own), wait_s.told_most) * 1000;
}

/** After a failed attempt: waits, or throws a permanent error. */
async function better_moment(failure, state, { on_wait, signal }) {
  if (!(failure instanceof problem)) throw failure;
  if (failure.status === 401) {
    on_wait?.(failure);
    await login.back(signal);
    return pause(again_ms * Math.min(state.tries += 1, 20), signal);
  }
  const fails = failure.status >= 500 && ![502, 503, 504].includes(failure.status);
  if (!failure.passing || (fails && (state.failures += 1) >= failures_most)) throw failure;
  on_wait?.(failure);
  await pause(wait_ms(failure, state.tries += 1), signal);
}

/** Sends until the service accepts or refuses it; reports waits. Without a login it waits for one.
    `signal` aborts everything; `stop` ends waits, but no request in progress. */
export async function submit(method, target, { key = new_key(), stop, on_wait, ...options } = {}) {
  const state = { tries: 0, failures: 0 };
  for (;;) {
    try {
      return await request(method, target, { ...options, key });
    } catch (failure) {
      options.signal?.throwIfAborted();
      await better_moment(failure, state, { on_wait, signal: stop ?? options.signal });
    }
  }
}

export const is_terminal = job => ["succeeded", "failed", "dead", "cancelled"].includes(job.state);

let polls = 0;  // long polls: at most one, because a browser opens six connections in all

/** The current job; without the event stream, after its state has changed (long poll). */
async function state_of(job, signal) {
  if (stream_status() !== false) return request("GET", job.links.self, { signal });
  if (polls > 0 || document.hidden) await pause(1000, signal);
  if (polls > 0) return request("GET", job.links.self, { signal });
  polls += 1;
  try {
    return await request("GET", `${job.links.self}?wait=15`, { signal });
  } finally {
    polls -= 1;
  }
}

/** Follows a job to its end: by the page's event stream, and by long poll when that is broken. */
export async function follow(job, { signal, on_job, on_wait } = {}) {
  let wake = () => {}, changes = [];
  const state = { tries: 0, failures: 0 };
  const stop = listen({
    job: change => { if (change.id === job.id) { changes.push(change); wake(); } },
    reread: () => wake(), broken: () => wake(),
  });
  try {
    on_job?.(job);
    while (!is_terminal(job)) {
      const next = changes.shift();
      if (next && next.to !== "deleted" && !is_terminal({ state: next.to })) {
        job = { ...job, state: next.to, attempt: next.attempt };
      } else {
        try {
          job = await state_of(job, signal);
          state.tries = 0;
        } catch (failure) {
          signal?.throwIfAborted();
          await better_moment(failure, state, { on_wait, signal });
          continue;
        }
      }
      on_job?.(job);
      if (is_terminal(job) || changes.length > 0 || stream_status() === false) continue;
      const woken = new Promise(resolve => { wake = resolve; });
      await Promise.race([woken, pause(20_000, signal)]);
    }
    return job;
  } finally {
    stop();
  }
}

export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const leave = () => { clearTimeout(timer); reject(signal.reason); };
    const timer = setTimeout(() => { signal?.removeEventListener("abort", leave); resolve(); }, ms);
    signal?.addEventListener("abort", leave, { once: true });
  });
}
