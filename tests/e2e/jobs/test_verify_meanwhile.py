"""A verify of a person who is renamed, merged or removed while it waits for its worker, stored and not."""
import os
import signal
import threading

import pytest
from conftest import PHOTOS, running

CHANGES = {"renamed": "/api/rename", "merged": "/api/merge"}


@pytest.fixture(scope="module")
def service():
    with running() as one:
        yield one


class Frozen:
    """The workers stand still, so that what is asked for meanwhile waits."""

    def __init__(self, service):
        self.pids = service.pids("vultus-worker")

    def __enter__(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)

    def __exit__(self, *_):
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)


def change(service, how, where):
    if how == "removed":
        return service.call("DELETE", "/api/faces/Barack%20Obama", params=where)
    to = "B. Obama" if how == "renamed" else "Joe Biden"
    return service.call("POST", CHANGES[how], params={"label": "Barack Obama", "label_to": to, **where})


@pytest.mark.parametrize("how", ["renamed", "merged", "removed"])
@pytest.mark.parametrize("durable", [True, False])
def test_a_verify_is_about_the_person_that_it_was_asked_for(service, how, durable):
    where = {"collection": f"{how}-{str(durable).lower()}"}
    trained = service.train("Barack Obama", (PHOTOS / "obama.jpg").read_bytes(), **where)
    service.train("Joe Biden", (PHOTOS / "biden.jpg").read_bytes(), **where)
    answers = []

    def verify():
        with (PHOTOS / "obama2.jpg").open("rb") as photo:
            answers.append(service.call("POST", "/api/verify", files={"file": photo}, data={
                "person": "Barack Obama", "durable": str(durable).lower(), **where}))
    with Frozen(service):
        if durable:
            verify()
            assert answers[0].status_code == 202, answers[0].text
        else:
            asking = threading.Thread(target=verify)
            asking.start()
            asking.join(0.5)  # the worker has it; it is not answered
            assert asking.is_alive()
        changed = change(service, how, where)
        assert changed.status_code == 202, changed.text
    if not durable:
        asking.join()
    answer = answers[0]
    job = service.finish(answer.json()) if durable else None
    if how == "renamed":
        told = job["result"] if durable else answer.json()
        assert told["same"] and told["person"] == {"label": "B. Obama", "person_id": trained["person_id"], "faces": 1}
    elif durable:
        assert job["state"] == "failed" and job["error"]["code"] == "not_found" and "result" not in job, job
    else:
        assert answer.status_code == 404 and answer.json()["type"] == "/problems/not_found", answer.text
    assert service.finish(changed.json())["state"] == "succeeded"
    assert service.fsck() == []
