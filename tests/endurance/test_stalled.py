"""`./test endure stalled` for as long as a stalled session lives, in `./test full` for five minutes: the same rules."""
import argparse

import rules
import stalled


def test_who_never_reads_disturbs_nobody():
    verdict = rules.Verdict("stalled")
    stalled.run(argparse.Namespace(seconds=300.0 if rules.LONG else 90.0, sessions=4, programs=rules.PROGRAMS), verdict)
    assert verdict.broken == []
    assert verdict.figures["answers"] > 50
