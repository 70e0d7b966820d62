"""People over HTTP: renamed and merged, as recognize sees it, also when a train is under way; and what a
page hears of it."""
import json

from conftest import names


def change(service, what, label, label_to):
    answer = service.call("POST", f"/api/{what}", data={"label": label, "label_to": label_to},
                          headers={"Prefer": "wait=30"})
    assert answer.status_code == 200, answer.text
    job = answer.json()
    assert job["state"] == "succeeded", job
    return job["result"]


def people(service):
    return {row["label"]: row["count"] for row in service.call("GET", "/api/faces").json()["faces"]}


def test_rename_and_merge_are_seen_by_recognize(shared_service, photos):
    service = shared_service
    service.train("barak", photos["small_obama"])
    service.train("joe", photos["small_biden"])
    assert names(service.recognize(photos["small_obama2"])) == ["barak"]
    renamed = change(service, "rename", "barak", "Barack Obama")
    assert renamed["renamed_faces"] == 1
    result = service.recognize(photos["small_obama2"])
    assert names(result) == ["Barack Obama"] and result["gallery"]["version"] >= renamed["version"]
    service.train("obama", photos["small_obama3"])
    refused = service.call("POST", "/api/rename", data={"label": "obama", "label_to": "Barack Obama"})
    assert refused.status_code == 409 and refused.json()["type"] == "/problems/wrong_state"
    assert change(service, "merge", "obama", "Barack Obama")["renamed_faces"] == 1
    assert people(service) == {"Barack Obama": 2, "joe": 1}
    assert names(service.recognize(photos["small_obama2"])) == ["Barack Obama"]
    assert service.fsck() == []
    service.clear()


def test_a_train_that_was_accepted_before_gets_the_new_name(shared_service, photos):
    service = shared_service
    answer = service.call("POST", "/api/train", data={"name": "joe"},
                          files={"file": ("a.jpg", photos["biden"])})
    assert answer.status_code == 202
    change(service, "rename", "joe", "Joe Biden")
    service.finish(answer.json())
    assert people(service) == {"Joe Biden": 1}
    service.clear()


def test_a_page_hears_of_every_change(shared_service, photos):
    service = shared_service
    with service.call("GET", "/api/events", stream=True) as stream:
        lines = stream.iter_lines(chunk_size=1)
        assert next(lines) == b"event: reread"
        job = service.submit("/api/clear")
        told = []
        while not told or told[-1]["to"] != "succeeded":
            line = next(lines)
            if line.startswith(b"data: {\""):
                told.append(json.loads(line[6:]))
    assert [one["to"] for one in told if one["id"] == job["id"]][-1] == "succeeded"
