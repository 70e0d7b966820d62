"""The checker on small histories that people can judge."""
import checker
import pytest


def operation(op, begin, end, outcome="ok", job="auto", **more):
    if job == "auto":
        job = None if op in checker.DIRECT else f"{op}-{begin}"
    base = {"op": op, "room": "r", "person": "ann", "begin": begin, "end": end, "accepted": end, "outcome": outcome,
            "job": job, "version": 0, "floor": 0, "said": None, "behind": [],
            "key_jobs": [job] if job else []}
    return {**base, **more}


def recognize(begin, end, said, **more):
    return operation("recognize", begin, end, said=[said], **more)


def verdict(*operations, **last):
    jobs = {one["job"]: "succeeded" for one in operations if one["job"] and one["outcome"] == "ok"}
    jobs.update(last.pop("jobs", {}))
    end = {"jobs": jobs, "ends": {job: 1 for job in jobs}, "fsck": [], "images": 0, "crashed": 0,
           "workers_harmed": True, "reply_s": 1.0, **last}
    faults, _ = checker.check([*operations, end])
    return sorted({what for what, _ in faults})


TRAIN, CLEAR, FORGET = operation("train", 1, 2), operation("clear", 3, 4), operation("forget", 3, 4)


def test_what_may_be_said():
    assert verdict(TRAIN, recognize(3, 4, "ann")) == []
    assert verdict(TRAIN, recognize(3, 4, "unknown")) == ["forgotten face"]
    assert verdict(TRAIN, recognize(0, 1.5, "unknown"), recognize(0, 1.5, "ann")) == [], "at the same time"
    assert verdict(recognize(3, 4, "ann")) == ["stale answer"], "nobody was trained"
    assert verdict(TRAIN, recognize(3, 4, "bob")) == ["wrong name"]


@pytest.mark.parametrize("removal", [CLEAR, FORGET])
def test_what_is_removed_is_not_said_again(removal):
    assert verdict(TRAIN, removal, recognize(5, 6, "unknown")) == []
    assert verdict(TRAIN, removal, recognize(5, 6, "ann")) == ["stale answer"]
    assert verdict(TRAIN, removal, recognize(3.5, 6, "ann")) == [], "at the same time"
    assert verdict(TRAIN, removal, operation("train", 5, 6), recognize(7, 8, "unknown")) == ["forgotten face"]


@pytest.mark.parametrize("op", ["verify", "verify_direct"])
def test_a_verify_is_never_the_same_after_a_clear(op):
    def verify(begin, end, said, **more):
        return operation(op, begin, end, said=[said], **more)
    assert verdict(TRAIN, verify(3, 4, "ann")) == []
    assert verdict(TRAIN, CLEAR, verify(5, 6, "unknown")) == []
    assert verdict(TRAIN, CLEAR, verify(5, 6, "ann")) == ["stale answer"]
    assert verdict(TRAIN, verify(3, 4, "unknown")) == ["forgotten face"]
    assert verdict(TRAIN, verify(3, 4, "unknown", job=None)) == ["forgotten face"], "404"
    assert verdict(TRAIN, verify(3, 4, "ann", version=1, floor=2)) == ["version goes back"]


def test_what_is_stored_after_a_removal_knows_of_it():
    removal = {**CLEAR, "version": 5, "removed": 1}
    late = recognize(0, 9, "ann", version=4)

    def ordered(removed, stored, answer=late, change=removal):
        return verdict(TRAIN, change, answer, order={change["job"]: [removed, 8], answer["job"]: [1, stored]})
    assert ordered(3, 4) == ["stored behind a removal"]
    assert ordered(3, 2) == [], "before it"
    assert ordered(3, 4, {**late, "version": 5, "said": ["unknown"]}) == []
    assert ordered(3, 4, {**late, "version": 0, "said": ["unknown"]}) == [], "there was no collection any more"
    assert ordered(3, 4, change={**removal, "room": "other"}) == []
    assert ordered(3, 4, change={**removal, "removed": 0}) == [], "nobody was there"


def test_a_direct_answer_looks_at_removals_last_of_all():
    direct = operation("direct", 3.5, 6, said=["ann"])
    assert verdict(TRAIN, CLEAR, direct) == ["stale answer"]
    assert verdict(TRAIN, CLEAR, direct, reply_s=2.5) == [], "it may have left before the clear's end"
    assert verdict(TRAIN, CLEAR, {**direct, "op": "recognize", "job": "j"}) == [], "it may have been stored before"


def test_an_event_names_nobody_who_is_gone():
    def event(heard, name="ann"):
        return operation("event", heard, heard, job=None, said=[name])
    assert verdict(TRAIN, event(2.5), event(3.5)) == []
    assert verdict(TRAIN, FORGET, event(4.5)) == [], "it may have been on its way"
    assert verdict(TRAIN, FORGET, event(5.5)) == ["removed name in an event"]
    assert verdict(TRAIN, CLEAR, event(5.5)) == ["removed name in an event"]
    assert verdict(TRAIN, CLEAR, event(5.5), reply_s=2.0) == []
    assert verdict(TRAIN, FORGET, operation("train", 5, 6), event(6.5)) == [], "taught again"
    assert verdict(TRAIN, event(2.5, "bob")) == ["nobody of that name, in an event"]
    assert verdict(TRAIN, {**FORGET, "room": "other"}, event(9)) == []


def test_other_rooms_and_people_do_not_count():
    assert verdict(TRAIN, {**CLEAR, "room": "other"}, recognize(5, 6, "ann")) == []
    assert verdict(TRAIN, {**FORGET, "person": "bob"}, recognize(5, 6, "unknown")) == ["forgotten face"]


def test_the_order_is_that_of_accepting():
    late = operation("train", 1, 9, accepted=2)
    assert verdict(late, CLEAR, recognize(10, 11, "ann")) == ["stale answer"]
    assert verdict({**late, "accepted": 3.5}, CLEAR, recognize(10, 11, "ann")) == []


def test_what_nobody_knows_excuses_both_answers():
    perhaps = operation("train", 1, None, "unknown", job=None)
    assert verdict(perhaps, recognize(3, 4, "ann"), recognize(3, 4, "unknown")) == []
    removal = operation("clear", 3, None, "unknown", job=None)
    assert verdict(TRAIN, removal, recognize(5, 6, "ann"), recognize(5, 6, "unknown")) == []
    refused = operation("train", 1, 2, "refused", job=None)
    assert verdict(refused, recognize(3, 4, "ann")) == ["stale answer"]


def test_a_delete_removes_everybody_and_the_version():
    delete = operation("delete", 3, 4, version=2_000_000_000)
    assert verdict(TRAIN, delete, recognize(5, 6, "unknown", floor=1_000_000_001)) == []
    assert verdict(TRAIN, delete, recognize(5, 6, "ann")) == ["stale answer"]
    assert verdict(TRAIN, delete, recognize(5, 6, "unknown", version=5, floor=6)) == ["version goes back"], "not to 0"
    assert verdict(TRAIN, CLEAR, recognize(5, 6, "unknown", floor=6)) == ["version goes back"], "no delete"
    early = operation("delete", 1, 2, version=5)
    assert verdict(early, recognize(5, 6, "unknown", floor=6)) == ["version goes back"], "made again since"


NAME, OTHER = checker.names_of("person 6")


def six(op, begin, end, label=NAME, to=None, **more):
    return operation(op, begin, end, person="person 6", label=label, to=to, job=f"{op}-{label}-{begin}", **more)


def asked(begin, end, said, **more):
    return recognize(begin, end, said, person="person 6", **more)


def test_a_rename_changes_the_name_and_not_who_is_known():
    train, rename = six("train", 1, 2), six("rename", 3, 4, NAME, OTHER)
    assert verdict(train, rename, asked(5, 6, OTHER)) == []
    assert verdict(train, rename, asked(5, 6, NAME)) == ["stale answer"]
    assert verdict(train, rename, asked(5, 6, "unknown")) == ["forgotten face"]
    assert verdict(train, rename, asked(3.5, 6, NAME)) == [], "at the same time"
    assert verdict(train, rename, six("train", 5, 6), asked(7, 8, NAME), asked(7, 8, "ambiguous")) == [], "taught again"
    assert verdict(TRAIN, recognize(3, 4, "ambiguous")) == ["wrong name"], "who has one name"
    assert verdict(train, rename, six("forget", 5, 6), asked(7, 8, OTHER), asked(7, 8, "unknown")) == []


def test_nobody_is_renamed_to_a_name_that_a_train_brings():
    train = six("train", 1, 9, OTHER, accepted=2)
    rename = six("rename", 3, 4, NAME, OTHER)
    taken = ["renamed to a name that was taken"]
    assert verdict(train, rename) == taken, "open"
    assert verdict({**train, "end": 2.5}, rename) == taken, "done"
    assert verdict({**train, "accepted": 3.5}, rename) == [], "at the same time"
    assert verdict({**train, "outcome": "failed"}, rename) != taken, "it may have failed before"
    assert verdict(train, {**rename, "op": "merge"}) == []
    for other in (six("forget", 2, 2.5, OTHER), operation("clear", 2, 2.5), operation("delete", 2, None, "unknown", job=None),
                  six("rename", 2, 2.5, OTHER, NAME)):
        assert taken[0] not in verdict(train, other, rename), other["op"]
    assert verdict(train, six("forget", 5, 6, OTHER), rename) == taken, "too late"


def test_a_step_that_is_repeated_without_end():
    assert verdict(TRAIN, leased=2, old_version=42) == []
    assert verdict(TRAIN, leased=2, old_version=43) == ["a step was repeated without end"]


def test_versions_do_not_go_back():
    assert verdict(recognize(3, 4, "unknown", version=5, floor=6)) == ["version goes back"]
    assert verdict(recognize(3, 4, "unknown", version=6, floor=6)) == []


def test_jobs_end_once_and_all_of_them():
    assert verdict(TRAIN, ends={"train-1": 2}) == ["ended more than once"]
    assert verdict(TRAIN, ends={}) == ["no terminal event"]
    assert verdict(operation("train", 1, None, "unknown", accepted=2)) == ["lost"]
    assert verdict(operation("train", 1, 2, "failed")) == ["failed", "lost"]
    assert verdict({**TRAIN, "key_jobs": ["train-1", "other"]}) == ["two jobs of one key"]
    assert verdict(TRAIN, jobs={"other": "succeeded"}) == ["more jobs than operations"]
    assert verdict(TRAIN, operation("clear", 3, None, "unknown", job=None), jobs={"other": "succeeded"}) == []
    direct = operation("direct", 3, None, "unknown", job=None)
    assert verdict(TRAIN, direct, jobs={"other": "succeeded"}) == ["more jobs than operations"], "it makes no job"


def test_no_worker_is_behind_a_change_that_is_done():
    assert verdict({**CLEAR, "behind": ["worker-1"]}) == ["a worker was behind"]


def test_crashes_need_somebody_who_crashed():
    assert verdict(crashed=1) == []
    assert verdict(crashed=1, workers_harmed=False) == ["a crash was counted though no worker was harmed"]


def test_what_is_left_behind():
    assert verdict(TRAIN, fsck=["queue:all misses one"], images=2) == ["fsck", "images left behind"]


def test_nobody_is_erased_because_of_age():
    assert verdict(erased=[]) == []
    assert verdict(erased=["ann"]) == ["erased wrongly"]


def test_after_a_change_of_the_model_answers_are_by_the_new_one():
    change = operation("reembed", 3, 4, to="new", version=7 * 10 ** 9)
    old, new = (recognize(5, 6, "ann", version=7 * 10 ** 9 + 1, model=name) for name in ("old", "new"))
    assert verdict(TRAIN, change, new) == []
    assert verdict(TRAIN, change, old) == ["answered by another model"]
    assert verdict(TRAIN, change, {**old, "room": "other", "said": ["unknown"]}) == []
    assert verdict(TRAIN, change, {**old, "version": 6 * 10 ** 9}) == [], "it looked before the exchange"
    assert verdict(TRAIN, {**change, "outcome": "refused"}, old, jobs={change["job"]: "failed"}) == []
    emptied, again = operation("clear", 4.2, 4.4), operation("train", 4.5, 4.8)
    assert verdict(TRAIN, change, emptied, again, old) == [], "the next face may have chosen another model"


def test_the_defaults_of_a_service_are_decided_once():
    assert verdict(TRAIN, defaults=[["hog", "a"], ["hog", "a"]]) == []
    assert verdict(TRAIN, defaults=[["hog", "a"], ["hog", "b"]]) == ["defaults changed"]


def test_what_owners_of_people_found_is_told():
    job = {"n-1": "succeeded"}
    assert verdict(TRAIN, jobs=job) == ["more jobs than operations"]
    assert verdict(TRAIN, jobs=job, namesakes={"jobs": ["n-1"], "faults": []}) == []
    assert verdict(TRAIN, jobs=job, namesakes={"unheard": 1}) == []
    assert verdict(TRAIN, namesakes={"faults": [["another person", {"person": "ann"}]]}) == ["another person"]
