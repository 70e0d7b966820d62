"""The first 20 of the 1,000 kills of `./test endure kills`, with both kinds of rewrite and of torn end; in `./test full` 100."""
import argparse

import kills
import rules


def test_nothing_is_lost():
    verdict = rules.Verdict("kills")
    number = 100 if rules.LONG else 20
    kills.run(argparse.Namespace(kills=number, seed=1, programs=rules.PROGRAMS), verdict)
    assert verdict.broken == []
    assert verdict.figures["accepted"] > 100 and verdict.figures["completed"] > 10 and verdict.figures["kills"] == number
    assert verdict.figures["torn_tails"] == number // 10 and verdict.figures["rewrites_done"] >= 1
