#!/usr/bin/env python3
"""More comes than can be done, and clients behave badly: the service stays small and answers those who behave.

    ./test endure overload [--seconds 600] [--connections 5000] [--jobs 100000]

1. Twice the measured capacity, open loop, for so many seconds, beside obedient clients that wait as long as a Retry-After
   says: memory of each process flat, every answer 200, 202 or 503 with Retry-After, an accepted job's p99 within what the
   queue may hold, the obedient accepted.
2. 200 clients that send one byte a second: others are served, each slow one is told 408.
3. Idle connections, five times as many as there may be: others are served.
4. So many finished jobs: listed in pages, each job once, then collected.
"""
import concurrent.futures
import json
import pathlib
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time

import requests
import rules
import world as worlds
from conftest import jpeg
from PIL import Image

QUEUE = 64       # jobs that may wait
MB_MAX = 24      # that a process may grow while it is overloaded, whatever comes
FEW, MANY = 2_000, 200_000  # finished jobs that are kept: few, so that Redis has as many as it keeps from the beginning on
SLOW = 200


class Load:
    """tests/bench/http_load.cpp: {"jobs_per_s", "p99_ms", "refused", "failed"…}; `said` is what failed."""

    def __init__(self, programs, url, folder):
        self.program, self.port = programs / "http_load", url.rsplit(":", 1)[1]
        self.photo = pathlib.Path(folder, "photo.jpg")
        self.photo.write_bytes(jpeg(Image.new("RGB", (96, 96), (112, 32, 192))))

    def run(self, clients, seconds, rate=0.0):
        words = [self.program, self.port, clients, seconds, rate, "", self.photo]
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
        assert done.returncode == 0, f"http_load: {done.returncode} {done.stdout}{done.stderr}"
        self.said = done.stderr
        return json.loads(done.stdout)


class Obedient(threading.Thread):
    """Sends a photo; told to come back later it does just then, and counts how often it was sent away in a row."""

    def __init__(self, url, photo, verdict):
        super().__init__(daemon=True)
        self.url, self.photo, self.verdict, self.over = url, photo, verdict, threading.Event()
        self.accepted, self.refusals, self.in_a_row, self.longest = 0, 0, 0, 0

    def run(self):
        http = requests.Session()
        while not self.over.is_set():
            answer = http.post(f"{self.url}/api/recognize", data=self.photo, timeout=60,
                               headers={"Content-Type": "image/jpeg"})
            if answer.status_code == 202:
                self.accepted += 1
                self.in_a_row = 0
                self.over.wait(0.5)
                continue
            if not self.verdict.rule(answer.status_code == 503 and "Retry-After" in answer.headers,
                                     f"{answer.status_code} {answer.text[:200]}"):
                return
            self.refusals += 1
            self.in_a_row += 1
            self.longest = max(self.longest, self.in_a_row)
            self.over.wait(float(answer.headers["Retry-After"]))


class Memory(threading.Thread):
    """The largest each process ever was, from now on, over what it is now."""

    def __init__(self, processes):
        super().__init__(daemon=True)
        self.processes, self.over = processes, threading.Event()
        self.first = {one.name: rules.has(one.process.pid)["memory_kb"] for one in processes}
        self.most = dict(self.first)

    def run(self):
        while not self.over.wait(0.2):
            for one in self.processes:
                if now := rules.has(one.process.pid):
                    self.most[one.name] = max(self.most[one.name], now["memory_kb"])

    def grown_mb(self):
        self.over.set()
        self.join()
        return {name: round((self.most[name] - self.first[name]) / 1024, 1) for name in self.first}


def small_memory(verdict, what, memory):
    grown = verdict.figures[f"{what}_grown_mb"] = memory.grown_mb()
    verdict.say(f"{what}: grown by {grown} MB")
    for name, mb in grown.items():
        verdict.rule(mb <= MB_MAX, f"{what}: {name} grew by {mb} MB")


def twice_the_capacity(world, load, options, verdict):
    url, seconds = world.urls()[0], options.seconds
    load.run(16, 2)
    capacity = load.run(16, max(2, min(10, seconds / 4)))["jobs_per_s"]
    memory = Memory(world.all)
    memory.start()
    clients = [Obedient(url, load.photo.read_bytes(), verdict) for _ in range(4)]
    for client in clients:
        client.start()
    came = load.run(4 * QUEUE, seconds, 2 * capacity)
    for client in clients:
        client.over.set()
        client.join()
    verdict.figures.update(capacity=capacity, overload=came, obedient_accepted=sum(one.accepted for one in clients),
                           obedient_refusals=sum(one.refusals for one in clients),
                           obedient_refusals_in_a_row=max(one.longest for one in clients))
    verdict.say(f"capacity {capacity}/s, offered {2 * capacity:.0f}/s: {came}; obedient clients: "
                f"{verdict.figures['obedient_accepted']} accepted, {verdict.figures['obedient_refusals']} refused, "
                f"at most {verdict.figures['obedient_refusals_in_a_row']} in a row")
    verdict.rule(came["failed"] == 0, f"{came['failed']} answers other than 200, or 503 with Retry-After: {load.said[:1_000]}")
    verdict.rule(came["refused"] > 0, "it was no overload")
    # Time counts from when the photo was due: what a client needs to be free, the queue, and the job itself.
    bound_ms = 1_000 * (5 + (4 * QUEUE + QUEUE) / (capacity / 4))
    verdict.rule(came["p99_ms"] <= bound_ms, f"p99 of what was accepted: {came['p99_ms']} ms, over {bound_ms:.0f}")
    for client in clients:
        verdict.rule(client.accepted > 0, "a client that did as Retry-After says was never accepted")
    small_memory(verdict, "overload", memory)


def served(url, load, verdict, what):
    """One request as anybody's, while others misbehave."""
    begin = time.monotonic()
    try:
        for _ in range(30):
            answer = requests.post(f"{url}/api/recognize", data=load.photo.read_bytes(), timeout=30,
                                   headers={"Content-Type": "image/jpeg", "Prefer": "wait=20"})
            if answer.status_code != 503:
                break
            time.sleep(min(1.0, float(answer.headers["Retry-After"])))
        verdict.rule(answer.status_code == 200, f"{what}: {answer.status_code} {answer.text[:200]}")
    except requests.RequestException as broken:
        verdict.rule(False, f"{what}: {broken}")
    return time.monotonic() - begin


def address_of(url):
    return "127.0.0.1", int(url.rsplit(":", 1)[1])


def slow_clients(world, load, options, verdict):
    """A byte a second, in the header and in the body. A slow one is told so after ten seconds, and served never."""
    url, memory = world.urls()[0], Memory(world.all)
    memory.start()
    head = (f"POST /api/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
            f"Content-Length: {load.photo.stat().st_size}\r\n\r\n").encode()
    texts = [b"GET /api/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 200,
             head + load.photo.read_bytes()[:100]]

    def crawl(number):
        said = b""
        with socket.create_connection(address_of(url), timeout=30) as connection:
            text = texts[number % 2]
            sent = 1 if number % 2 == 0 else len(head)
            connection.sendall(text[:sent])
            connection.settimeout(1)
            end = time.monotonic() + 40
            while time.monotonic() < end:
                try:
                    part = connection.recv(4096)
                    said += part
                    if not part or b"\r\n\r\n" in said:
                        break
                except TimeoutError:
                    connection.sendall(text[sent:sent + 1])
                    sent += 1
                except OSError:
                    break
        return said
    with concurrent.futures.ThreadPoolExecutor(SLOW) as pool:
        crawling = [pool.submit(crawl, number) for number in range(SLOW)]
        longest = max(served(url, load, verdict, "beside slow clients") for _ in range(5))
        told = sum(one.result().startswith(b"HTTP/1.1 408") for one in crawling)
    verdict.figures.update(slow_clients=SLOW, slow_told=told)
    verdict.say(f"{SLOW} slow clients: {told} were told 408; others were served within {longest:.1f} s")
    verdict.rule(told == SLOW, f"{told} of {SLOW} slow clients were told 408")
    small_memory(verdict, "slow", memory)


def idle_connections(world, load, options, verdict):
    url, memory, held = world.urls()[0], Memory(world.all), []
    memory.start()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, options.connections + 1_000), hard))
    try:
        for _ in range(options.connections):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(address_of(url))
            held.append(one)
            if len(held) % 100 == 0:
                time.sleep(0.02)
        longest = max(served(url, load, verdict, "beside idle connections") for _ in range(5))
        verdict.say(f"{len(held)} idle connections: others were served within {longest:.1f} s")
        verdict.figures.update(idle_connections=len(held))
    finally:
        for one in held:
            one.close()
    small_memory(verdict, "idle", memory)


def keep_finished(world, most):
    """Starts the broker again with that setting."""
    broker = world.brokers[0]
    broker.send(15)
    broker.process.wait(60)
    broker.command += ["--set", f"broker.finished_jobs_max={most}"]
    broker.start()


def finished_jobs(world, load, options, verdict):
    """Made by the functions that Redis runs, listed over HTTP, and collected by a broker that may keep few."""
    url, store = world.urls()[0], world.store()
    from queue_clients import job_id  # beside the clients of the other run
    made, before = set(), store.zcard(f"{worlds.PREFIX}queue:all")
    keep_finished(world, MANY)
    memory = Memory([*world.apis, *world.brokers])
    memory.start()
    for _ in range(0, options.jobs, 500):
        pipe = store.pipeline(transaction=False)
        for job in [job_id() for _ in range(min(500, options.jobs))]:
            pipe.fcall("vultus1_accept", 1, worlds.PREFIX, job, "train", "nobody", "bulk", "{}", "x", "", "", 3_600_000,
                       "", "", 1_000_000, 1 << 30, b"x")
            pipe.fcall("vultus1_cancel", 1, worlds.PREFIX, job)
            made.add(job)
        pipe.execute()
    verdict.say(f"{len(made)} jobs made")
    listed, pages, token, http = [], 0, None, requests.Session()
    while pages == 0 or token:
        page = http.get(f"{url}/api/jobs", params={"page_size": 1000, **({"page_token": token} if token else {})},
                        timeout=30)
        if not verdict.rule(page.status_code == 200, f"page {pages}: {page.status_code} {page.text[:200]}"):
            break
        page = page.json()
        listed += [job["id"] for job in page["jobs"]]
        token, pages = page.get("next_page_token"), pages + 1
    verdict.rule(len(listed) == len(set(listed)), "a job is listed twice")
    verdict.rule(made <= set(listed), f"{len(made - set(listed))} of {len(made)} jobs are not listed")
    verdict.say(f"{len(listed)} jobs listed in {pages} pages")
    keep_finished(world, 10)
    done = f"{worlds.PREFIX}queue:done"
    worlds.wait_until(lambda: store.zcard(done) <= 10, 60 + options.jobs / 100, "the collection")
    left = len(list(store.scan_iter(f"{worlds.PREFIX}job:*", count=1000)))
    verdict.rule(left <= 20, f"{left} keys of jobs after the collection of all but 10")
    verdict.figures.update(finished_jobs=len(made), listed=len(listed), pages=pages, before=before)
    small_memory(verdict, "finished", memory)


def run(options, verdict):
    with tempfile.TemporaryDirectory(prefix="vultus-l-") as folder:
        world = worlds.World(folder, options.programs, brokers=1, apis=1, workers=2)
        world.apis[0].command += ["--set", f"api.queue_jobs_max={QUEUE}"]
        world.brokers[0].command += ["--set", f"broker.finished_jobs_max={FEW}"]
        try:
            world.start_links()
            for one in world.all:
                one.start()
            worlds.wait_until(world.ready, 60, f"the service (logs: {folder}/log)")
            load = Load(options.programs, world.urls()[0], folder)
            for part in (twice_the_capacity, slow_clients, idle_connections, finished_jobs):
                part(world, load, options, verdict)
            wrong = worlds.fsck(world.store())
            verdict.rule(not wrong, f"fsck: {wrong[:3]}")
        finally:
            world.stop()


if __name__ == "__main__":
    sys.exit(rules.main("overload", __doc__, run, seconds=600.0, connections=5000, jobs=100_000))
