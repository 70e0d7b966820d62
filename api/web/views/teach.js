// Teach: photos of one person, or folders named after people. Each photo is a job of its own, so that its
// verdict is shown at once and the number of photos is not limited by a request. Photos that were not
// trained are listed with the reason.
import { address, follow, problem, submit } from "../api.js";
import { bytes_of, chooser, dropzone } from "../dropzone.js";
import { by_prefix, h, say } from "../element.js";
import { settle } from "../pending.js";
import { load_people, taught } from "../people_cache.js";
import { before_log_out, session } from "../session.js";
import { count, failure_of, quality_note, refusal_of, refused_of, show_error, wait_of, words_of } from "../words.js";

const part = by_prefix("teach");
const at_once = 4;
let running = null;  // {stopped, why, controller, learned, refused, all, not_sent}

const folder_of = file => file.path.split("/").slice(-2, -1)[0] ?? "";

/** The photos with the names that they train, or a sentence about what is missing. */
function lessons_of(files) {
  const name = part("name").value.trim(), folders = files.some(folder_of);
  if (!folders && !name) return "Type the person's name first, then add the photos again.";
  return files.map(file => ({ file, name: folder_of(file) || name }));
}

function row_of(lesson) {
  const { file, name } = lesson;
  const title = folder_of(file) ? `${name}/${file.name}` : file.name;
  const says = h("span", { class: "says", text: "waiting" });
  const row = h("li", {}, h("span", { class: "name", text: title, title: file.path }), says);
  lesson.tell = (state, text) => { row.dataset.state = state; say(says, text); };
  return row;
}

function show_left_out(paths) {
  part("left-out").hidden = paths.length === 0;
  const says = paths.length === 0 ? "" : `Skipped, ${count(paths.length, "hidden file", "hidden files")}: `;
  say(part("left-out"), says + paths.join(", "));
}

function stop(run, why) {
  run.stopped = true;
  run.why ||= why;
  run.controller.abort();
}

/** The verdict on one photo, [state, text]; nothing if the run was stopped before the photo was accepted. */
async function teach({ file, name, tell }, run) {
  const refused = refusal_of(file) || (name ? "" : "Not in a folder, and no name given");
  if (refused) return ["refused", refused];
  const bytes = await bytes_of(file);
  if (!bytes) return ["refused", "The file cannot be read"];
  const body = new FormData();
  body.append(...taught(name));
  body.append("file", bytes, file.name);
  const { signal } = run.controller;
  let accepted = null, may_be_there = false;
  const on_wait = failure => {
    may_be_there ||= failure.status === 0 || failure.status >= 500;
    tell("", wait_of(failure));
  };
  try {
    tell("", "waiting for a change of the same person");
    await settle(name, signal);
    tell("", "sending");
    const target = address("/api/train", run.quality === "off" ? {} : { quality: run.quality });
    accepted = await submit("POST", target, { body, on_wait, stop: signal });
    const job = await follow(accepted, { on_wait });  // also after a stop: the accepted job still runs
    if (job.state !== "succeeded") return ["refused", failure_of(job)];
    const [verdict] = job.result.files;
    if (verdict.state !== "accepted") return ["refused", refused_of(verdict)];
    if (job.result.superseded) return ["refused", "Removed again in the meantime"];
    return ["accepted", `Learned${quality_note(verdict.quality?.score)}`];
  } catch (failure) {
    if (!accepted && run.stopped) return may_be_there ? ["refused", "Stopped; may have been accepted"] : null;
    // The other photos would fail in the same way.
    if (!(failure instanceof problem) || failure.passing || failure.status === 403) {
      stop(run, words_of(failure));
    }
    return ["refused", accepted ? `Sent, but the outcome is unknown: ${words_of(failure)}` : words_of(failure)];
  }
}

function show_progress(run) {
  const parts = [`${run.learned} learned`];
  if (run.refused) parts.push(`${run.refused} refused`);
  const left = run.all - run.learned - run.refused;
  if (left > 0) parts.push(run.over ? `${left} not sent` : run.stopped ? "stopping …" : `${left} left`);
  say(part("progress"), parts.join(", ") + (run.over && run.why ? `. ${run.why}` : ""));
  part("bar").max = run.all;
  part("bar").value = run.learned + run.refused;
  const gone = part("stop") === document.activeElement;
  part("stop").hidden = run.stopped || left === 0;
  if (gone && part("stop").hidden) part("progress").focus();
}

async function lane(lessons, run) {
  while (lessons.length > 0 && !run.stopped) {
    const lesson = lessons.shift(), verdict = await teach(lesson, run);
    if (verdict === null) {
      lesson.tell("refused", "Not sent");
      continue;
    }
    lesson.tell(...verdict);
    run[verdict[0] === "accepted" ? "learned" : "refused"] += 1;
    show_progress(run);
    if ((run.learned + run.refused) % 10 === 0) load_people();
  }
}

async function teach_all(files, left_out = []) {
  const lessons = files.length === 0 ? "No files" : lessons_of(files);
  show_error(part("error"), typeof lessons === "string" ? lessons : null);
  if (typeof lessons === "string") return show_left_out(left_out), part("name").focus();
  if (running) return show_error(part("error"), "Wait for the photos in progress, or stop them.");
  const run = running = { stopped: false, why: "", over: false, learned: 0, refused: 0, all: lessons.length,
    quality: part("quality").value, controller: new AbortController() };
  const typed = part("name").value;
  session.busy = true;
  part("report").hidden = false;
  part("verdicts").replaceChildren(...lessons.map(row_of));
  show_left_out(left_out);
  show_progress(run);
  try {
    await Promise.all(Array.from({ length: at_once }, () => lane(lessons, run)));
  } finally {
    for (const left of lessons) left.tell("refused", "Not sent");
    running = null;
    session.busy = false;
    run.over = true;
    show_progress(run);
  }
  if (run.refused === 0 && !run.stopped && part("name").value === typed) part("name").value = "";
  load_people();
}

part("form").addEventListener("submit", event => event.preventDefault());
part("stop").addEventListener("click", () => { if (running) { stop(running, ""); show_progress(running); } });
chooser(part("files"), teach_all);
chooser(part("folder"), teach_all);
dropzone(part("drop"), part("drop"), teach_all);

// Closing the page stops a folder in progress.
addEventListener("beforeunload", event => { if (session.busy && !session.leaving) event.preventDefault(); });
before_log_out(() => {
  const left = running ? running.all - running.learned - running.refused : 0;
  if (left > 0) throw `${count(left, "photo is", "photos are")} not trained yet.`;
});
