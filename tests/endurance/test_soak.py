"""The first 24 rounds of `./test endure soak`, in `./test full` 200: right answers, two restarts, and nothing that grows
with each round."""
import argparse

import rules
import soak


def test_nothing_grows():
    verdict = rules.Verdict("soak")
    rounds = 200 if rules.LONG else 24
    soak.run(argparse.Namespace(rounds=rounds, programs=rules.PROGRAMS), verdict)
    assert verdict.broken == []
    assert verdict.figures["rounds"] == rounds
