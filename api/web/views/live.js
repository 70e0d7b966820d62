// Live: sends the camera's pictures over a WebSocket and draws the names on the faces. At most two frames
// are in flight. With blur, a picture is shown only with its answer, so that no face is visible before
// it is known whether it must be hidden.
import { collection } from "../api.js";
import { close_camera, open_camera } from "./camera.js";
import { by_id, by_prefix, h, say } from "../element.js";
import { told } from "../people_cache.js";
import { ask_session } from "../session.js";
import { count, show_error } from "../words.js";

const part = by_prefix("live");
const video = part("video"), canvas = part("canvas");
const width_px = 640, on_their_way = 2, meter_ms = 2000, silent_ms = 20_000;
const colours = { known: "#16724a", unknown: "#55616c", ambiguous: "#975400" };
let run = null;  // one start: {socket, sent, sent_at, frames, seq, answered, delay_ms, dropped, stopped}

const grabber = document.createElement("canvas");
const jpeg_of = () => new Promise(resolve => grabber.toBlob(resolve, "image/jpeg", 0.8));

function settings() {
  const min_face_px = Number(part("min-face").value);
  return { collection, min_face_px, blur: part("blur").value };
}

/** With blur only answered pictures are shown; the canvas covers the camera's own picture. */
const hides = () => part("blur").value !== "none";

function forget_frames(mine) {
  for (const { picture } of mine.frames.values()) picture.close();
  mine.frames.clear();
}

function tell(state, text) {
  part("says").dataset.is = state;
  say(part("says"), text);
}

/** Sends the newest picture if there is room; sent pictures wait in `frames` for answers. */
async function send(mine) {
  if (mine !== run || mine.encoding || mine.frames.size >= on_their_way) return;
  if (mine.socket?.readyState !== WebSocket.OPEN || !mine.ready || video.readyState < 2) return;
  mine.encoding = true;
  try {
    await send_picture(mine);
  } catch (why) {
    console.info(why);  // the camera has no picture now; the next one triggers another attempt
  } finally {
    mine.encoding = false;
  }
}

async function send_picture(mine) {
  grabber.width = Math.min(width_px, video.videoWidth);
  grabber.height = Math.round(video.videoHeight * grabber.width / video.videoWidth);
  grabber.getContext("2d").drawImage(video, 0, 0, grabber.width, grabber.height);
  const socket = mine.socket, picture = await createImageBitmap(grabber), blob = await jpeg_of();
  if (mine !== run || !blob || !mine.ready || socket !== mine.socket || socket.readyState !== WebSocket.OPEN) {
    return picture.close();
  }
  mine.seq += 1;
  mine.frames.set(mine.seq, { picture, at: performance.now() });
  socket.send(blob);
}

/** Removes and returns the frame of an answer, and drops older frames without an answer. */
function frame_of(mine, seq) {
  const frame = mine.frames.get(seq);
  for (const [number, { picture }] of mine.frames) {
    if (number > seq) continue;
    mine.frames.delete(number);
    if (number < seq) picture.close();
  }
  return frame;
}

function hide(pen, picture, { left, top, right, bottom }) {
  const grow = (right - left) * 0.18;
  const x = left - grow, y = top - grow * 1.6, w = right - left + 2 * grow, high = bottom - top + grow * 2.6;
  const small = document.createElement("canvas");
  small.width = small.height = 8;
  small.getContext("2d").drawImage(picture, x, y, w, high, 0, 0, 8, 8);
  pen.save();
  pen.beginPath();
  pen.ellipse(x + w / 2, y + high / 2, w / 2, high / 2, 0, 0, 2 * Math.PI);
  pen.clip();
  pen.imageSmoothingEnabled = true;
  pen.drawImage(small, x, y, w, high);
  pen.restore();
}

const name_of = face => face.status === "unknown" ? "Unknown" :
  face.status === "known" ? told(face) : `${told(face)}?`;

function tag(pen, face, scale) {
  const { left, top, right, bottom } = face.box, size = 15 * scale, colour = colours[face.status];
  pen.lineWidth = 5 * scale;
  pen.strokeStyle = "rgb(255 255 255 / 75%)";
  pen.strokeRect(left, top, right - left, bottom - top);
  pen.lineWidth = 2.5 * scale;
  pen.strokeStyle = colour;
  pen.strokeRect(left, top, right - left, bottom - top);
  if (face.blur && face.status === "known") return;  // a hidden face gets no name
  pen.font = `600 ${size}px Inter, system-ui, sans-serif`;
  const text = name_of(face), w = pen.measureText(text).width + size, x = Math.min(left, canvas.width - w);
  const y = bottom + size * 1.7 > canvas.height ? top - size * 1.7 : bottom;
  pen.fillStyle = colour;
  pen.fillRect(x, y, w, size * 1.7);
  pen.fillStyle = "#ffffff";
  pen.fillText(text, x + size / 2, y + size * 1.2);
}

function draw(answer, picture) {
  const { width, height } = answer.image, scale = width / Math.max(canvas.clientWidth, 1);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  if (hides()) {
    pen.drawImage(picture, 0, 0, width, height);
    for (const face of answer.faces) if (face.blur) hide(pen, picture, face.box);
  }
  for (const face of answer.faces) tag(pen, face, scale);
}

function show_meter(mine, answer, delay_ms) {
  const now = performance.now();
  mine.answered.push(now);
  while (mine.answered[0] < now - meter_ms) mine.answered.shift();
  mine.delay_ms = mine.delay_ms ? mine.delay_ms * 0.9 + delay_ms * 0.1 : delay_ms;
  if (now - mine.shown_at < 500) return;
  mine.shown_at = now;
  const span = Math.max(now - mine.begin, 1);
  part("fps").textContent = (mine.answered.length * 1000 / Math.min(span, meter_ms)).toFixed(0);
  part("ms").textContent = mine.delay_ms.toFixed(0);
  part("dropped").textContent = String(answer.dropped);
  const names = answer.faces.filter(face => face.status !== "unknown" && !face.blur).map(name_of);
  const unknown = answer.faces.filter(face => face.status === "unknown").length;
  part("people").replaceChildren(...names.map(name => h("li", {}, h("span", { class: "name", text: name }))),
    ...(unknown ? [h("li", { class: "quiet", text: count(unknown, "unknown face", "unknown faces") })] : []),
    ...(answer.faces.length === 0 ? [h("li", { class: "quiet", text: "No faces in view" })] : []));
}

const sentences = {
  no_worker: "No worker available. Retrying automatically …",
  store_unavailable: "Database unavailable. Retrying automatically …",
  quota: "All live channels are in use. Trying again …",
};

function receive(mine, text) {
  let said;
  try { said = JSON.parse(text); } catch { return; }
  if (said.type === "settings") mine.ready = true;
  if (said.type === "problem") {
    if (said.seq) frame_of(mine, said.seq)?.picture.close();
    else forget_frames(mine);
    tell("danger", sentences[said.error] ?? said.detail);
    mine.slow = true;
  }
  if (said.type === "frame") {
    const frame = frame_of(mine, said.seq);
    mine.slow = false;
    mine.wait_ms = 1000;
    tell("known", "Live");
    if (frame) {
      draw(said, frame.picture);
      show_meter(mine, said, performance.now() - frame.at);
      frame.picture.close();
    }
  }
  if (mine.slow) setTimeout(() => send(mine), 1000);
  else send(mine);
}

function connect(mine) {
  if (mine !== run) return;
  const address = new URL("api/live", document.baseURI);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.search = new URLSearchParams(settings());
  const socket = mine.socket = new WebSocket(address);
  mine.ready = false;
  mine.seq = 0;
  socket.addEventListener("message", event => { if (mine === run) receive(mine, event.data); });
  socket.addEventListener("close", event => {
    if (mine !== run) return;
    forget_frames(mine);
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    if (event.code !== 1013) tell("danger", "Connection lost. Trying again …");
    if (!mine.ready) ask_session();  // a browser does not tell why the handshake was refused
    setTimeout(() => connect(mine), mine.wait_ms);
    mine.wait_ms = Math.min(mine.wait_ms * 2, 30_000);
  });
}

/** Runs once per camera picture: sends if there is room. */
function follow_camera(mine) {
  if (mine !== run) return;
  if (!mine.slow) send(mine);
  const [oldest] = mine.frames.values();
  if (oldest && performance.now() - oldest.at > silent_ms) mine.socket.close();  // the close handler reconnects
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(() => follow_camera(mine));
  else setTimeout(() => follow_camera(mine), 30);
}

async function start() {
  show_error(part("error"), null);
  const mine = run = { frames: new Map(), answered: [], wait_ms: 1000, begin: performance.now(), shown_at: 0 };
  part("start").textContent = "Stop";
  tell("waiting", "Opening the camera …");
  try {
    const stream = await open_camera({ width: { ideal: 640 }, height: { ideal: 480 } });
    if (mine !== run) return stream.getTracks().forEach(track => track.stop());
    video.srcObject = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      if (mine === run) { stop(); show_error(part("error"), "Camera disconnected. Connect it, then start again."); }
    });
    await video.play();
  } catch (why) {
    stop();
    return show_error(part("error"), typeof why === "string" ? why : "The camera cannot be shown.");
  }
  canvas.classList.toggle("whole", hides());
  part("screen").dataset.on = "";
  part("screen").style.aspectRatio = `${video.videoWidth} / ${video.videoHeight}`;
  tell("waiting", "Connecting …");
  connect(mine);
  follow_camera(mine);
}

function stop() {
  const mine = run;
  run = null;
  mine?.socket?.close();
  if (mine) forget_frames(mine);
  close_camera(video);
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  delete part("screen").dataset.on;
  part("start").textContent = "Start the camera";
  part("people").replaceChildren(h("li", { class: "quiet", text: "Camera off" }));
  for (const name of ["fps", "ms", "dropped"]) part(name).textContent = "–";
  tell("waiting", "Off");
}

part("start").addEventListener("click", () => run ? stop() : start());
for (const name of ["blur", "min-face"]) {
  part(name).addEventListener("change", () => {
    // Frames sent with the old setting are not shown, and none is sent until the service has confirmed
    // the new one.
    canvas.classList.toggle("whole", hides());
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    if (run?.socket?.readyState !== WebSocket.OPEN) return;
    forget_frames(run);
    run.ready = false;
    run.socket.send(JSON.stringify(settings()));
  });
}

export const live_view = { hide() { if (run) stop(); } };
