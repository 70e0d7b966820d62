#!/usr/bin/env python3
"""Live sessions whose clients send pictures and never read an answer: nothing grows, and others see their picture as before.

    ./test endure stalled [--seconds 1800] [--sessions 8]

Each such session has a small receive buffer, sends 20 frames a second, and comes again when the api has ended it (an answer that
cannot be written for 30 s). Beside them one session sends 10 frames a second and reads. Rules: each frame of the reader is answered or
said to be dropped; every stalled session is ended; descriptors and threads do not grow; over 600 s also: the reader's median does
not double, memory of api, broker and worker grows by less than 1 MB after the first fifth. A run of 90 s at most ends as soon as
every stalled session was ended once.
"""
import statistics
import sys
import tempfile
import threading
import time

import rules
import world as worlds
from conftest import jpeg
from live_client import Live
from PIL import Image

ROOM = 4_096    # of a stalled client's receive buffer
LONGEST = 90    # seconds that a stalled session may live: its buffers fill, then write_time
SETTLED_MB = 1.0


def frame(n):
    return jpeg(Image.new("RGB", (96, 96), (32 + 80 * (n % 3), 112, 192)))


class Stalled(threading.Thread):
    def __init__(self, port, over):
        super().__init__(daemon=True)
        self.port, self.over, self.ended, self.longest = port, over, 0, 0.0

    def run(self):
        while not self.over.is_set():
            try:
                live = Live(self.port, room=ROOM)
            except (OSError, ConnectionError):
                time.sleep(0.2)
                continue
            begin = time.monotonic()
            live.socket.settimeout(1)
            try:
                while not self.over.wait(0.05):
                    try:
                        live.frame(frame(live.sent))
                    except TimeoutError:
                        pass  # the api does not read on while it cannot write
            except OSError:
                self.ended += 1
            finally:
                self.longest = max(self.longest, time.monotonic() - begin)
                live.close()


class Reader(threading.Thread):
    def __init__(self, port, over):
        super().__init__(daemon=True)
        self.port, self.over, self.times, self.wrong = port, over, [], None

    def run(self):
        live = Live(self.port)
        try:
            while not self.over.is_set():
                begin = time.monotonic()
                said = live.ask(frame(0))
                self.times.append(time.monotonic() - begin)
                assert said["type"] == "frame", said
                self.over.wait(max(0.0, 0.1 - self.times[-1]))
        except (AssertionError, OSError, KeyError) as why:
            self.wrong = repr(why)
        finally:
            live.close()


def judge_reader(reader, options, verdict):
    verdict.rule(reader.wrong is None, f"the reader: {reader.wrong}")
    part = max(1, len(reader.times) // 5)
    first, last = statistics.median(reader.times[:part]), statistics.median(reader.times[-part:])
    verdict.figures.update(answers=len(reader.times), first_ms=round(1e3 * first, 1), last_ms=round(1e3 * last, 1))
    if options.seconds >= 600:
        verdict.rule(last <= 2 * first + 0.005, f"the reader's median went from {first:.3f} to {last:.3f} s")


def judge_growth(points, options, verdict):
    for name, samples in points.items():
        settled = samples[len(samples) // 5:]
        grown = {what: settled[-1][what] - settled[0][what] for what in settled[0]}
        verdict.figures[name] = grown
        verdict.say(f"{name}: {grown}")
        verdict.rule(max(grown["files"], grown["threads"]) <= options.sessions + 4, f"{name} grew by {grown}")
        if options.seconds >= 600:
            verdict.rule(grown["memory_kb"] <= 1_024 * SETTLED_MB, f"{name} grew by {grown['memory_kb']} kB")


def run(options, verdict):
    with tempfile.TemporaryDirectory(prefix="vultus-s-") as folder:
        world = worlds.World(folder, options.programs, brokers=1, apis=1, workers=1)
        over, points = threading.Event(), {}
        try:
            world.start()
            port = int(world.urls()[0].rsplit(":", 1)[1])
            stalled = [Stalled(port, over) for _ in range(int(options.sessions))]
            reader = Reader(port, over)
            for client in (*stalled, reader):
                client.start()
            end = time.monotonic() + options.seconds
            while time.monotonic() < end and (options.seconds > LONGEST or not all(one.ended for one in stalled)):
                time.sleep(min(5.0, options.seconds / 20))
                for one in (world.apis[0], world.brokers[0], world.workers[0]):
                    points.setdefault(one.name, []).append(rules.has(one.process.pid))
            over.set()
            for client in (*stalled, reader):
                client.join(60)
        finally:
            over.set()
            world.stop()
    ended, longest = sum(one.ended for one in stalled), max(one.longest for one in stalled)
    verdict.figures.update(ended=ended, longest_s=round(longest, 1))
    verdict.say(f"{ended} stalled sessions were ended, the longest after {longest:.0f} s")
    verdict.rule(longest <= LONGEST, f"a stalled session lived {longest:.0f} s")
    verdict.rule(ended >= len(stalled) * (options.seconds // LONGEST), f"only {ended} stalled sessions were ended")
    judge_reader(reader, options, verdict)
    judge_growth(points, options, verdict)


if __name__ == "__main__":
    sys.exit(rules.main("stalled", __doc__, run, seconds=1800.0, sessions=8))
