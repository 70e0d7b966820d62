// Jobs: queue, workers, collections, newest jobs and errors. Reloads on an event, at most once a second;
// without the event stream every few seconds.
import { request } from "../api.js";
import { by_prefix, h, renew, say } from "../element.js";
import { listen } from "../events.js";
import { count, duration, failure_of, show_error, title_of } from "../words.js";

const part = by_prefix("jobs");
const rest_ms = 1000, look_ms = 5000, seconds_shown = 60;
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const bytes = n => n < 1048576 ? `${Math.round(n / 1024)} KiB` : `${(n / 1048576).toFixed(1)} MiB`;
let stop = null, timer = 0, ticker = 0, looking = false, again = false;
let lack = null;  // why a job was not cancelled; shown until the view is left
let shown_for = -1;  // number of workers for which the models are shown
const finished = new Map();  // second → number of jobs that ended in it

function numbers_of({ queue, workers, models }) {
  const rows = [
    ["waiting", queue.interactive + queue.bulk], ["running", queue.running],
    ["waiting to retry", queue.delayed - (models?.jobs_waiting ?? 0)],
    ["waiting for a model", models?.jobs_waiting ?? 0, models?.jobs_waiting > 0 && "danger"],
    ["failed permanently", queue.dead, queue.dead > 0 && "danger"],
    ["photos stored", bytes(queue.bytes)], ["workers", workers.length, workers.length === 0 && "danger"],
  ];
  return rows.map(([name, value, is]) => h("div", { "data-is": is, "data-key": name },
    h("dt", { text: name }), h("dd", { text: String(value) })));
}

const none = text => h("li", { "data-key": "" }, h("span", { class: "none", text }));
const filled = (rows, text) => rows.length > 0 ? rows : [none(text)];

function row(key, name, is, quiet, end) {
  return h("li", { "data-key": key }, h("span", { class: `name${is ? " dot" : ""}`, "data-is": is, text: name }),
    h("span", { class: "quiet", text: quiet }), h("span", { class: "end" }, end));
}

function worker_row(worker) {
  const is = worker.state === "ready" ? "known" : "ambiguous";
  const held = Object.keys(worker.galleries).length;
  return row(`${worker.host} ${worker.pid}`, `${worker.host}, process ${worker.pid}`, is,
    `${worker.card ?? worker.device}, ${worker.state}, ${count(held, "collection", "collections")} in memory, ` +
      `${count(worker.load.photos, "photo", "photos")} and ${count(worker.load.faces, "face", "faces")} processed`,
    `${worker.outstanding + worker.frames} of ${worker.window} jobs`);
}

/** "3.7": the third set of faces of the service, after seven changes. */
const version_text = version => `${Math.floor(version / 1e9)}.${version % 1e9}`;

function gallery_row(gallery, workers) {
  const holders = workers.filter(worker => gallery.name in worker.galleries);
  const fresh = holders.filter(worker => worker.galleries[gallery.name] === gallery.version).length;
  const held = holders.length === 0 ? "not loaded by any worker" :
    `${fresh} of ${count(holders.length, "worker", "workers")} up to date`;
  return row(gallery.name, gallery.name, fresh === holders.length ? "known" : "ambiguous",
    `${count(gallery.people, "person", "people")}, ${count(gallery.faces, "photo", "photos")}; ${held}`,
    `version ${version_text(gallery.version)}`);
}

function model_row(model, defaults, workers) {
  const is_default = model.name === defaults.detector || model.embedders?.includes(defaults.embedder);
  const known = model.licence === null ? "licence not known" : `${model.licence}; ${model.training}`;
  return row(model.name, `${model.name}, ${model.kind}${is_default ? ", default" : ""}`,
    model.workers > 0 ? "known" : "waiting", known, `${model.workers} of ${count(workers, "worker", "workers")}`);
}

const states = { succeeded: "known", failed: "danger", dead: "danger", running: "ambiguous",
  publishing: "ambiguous", delayed: "ambiguous", pending: "waiting", cancelled: "waiting" };

function job_row(job) {
  const line = row(job.id, title_of(job), states[job.state], job.state + (job.collection ? `, ${job.collection}` : "") +
    (job.attempt > 1 ? `, attempt ${job.attempt}` : "") +
    (job.waits_for ? `, waits for the model ${job.waits_for}` : ""), end_of(job));
  const name = line.querySelector(".name"), link = h("a", { href: job.links.self, text: name.textContent });
  name.replaceChildren(link);
  return line;
}

function end_of(job) {
  if (job.state === "pending" || job.state === "delayed") {
    const cancel = () => {
      const told = failure => { lack = failure; show_error(part("error"), failure); };
      request("DELETE", job.links.self).then(() => told(null), told).then(look);
    };
    return h("button", { type: "button", class: "small", text: "Cancel",
      "aria-label": `Cancel: ${title_of(job)}`, on: { click: cancel } });
  }
  const taken = job.finished_at ? new Date(job.finished_at) - new Date(job.created_at) : null;
  return [time.format(new Date(job.created_at)), taken === null ? "" : duration(taken)].filter(Boolean).join(", ");
}

function error_row(job) {
  return row(job.id, failure_of(job), "danger", `${title_of(job)}, ${job.state}`,
    time.format(new Date(job.finished_at ?? job.created_at)));
}

function show_chart() {
  const now = Math.floor(Date.now() / 1000), bars = [];
  for (let back = seconds_shown - 1; back >= 0; back -= 1) bars.push(finished.get(now - back) ?? 0);
  for (const second of finished.keys()) if (second <= now - seconds_shown) finished.delete(second);
  const most = Math.max(4, ...bars), sum = bars.reduce((a, b) => a + b, 0);
  part("chart").replaceChildren(...bars.map((n, at) => {
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const values = { x: at * 4 + 0.5, y: 48 - 46 * n / most, width: 3, height: 46 * n / most };
    for (const [name, value] of Object.entries(values)) bar.setAttribute(name, value);
    return bar;
  }));
  say(part("rate"), count(sum, "job", "jobs"));
}

/** With the first look, and when workers come or go. */
async function show_models(workers) {
  const { models, defaults } = await request("GET", "/api/models");
  renew(part("models"), models.map(model => model_row(model, defaults, workers)));
  shown_for = workers;
}

async function look() {
  if (document.hidden) return;  // reload when the page is visible again
  if (looking) { again = true; return; }
  looking = true;
  try {
    const state = part("state").value;
    const page = (wanted, size) => request("GET", `/api/jobs?page_size=${size}${wanted ? `&state=${wanted}` : ""}`);
    const [status, { collections }, newest, failed, dead] = await Promise.all([
      request("GET", "/api/status"), request("GET", "/api/collections?page_size=50"),
      page(state, 12), page("failed", 6), page("dead", 6)]);
    renew(part("numbers"), numbers_of(status));
    say(part("says"), status.reasons.length > 0 ? `${status.reasons.join("; ")}.` : "All systems normal.");
    renew(part("workers"), filled(status.workers.map(worker_row),
      "No workers. Start one to process waiting jobs."));
    renew(part("galleries"), filled(
      collections.map(gallery => gallery_row(gallery, status.workers)), "No people yet."));
    // Keep the focus on its job, or move it to the filter if that job is not listed any more.
    renew(part("list"), filled(newest.jobs.map(job_row), "No matching jobs"), part("state"));
    const errors = [...dead.jobs, ...failed.jobs];
    errors.sort((a, b) => b.created_at.localeCompare(a.created_at));
    renew(part("errors"), filled(errors.slice(0, 6).map(error_row), "No errors"));
    if (shown_for !== status.workers.length) await show_models(status.workers.length);
    show_error(part("error"), lack);
  } catch (failure) {
    show_error(part("error"), failure);
  }
  looking = false;
  clearTimeout(timer);
  if (!stop) return;
  timer = setTimeout(look, again ? rest_ms : look_ms);
  again = false;
}

function soon() {
  if (looking || again) { again = true; return; }
  again = true;
  clearTimeout(timer);
  timer = setTimeout(() => { again = false; look(); }, rest_ms);
}

function happened({ to }) {
  if (["succeeded", "failed", "dead", "cancelled"].includes(to)) {
    const second = Math.floor(Date.now() / 1000);
    finished.set(second, (finished.get(second) ?? 0) + 1);
  }
  soon();
}

part("state").addEventListener("change", look);
document.addEventListener("visibilitychange", () => { if (stop) look(); });

export const jobs_view = {
  show() {
    stop = listen({ job: happened, reread: look });
    ticker = setInterval(show_chart, 1000);
    show_chart();
    look();
  },
  hide() {
    stop?.();
    stop = null;
    lack = null;
    shown_for = -1;
    clearInterval(ticker);
    clearTimeout(timer);
  },
};
