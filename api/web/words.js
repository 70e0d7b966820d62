// Sentences for people: errors, states of a job, verdicts on a photo. Text only, never markup.
import { problem } from "./api.js";
import { h } from "./element.js";
import { told } from "./people_cache.js";

const reasons = {
  no_face: "No face found",
  several_faces: "More than one face",
  undecodable_image: "The image is corrupt",
  truncated_image: "The image is truncated",
  unsupported_media: "Not a JPEG, PNG, WebP, HEIC or AVIF image",
  too_large: "The image is too large",
  label_full: "This person has reached the face limit",
  gallery_full: "The collection is full",
  deadline_exceeded: "Deadline exceeded",
  poison: "The photo crashed several workers; failed permanently",
};

// Of the quality check; the service's sentence has the measured and the wanted value.
const faults = {
  too_small: "The face is too small",
  blurred: "The face is blurred",
  turned_away: "The face is turned away",
  too_dark: "The face is too dark",
  too_bright: "The face is too bright",
  looks_like_other: "Looks like another person",
};

// The service's limit of a body, minus the form around the photo.
const photo_bytes_max = 10 * 1024 * 1024 - 4096;

/** Why a photo cannot be sent, or "". */
export function refusal_of(file) {
  if (file.lost) return file.lost;
  if (file.size === 0) return "The file is empty";
  if (file.size > photo_bytes_max) return `${(file.size / 1048576).toFixed(1)} MiB; at most 10 MiB`;
  return "";
}

export function reason(code, detail = "") { return reasons[code] || detail || String(code); }

/** Why a photo was refused, from its verdict. */
export function refused_of({ reason: code, detail = "", other }) {
  if (!faults[code]) return reason(code, detail);
  const fault = code === "looks_like_other" && other?.label ? `Looks like ${told(other)}` : faults[code];
  return detail ? `${fault}. ${detail}` : fault;
}

const in_percent = share => `${Math.round(100 * share)} %`;

/** ", quality 81 %"; "" from a service that does not measure it. */
export function quality_note(score) { return typeof score === "number" ? `, quality ${in_percent(score)}` : ""; }

/** The measures of a face as one line, or "". */
export function quality_words(quality) {
  if (!quality) return "";
  const { score, size_px, sharpness, brightness, yaw, pitch } = quality;
  return `Quality ${in_percent(score)}: ${Math.round(size_px)} pixels, sharpness ${in_percent(sharpness)}, ` +
    `brightness ${in_percent(brightness)}, turned ${Math.abs(Math.round(yaw))}° aside and ` +
    `${Math.abs(Math.round(pitch))}° ${pitch < 0 ? "down" : "up"}`;
}

/** Why a job failed; a train of one photo names the photo's reason in the detail. */
export function failure_of(job) {
  if (job.state === "cancelled") return "Cancelled";
  const { code = "", detail = "", files = [] } = job.error ?? {};
  if (code === "no_usable_photo" && files.length === 1) return refused_of(files[0]);
  if (code === "no_usable_photo") {
    const named = Object.keys(reasons).find(word => detail.includes(word));
    return named ? reasons[named] : detail || "No usable photo";
  }
  return reason(code, detail);
}

export function state_of(job, status) {
  const why = status?.reasons?.[0];
  switch (job.state) {
    case "pending": return why ? `Waiting: ${why}` : "Waiting for a worker …";
    case "running":
      return `Processing${job.attempt > 1 ? `, attempt ${job.attempt}` : ""} …`;
    case "delayed":
      return job.waits_for ? `Waiting for a worker with the model ${job.waits_for} …` :
        "Temporary failure; trying again …";
    case "publishing": return "Updating all workers …";
    default: return "";
  }
}

/** One sentence for any error. */
export function words_of(failure) {
  if (failure instanceof problem) {
    return reasons[failure.code] || (failure.status && failure.detail) || failure.title;
  }
  if (typeof failure === "string") return failure;
  console.error(failure);
  return "Internal error of this page";
}

/** The reason for a wait, as a sentence. */
export function wait_of(failure) {
  return failure.status === 401 ? "Log in again to continue" : `${failure.title}; trying again …`;
}

/** Shows an error; the same text again changes nothing, so that a screen reader does not repeat it. */
export function show_error(element, failure) {
  const parts = !failure ? [] : failure instanceof problem ?
    [h("strong", { text: failure.title }), failure.detail || ""] : [words_of(failure)];
  const made = h("p", {}, ...parts);
  element.hidden = !failure;
  if (element.innerHTML !== made.innerHTML) element.replaceChildren(...made.childNodes);
}

/** The type of a job and the person that it concerns. */
export function title_of(job) {
  switch (job.type) {
    case "recognize": return "Recognise";
    case "detect": return "Find faces";
    case "embed": return "Compute embeddings";
    case "verify": return job.label ? `Compare with ${job.label}` : "Compare two photos";
    case "train": return `Teach ${job.label}`;
    case "forget": return `Forget ${job.label}`;
    case "rename": return `Rename ${job.label} to ${job.label_to}`;
    case "merge": return `Merge ${job.label} with ${job.label_to}`;
    case "calibrate": return "Calibrate";
    case "reembed": return "Change the network";
    case "clear": return "Clear everyone";
    default: return "Delete the collection";
  }
}

export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}

export const count = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
