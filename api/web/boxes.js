// Draws boxes and names on a canvas that lies over the photo. Coordinates of the service are pixels
// of the upright picture; browsers show photos upright too, so one factor is all there is between.

const names = {
  known: face => face.label,
  unknown: () => "unknown",
  ambiguous: face => `${face.label}?`,
};

export const name_of = face => names[face.status](face);
export const distance_of = face => face.distance === null ? "" : face.distance.toFixed(2);

function tag(pen, text, x, y, size, limit, picture_width, colour) {
  pen.font = `600 ${size}px system-ui, sans-serif`;
  while (text.length > 1 && pen.measureText(text).width > limit) text = text.slice(0, -2) + "…";
  const width = pen.measureText(text).width + size, height = size * 1.6;
  const left = Math.max(0, Math.min(x, picture_width - width));
  const top = y - height < 0 ? y : y - height;
  pen.fillStyle = colour;
  pen.fillRect(left, top, width, height);
  pen.fillStyle = "#ffffff";
  pen.fillText(text, left + size / 2, top + size * 1.15);
}

/** Draws all faces; the one at index `marked` stands out. */
export function draw_boxes(canvas, photo, result, marked = -1) {
  const width = photo.clientWidth, height = photo.clientHeight, fine = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * fine);
  canvas.height = Math.round(height * fine);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  canvas.style.left = `${photo.offsetLeft}px`;
  canvas.style.top = `${photo.offsetTop}px`;
  const pen = canvas.getContext("2d");
  pen.scale(fine, fine);
  pen.clearRect(0, 0, width, height);
  const scale = width / result.image.width, size = 13;
  const colours = { known: "#197a46", unknown: "#5b6771", ambiguous: "#a15c00" };
  result.faces.forEach((face, index) => {
    const { left, top, right, bottom } = face.box, colour = colours[face.status];
    const x = left * scale, y = top * scale;
    const w = (right - left + 1) * scale, h = (bottom - top + 1) * scale;
    pen.lineWidth = index === marked ? 8 : 5;
    pen.strokeStyle = "rgb(255 255 255 / 75%)";
    pen.strokeRect(x, y, w, h);
    pen.lineWidth = index === marked ? 5 : 2.5;
    pen.strokeStyle = colour;
    pen.strokeRect(x, y, w, h);
    const text = w < 90 ? name_of(face) : `${name_of(face)} ${distance_of(face)}`.trim();
    tag(pen, text, x - 1, y, size, Math.min(Math.max(w * 1.5, 60), width - size), width, colour);
  });
}
