"""`./test endure overload` for some seconds, in `./test full` a minute: the same rules."""
import argparse

import overload
import rules


def test_it_stays_small_and_serves_who_behaves():
    verdict = rules.Verdict("overload")
    more = {"seconds": 60.0, "connections": 5000, "jobs": 10_000} if rules.LONG else {"seconds": 4.0, "connections": 1200, "jobs": 1500}
    overload.run(argparse.Namespace(programs=rules.PROGRAMS, **more), verdict)
    assert verdict.broken == []
