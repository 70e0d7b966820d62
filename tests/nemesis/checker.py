#!/usr/bin/env python3
"""Reads a history of the nemesis and says what cannot have happened. Pure: a history goes in, faults come out.

    checker.py HISTORY.jsonl

One JSON object a line. An operation of a client:
  {"op": "train"|"forget"|"clear"|"recognize"|"direct", "room", "person", "begin", "end", "outcome", "job", "version",
   "said", "floor", "key_jobs"}
  begin, end    seconds on the clients' clock; the operation happened between them. end is null: nobody saw its end.
  accepted      when the client first heard its job's id, or null. Changes and trains take effect in the order in which they
                were accepted, so one that was accepted before another began comes before it.
  outcome       "ok": it ended succeeded · "refused": it was not accepted (503, 429), so it never happened ·
                "failed": accepted, and ended otherwise · "unknown": nobody knows whether it was accepted or how it ended
  job           its id, null if it has none; key_jobs: every id that answers to its idempotency key gave
  version       of the gallery, of an "ok" one; floor: the highest version this client knew of the room when it began
  said          recognize, direct: the names in the answer
  behind        changes: registered workers that still held an older gallery when it had succeeded
and at the end {"jobs": {id: state}, "ends": {id: count of terminal events}, "fsck": [...], "images": n, "crashed": n,
"workers_harmed": bool, "reply_s": seconds}: what the store says when nothing moves any more, how often a job was held to
have ended a worker, whether a worker was struck at all, and how long an answer may have been on its way from the api's
last look at the gallery to the client (the longest time that an api may have been stopped, and a second).
"""
import json
import sys

TERMINAL = {"succeeded", "failed", "dead", "cancelled"}
FOREVER = float("inf")


def end_of(operation):
    return FOREVER if operation["end"] is None else operation["end"]


def accepted_of(operation):
    return end_of(operation) if operation["accepted"] is None else operation["accepted"]


def took_effect(operation, jobs):
    """True, False, or None where nobody can say."""
    if operation["outcome"] == "ok":
        return True
    if operation["outcome"] == "refused":
        return False
    if operation["job"] is not None:
        return jobs.get(operation["job"]) == "succeeded" or None
    return None


def expected(recognize, trains, removals, reply_s):
    """The one thing that this answer may say: the person, "unknown", or None if both are possible. `trains` and
    `removals` are those of the person and room that may have taken effect: (operation, surely). A direct answer looks at
    the removals last of all, `reply_s` at most before it is here; a stored one when it is stored, which nobody saw."""
    looked = recognize["begin"]
    if recognize["op"] == "direct":
        looked = max(looked, end_of(recognize) - reply_s)
    live = False
    for train, surely in trains:
        if train["begin"] > end_of(recognize):
            continue
        gone = any(removal["begin"] > accepted_of(train) and end_of(removal) < looked
                   for removal, sure in removals if sure)
        if gone:
            continue
        safe = surely and end_of(train) < recognize["begin"] and all(
            accepted_of(removal) < train["begin"] or removal["begin"] > end_of(recognize) for removal, _ in removals)
        if safe:
            return recognize["person"]
        live = True
    return None if live else "unknown"


def check_answers(operations, jobs, reply_s):
    changes = {}
    for operation in operations:
        if operation["op"] in ("train", "forget", "clear"):
            effect = took_effect(operation, jobs)
            if effect is not False:
                changes.setdefault(operation["room"], []).append((operation, effect is True))
    faults, decided = [], 0
    for answer in operations:
        if answer["op"] not in ("recognize", "direct") or answer["outcome"] != "ok":
            continue
        mine = changes.get(answer["room"], [])
        trains = [one for one in mine if one[0]["op"] == "train" and one[0]["person"] == answer["person"]]
        removals = [one for one in mine if one[0]["op"] == "clear" or
                    (one[0]["op"] == "forget" and one[0]["person"] == answer["person"])]
        wanted = expected(answer, trains, removals, reply_s)
        decided += wanted is not None
        if answer["said"] not in ([answer["person"]], ["unknown"]):
            faults.append(("wrong name", answer))
        elif wanted is not None and answer["said"] != [wanted]:
            faults.append(("stale answer" if wanted == "unknown" else "forgotten face", answer))
        if answer["version"] < answer["floor"]:
            faults.append(("version goes back", answer))
    return faults, decided


def check(lines):
    """(faults, figures)"""
    operations = [line for line in lines if "op" in line]
    last = next(line for line in lines if "jobs" in line)
    jobs, ends = last["jobs"], last["ends"]
    faults, decided = check_answers(operations, jobs, last["reply_s"])
    accepted = {operation["job"] for operation in operations if operation["job"] is not None}
    for operation in operations:
        if len(set(operation["key_jobs"])) > 1:
            faults.append(("two jobs of one key", operation))
        state = jobs.get(operation["job"]) if operation["job"] is not None else None
        if operation["job"] is not None and state not in TERMINAL:
            faults.append(("lost", operation))
        if operation["behind"]:
            faults.append(("a worker was behind", operation))
        if operation["outcome"] == "failed":
            faults.append(("failed", operation))
        if operation["outcome"] == "ok" and operation["job"] is not None and state not in (None, "succeeded"):
            faults.append(("told succeeded, stored " + state, operation))
    for job, count in ends.items():
        if count != 1:
            faults.append(("ended more than once", {"job": job, "count": count}))
    for job in accepted & set(jobs) - set(ends):
        faults.append(("no terminal event", {"job": job}))
    unheard = sum(operation["job"] is None and operation["outcome"] == "unknown" and operation["op"] != "direct"
                  for operation in operations)
    if len(set(jobs) - accepted) > unheard:
        faults.append(("more jobs than operations", {"jobs": len(jobs), "heard of": len(accepted), "unheard": unheard}))
    faults += [("fsck", problem) for problem in last["fsck"]]
    if last["crashed"] and not last["workers_harmed"]:
        faults.append(("a crash was counted though no worker was harmed", last["crashed"]))
    if last["images"]:
        faults.append(("images left behind", last["images"]))
    outcomes = {}
    for operation in operations:
        outcomes[operation["outcome"]] = outcomes.get(operation["outcome"], 0) + 1
    answers = sum(operation["op"] in ("recognize", "direct") and operation["outcome"] == "ok" for operation in operations)
    return faults, {"operations": len(operations), "accepted_jobs": len(accepted), "outcomes": outcomes,
                    "answers": answers, "answers_decided": decided, "faults": len(faults)}


def main():
    with open(sys.argv[1]) as file:
        faults, figures = check([json.loads(line) for line in file])
    for what, where in faults[:20]:
        print(f"{what}: {json.dumps(where)}")
    print(json.dumps(figures))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
