"""Clients of the queue that know what was acknowledged to them: some accept jobs and some complete them through the
functions Redis runs, some go through the api. Each works alone, on its own connection.
"""
import hashlib
import io
import random
import secrets
import threading
import time
import uuid

import redis
import requests
import world as worlds
from PIL import Image

P = worlds.PREFIX
PHOTO_SIZES = (200, 900, 4_000, 12_000)


def job_id():
    """A UUIDv7 of shard 0, as the api makes them."""
    number = int(time.time() * 1000) << 80 | 7 << 76 | 2 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=number))


def picture(chance):
    """A PNG of noise, so that no two are alike."""
    out, side = io.BytesIO(), chance.choice((8, 20, 40))
    Image.frombytes("RGB", (side, side), chance.randbytes(3 * side * side)).save(out, "PNG")
    return out.getvalue()


class Book:
    """What clients were told. `sent` may be there or not; `accepted` must be, `finished` with that result."""

    def __init__(self):
        self.lock, self.sent, self.accepted, self.finished = threading.Lock(), set(), {}, {}

    def turn_page(self):
        """What was accepted is looked at and deleted; what is not known yet stays."""
        self.sent -= set(self.accepted)
        self.accepted, self.finished = {}, {}

    def will_send(self, job):
        with self.lock:
            self.sent.add(job)

    def was_accepted(self, job, body):
        with self.lock:
            self.sent.add(job)
            self.accepted[job] = hashlib.sha256(body).digest()

    def was_finished(self, job, result):
        with self.lock:
            self.finished[job] = result


class Client(threading.Thread):
    def __init__(self, number, store, book, seed):
        super().__init__(name=f"client-{number}", daemon=True)
        self.store, self.book, self.chance = store, book, random.Random(f"{seed}/{number}")
        self.number, self.may, self.rests, self.last = number, threading.Event(), threading.Event(), False
        self.done, self.wrong, self.again = 0, [], None  # again: what was sent and not answered

    def run(self):
        while not self.last or self.again:
            self.rests.clear()  # before it looks: who sees it rest after taking `may` away sees the truth
            if not self.may.is_set():
                self.rests.set()
                self.may.wait(0.05)
                continue
            try:
                self.work()
            except (redis.RedisError, requests.RequestException, OSError):
                time.sleep(0.002)  # it was killed; what was on its way may have happened or not
        self.rests.set()

    def call(self, name, *words):
        return self.connection.fcall(f"vultus1_{name}", 1, P, *words)

    def expect(self, answer, *words):
        if answer[0].decode() not in words:
            self.wrong.append(f"{self.name}: {answer[:3]}, not one of {words}")


class Accepting(Client):
    """accept by Redis' function; what it does not know is sent again with the same id."""

    def __init__(self, *more):
        super().__init__(*more)
        self.connection = self.store.connection()

    def work(self):
        job, body = self.again or (job_id(), self.chance.randbytes(self.chance.choice(PHOTO_SIZES)))
        self.again = job, body
        self.book.will_send(job)
        answer = self.call("accept", job, "recognize", "default", "interactive", "{}", "", "kills", "", 3_600_000,
                           "", "", 1_000_000, 1 << 30, body)
        self.expect(answer, "ok", "dup")
        self.book.was_accepted(job, body)
        self.again = None
        self.done += 1


class Finishing(Client):
    """A worker: leases, starts, completes."""

    def __init__(self, *more):
        super().__init__(*more)
        self.connection, self.worker = self.store.connection(), f"kills-1-cpu-{self.number:08x}"

    def work(self):
        answer = self.call("lease", self.worker, 1, 0, 4, 10_000, "")
        if answer[0] == b"gone":
            return self.call("register", self.worker, 1, 8_000, "kills", 1, "cpu", "test", "recognize,train")
        self.expect(answer, "ok")
        rows = [answer[3 + 10 * i:13 + 10 * i] for i in range(int(answer[2]))]
        if not rows:
            time.sleep(0.005)
        for job, attempt, *_ in rows:
            result = '{"faces":[],"number":%d}' % self.chance.getrandbits(40)
            self.call("started", self.worker, job, attempt)
            answer = self.call("complete_recognize", job, attempt, self.worker, 0, result, "")
            self.expect(answer, "succeeded", "stale")
            if answer[0] == b"succeeded":
                self.book.was_finished(job.decode(), result.encode())
                self.done += 1


class OverHttp(Client):
    """recognize through the api, with a key; sent again until it is known."""

    def __init__(self, number, store, book, seed, url):
        super().__init__(number, store, book, seed)
        self.url, self.http = url, requests.Session()

    def work(self):
        key, body = self.again or (str(uuid.uuid4()), picture(self.chance))
        self.again = key, body
        answer = self.http.post(f"{self.url}/api/recognize", data=body, timeout=10,
                                headers={"Content-Type": "image/png", "Idempotency-Key": key})
        if answer.status_code == 202:
            self.book.was_accepted(answer.json()["id"], body)
            self.again = None
            self.done += 1
        elif answer.status_code != 503:
            self.wrong.append(f"{answer.status_code} {answer.text[:200]}")
            self.again = None
        else:
            time.sleep(0.02)  # sooner than Retry-After: the kills come faster
