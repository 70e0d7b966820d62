// The dialog that gives the collection another network: who cannot be embedded again is listed first, then
// the job's progress. Open while a job runs, it shows that job; closed, the job goes on.
import { collection, follow, new_key, request, submit } from "../api.js";
import { by_id, by_prefix, h, say } from "../element.js";
import { load_people } from "../people_cache.js";
import { count, failure_of, show_error, state_of, wait_of } from "../words.js";
import { status } from "../service.js";

const dialog = by_id("model"), part = by_prefix("model");
const target = `/api/collections/${encodeURIComponent(collection)}/model`;
let now = null;       // the answer of the service about the collection
let running = false;  // a job of this page

/** Networks that a worker has, but the one in use. */
function choices(models) {
  const names = models.flatMap(model => model.workers > 0 ? model.embedders ?? [] : []);
  return names.filter(name => name !== now.embedding_model);
}

function show_losses() {
  const lost = now.faces - now.pictures;
  part("loses").hidden = lost <= 0;
  if (lost <= 0) return;
  say(part("loses-text"), `${lost} of ${count(now.faces, "face has", "faces have")} no picture and cannot be moved. ` +
    "They belong to:");
  const more = now.people_without_pictures_complete ? [] : [h("li", { text: "and others" })];
  part("people").replaceChildren(...now.people_without_pictures.map(text => h("li", { text })), ...more);
}

function show_state() {
  const loses = now !== null && now.faces > now.pictures;
  part("start").disabled = running || part("to").options.length === 0 || (loses && !part("forget").checked);
  part("to").disabled = running;
  part("forget").disabled = running;
  part("report").hidden = !running;
}

async function look() {
  const [seen, all] = await Promise.all([request("GET", target), request("GET", "/api/models")]);
  now = seen;
  say(part("now"), `This collection uses ${now.embedding_model}. Its ${count(now.faces, "face", "faces")} can be moved to ` +
    "another network while it goes on working. Until then answers come from the present one.");
  const kept = part("to").value, names = choices(all.models);
  part("to").replaceChildren(...names.map(name => h("option", { value: name, text: name })));
  if (names.includes(kept)) part("to").value = kept;
  show_losses();
}

/** Nothing can be changed where nobody is taught or no worker has another network: say which. */
function lack_of(failure) {
  if (failure?.status === 404 || now?.faces === 0) return "Nobody is taught yet. The first photo chooses the network.";
  if (!failure && part("to").options.length === 0) return "No worker has another network.";
  return failure;
}

async function open() {
  show_error(part("error"), null);
  say(part("now"), "Loading …");
  if (!running) {
    now = null;
    part("to").replaceChildren();
    part("loses").hidden = true;
    part("forget").checked = false;
  }
  show_state();
  dialog.showModal();
  part("title").focus();
  let lack = null;
  try {
    await look();
  } catch (failure) {
    lack = failure;
    say(part("now"), "");
  }
  show_error(part("error"), lack_of(lack));
  show_state();
}

function show_job(job) {
  const { faces = 0, of = 0 } = job.progress ?? {};
  part("bar").max = Math.max(of, 1);
  part("bar").value = faces;
  const share = of > 0 && job.state === "running" ? `${faces} of ${count(of, "face", "faces")} moved` : "";
  say(part("progress"), share || state_of(job, status) || "Starting …");
}

/** The job's progress is no event: asked for every second. */
async function watch(job, signal) {
  while (!signal.aborted) {
    await new Promise(resolve => { setTimeout(resolve, 1000); });
    if (signal.aborted || document.hidden || !dialog.open) continue;
    try {
      const seen = await request("GET", job.links.self, { signal });
      if (!signal.aborted) show_job(seen);
    } catch { /* follow() tells it */ }
  }
}

async function start() {
  const body = new URLSearchParams({ embedder: part("to").value });
  if (now.faces > now.pictures) body.set("without_pictures", "forget");
  const over = new AbortController(), wait = failure => say(part("progress"), wait_of(failure));
  running = true;
  show_error(part("error"), null);
  say(part("progress"), "Starting …");
  show_state();
  try {
    const job = await submit("POST", target, { key: new_key(), body, on_wait: wait });
    show_job(job);
    watch(job, over.signal);
    const ended = await follow(job, { on_wait: wait });
    if (ended.state !== "succeeded") throw failure_of(ended);
    const { faces, left_out } = ended.result;
    await look();
    say(part("now"), `Done: ${count(faces, "face", "faces")} moved to ${ended.result.embedding_model}` +
      (left_out > 0 ? `, ${left_out} removed.` : "."));
    load_people();
  } catch (failure) {
    show_error(part("error"), failure);
  } finally {
    over.abort();
    running = false;
    show_state();
  }
}

part("open").addEventListener("click", open);
part("start").addEventListener("click", start);
part("forget").addEventListener("change", show_state);
part("close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
