// Teach: photos of one person, or folders named after people. Each photo is a job of its own, so that
// each gets its verdict as soon as it is known, and no number of photos meets the limit of a request.
import { address, follow, problem, submit } from "./api.js";
import { chooser, dropzone } from "./dropzone.js";
import { by_prefix, h, say } from "./element.js";
import { load_people } from "./roster.js";
import { failure_of, reason, refusal_of, show_error, words_of } from "./words.js";

const part = by_prefix("teach");
const at_once = 4;
let running = null;  // {stopped, done, learned, refused, all}

const folder_of = file => file.path.split("/").slice(-2, -1)[0] ?? "";

/** The photos with the names that they teach, or a sentence that says what is missing. */
function lessons_of(files) {
  const name = part("name").value.trim(), folders = files.some(folder_of);
  if (!folders && !name) return "Type the person's name first, then add the photos again.";
  return files.map(file => ({ file, name: folder_of(file) || name })).filter(lesson => lesson.name);
}

function row_of(lesson) {
  const title = folder_of(lesson.file) ? `${lesson.name}/${lesson.file.name}` : lesson.file.name;
  const says = h("span", { class: "says", text: "waiting" });
  const row = h("li", {}, h("span", { class: "name", text: title, title }), says);
  lesson.tell = (state, text) => { row.dataset.state = state; say(says, text); };
  return row;
}

/** Throws what stops all further photos; else [state, text]. */
async function teach({ file, name, tell }, run) {
  const refused = refusal_of(file);
  if (refused) return ["refused", refused];
  const body = new FormData();
  body.append("name", name);
  body.append("file", file);
  const on_wait = failure => tell("", `${failure.title}; trying again …`);
  tell("", "on its way");
  try {
    const accepted = await submit("POST", address("/api/train"), { body, on_wait });
    const job = await follow(accepted, { on_wait });
    if (job.state !== "succeeded") return ["refused", failure_of(job)];
    const [verdict] = job.result.files;
    if (verdict.state !== "accepted") return ["refused", reason(verdict.reason, verdict.detail)];
    return job.result.superseded ? ["refused", "Removed again meanwhile"] : ["accepted", "Learned"];
  } catch (failure) {
    if (!(failure instanceof problem) || failure.passing) run.stopped = true;
    return ["refused", words_of(failure)];
  }
}

function show_progress(run) {
  const parts = [`${run.learned} learned`];
  if (run.refused) parts.push(`${run.refused} refused`);
  const left = run.all - run.done;
  if (left > 0 && !run.stopped) parts.push(`${left} to go`);
  if (left > 0 && run.stopped) parts.push(`${left} not sent`);
  say(part("progress"), parts.join(", "));
  part("bar").max = run.all;
  part("bar").value = run.done;
  part("stop").hidden = run.stopped || left === 0;
}

async function lane(lessons, run) {
  while (lessons.length > 0 && !run.stopped) {
    const lesson = lessons.shift();
    const [state, text] = await teach(lesson, run);
    lesson.tell(state, text);
    run.done += 1;
    run[state === "accepted" ? "learned" : "refused"] += 1;
    show_progress(run);
    if (run.done % 10 === 0) load_people();
  }
}

async function teach_all(files) {
  const lessons = lessons_of(files);
  show_error(part("error"), typeof lessons === "string" ? lessons : null);
  if (typeof lessons === "string") return part("name").focus();
  if (running) return show_error(part("error"), "Wait for the photos that are under way, or stop them.");
  const run = running = { stopped: false, done: 0, learned: 0, refused: 0, all: lessons.length };
  part("report").hidden = false;
  part("verdicts").replaceChildren(...lessons.map(row_of));
  show_progress(run);
  await Promise.all(Array.from({ length: at_once }, () => lane(lessons, run)));
  for (const left of lessons) left.tell("refused", "Not sent");
  running = null;
  show_progress(run);
  if (run.refused === 0 && !run.stopped) part("name").value = "";
  load_people();
}

part("form").addEventListener("submit", event => event.preventDefault());
part("stop").addEventListener("click", () => { if (running) { running.stopped = true; show_progress(running); } });
chooser(part("files"), teach_all);
chooser(part("folder"), teach_all);
dropzone(part("drop"), part("drop"), teach_all);
