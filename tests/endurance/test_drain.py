"""One round of `./test endure drain`: every process restarted once under load, and the functions upgraded."""
import argparse

import drain
import rules


def test_nobody_is_failed():
    verdict = rules.Verdict("drain")
    drain.run(argparse.Namespace(rounds=1, clients=6, programs=rules.PROGRAMS), verdict)
    assert verdict.broken == []
    assert verdict.figures["answered"] > 100 and len(verdict.figures["restarts"]) == 5
