// Sentences for people: errors, states of a job, verdicts on a photo. Text only, never markup.
import { problem } from "./api.js";

const reasons = {
  no_face: "No face found",
  several_faces: "More than one face",
  undecodable_image: "The picture is damaged",
  truncated_image: "The picture is cut off",
  unsupported_media: "Not a JPEG, PNG or WebP picture",
  too_large: "The picture is too large",
  label_full: "This person has as many faces as fit",
  gallery_full: "The collection is full",
  deadline_exceeded: "It waited too long",
  poison: "The photo ended several workers and was set aside",
};

// The service's limit of a body, less the form around the photo.
export const photo_bytes_max = 10 * 1024 * 1024 - 4096;

/** Why a photo cannot be sent, or "". */
export function refusal_of(file) {
  if (file.size === 0) return "The file is empty";
  if (file.size > photo_bytes_max) return `${(file.size / 1048576).toFixed(1)} MiB; at most 10 MiB`;
  return "";
}

export function reason(code, detail = "") { return reasons[code] || detail || String(code); }

/** Why a job failed; a train of one photo names the photo's reason in the detail. */
export function failure_of(job) {
  if (job.state === "cancelled") return "It was cancelled";
  const { code = "", detail = "" } = job.error ?? {};
  if (code === "no_usable_photo") {
    const named = Object.keys(reasons).find(word => detail.includes(word));
    return named ? reasons[named] : detail || "No photo could be used";
  }
  return reason(code, detail);
}

export function state_of(job, status) {
  const why = status?.reasons?.[0];
  switch (job.state) {
    case "pending": return why ? `Waiting: ${why}` : "Waiting for a worker …";
    case "running":
      return `A worker is on it${job.attempt > 1 ? `, attempt ${job.attempt}` : ""} …`;
    case "delayed": return "Something was short; it is tried again soon …";
    case "publishing": return "Telling all workers …";
    default: return "";
  }
}

export function show_error(element, failure) {
  element.hidden = !failure;
  element.replaceChildren();
  if (!failure) return;
  if (failure instanceof problem) {
    const title = document.createElement("strong");
    title.textContent = failure.title;
    element.append(title, failure.detail || "");
  } else {
    element.append(typeof failure === "string" ? failure : "Something went wrong in this page.");
    if (typeof failure !== "string") console.error(failure);
  }
}

export function show_progress(element, text) {
  element.hidden = !text;
  if (element.textContent !== text) element.textContent = text;
}

export const count = (n, one, many) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
