// The computer's camera: takes one photo for the recognize view, and opens the stream for other views.
import { by_id, by_prefix } from "../element.js";
import { show_error } from "../words.js";

const dialog = by_id("camera"), part = by_prefix("camera");

const reasons = {
  NotAllowedError: "The browser has no permission for the camera. Allow it in the address bar, then try again.",
  NotFoundError: "No camera found. Connect one, then try again.",
  NotReadableError: "The camera is in use by another program. Close it, then try again.",
};

/** A stream of the camera. Throws one sentence for the user. */
export async function open_camera(wanted) {
  if (!navigator.mediaDevices) {
    throw "Browsers allow the camera only over https or on localhost.";
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (failure) {
    throw reasons[failure.name] ?? "The camera cannot be opened.";
  }
}

export function close_camera(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

function picture_of(video) {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const time = new Date().toTimeString().slice(0, 8);
  return new Promise((resolve, reject) => {
    canvas.toBlob(blob => blob ? resolve(new File([blob], `Photo ${time}.jpg`, { type: "image/jpeg" })) :
      reject(new Error("no picture")), "image/jpeg", 0.92);
  });
}

/** A file, or null if the user closed the dialog. */
export async function take_photo() {
  const video = part("video");
  show_error(part("error"), null);
  part("shoot").disabled = true;
  dialog.showModal();
  const closed = new Promise(resolve => { dialog.addEventListener("close", () => resolve(null), { once: true }); });
  const shot = new Promise(resolve => {
    part("shoot").onclick = async () => {
      try {
        resolve(await picture_of(video));
      } catch {
        show_error(part("error"), "The camera delivered no image. Try again.");
      }
    };
  });
  open_camera({ width: { ideal: 1280 }, height: { ideal: 960 } }).then(async stream => {
    if (!dialog.open) return stream.getTracks().forEach(track => track.stop());
    video.srcObject = stream;
    await video.play();
    part("shoot").disabled = false;
    part("shoot").focus();
  }).catch(why => show_error(part("error"), typeof why === "string" ? why : "The camera stopped."));
  const file = await Promise.race([shot, closed]);
  close_camera(video);
  dialog.close();
  return file;
}

part("close").addEventListener("click", () => dialog.close());
