#!/usr/bin/env python3
"""Another embedding model for a collection: how fast its kept pictures are embedded again, and whether it answers meanwhile.

    ./test bench reembed [--json] [--faces 10000]

A collection of dlib's network gets omz_0095. Its faces are copies of the pictures of one person (the vectors of the old model are made
up), beside one other person who is really taught. reembed_faces_per_s: from the accepted job to its end. over_embedder_alone: that over
what the embedder does on one thread by itself, eight faces a pass (run_network). Meanwhile the other person is recognized twice a
second, direct and stored in turns: answers, and how many of those were wrong or refused.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

import bench_api
import conftest
import numpy
from bench_engine import model_path
from export_file import export, unit_vector
from ran_on import ran_on

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILT = ROOT / "build/e2e/bin"
NEW, OLD = "omz_0095/unit", "dlib_resnet_v1/mirror_unit"
PEOPLE = 100
WANTED = {"over_embedder_alone": 0.8, "wrong": 0, "refused": 0}


def embedder_alone():
    """Faces a second of one thread."""
    with tempfile.NamedTemporaryFile() as pixels:
        pixels.write(numpy.random.default_rng(1).integers(0, 256, (8, 128, 128, 3), dtype=numpy.uint8).tobytes())
        pixels.flush()
        done = subprocess.run([BUILT / "run_network", model_path("face-reidentification-retail-0095.xml"), pixels.name, "128", "128", "8",
                               "fp32", "bgr", "20"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"run_network failed: {done.stdout}{done.stderr}")
    return 8000 / float(done.stdout)


def fill(service, collection, faces):
    """So many faces with made-up vectors and the pictures of one person; returns the number of bytes of a picture."""
    service.call("POST", "/api/collections/source/pictures", data={"keep": "true"})
    service.call("POST", f"/api/collections/{collection}/pictures", data={"keep": "true"})
    photos = ROOT / "build/photos"
    service.train("Joe", (photos / "biden.jpg").read_bytes(), collection="source")
    store, source = service.redis(), random.Random(1)
    [key] = store.keys(f"{conftest.PREFIX}gallery:source:*:pictures")
    [picture] = store.hvals(key)
    with tempfile.TemporaryDirectory() as folder:
        file = export(pathlib.Path(folder, "faces"), [(f"copy {n % PEOPLE}", unit_vector(source)) for n in range(faces)], OLD)
        done = subprocess.run([BUILT / "vultusctl", "--data", service.data, "restore", file, "--collection", collection],
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"restore failed: {done.stdout}{done.stderr}")
    service.train("Barack", (photos / "obama.jpg").read_bytes(), collection=collection)
    epoch = store.hget(f"{conftest.PREFIX}gallery:{collection}", "epoch").decode()
    parts = f"{conftest.PREFIX}gallery:{collection}:{epoch}"
    pipe = store.pipeline(transaction=False)
    for face in store.hkeys(f"{parts}:faces"):
        pipe.hsetnx(f"{parts}:pictures", face, picture)
    pipe.execute()
    if problems := service.fsck():
        sys.exit(f"fsck: {problems[:3]}")
    return len(picture)


class Asker(threading.Thread):
    def __init__(self, service, collection):
        super().__init__()
        self.service, self.collection, self.over = service, collection, threading.Event()
        self.answers, self.wrong, self.refused = 0, 0, 0
        self.photo = (ROOT / "build/photos/obama2.jpg").read_bytes()

    def run(self):
        while not self.over.wait(0.5):
            answer = conftest.requests.post(f"{self.service.url}/api/recognize", files={"file": self.photo}, timeout=60,
                                            headers={"Prefer": "wait=30"}, data={
                                                "collection": self.collection, "durable": str(self.answers % 2 == 0).lower()})
            seen = answer.json()
            self.answers += 1
            self.refused += answer.status_code != 200
            self.wrong += answer.status_code == 200 and conftest.names(seen.get("result", seen)) != ["Barack"]


def measure(faces):
    with bench_api.service(["worker.keep_pictures=true"]) as service:
        size = fill(service, "bench", faces)
        asker = Asker(service, "bench")
        asker.start()
        begin = time.monotonic()
        job = service.call("POST", "/api/collections/bench/model", data={"embedder": NEW}).json()
        while job["state"] not in conftest.TERMINAL:
            time.sleep(0.2)
            job = service.call("GET", f"/api/jobs/{job['id']}").json()
        took = time.monotonic() - begin
        time.sleep(1.2)  # some answers of the new model
        asker.over.set()
        asker.join()
        if job["state"] != "succeeded":
            sys.exit(f"the job ended with {job}")
        problems = service.fsck()
    return {"faces": job["result"]["faces"], "left_out": job["result"]["left_out"], "picture_bytes": size, "seconds": round(took, 2),
            "reembed_faces_per_s": round(job["result"]["faces"] / took, 2), "answers": asker.answers, "wrong": asker.wrong,
            "refused": asker.refused, "fsck": problems}


def main():
    parser = argparse.ArgumentParser(prog="./test bench reembed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--faces", type=int, default=10_000)
    options = parser.parse_args()
    found = measure(options.faces)
    alone = embedder_alone()
    found.update(embedder_alone_faces_per_s=round(alone, 2), over_embedder_alone=round(found["reembed_faces_per_s"] / alone, 3),
                 wanted=WANTED, **ran_on())
    if options.json:
        print(json.dumps(found))
        return
    for key, value in found.items():
        print(f"{key}: {value}")


if __name__ == "__main__":
    main()
