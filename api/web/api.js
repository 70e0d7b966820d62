// The page's view of the HTTP API: requests, problems, and following a job to its end. Everything
// that speaks to the service is here; nothing here touches the page.
import { is_heard, listen } from "./events.js";

export const collection = new URLSearchParams(location.search).get("collection") || "default";

/** A refusal of the service (problem+json), or no answer at all (status 0). */
export class problem extends Error {
  constructor(status, title, detail, code = "", retry_after_s = 0) {
    super(detail || title);
    Object.assign(this, { status, title, detail, code, retry_after_s });
  }
  /** True if the same request may succeed later. */
  get passing() { return this.status === 0 || this.status === 429 || this.status >= 500; }
}

let token = "";  // of the session: shows that a change comes from this page
export function send_token(text) { token = text ?? ""; }

let unauthorized = () => {};
export function on_unauthorized(listener) { unauthorized = listener; }

export function address(path, options = {}) {
  const query = new URLSearchParams({ collection, ...options });
  return `${path}?${query}`;
}

export async function request(method, target, { body, key, headers = {}, signal, keepalive } = {}) {
  if (key) headers = { ...headers, "Idempotency-Key": key };
  if (token && method !== "GET") headers = { ...headers, "X-CSRF-Token": token };
  let answer;
  try {
    answer = await fetch(target, { method, body, headers, signal, keepalive, cache: "no-store" });
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new problem(0, "The service does not answer", "Is it running? Trying again may help.");
  }
  if (answer.status === 204) return null;
  const text = await answer.text();
  let value = null;
  try { value = JSON.parse(text); } catch { /* judged below */ }
  if (answer.ok && value !== null) return value;
  if (answer.status === 401 && target !== "/api/session") unauthorized();
  const code = String(value?.type ?? "").split("/").pop();
  const title = value?.title || `The service answered ${answer.status}`;
  const retry_after_s = Number(answer.headers.get("Retry-After")) || 0;
  throw new problem(answer.ok ? 0 : answer.status, title, value?.detail || "", code, retry_after_s);
}

/** A key for one submission; a repeated send with it does nothing twice. */
export function new_key() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
}

/** Sends until the service takes it or refuses it for good; says when it has to wait. */
export async function submit(method, target, { body, signal, on_wait, keepalive } = {}) {
  const key = new_key();
  for (let tries = 1; ; tries += 1) {
    try {
      return await request(method, target, { body, key, signal, keepalive });
    } catch (failure) {
      if (!(failure instanceof problem) || !failure.passing || tries >= 60) throw failure;
      on_wait?.(failure);
      await pause(Math.min(Math.max(failure.retry_after_s, 1), 10) * 1000, signal);
    }
  }
}

export const is_terminal = job => ["succeeded", "failed", "dead", "cancelled"].includes(job.state);

/** Follows a job to its end: by the page's event stream, and by long poll when that is broken. */
export async function follow(job, { signal, on_job, on_wait } = {}) {
  let wake = () => {}, changes = [];
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
          const wait = is_heard() === false ? "?wait=15" : "";
          job = await request("GET", job.links.self + wait, { signal });
        } catch (failure) {
          if (!(failure instanceof problem) || !failure.passing) throw failure;
          on_wait?.(failure);
          await pause(1000, signal);
          continue;
        }
      }
      on_job?.(job);
      if (is_terminal(job) || changes.length > 0 || is_heard() === false) continue;
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
    const timer = setTimeout(resolve, ms);
    const leave = () => { clearTimeout(timer); reject(signal.reason); };
    signal?.addEventListener("abort", leave, { once: true });
  });
}
