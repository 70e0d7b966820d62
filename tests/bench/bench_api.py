#!/usr/bin/env python3
"""The whole service on photos: how much of the pipeline's speed is left over HTTP, Redis and the queue, how it
compares with the Python package people install, and what it does when twice as much comes as it can do.

    ./test bench api [DIR] [--json] [--seconds 20] [--set section.key=value]     DIR holds <Name>/<Name>_NNNN.jpg

The photo set is photo_set.py's. Peers in the same run: pipeline_load (our pipeline in a process, no HTTP, no Redis but for
its empty gallery) and the package face_recognition, one process per core, no HTTP, at the same detector size.
Keys: api_recognize_efficiency_250 and _640 (faces a second, service over pipeline), hog and cnn (photos a second of both,
their ratio, and how many faces are the same, see same_faces), overload (at twice the capacity: share of the capacity served, refused with
503 and Retry-After, failed, growth of the processes' memory in MB), memory (photos of 50 sizes: megabytes of all
processes after each tenth, and their slope; 40 megapixels among them), default (the models of a new service against hog with dlib's
network, on the photos of 250 px: default_over_hog in photos a second of the whole service, pipeline_over_hog of the pipeline alone,
cpu_over_hog in processor time a photo of api, broker, worker and Redis), default_over_package (against the package, photos a second),
default_over_python_service (against peer/service.py: the same two networks by uvicorn, ONNX Runtime and OpenVINO), large (a photo of
2 MB whose picture is tiny, so that carrying it is the work: photos a second, processor time of each process for a photo, and the most
memory that each had, direct and stored), questions (what a detect, an embed and a verify take, over what their own stages take in a
recognize of the same photos: one request at a time, so 1 is nothing but these stages). Without DIR: large and questions alone.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/bench")]
import conftest  # noqa: E402
import photo_set  # noqa: E402
from PIL import Image  # noqa: E402
from pictures import enlarged  # noqa: E402
from process_time import process_time  # noqa: E402
from ran_on import ran_on  # noqa: E402

BUILT = ROOT / "build/e2e/bin"
CORES = len(os.sched_getaffinity(0))
CLIENTS = 8 * CORES
DEFAULT, HOG = (tuple(f"worker.default_{what}={name}" for what, name in (("detector", detector), ("embedder", embedder)))
                for detector, embedder in (("centerface", "omz_0095/unit"), ("hog", "dlib_resnet_v1/mirror_unit")))


def command(*words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{words[0]} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return json.loads(done.stdout)


class Started(conftest.Service):
    def __enter__(self):
        return self.wait_ready()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.data)

    def load(self, photos, seconds, rate=0, query="", clients=CLIENTS):
        return command(BUILT / "http_load", self.port, clients, seconds, rate, query, *photos)

    def memory_mb(self):
        """Of our processes. Redis keeps finished jobs for a day: about 4 kB each."""
        total = 0
        for name in ("vultus-api", "vultus-broker", "vultus-worker"):
            for pid in self.pids(name):
                for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                    total += int(line.split()[1]) if line.startswith("VmRSS") else 0
        return total / 1024


class own_redis:
    """A Redis of its own for the pipeline alone; gives its socket."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="vultus-bench-")
        socket = pathlib.Path(self.folder.name, "redis.sock")
        path = f"{ROOT}/build/deps/bin:{os.environ['PATH']}"
        self.process = subprocess.Popen(["redis-server", ROOT / "config/redis.conf", "--dir", self.folder.name,
                                         "--unixsocket", socket], stdout=subprocess.DEVNULL,
                                        env={**os.environ, "PATH": path})
        conftest.wait_until(socket.exists, what="Redis")
        return socket

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def service(settings, **more):
    """A service in a folder of its own."""
    folder = tempfile.mkdtemp(prefix="vultus-bench-")
    return Started(folder, settings=settings, **more)


def efficiency(photos, settings, seconds):
    """Both in turn, twice, and the better of each: other work on the machine only makes them slower."""
    best = {"service": 0, "pipeline": 0}
    with service(settings) as running, own_redis() as store:
        quiet = [word for one in settings for word in ("--set", one)]
        for _ in range(2):
            came = running.load(photos, seconds)
            if came["failed"]:
                sys.exit(f"{came['failed']} photos failed\n{running.logs()}")
            best["service"] = max(best["service"], came["faces_per_s"])
            alone = command(BUILT / "pipeline_load", seconds, CLIENTS, "{}", *photos, "--", *quiet,
                            "--set", f"redis.socket={store}", "--set", "common.log_level=error")
            if alone["failed"]:
                sys.exit(f"{alone['failed']} photos failed in the pipeline")
            best["pipeline"] = max(best["pipeline"], alone["faces_per_s"])
    return {"service_faces_per_s": best["service"], "pipeline_faces_per_s": best["pipeline"],
            "efficiency": round(best["service"] / best["pipeline"], 3)}


def overlap(a, b):
    """Of two boxes, over the box of both."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]) + 1, min(a[3], b[3]) - max(a[1], b[1]) + 1
    area = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    inside = max(width, 0) * max(height, 0)
    return inside / (sum(area) - inside)


def same_faces(ours, theirs):
    """How many of their faces are ours too: overlap at least 0.7, embeddings at most 0.3 apart. The package enlarges a
    photo by another method (so boxes move by some pixels) and cuts boxes at the photo's edge.
    """
    same = 0
    for box, vector in theirs:
        for face in ours:
            edges = [face["box"][key] for key in ("left", "top", "right", "bottom")]
            apart = sum((a - b) ** 2 for a, b in zip(face["embedding"], vector)) ** 0.5
            if overlap(edges, box) >= 0.7 and apart <= 0.3:
                same += 1
                break
    return same


def against_package(detector, photos, seconds):
    """face_recognition looks at the photo doubled once (its default); the same here is min_face_px 40."""
    theirs = command(ROOT / "build/venv-peer/bin/python", ROOT / "tests/bench/peer/photos.py", detector, 1, *photos,
                     env={**os.environ, "PYTHONPATH": str(ROOT / "tests/bench/peer"),
                          "VULTUS_MODELS": str(ROOT / "build/models")})
    options = {"detector": detector, "min_face_px": 40, "embeddings": "true"}
    plain = ("worker.default_detector=hog", "worker.default_embedder=dlib_resnet_v1/plain")
    with service([], defaults=plain) as running:
        ours = [running.recognize(path.read_bytes(), **options)["faces"] for path in photos]
        came = running.load(photos, seconds, query=f"?detector={detector}&min_face_px=40")
    faces = sum(len(found) for found in theirs["faces"])
    return {"service_photos_per_s": came["jobs_per_s"], "package_photos_per_s": round(theirs["photos_per_s"], 2),
            "speedup": round(came["jobs_per_s"] / theirs["photos_per_s"], 2), "package_faces": faces,
            "service_faces": sum(len(found) for found in ours),
            "same_faces": sum(same_faces(a, b) for a, b in zip(ours, theirs["faces"]))}


def overload(photos, settings, seconds):
    with service([*settings, "api.queue_jobs_max=64"]) as running:
        capacity = running.load(photos, seconds)["jobs_per_s"]
        before = running.memory_mb()
        came = running.load(photos, 2 * seconds, rate=2 * capacity, clients=256)
        after = running.memory_mb()
        problems = running.fsck()
    return {"capacity_photos_per_s": capacity, "served_photos_per_s": came["jobs_per_s"],
            "goodput_share": round(came["jobs_per_s"] / capacity, 3), "refused": came["refused"],
            "failed": came["failed"], "p99_ms": came["p99_ms"], "memory_mb": round(after),
            "memory_growth_mb": round(after - before, 1), "fsck": problems}


def memory(photos, settings, seconds):
    """With the models of a new service: the memory of all processes after each tenth of the time, and the line through it from the
    second tenth on."""
    with service(settings, defaults=DEFAULT) as running:
        running.load(photos, seconds / 10)
        done, points = 0, []
        for _ in range(10):
            done += running.load(photos, seconds / 10, query="?min_face_px=80")["jobs_per_s"] * seconds / 10
            points.append((done, running.memory_mb()))
    fit = points[1:]
    middle = [sum(column) / len(fit) for column in zip(*fit)]
    slope = (sum((x - middle[0]) * (y - middle[1]) for x, y in fit) / sum((x - middle[0]) ** 2 for x, _ in fit))
    return {"photos": round(done), "sizes": len(photos), "memory_mb": [round(y) for _, y in points],
            "mb_per_1000_photos": round(1000 * slope, 2)}


def whole_service_s(running):
    """Processor time of every process of the service so far, decoders among them."""
    spent, left = 0, [running.process.pid]
    while left:
        pid = left.pop()
        with contextlib.suppress(OSError):  # it ended
            spent += process_time(pid)[1] / 1e6
            for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
                left += map(int, (thread / "children").read_text().split())
    return spent


def arm(photos, settings, seconds, defaults):
    """One pair of models, in the service and in the pipeline."""
    with service(settings, defaults=defaults) as running, own_redis() as store:
        running.load(photos, seconds / 4)
        before = whole_service_s(running)
        came = running.load(photos, seconds)
        spent = whole_service_s(running) - before
        if came["failed"]:
            sys.exit(f"{came['failed']} photos failed\n{running.logs()}")
        words = [word for one in (*defaults, *settings, f"redis.socket={store}", "common.log_level=error") for word in ("--set", one)]
        options = json.dumps({"detector": defaults[0].split("=")[1], "embedder": defaults[1].split("=")[1]})
        alone = command(BUILT / "pipeline_load", seconds, CLIENTS, options, *photos, "--", *words)
    whole = came["jobs"] * (seconds + 1) / seconds  # the first second is not counted, and is served
    return {"photos_per_s": came["jobs_per_s"], "pipeline_photos_per_s": alone["jobs_per_s"], "cpu_ms_a_photo": round(1000 * spent / whole, 2)}


def default_models(photos, settings, seconds):
    ours, hog = (arm(photos, settings, seconds, one) for one in (DEFAULT, HOG))
    return {"default": ours, "hog": hog, "default_over_hog": round(ours["photos_per_s"] / hog["photos_per_s"], 2),
            "pipeline_over_hog": round(ours["pipeline_photos_per_s"] / hog["pipeline_photos_per_s"], 2),
            "cpu_over_hog": round(ours["cpu_ms_a_photo"] / hog["cpu_ms_a_photo"], 3)}


def python_service(photos, seconds):
    """Photos a second of the same networks in Python, over HTTP, one process a core."""
    port = conftest.free_port()
    models = ROOT / "build/models"
    with tempfile.TemporaryDirectory(prefix="vultus-bench-") as folder:
        gallery = pathlib.Path(folder, "gallery.npy")
        made = subprocess.run([ROOT / "build/venv-peer/bin/python", "-c", "import numpy, sys; numpy.save(sys.argv[1], "
                               "numpy.random.default_rng(1).normal(size=(50, 256)).astype('float32'))", gallery])
        if made.returncode != 0:
            sys.exit("no gallery for the service in Python")
        peer = subprocess.Popen([ROOT / "build/venv-peer/bin/python", ROOT / "tests/bench/peer/service.py", str(port), str(CORES),
                                 models / "centerface.onnx", models / "face-reidentification-retail-0095.xml", gallery])
        try:
            conftest.wait_until(lambda: answers(f"http://127.0.0.1:{port}/ready"), 120, "the service in Python")
            command(BUILT / "http_load", port, CLIENTS, seconds / 4, 0, "?min_face_px=40", *photos)
            return command(BUILT / "http_load", port, CLIENTS, seconds, 0, "?min_face_px=40", *photos)
        finally:
            peer.terminate()
            peer.wait()


def answers(url):
    with contextlib.suppress(conftest.requests.RequestException):
        return conftest.requests.get(url, timeout=5).ok
    return False


def default_against_peers(photos, settings, seconds, package_photos_per_s):
    """The service with its default models, stored and direct, against the package and against a service in Python."""
    peer = python_service(photos, seconds)
    with service(settings, defaults=DEFAULT) as running:
        running.load(photos, seconds / 4, query="?min_face_px=40")
        stored = running.load(photos, seconds, query="?min_face_px=40")
        direct = running.load(photos, seconds, query="?min_face_px=40&durable=false")
    return {"service_photos_per_s": stored["jobs_per_s"], "direct_photos_per_s": direct["jobs_per_s"],
            "python_service_photos_per_s": peer["jobs_per_s"], "python_service_failed": peer["failed"],
            "service_faces_per_s": stored["faces_per_s"], "python_service_faces_per_s": peer["faces_per_s"],
            "default_over_package": round(stored["jobs_per_s"] / package_photos_per_s, 2),
            "default_over_python_service": round(stored["jobs_per_s"] / peer["jobs_per_s"], 2)}


PROCESSES = ("vultus-api", "vultus-broker", "vultus-worker")


def resident_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


def carried(running, photo, query, clients, seconds):
    """One load. Memory is looked at every 10 ms."""
    pids, most, over = {name: running.pids(name)[0] for name in PROCESSES}, dict.fromkeys(PROCESSES, 0), threading.Event()

    def watch():
        while not over.wait(0.01):
            for name, pid in pids.items():
                most[name] = max(most[name], resident_mb(pid))
    watcher = threading.Thread(target=watch)
    watcher.start()
    before = {name: process_time(pid)[1] for name, pid in pids.items()}
    came = running.load([photo], seconds, query=query, clients=clients)
    spent = {name: process_time(pid)[1] - before[name] for name, pid in pids.items()}
    over.set()
    watcher.join()
    photos = came["jobs"] * (seconds + 1) / seconds  # the first second is not counted, and is served
    return {"photos_per_s": came["jobs_per_s"], "refused": came["refused"], "failed": came["failed"],
            "cpu_ms": {name: round(us / 1000 / photos, 2) for name, us in spent.items()},
            "most_mb": {name: round(mb) for name, mb in most.items()}}


def large(settings, seconds):
    """Direct photos: at most 24 of them have room in an api at one time."""
    with tempfile.TemporaryDirectory(prefix="vultus-photos-") as folder:
        path = pathlib.Path(folder, "large.jpg")
        path.write_bytes(enlarged(conftest.jpeg(Image.new("RGB", (64, 48), (96, 96, 96))), 2_000_000))
        with service(settings) as running:
            found = {"direct_8": carried(running, path, "?durable=false", 8, seconds),
                     "direct_24": carried(running, path, "?durable=false", 24, seconds),
                     "stored_64": carried(running, path, "", 64, seconds)}
    return found


STAGES = {"detect": ("decode", "detect", "align"), "embed": ("decode", "detect", "align", "embed"),
          "verify": ("decode", "detect", "align", "embed", "match")}


def asked(running, path, *photos):
    """The milliseconds of one unstored request, as the client sees it, and those of the worker's stages."""
    files = [("file", (f"{i}.jpg", photo)) for i, photo in enumerate(photos)]
    begin = time.perf_counter()
    answer = running.call("POST", path, params={"durable": "false"}, files=files)
    spent = 1000 * (time.perf_counter() - begin)
    if answer.status_code != 200:
        sys.exit(f"{path}: {answer.text}")
    return spent, answer.json()["timing_ms"]


def questions(settings, seconds):
    """The median over rounds of each question's time, over that of its stages in a recognize. Around the stages, HTTP and
    messages cost both the same (`around`); a verify is two photos of it."""
    one, other = ((ROOT / "build/photos" / name).read_bytes() for name in ("obama.jpg", "obama2.jpg"))
    ratios = {name: [] for name in STAGES}
    with service(settings) as running:
        end = time.monotonic() + seconds
        while time.monotonic() < end or len(ratios["verify"]) < 5:
            known = [asked(running, "/api/recognize", photo) for photo in (one, other)]
            around = [spent - sum(stages[name] for name in STAGES["verify"]) for spent, stages in known]
            own = [{name: sum(stages[one] for one in wanted) for name, wanted in STAGES.items()} for _, stages in known]
            for name in ("detect", "embed"):
                ratios[name].append(asked(running, f"/api/{name}", one)[0] / (own[0][name] + around[0]))
            pair = asked(running, "/api/verify", one, other)[0]
            ratios["verify"].append(pair / (own[0]["verify"] + own[1]["verify"] + max(around)))
    return {name: round(statistics.median(all_of), 3) for name, all_of in ratios.items()} | {
        "rounds": len(ratios["verify"])}


def on_photo_set(options):
    with tempfile.TemporaryDirectory(prefix="vultus-photos-") as folder:
        photos = photo_set.make(options.images, folder)
        found = {f"api_recognize_efficiency_{size}": efficiency(paths, options.set, options.seconds)
                 for size, paths in photos.items()}
        found["hog"] = against_package("hog", photos["250"][:100] + photos["640"][:20], options.seconds)
        found["cnn"] = against_package("cnn", photos["250"][:20] + photos["640"][:4], options.seconds)
        found["overload"] = overload(photos["250"], options.set, options.seconds)
        found["default"] = default_models(photos["250"], options.set, options.seconds)
        found["peers"] = default_against_peers(photos["250"], options.set, options.seconds, found["hog"]["package_photos_per_s"])
        sizes = photo_set.mixed(photos["250"], folder) + photo_set.of_40_megapixels(photos["250"], folder)
        found["memory"] = memory(sizes, options.set, options.memory_seconds)
    return found


def main():
    parser = argparse.ArgumentParser(prog="./test bench api")
    parser.add_argument("images", type=pathlib.Path, nargs="?")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--memory-seconds", type=float, default=60)
    parser.add_argument("--set", action="append", default=[], help="a setting of the service, section.key=value")
    options = parser.parse_args()
    found = {"large": large(options.set, options.seconds), "questions": questions(options.set, options.seconds)}
    if options.images:
        found.update(on_photo_set(options))
    found.update(ran_on())
    if options.json:
        print(json.dumps(found))
        return
    for key, value in found.items():
        print(f"{key}: {value}")


if __name__ == "__main__":
    main()
