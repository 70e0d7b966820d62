// Teach a person: a name and photos. Each photo is a job of its own, so that each gets its verdict
// as soon as it is known and no number of photos meets the limit of one request.
import { address, follow, problem, submit } from "./api.js";
import { dropzone } from "./dropzone.js";
import { refresh_people } from "./people.js";
import { status } from "./service.js";
import { count, failure_of, reason, refusal_of, state_of } from "./words.js";
import { show_error, show_progress } from "./words.js";

const part = name => document.getElementById(`teach-${name}`);
const prompt_text = part("chosen").textContent;
let chosen = [];

function choose(files) {
  chosen = files;
  part("chosen").textContent = files.length === 0 ? prompt_text :
    files.length === 1 ? files[0].name : count(files.length, "photo", "photos");
  show_error(part("error"), null);
}

function verdict_row(file) {
  const row = document.createElement("li");
  const name = document.createElement("span");
  const says = document.createElement("span");
  name.className = "name";
  name.textContent = file.name;
  says.className = "says";
  says.textContent = "waiting";
  row.append(name, says);
  part("verdicts").append(row);
  return (state, text) => { row.dataset.state = state; says.textContent = text; };
}

async function teach(name, file, tell) {
  const refused = refusal_of(file);
  if (refused) return ["refused", refused];
  const body = new FormData();
  body.append("name", name);
  body.append("file", file);
  const on_wait = failure => tell(`${failure.title}; trying again …`);
  const accepted = await submit("POST", address("/api/train"), { body, on_wait });
  const job = await follow(accepted, { on_job: now => tell(state_of(now, status)), on_wait });
  if (job.state !== "succeeded") return ["refused", failure_of(job)];
  const [verdict] = job.result.files;
  if (verdict.state !== "accepted") return ["refused", reason(verdict.reason, verdict.detail)];
  return job.result.superseded ? ["refused", "Removed again meanwhile"] : ["accepted", "Learned"];
}

async function teach_all(name, files) {
  part("verdicts").replaceChildren();
  const say = files.map(verdict_row);
  for (const [index, file] of files.entries()) {
    const where = files.length > 1 ? `${index + 1} of ${files.length}: ` : "";
    const tell = text => show_progress(part("progress"), text && where + text);
    try {
      say[index](...await teach(name, file, tell));
    } catch (failure) {
      say[index]("refused", reason(failure.code, failure.title));
      if (!(failure instanceof problem) || failure.passing || failure.code === "bad_label") {
        for (const rest of say.slice(index + 1)) rest("refused", "Not sent");
        return failure;
      }
      if (files.length === 1) return failure;
    }
    refresh_people();
  }
  return null;
}

part("form").addEventListener("submit", async event => {
  event.preventDefault();
  if (chosen.length === 0) return show_error(part("error"), "Choose at least one photo.");
  show_error(part("error"), null);
  part("send").disabled = true;
  const failure = await teach_all(part("name").value, chosen);
  part("send").disabled = false;
  show_progress(part("progress"), "");
  show_error(part("error"), failure);
  choose(failure ? chosen : []);
  if (failure) show_error(part("error"), failure);
});

dropzone(part("drop"), part("files"), choose);
