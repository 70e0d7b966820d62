#!/usr/bin/env python3
"""The cost of the queue itself: jobs that compute nothing, through the real api, Redis (appendfsync always),
broker and a worker that answers at once. Closed loop, one job in flight a client; 1, 16 and 64 clients.
Then what a lease costs Redis' one thread with 10,000 jobs waiting, for a worker that prefers a detector and for one
that does not. Prints a table, or with --json one object with clients_1, clients_16, clients_64, lease_us and Redis'
own SET/s.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
import conftest  # noqa: E402
from PIL import Image  # noqa: E402
from ran_on import ran_on  # noqa: E402

BUILT = ROOT / "build/e2e/bin"


def redis_sets(data, number):
    """SET/s of redis-benchmark with 16 clients, on the same server and disk."""
    done = subprocess.run(["redis-benchmark", "-s", f"{data}/run/redis.sock", "-t", "set", "-c", "16",
                           "-n", str(number), "-q"], capture_output=True, text=True, check=True)
    return round(float(re.findall(r"SET: ([0-9.]+) requests", done.stdout)[-1]))


LEASES = {  # what waits, what the workers prefer in turns, jobs a call
    "any job, 16": ("both", [""], 16), "a preference, 16": ("both", ["hog", "cnn"], 16),
    "any job, 1": ("both", [""], 1), "a preference, 1": ("both", ["hog", "cnn"], 1),
    "hog where cnn alone waits": ("cnn", ["hog"], 16)}


def thread_us(store):
    used = store.info("cpu")
    return 1e6 * (used["used_cpu_user_main_thread"] + used["used_cpu_sys_main_thread"])


def lease_us(store, waiting):
    """CPU time of Redis' thread for one lease while so many jobs wait, under a prefix that no broker looks at."""
    found, calls = {}, waiting // 50
    for name, (waits, prefers, jobs) in LEASES.items():
        prefix = f"vultus:{{{len(found)}-bench}}:"
        store.fcall("vultus1_register", 1, prefix, "w", 1, 1_000_000, "host", 1, "cpu", "b", "recognize")
        line = store.pipeline(transaction=False)
        for number in range(waiting):
            options = {"detector": "cnn" if waits == "cnn" or number % 2 else "hog", "min_face_px": 40, "distance_max": 0.0,
                       "k": 0, "annotate": False, "embeddings": False, "num_jitters": 1}
            line.fcall("vultus1_accept", 1, prefix, f"{number:08x}-0000-7000-8000-000000000000", "recognize", "default",
                       "interactive", json.dumps(options), "", "bench", "", 3_600_000, "", "", 1_000_000, 1 << 30, b"photo")
        line.execute()
        begin = thread_us(store)
        for call in range(calls):
            answer = store.fcall("vultus1_lease", 1, prefix, "w", 1, 0, jobs, 10_000_000, "recognize",
                                 prefers[call % len(prefers)], 0)
            assert int(answer[2]) == (0 if waits == "cnn" else jobs), answer[:3]
        found[name] = round((thread_us(store) - begin) / calls)
    return found


def main():
    parser = argparse.ArgumentParser(prog="./test bench queue")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--waiting", type=int, default=10_000, help="jobs that wait where a lease is measured; SETs by four")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vultus-bench-") as folder:
        programs = pathlib.Path(folder, "bin")
        programs.mkdir()
        for name, target in (("broker", "vultus-broker"), ("api", "vultus-api"), ("worker", "null_worker")):
            (programs / f"vultus-{name}").symlink_to(BUILT / target)
        photo = pathlib.Path(folder, "photo.jpg")
        photo.write_bytes(conftest.jpeg(Image.new("RGB", (64, 64), (90, 100, 110))))
        service = conftest.Service(folder, environment={"VULTUS_BIN": str(programs)})
        try:
            service.wait_ready()
            found = {"redis_set_per_s": redis_sets(folder, 4 * options.waiting)}
            for clients in (1, 16, 64):
                done = subprocess.run([BUILT / "http_load", str(service.port), str(clients),
                                       str(options.seconds), "0", "", photo], capture_output=True, text=True)
                if done.returncode != 0:
                    sys.exit(f"http_load failed: {done.stdout}{done.stderr}\n{service.said()}{service.logs()}")
                found[f"clients_{clients}"] = json.loads(done.stdout)
            problems = service.fsck()
            found["lease_us"] = lease_us(service.redis(), options.waiting)
        finally:
            service.stop()
    if problems:
        sys.exit(f"fsck: {problems}")
    found.update(ran_on())
    if options.json:
        print(json.dumps(found))
        return
    print(f"{found['machine']}, commit {found['commit']}; redis-benchmark SET/s: {found['redis_set_per_s']}")
    for clients in (1, 16, 64):
        row = found[f"clients_{clients}"]
        print(f"{clients:3d} clients: {row['jobs_per_s']:6.0f} jobs/s  p50 {row['p50_ms']:.2f} ms  "
              f"p99 {row['p99_ms']:.2f} ms  failed {row['failed']}")
    for name, microseconds in found["lease_us"].items():
        print(f"lease, {name}: {microseconds:.0f} us")


if __name__ == "__main__":
    main()
