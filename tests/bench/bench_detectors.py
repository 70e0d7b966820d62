#!/usr/bin/env python3
"""What each detector finds in group photos, and how long it looks.

    ./test bench detectors [--lfw DIR] [--json] [--rounds 5] [--groups 4]

DIR is a folder of Labeled Faces in the Wild (PERSON/PERSON_0001.jpg); without it four sample photos are cut to its form, in which
a face has 107 of 250 px by the measure of dlib's detector. They are laid in rows on grey ground so that each face has the size
that the row says. For each detector whose file is there and min_face_px 40, one thread of build/e2e/bin/detector_time tells: the
faces found of those laid, others found (people in the background of a portrait, and false ones), the processor time of decoding
and of detection in ms, the median of the rounds, and the smallest face that was searched for.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from PIL import Image
from ran_on import ran_on

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GROUPS = [(1920, 1080, 45, 8, 5), (4032, 3024, 100, 8, 5), (4000, 3000, 50, 10, 6), (6000, 4000, 120, 8, 5)]
PROGRAM = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin")) / "detector_time"
# Middle and size of the face in the sample photos, by CenterFace.
SAMPLES = {"obama": (490, 262, 276), "obama2": (343, 440, 320), "obama3": (778, 439, 306), "biden": (570, 376, 333)}


def portraits_of(lfw):
    if lfw:
        found = [Image.open(path).convert("RGB") for path in sorted(lfw.glob("*/*_0001.jpg"))[:200]]
        if not found:
            sys.exit(f"{lfw} has no PERSON/PERSON_0001.jpg")
        return found
    cut = []
    for name, (x, y, face_px) in SAMPLES.items():
        half = face_px * 250 / 107 / 2
        edges = (int(x - half), int(y - half), int(x + half), int(y + half))
        cut.append(Image.open(ROOT / f"build/photos/{name}.jpg").convert("RGB").crop(edges))
    return cut


def group(portraits, path, width, height, face_px, columns, rows):
    """Makes a photo; returns the middle of each face in it."""
    picture, middles = Image.new("RGB", (width, height), (110, 115, 120)), []
    side = int(250 * face_px / 107)
    for k in range(columns * rows):
        x, y = (k % columns + .5) * width / columns, (k // columns + .5) * height / rows
        portrait = portraits[k % len(portraits)].resize((side, side), Image.LANCZOS)
        picture.paste(portrait, (int(x - side / 2), int(y - side / 2)))
        middles.append((x, y))
    picture.save(path, quality=85)
    return middles


def counted(boxes, middles, face_px):
    """Of the faces laid those that were found, each by a box of its own, and the other boxes."""
    left = [((x1 + x2) / 2, (y1 + y2) / 2) for x1, y1, x2, y2 in boxes]
    found = 0
    for x, y in middles:
        near = [at for at in left if abs(at[0] - x) < face_px / 2 and abs(at[1] - y) < face_px / 2]
        if near:
            left.remove(near[0])
            found += 1
    return found, len(left)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lfw", type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--groups", type=int, default=len(GROUPS))
    given = parser.parse_args()
    portraits = portraits_of(given.lfw)
    found = ran_on()
    found["rows"] = []
    with tempfile.TemporaryDirectory(prefix="vultus-bench-") as folder:
        for width, height, face_px, columns, rows in GROUPS[:given.groups]:
            path = pathlib.Path(folder, f"{width}x{height}.jpg")
            middles = group(portraits, path, width, height, face_px, columns, rows)
            words = [PROGRAM, ROOT / "build/models", 40, given.rounds, path]
            said = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True).stdout
            for told in map(json.loads, said.splitlines()):
                right, others = counted(told.pop("boxes"), middles, face_px)
                found["rows"].append({**told, "photo": path.stem, "face_px": face_px, "faces": len(middles), "found": right,
                                      "others": others})
                if not given.json:
                    print(found["rows"][-1], flush=True)
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
