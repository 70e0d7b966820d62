"""One round of `./test endure drain`, three in `./test full`: every process restarted under load, the functions upgraded."""
import argparse

import drain
import rules


def test_nobody_is_failed():
    verdict = rules.Verdict("drain")
    drain.run(argparse.Namespace(rounds=3 if rules.LONG else 1, clients=6, programs=rules.PROGRAMS), verdict)
    assert verdict.broken == []
    assert verdict.figures["answered"] > 100 and len(verdict.figures["restarts"]) == 5
