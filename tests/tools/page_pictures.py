"""Makes the pictures of the page in the README: docs/page-*.png. The page is the real one, from api/web; people and
answers are made up and drawn here, because no photo of anybody belongs into the repository.

    build/venv/bin/python tests/tools/page_pictures.py
"""
import http.server
import io
import json
import math
import pathlib
import threading

from PIL import Image, ImageDraw
from playwright.sync_api import sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEB = ROOT / "api/web"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
         ".json": "application/json"}
# name, skin, hair, clothes, place, size, distance; and whether the hair is long
PEOPLE = [("Ada", "#e8b48c", "#4a2c1a", "#2f6f8f", (230, 330), 92, 0.21, True),
          ("Alan", "#f0c6a4", "#2b2320", "#5b7a4a", (510, 290), 98, 0.27, False),
          ("", "#b97a52", "#1c1716", "#a8553f", (790, 325), 94, 0.61, True),
          ("Grace", "#d9a27a", "#6b6660", "#6a5a8f", (1050, 350), 88, 0.24, False)]
KNOWN = [("Ada", 6), ("Alan", 4), ("Barbara", 3), ("Edsger", 2), ("Grace", 5), ("Katherine", 4), ("Tim", 1)]


def draw_people():
    scale = 2
    picture = Image.new("RGB", (1280 * scale, 720 * scale), "#dfe7ea")
    pen = ImageDraw.Draw(picture)

    def oval(x, y, wide, high, colour):
        pen.ellipse([(x - wide) * scale, (y - high) * scale, (x + wide) * scale, (y + high) * scale], fill=colour)

    pen.rectangle([0, 0, 1280 * scale, 470 * scale], fill="#cfdfe6")
    for n in range(9):  # hills behind
        oval(80 + n * 150, 520, 150, 110 + 40 * math.sin(n * 1.7), "#b4cbbd" if n % 2 else "#a6c1b2")
    for _, skin, hair, clothes, (x, y), size, _, long_hair in PEOPLE:
        if long_hair:
            oval(x, y + size * 0.45, size * 1.05, size * 1.35, hair)
        oval(x, y + size * 3.1, size * 1.75, size * 1.75, clothes)
        pen.rectangle([(x - size * 0.32) * scale, (y + size * 0.6) * scale, (x + size * 0.32) * scale,
                       (y + size * 1.5) * scale], fill=skin)
        oval(x, y - size * 0.28, size * 0.98, size * 0.98, hair)
        oval(x, y + size * 0.08, size * 0.82, size * 1.02, skin)
        for side in (-1, 1):
            oval(x + side * size * 0.32, y - size * 0.02, size * 0.15, size * 0.11, "#ffffff")
            oval(x + side * size * 0.32, y - size * 0.01, size * 0.075, size * 0.09, "#2a2320")
            pen.arc([(x + side * size * 0.32 - size * 0.2) * scale, (y - size * 0.32) * scale,
                     (x + side * size * 0.32 + size * 0.2) * scale, (y - size * 0.08) * scale],
                    200, 340, fill=hair, width=7 * scale)
        pen.arc([(x - size * 0.14) * scale, (y + size * 0.08) * scale, (x + size * 0.14) * scale,
                 (y + size * 0.34) * scale], 20, 160, fill="#8a5a41", width=4 * scale)
        pen.arc([(x - size * 0.36) * scale, (y + size * 0.22) * scale, (x + size * 0.36) * scale,
                 (y + size * 0.7) * scale], 20, 160, fill="#9c3f3a", width=6 * scale)
    out = io.BytesIO()
    picture.resize((1280, 720), Image.LANCZOS).save(out, "PNG")
    return out.getvalue()


def face(person):
    label, *_, (x, y), size, distance, _ = person
    status = "known" if label else "unknown"
    return {"box": {"left": int(x - size), "top": int(y - size * 0.85), "right": int(x + size), "bottom": int(y + size * 1.15)},
            "status": status, "label": label or None, "distance": distance, "margin": 1 if label else None,
            "detection_score": 1, "landmarks": [], "candidates": []}


def result(faces):
    return {"image": {"width": 1280, "height": 720}, "gallery": {"version": 3, "people": 7, "faces": 25},
            "faces": faces, "timing_ms": {"total": 143}}


JOB = {"id": "1", "type": "recognize", "state": "succeeded", "collection": "default", "attempt": 1,
       "created_at": "2026-03-02T09:30:00Z", "links": {"self": "/api/jobs/1"}}
STATUS = {"state": "ready", "reasons": [], "queue": dict.fromkeys(
    ("interactive", "bulk", "running", "delayed", "publishing", "dead", "bytes"), 0),
    "workers": [{"host": "server", "pid": 1, "device": "cpu", "state": "ready", "galleries": {}}] * 2}


def answer(path, method):
    if path.startswith("/api/status"):
        return STATUS
    if path.startswith("/api/faces"):
        return {"people_total": 7, "faces_total": 25, "faces": [{"label": a, "count": n} for a, n in KNOWN]}
    if "durable=false" in path:
        near = [("Katherine", 0.58), ("Grace", 0.66), ("Barbara", 0.71)]
        return result([{**face(PEOPLE[2]), "candidates": [{"label": a, "distance": d} for a, d in near]}])
    if path.startswith("/api/recognize"):
        return {**JOB, "result": result([face(person) for person in PEOPLE])}
    return None


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = WEB / (self.path.split("?")[0].strip("/") or "index.html")
        known = answer(self.path, self.command)
        body = json.dumps(known).encode() if known else path.read_bytes() if path.is_file() else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/json" if known else TYPES.get(path.suffix, "text/plain"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


def small(png, path):
    """256 colours are enough for flat areas, and a quarter of the bytes."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        looks = [("recognise", "light", 1180, 1130), ("people", "dark", 1240, 640), ("phone", "light", 390, 844)]
        for name, scheme, width, height in looks:
            tab = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            tab.goto(url + ("#people" if name == "people" else ""))
            tab.wait_for_selector("#service[data-state=ready]")
            if name != "people":
                tab.set_input_files("#recognize-file", [
                    {"name": f"{title}.png", "mimeType": "image/png", "buffer": draw_people()}
                    for title in (["Summer party"] if name == "phone" else ["Summer party", "Lake", "Garden"])])
                tab.wait_for_function("n => document.querySelectorAll('.photo[data-state=done]').length === n",
                                      arg=1 if name == "phone" else 3)
                tab.locator(".box[data-status=unknown]").click()
                tab.wait_for_selector(".other")
                tab.evaluate("document.activeElement.blur()")
            if name == "phone":
                tab.evaluate("document.getElementById('stage').scrollIntoView(); scrollBy(0, -70)")
            else:
                tab.evaluate("scrollTo(0, 0)")
            tab.wait_for_timeout(400)  # the bars come to rest
            small(tab.screenshot(), ROOT / f"docs/page-{name}.png")
            tab.close()
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    main()
