#!/usr/bin/env python3
"""Reads a history of the nemesis and says what cannot have happened. Pure: a history goes in, faults come out.

    checker.py HISTORY.jsonl

One JSON object a line. An operation of a client:
  {"op": "train"|"forget"|"clear"|"delete"|"rename"|"merge"|"retain"|"recognize"|"direct"|"verify"|"verify_direct", "room",
   "person", "label", "to", "begin", "end", "outcome", "job", "version", "said", "floor", "key_jobs"}
  person        whose photo it is; label: under which name (train, forget, rename, merge: from), of the person's own, which
                are told below; to: the new name. delete is of the whole collection, retain sets its retention to days.
  begin, end    seconds on the clients' clock; the operation happened between them. end is null: nobody saw its end.
  accepted      when the client first heard its job's id, or null. Changes and trains take effect in the order in which they
                were accepted, so one that was accepted before another began comes before it.
  outcome       "ok": it ended succeeded · "refused": it was not accepted (503, 429), so it never happened ·
                "failed": accepted, and ended otherwise · "unknown": nobody knows whether it was accepted or how it ended
  job           its id, null if it has none; key_jobs: every id that answers to its idempotency key gave
  version       of the gallery, of an "ok" one; floor: the highest version this client knew of the room when it began. It
                is 0 where there is no collection, so a delete takes it back to that, and nothing else does.
  said          recognize, direct: the names in the answer · verify, verify_direct (the person's photo and the person, who has
                one name only): the name if it is the same, else "unknown", also where there is no such person (404) · event: the names in an event of
                all jobs, heard at end
  model         recognize, direct: the embedder of the answer's gallery
  to            rename, merge: the name; reembed: the embedder that the room gets
  removed       changes: how many faces it took away
  behind        changes: registered workers that still held an older gallery when it had succeeded
and at the end {"jobs": {id: state}, "ends": {id: count of terminal events}, "order": {id: [place of its first event among
all, place of its terminal event]}, "fsck": [...], "images": n, "crashed": n,
"workers_harmed": bool, "reply_s": seconds, "old_version": n, "leased": n}: what the store says when nothing moves any
more, how often a job was held to have ended a worker, whether a worker was struck at all, how long an answer may have
been on its way from the api's last look at the gallery to the client (the longest time that an api may have been stopped,
and a second), how often a result was refused as too old, how often a job was leased; "erased": who was erased because of age though no
run lasts that long (kept.py); "defaults": [the models of the service when it began, and at the end]; "namesakes": what the
owners of people of one name found wrong, their jobs and operations (namesakes.py).
"""
import bisect
import itertools
import json
import sys

TERMINAL = {"succeeded", "failed", "dead", "cancelled"}
OVERTAKEN_MAX = 21  # results of one attempt that may be refused as too old: 20 times it is matched again

# What is answered with the faces that are known, and what of it looks at the removals last of all.
ANSWERS, DIRECT = ("recognize", "direct", "verify", "verify_direct"), ("direct", "verify_direct")
# People who change their names, and how they are called then.
OTHER_NAMES = {f"person {n}": f"person {n} renamed" for n in (6, 7)}


def names_of(person):
    return [person, OTHER_NAMES[person]] if person in OTHER_NAMES else [person]
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


class Running:
    """The largest value among items whose key is below (or up to) a limit; items are (key, value)."""

    def __init__(self, items):
        items = sorted(items)
        self.keys = [key for key, _ in items]
        self.largest = list(itertools.accumulate((value for _, value in items), max))

    def below(self, limit):
        at = bisect.bisect_left(self.keys, limit)
        return self.largest[at - 1] if at else -FOREVER

    def up_to(self, limit):
        at = bisect.bisect_right(self.keys, limit)
        return self.largest[at - 1] if at else -FOREVER


class Person:
    """What happened to one person, or one name, in one room: what may have brought faces and what may have removed them,
    (operation, surely)."""

    def __init__(self, trains, removals):
        self.gone = Running((end_of(one), one["begin"]) for one, surely in removals if surely)
        self.removed = Running((one["begin"], accepted_of(one)) for one, _ in removals)
        self.trained = Running((one["begin"], accepted_of(one)) for one, _ in trains)
        self.known = Running((end_of(one), one["begin"]) for one, surely in trains if surely)

    def expected(self, answer, reply_s):
        """The one thing that this answer may say: the person, "unknown", or None if both are possible. A direct answer
        looks at the removals last of all, `reply_s` at most before it is here; a stored one when it is stored, which
        nobody saw."""
        looked = answer["begin"]
        if answer["op"] in DIRECT:
            looked = max(looked, end_of(answer) - reply_s)
        # A train was known before, and every removal that may have begun by the end was accepted before that train.
        if self.known.below(answer["begin"]) > self.removed.up_to(end_of(answer)):
            return answer["person"]
        # All that may have begun were accepted before a removal that is over.
        if self.trained.up_to(end_of(answer)) < self.gone.below(looked):
            return "unknown"
        return None if self.trained.keys and self.trained.keys[0] <= end_of(answer) else "unknown"


def label_of(operation):
    return operation.get("label") or operation["person"]


def story_of_person(person, changes):
    """A forget of one of two names leaves the other, so it is not sure to remove the person."""
    mine = [one for one in changes if one[0]["op"] in ("clear", "delete") or one[0]["person"] == person]
    trains = [one for one in mine if one[0]["op"] == "train"]
    whole = len(names_of(person)) == 1
    removals = [(one, surely and (whole or one["op"] != "forget")) for one, surely in mine
                if one["op"] in ("clear", "delete", "forget")]
    return Person(trains, removals)


def story_of_name(name, changes):
    """A rename or a merge takes one name away and brings the other."""
    brought, taken = [], []
    for one, surely in changes:
        if one["op"] in ("clear", "delete") or (one["op"] != "train" and label_of(one) == name):
            taken.append((one, surely))
        if (one["op"] == "train" and label_of(one) == name) or one.get("to") == name:
            brought.append((one, surely))
    return Person(brought, taken)


def may_be_gone(answer, changes):
    """A delete may have taken the version back to 0 after the floor was made."""
    return answer["version"] == 0 and any(
        one["op"] == "delete" and one["begin"] <= end_of(answer) and (not surely or one["version"] >= answer["floor"])
        for one, surely in changes)


def changes_of(operations, jobs):
    """By room: what may have changed who is known, (operation, surely)."""
    changes = {}
    for operation in operations:
        if operation["op"] in ("train", "forget", "clear", "delete", "rename", "merge"):
            effect = took_effect(operation, jobs)
            if effect is not False:
                changes.setdefault(operation["room"], []).append((operation, effect is True))
    return changes


def check_renames(changes):
    """A name is taken from when a train of it is accepted until something may remove it or give it up; nobody may be
    renamed to it meanwhile."""
    faults, named = [], [name for person in OTHER_NAMES for name in names_of(person)]
    for room in changes.values():
        here = [one for one in room if one[0]["op"] in ("clear", "delete") or label_of(one[0]) in named]
        for rename, surely in here:
            if rename["op"] != "rename" or not surely:
                continue
            name = rename["to"]
            took = [one["begin"] for one, sure in here
                    if sure and one["op"] == "train" and label_of(one) == name and accepted_of(one) < rename["begin"]]
            if took and not any(
                    one["begin"] <= accepted_of(rename) and end_of(one) >= max(took) for one, _ in here
                    if one["op"] in ("clear", "delete") or (one["op"] != "train" and label_of(one) == name)):
                faults.append(("renamed to a name that was taken", rename))
    return faults


def check_answers(operations, changes, reply_s):
    faults, decided, people, called = [], 0, {}, {}
    for answer in operations:
        if answer["op"] not in ANSWERS or answer["outcome"] != "ok":
            continue
        here, person = changes.get(answer["room"], []), answer["person"]
        who, names = (answer["room"], person), names_of(person)
        if who not in people:
            people[who] = story_of_person(person, here)
        wanted = people[who].expected(answer, reply_s)
        decided += wanted is not None
        said = answer["said"][0] if len(answer["said"]) == 1 else None
        known = said in names or (said == "ambiguous" and len(names) > 1)  # the same face under both names
        if not known and said != "unknown":
            faults.append(("wrong name", answer))
        elif wanted is not None and known != (wanted == person):
            faults.append(("stale answer" if known else "forgotten face", answer))
        elif said in names and len(names) > 1:
            if (who[0], said) not in called:
                called[who[0], said] = story_of_name(said, here)
            if called[who[0], said].expected(answer, reply_s) == "unknown":
                faults.append(("stale answer", answer))
        if answer["version"] < answer["floor"] and not may_be_gone(answer, here):
            faults.append(("version goes back", answer))
    return faults, decided


NAMESAKES = "namesakes"  # the room of namesakes.py


def check_events(operations, changes, reply_s):
    """An event names nobody whose removal had ended when the api looked, `reply_s` at most before it was heard."""
    faults, called = [], {}
    for event in operations:
        if event["op"] != "event" or event["room"] == NAMESAKES:  # several people of one name: namesakes.py looks by id
            continue
        for name in event["said"]:
            who = (event["room"], name)
            if who not in called:
                called[who] = story_of_name(name, changes.get(event["room"], []))
            story, heard = called[who], event["end"]
            if not story.trained.keys or story.trained.keys[0] > heard:
                faults.append(("nobody of that name, in an event", event))
            elif story.trained.up_to(heard) < story.gone.below(heard - reply_s):
                faults.append(("removed name in an event", event))
    return faults


def check_order(operations, order):
    """An answer that was stored after faces were removed knows of that: the store refuses every other. A removal takes
    effect with its first event."""
    faults, removals = [], {}
    for one in operations:
        if one.get("removed") and one["job"] in order:
            removals.setdefault(one["room"], []).append((order[one["job"]][0], one["version"]))
    removals = {room: Running(of) for room, of in removals.items()}
    for answer in operations:
        stored = answer["op"] in ANSWERS and answer["op"] not in DIRECT and answer["job"] is not None
        if not stored or answer["outcome"] != "ok" or answer["version"] == 0 or answer["room"] not in removals:
            continue
        if removals[answer["room"]].below(order.get(answer["job"], (0, 0))[1]) > answer["version"]:
            faults.append(("stored behind a removal", answer))
    return faults


EPOCH = 10 ** 9  # version = epoch * EPOCH + changes; a change of the model begins an epoch


def check_models(operations, changes):
    """In the epoch that a change of the model began every answer is by that model, until something may have emptied the
    room. Those of older epochs are by the old one: who has them is not known to be wrong."""
    faults, began = [], {(one["room"], one["version"] // EPOCH): one for one in operations
                         if one["op"] == "reembed" and one["outcome"] == "ok"}
    for answer in operations:
        change = began.get((answer["room"], answer["version"] // EPOCH))
        if answer.get("model") is None or change is None or answer["version"] < change["version"]:
            continue
        emptied = any(one["op"] in ("clear", "delete") and one["begin"] <= end_of(answer) and end_of(one) >= change["begin"]
                      for one, _ in changes.get(answer["room"], []))
        if answer["model"] != change["to"] and not emptied:
            faults.append(("answered by another model", answer))
    return faults


def check(lines):
    """(faults, figures)"""
    operations = [line for line in lines if "op" in line]
    last = next(line for line in lines if "jobs" in line)
    jobs, ends = last["jobs"], last["ends"]
    changes = changes_of(operations, jobs)
    faults, decided = check_answers(operations, changes, last["reply_s"])
    faults += check_renames(changes)
    faults += check_events(operations, changes, last["reply_s"])
    faults += check_order(operations, last.get("order", {}))
    faults += check_models(operations, changes)
    accepted = {operation["job"] for operation in operations if operation["job"] is not None}
    by_id = last.get("namesakes", {})
    accepted |= set(by_id.get("jobs", ()))
    faults += [(what, where) for what, where in by_id.get("faults", ())]
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
    jobless = (*DIRECT, "retain")
    unheard = sum(operation["job"] is None and operation["outcome"] == "unknown" and operation["op"] not in jobless
                  for operation in operations) + by_id.get("unheard", 0)
    if len(set(jobs) - accepted) > unheard:
        faults.append(("more jobs than operations", {"jobs": len(jobs), "heard of": len(accepted), "unheard": unheard}))
    faults += [("fsck", problem) for problem in last["fsck"]]
    if last["crashed"] and not last["workers_harmed"]:
        faults.append(("a crash was counted though no worker was harmed", last["crashed"]))
    if last.get("old_version", 0) > OVERTAKEN_MAX * last.get("leased", 0):
        faults.append(("a step was repeated without end", {"old_version": last["old_version"], "leased": last["leased"]}))
    faults += [("erased wrongly", who) for who in last.get("erased", ())]
    if last.get("defaults", [0])[0] != last.get("defaults", [0])[-1]:
        faults.append(("defaults changed", last["defaults"]))
    if last["images"]:
        faults.append(("images left behind", last["images"]))
    outcomes = {}
    for operation in operations:
        outcomes[operation["outcome"]] = outcomes.get(operation["outcome"], 0) + 1
    answers = sum(operation["op"] in ANSWERS and operation["outcome"] == "ok" for operation in operations)
    events = sum(operation["op"] == "event" for operation in operations)
    return faults, {"operations": len(operations) - events, "events_with_names": events, "accepted_jobs": len(accepted), "outcomes": outcomes,
                    "answers": answers, "answers_decided": decided, "by_person_id": by_id.get("operations", 0),
                    "faults": len(faults)}


def main():
    with open(sys.argv[1]) as file:
        faults, figures = check([json.loads(line) for line in file])
    for what, where in faults[:20]:
        print(f"{what}: {json.dumps(where)}")
    print(json.dumps(figures))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
