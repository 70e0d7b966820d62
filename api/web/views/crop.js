// Crops one face from a photo, with a margin and every other face covered, so that the service finds
// exactly one.

const room = 0.6;                    // margin on each side, as a share of the box
const face_px = { min: 160, max: 320 };  // size of the box in the crop

const overlap = (a, b) => {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
};
const size_of = box => (box.right - box.left) * (box.bottom - box.top);

/** The overlap as a share of the smaller box, 0 to 1. */
export const shared_part = (a, b) => overlap(a, b) / Math.max(1, Math.min(size_of(a), size_of(b)));

/** Draws the crop on a new canvas. `photo` is a loaded img. */
export function cutting(photo, faces, index) {
  const { box } = faces[index], width = box.right - box.left + 1, height = box.bottom - box.top + 1;
  const around = Math.max(width, height) * room;
  const left = Math.max(0, box.left - around), top = Math.max(0, box.top - around);
  const right = Math.min(photo.naturalWidth, box.right + around);
  const bottom = Math.min(photo.naturalHeight, box.bottom + around);
  const scale = Math.min(Math.max(1, face_px.min / width), face_px.max / width);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round((right - left) * scale));
  canvas.height = Math.max(1, Math.round((bottom - top) * scale));
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.translate(-left, -top);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(photo, 0, 0);
  pen.fillStyle = "#808080";
  for (const [at, { box: other }] of faces.entries()) {
    if (at === index || shared_part(box, other) > 0.3) continue;
    pen.fillRect(other.left, other.top, other.right - other.left, other.bottom - other.top);
  }
  return canvas;
}

export const as_file = canvas => new Promise((resolve, reject) => {
  canvas.toBlob(blob => blob ? resolve(new File([blob], "face.jpg", { type: blob.type })) :
    reject(new Error("no picture")), "image/jpeg", 0.95);
});
