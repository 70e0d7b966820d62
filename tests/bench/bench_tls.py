#!/usr/bin/env python3
"""What TLS costs: the same load on an api that speaks plain HTTP and on one with a certificate, in turns, on one Redis.

    ./test bench tls [--json] [--seconds 5] [--rounds 4]

photos: four clients send a photo of 640x480 to be recognised, each the next when the answer is there. small: four clients ask
GET /api/jobs?page_size=1. Both over connections that stay, requests a second, the best of the rounds; `ratio` is TLS over plain.
The clients and what they do for TLS share the cores; so small_cpu_us, the CPU time of the api for a small request, the least.
connect: a new connection for each small request, one client: milliseconds, the least median.
"""
import argparse
import json
import pathlib
import multiprocessing
import socket
import ssl
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/bench")]
import conftest  # noqa: E402
from bench_access import Api, ready  # noqa: E402
from ran_on import ran_on  # noqa: E402
from test_tls import certificate, settings_of  # noqa: E402

CLIENTS, WANTED = 4, 0.85
SMALL = b"GET /api/jobs?page_size=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"


def photo_request():
    photo = sorted((ROOT / "build/photos").glob("*.jpg"))[0].read_bytes()
    picture = conftest.Image.open(conftest.io.BytesIO(photo)).convert("RGB").resize((640, 480))
    body = conftest.jpeg(picture)
    return (b"POST /api/recognize HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=30\r\nContent-Type: image/jpeg\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)) + body


def opened(port, files):
    link = socket.create_connection(("127.0.0.1", port), timeout=60)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ssl.create_default_context(cafile=files[0]).wrap_socket(link, server_hostname="localhost") if files else link


def ask(link, request):
    link.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += link.recv(65536)
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200"), answer[:500]
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    while len(body) < length:
        body += link.recv(65536)


def load(port, files, request, seconds, counts):
    with opened(port, files) as link:
        ask(link, request)
        end, count = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            ask(link, request)
            count += 1
    counts.put(count)


def rate(port, files, request, seconds):
    counts = multiprocessing.Queue()
    clients = [multiprocessing.Process(target=load, args=(port, files, request, seconds, counts)) for _ in range(CLIENTS)]
    for one in clients:
        one.start()
    total = sum(counts.get(timeout=seconds + 60) for _ in clients)
    for one in clients:
        one.join()
    return total / seconds


def small_load(api, files, seconds):
    """Requests a second, and the api's CPU time for one in microseconds."""
    before = api.cpu_us()
    many = rate(api.port, files, SMALL, seconds)
    return many, (api.cpu_us() - before) / (many * seconds)


def connect_ms(port, files, seconds):
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.perf_counter()
        with opened(port, files) as link:
            ask(link, SMALL)
        times.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=4)
    wanted = parser.parse_args()
    best = {way: {"photos": 0, "small": 0, "small_cpu_us": 1e9, "connect_ms": 1e9} for way in ("plain", "tls")}
    with conftest.running() as service, tempfile.TemporaryDirectory() as folder:
        files = certificate(pathlib.Path(folder))
        plain, secure = Api(service.data), Api(service.data, *settings_of(files))
        try:
            conftest.wait_until(lambda: ready(lambda: opened(plain.port, None)), what="the plain api")
            conftest.wait_until(lambda: ready(lambda: opened(secure.port, files)), what="the api with TLS")
            for _ in range(wanted.rounds):
                for way, api, how in (("plain", plain, None), ("tls", secure, files)):
                    now = best[way]
                    now["photos"] = max(now["photos"], rate(api.port, how, photo_request(), wanted.seconds))
                    many, cpu_us = small_load(api, how, wanted.seconds)
                    now["small"], now["small_cpu_us"] = max(now["small"], many), min(now["small_cpu_us"], cpu_us)
                    now["connect_ms"] = min(now["connect_ms"], connect_ms(api.port, how, 1))
        finally:
            for api in (plain, secure):
                api.process.terminate()
                api.process.wait()
    out = {way: {name: round(value, 2) for name, value in row.items()} for way, row in best.items()}
    out["ratio"] = {name: round(best["tls"][name] / best["plain"][name], 3) for name in ("photos", "small")}
    out.update(wanted={"photos": WANTED}, **ran_on())
    print(json.dumps(out) if wanted.json else json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
