#!/usr/bin/env python3
"""Starts Redis, the broker, the workers and the api, restarts those that die, and stops all in order.

./run executes this after building. Each program is a child with a log in <data>/log; one that ends
unexpectedly is restarted after a back-off. SIGINT or SIGTERM drains: first the api (no new work), then
the workers (they finish their jobs), the broker and Redis; a second signal ends everything at once.
SIGHUP, also from a closed terminal, only makes the api read its certificate again.
Python's standard library only; the parts are in config/starting.
"""
import os
import signal
import sys

from starting.init import reap_if_first
from starting.output import OUT, Refused, flush_quietly, open_standard_descriptors
from starting.service import Service
from starting.words import read_words

REFUSED = 2


def run(service):
    try:
        service.prepare()
        if service.words.ctl:
            return service.once(service.words.ctl)
        if service.start():
            service.watch()
        OUT.say("stopping")
        service.stop()
        OUT.say("stopped")
        return 0
    except Refused as why:
        OUT.refuse(why)
        return REFUSED
    finally:
        service.stop()


def main():
    open_standard_descriptors()
    reap_if_first()
    os.umask(0o077)  # photos, names and vectors are readable by this user only
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        if sys.argv[1:2] == ["--check-words"]:  # ./run, before it builds
            read_words(sys.argv[2:])
            return 0
        words = read_words()
        if words.doctor:
            from starting.doctor import doctor  # which needs config/fetch.py
            return doctor(words)
        service = Service(words)
        signal.signal(signal.SIGINT, service.on_stop)
        signal.signal(signal.SIGTERM, service.on_stop)
        signal.signal(signal.SIGHUP, service.on_reload)
        return run(service)
    except Refused as why:
        OUT.refuse(why)
        return REFUSED
    except OSError as why:
        OUT.refuse(f"cannot start: {why}")
        return REFUSED


if __name__ == "__main__":
    code = main()
    flush_quietly()
    sys.exit(code)
