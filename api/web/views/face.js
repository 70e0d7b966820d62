// One face: its name, similar people, and "this is …", which trains it. The crop is sent for the
// comparison with `durable=false`: it is not stored.
import { address, follow, request, submit } from "../api.js";
import { as_file, cutting, shared_part } from "./crop.js";
import { by_id, by_prefix, h, renew, say } from "../element.js";
import { settle } from "../pending.js";
import { load_people, taught, told } from "../people_cache.js";
import { status } from "../service.js";
import { failure_of, quality_words, refused_of, state_of, wait_of, words_of } from "../words.js";

const part = by_prefix("face");
const others_shown = 4;
// Beyond that distance two faces are not similar, in the scale of the model's own threshold.
const far_of = result => Math.min(2, 2.6 * result.distance_max);
let shown = null;                   // {photo, index, box, image, on_learned}
let asked = null;                   // AbortController of the comparison

export function hide_face() {
  asked?.abort();
  shown = null;
  by_id("face").hidden = true;
}

/** After the photo was analysed again: the index of the face that was shown, or -1. */
export function follow_face(photo, index) {
  const old = shown?.photo === photo ? shown.box : photo.result.faces[index]?.box;
  if (!old) return -1;
  return photo.result.faces.findIndex(face => shared_part(old, face.box) > 0.5);
}

const sentences = {
  known: face => `Known, distance ${face.distance.toFixed(2)}`,
  ambiguous: face => `Ambiguous: ${told(face)} is nearest, but another person is nearly as near`,
  unknown: () => "No trained person is near enough",
};

export function show_face(photo, index, image, { again_shown, on_learned }) {
  const face = photo.result.faces[index], fresh = !again_shown;
  shown = { photo, index, box: face.box, image, on_learned };
  by_id("face").hidden = false;
  part("title").textContent = face.status === "unknown" ? "Who is this?" :
    face.status === "known" ? told(face) : `${told(face)}?`;
  say(part("says"), sentences[face.status](face));
  say(part("quality"), quality_words(face.quality));
  part("picture").getContext("2d").clearRect(0, 0, 160, 160);
  if (fresh) {
    part("verdict").hidden = true;
    part("name").value = "";
    part("title").focus({ preventScroll: true });
    by_id("face").scrollIntoView({ block: "nearest" });
  }
  part("form").hidden = Boolean(photo.file.from);  // what is drawn on it would be taught
  draw(image, face.box);
  compare(photo, index, image);
}

function draw(image, { left, top, right, bottom }) {
  const side = Math.max(right - left, bottom - top) * 1.3, pen = part("picture").getContext("2d");
  const x = (left + right - side) / 2, y = (top + bottom - side) / 2;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(image, x, y, side, side, 0, 0, 160, 160);
}

async function compare(photo, index, image) {
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  show_others("Comparing …", []);
  let candidates = photo.result.faces[index].candidates, lack = "";
  if (!photo.file.from) try {
    const body = new FormData();
    body.append("file", await as_file(cutting(image, photo.result.faces, index)));
    const far = far_of(photo.result);
    const { detector } = photo.result.models;
    const options = { durable: false, distance_max: far, k: 100, detector };
    if (["centerface", "yunet"].includes(detector)) options.rotate = true;  // the job may have found it so
    const answer = await request("POST", address("/api/recognize", options), { body, signal });
    if (answer.faces.length > 0) candidates = answer.faces[0].candidates;
  } catch (failure) {
    if (signal.aborted) return;
    lack = `Comparison failed: ${words_of(failure)}. `;  // use the first result
  }
  if (signal.aborted) return;
  const found = candidates.length > 0 ? "Candidates, nearest first:" : "No similar person";
  show_others(lack && candidates.length === 0 ? lack : lack + found, candidates);
}

function show_others(text, candidates) {
  const nearest = new Map();
  for (const one of candidates) {
    const label = told(one), { distance } = one;
    nearest.set(label, Math.min(distance, nearest.get(label) ?? distance));
  }
  const rows = [...nearest].sort((a, b) => a[1] - b[1]).slice(0, others_shown);
  const far = far_of(shown.photo.result), buttons = rows.map(row => other_of(row, far));
  renew(part("others"), [h("span", { class: "quiet", text, "data-key": "" }), ...buttons], part("title"));
}

function other_of([label, distance], far) {
  const fill = () => { part("name").value = label; part("name").focus(); };
  return h("button", { type: "button", class: "other", "data-key": label, title: `Use ${label} as the name`,
    "aria-label": `${label}, distance ${distance.toFixed(2)}; use as the name`, on: { click: fill } },
    h("span", { class: "name", text: label }),
    h("progress", { max: 1, value: Math.max(0, 1 - distance / far), "aria-hidden": "true" }),
    h("span", { class: "number", text: distance.toFixed(2) }));
}

function verdict(state, text) {
  part("verdict").hidden = false;
  part("verdict").dataset.state = state;
  say(part("verdict"), text);
}

async function teach({ photo, index, image }, name) {
  const body = new FormData();
  body.append(...taught(name));
  body.append("file", await as_file(cutting(image, photo.result.faces, index)));
  const on_wait = failure => verdict("", wait_of(failure));
  await settle(name);  // a pending change of the same person goes first
  const target = address("/api/train", { detector: photo.result.models.detector });
  const accepted = await submit("POST", target, { body, on_wait });
  const on_job = now => verdict("", state_of(now, status));
  const job = await follow(accepted, { on_job, on_wait });
  if (job.state !== "succeeded") throw failure_of(job);
  const [file] = job.result.files;
  if (file.state !== "accepted") throw refused_of(file);
  if (job.result.superseded) throw "Removed again in the meantime";
}

part("form").addEventListener("submit", async event => {
  event.preventDefault();
  if (!shown) return;
  const mine = shown, name = part("name").value.trim();
  if (part("teach") === document.activeElement) part("name").focus();
  part("teach").disabled = true;
  verdict("", "Sending the face …");
  try {
    await teach(mine, name);
    if (shown?.photo === mine.photo) verdict("accepted", `Learned: this is ${name}.`);
    load_people();
    mine.on_learned();
  } catch (failure) {
    verdict("refused", words_of(failure));
  }
  part("teach").disabled = false;
});
