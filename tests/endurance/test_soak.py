"""The first 24 rounds of `./test endure soak`: right answers, two restarts, and nothing that grows with each round."""
import argparse

import rules
import soak


def test_nothing_grows():
    verdict = rules.Verdict("soak")
    soak.run(argparse.Namespace(rounds=24, programs=rules.PROGRAMS), verdict)
    assert verdict.broken == []
    assert verdict.figures["rounds"] == 24
