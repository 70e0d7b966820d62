#!/usr/bin/env python3
"""The service's answers against dlib's own, on photos of Labeled Faces in the Wild.

    ./test lfw DIR [--photos 300]      DIR holds <Name>/<Name>_NNNN.jpg

The peer is dlib itself, of another version and built by others (dlib-bin): the same photo at the same size
(min_face_px 80, so nobody resizes), its detectors, its landmarks, its embedding. Held: each box within 1 pixel; each
embedding within 1e-4 of the one the peer makes of the face in that box (one pixel in a box moves landmarks, and the
embedding with them: the count of boxes that differ is printed); and, with 50 people trained from one photo each, each name equal to brute force over the peer's embeddings.
Names are held to the peer's distances, not to the truth: this is about doing the same, `unknown` included.
"""
import argparse
import concurrent.futures
import io
import pathlib
import random
import sys
import tempfile

import dlib
import numpy
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import conftest  # noqa: E402

MODELS = ROOT / "build/models"
DISTANCE_MAX = 0.55
OPTIONS = {"min_face_px": 80, "embeddings": "true"}


class Peer:
    def __init__(self):
        self.hog = dlib.get_frontal_face_detector()
        self.cnn = dlib.cnn_face_detection_model_v1(str(MODELS / "mmod_human_face_detector.dat"))
        self.points = dlib.shape_predictor(str(MODELS / "shape_predictor_5_face_landmarks.dat"))
        self.net = dlib.face_recognition_model_v1(str(MODELS / "dlib_face_recognition_resnet_model_v1.dat"))

    def look(self, photo, detector):
        """[(box, embedding)] of a photo, boxes as (left, top, right, bottom)."""
        picture = numpy.array(Image.open(io.BytesIO(photo)).convert("RGB"))
        found = self.hog.run(picture, 0, 0.0)[0] if detector == "hog" else [f.rect for f in self.cnn(picture, 0)]
        boxes = [(box.left(), box.top(), box.right(), box.bottom()) for box in found]
        return picture, [(box, self.embed(picture, box)) for box in boxes]

    def embed(self, picture, box):
        chip = dlib.get_face_chip(picture, self.points(picture, dlib.rectangle(*box)), 150, 0.25)
        return numpy.array(self.net.compute_face_descriptor(chip), dtype=numpy.float32)


def edges(face):
    box = face["box"]
    return box["left"], box["top"], box["right"], box["bottom"]


def compare_faces(service, peer, photos, detector):
    """Counts photos and faces; the largest differences seen."""
    seen = {"photos": 0, "faces": 0, "unmatched": 0, "moved": 0, "box_px": 0, "embedding": 0.0}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda photo: service.recognize(photo, detector=detector, **OPTIONS), photos)
        for photo, result in zip(photos, results):
            (picture, theirs), ours = peer.look(photo, detector), result["faces"]
            seen["photos"] += 1
            seen["faces"] += len(theirs)
            seen["unmatched"] += abs(len(theirs) - len(ours))
            for box, vector in theirs:
                nearest = min(ours, key=lambda face: sum(abs(a - b) for a, b in zip(edges(face), box)), default=None)
                if nearest is None:
                    continue
                seen["box_px"] = max(seen["box_px"], *(abs(a - b) for a, b in zip(edges(nearest), box)))
                if edges(nearest) != box:
                    seen["moved"] += 1
                    vector = peer.embed(picture, edges(nearest))
                gap = float(numpy.abs(numpy.array(nearest["embedding"], dtype=numpy.float32) - vector).max())
                seen["embedding"] = max(seen["embedding"], gap)
    print(f"{detector}: {seen['photos']} photos, {seen['faces']} faces, {seen['unmatched']} in one answer only; "
          f"largest difference of a box {seen['box_px']} px ({seen['moved']} boxes), of an embedding {seen['embedding']:.1e}", flush=True)
    return seen["faces"] > 0 and seen["unmatched"] == 0 and seen["box_px"] <= 1 and seen["embedding"] <= 1e-4


def compare_names(service, peer, people):
    """50 people from one photo each; then the other photos of them and 50 strangers."""
    def only_face(path):
        photo = path.read_bytes()
        _, faces = peer.look(photo, "hog")
        return (photo, faces[0][1]) if len(faces) == 1 else None
    known, asked = {}, []
    for photos in people:
        usable = [pair for pair in map(only_face, photos[:2]) if pair]
        if len(usable) == 2 and len(known) < 50:
            known[photos[0].parent.name] = usable[0][1]
            service.train(photos[0].parent.name, usable[0][0], min_face_px=80)
            asked.append(usable[1])
        elif usable and len(asked) < 100 and len(known) == 50:
            asked.append(usable[0])
        if len(asked) == 100:
            break
    right = 0
    for photo, vector in asked:
        distances = {name: float(numpy.linalg.norm(vector - other)) for name, other in known.items()}
        nearest = min(distances, key=distances.get)
        wanted = nearest if distances[nearest] <= DISTANCE_MAX else None
        [face] = service.recognize(photo, min_face_px=80)["faces"]
        right += face["label"] == wanted
    print(f"names: {len(known)} people trained, {len(asked)} photos asked, {right} equal to brute force", flush=True)
    return len(known) == 50 and right == len(asked)


def main():
    parser = argparse.ArgumentParser(prog="./test lfw")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--photos", type=int, default=300)
    options = parser.parse_args()
    people = sorted(path for path in options.folder.iterdir() if path.is_dir())
    random.Random(1).shuffle(people)
    files = [sorted(person.glob("*.jpg")) for person in people]
    photos = [photo.read_bytes() for person in files for photo in person[:1]][:options.photos]
    samples = [path.read_bytes() for path in sorted(conftest.PHOTOS.glob("*.jpg"))]
    peer = Peer()
    with tempfile.TemporaryDirectory(prefix="vultus-lfw-") as folder:
        service = conftest.Service(folder, settings=["worker.detect_side_max=4000", "worker.embedding=plain"])
        try:
            service.wait_ready()
            good = [compare_faces(service, peer, photos + samples, "hog"),
                    compare_faces(service, peer, photos, "cnn"),
                    compare_names(service, peer, sorted(files, key=len, reverse=True))]
        finally:
            service.stop()
    print(f"lfw: {sum(good)} of {len(good)} hold")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
