"""`./test endure overload` for some seconds: the same rules."""
import argparse

import overload
import rules


def test_it_stays_small_and_serves_who_behaves():
    verdict = rules.Verdict("overload")
    overload.run(argparse.Namespace(seconds=4.0, connections=1200, jobs=1500, programs=rules.PROGRAMS), verdict)
    assert verdict.broken == []
