"""People with ids and data over HTTP: repeated names, look-up, search, PATCH, and answers that say which of them it is."""
import pytest
from conftest import names


def ids(result):
    return [face.get("person_id") for face in result["faces"]]


def problem(answer, status, name, *words):
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{name}"), answer.text
    assert all(word in answer.json()["detail"] for word in words), answer.text


def found(service, **query):
    answer = service.call("GET", "/api/people", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["people"]


def patch(service, person_id, headers=(), **body):
    return service.call("PATCH", f"/api/people/{person_id}", json=body, headers=dict(headers))


def asked_for(service, photo, **form):
    return service.call("POST", "/api/train", files={"file": ("a.jpg", photo)}, data=form)


@pytest.fixture
def two(shared_service, photos):
    """Two people of one name, of whom each photo knows one."""
    service = shared_service
    first = service.train("Sam", photos["small_obama"], external_id="crm 1")
    second = service.train("Sam", photos["small_biden"], person_id="hr/2")
    yield service, first["person_id"], second["person_id"]
    service.clear()


def test_two_people_of_one_name_are_two(two, photos):
    service, one, other = two
    assert other == "hr/2" and one != other
    for photo, person in (("small_obama2", one), ("small_biden", "hr/2")):
        stored = service.recognize(photos[photo])
        assert (names(stored), ids(stored)) == (["Sam"], [person]), stored
        assert stored["faces"][0]["candidates"][0]["person_id"] == person
        at_once = service.call("POST", "/api/recognize", params={"durable": "false"},
                               files={"file": photos[photo]}).json()
        assert (names(at_once), ids(at_once)) == (["Sam"], [person]), at_once
    rows = service.call("GET", "/api/faces").json()["faces"]
    assert [(row["label"], row["person_id"]) for row in rows] == [("Sam", one), ("Sam", "hr/2")]
    several = dict(status=409, name="several_people")
    problem(service.call("GET", "/api/faces/Sam"), 409, "several_people", one, "hr/2")
    problem(service.call("DELETE", "/api/faces/Sam"), several["status"], several["name"], one)
    problem(service.call("POST", "/api/rename", data={"label": "Sam", "label_to": "Bo"}), 409, "several_people")
    problem(asked_for(service, photos["small_obama3"], name="Sam"), 409, "several_people", one)
    assert len(service.call("GET", f"/api/people/{one}/faces").json()["faces"]) == 1
    forgotten = service.call("DELETE", "/api/people/hr%2F2", headers={"Prefer": "wait=30"})
    assert forgotten.status_code == 200 and forgotten.json()["person_id"] == "hr/2", forgotten.text
    assert names(service.recognize(photos["small_biden"])) == ["unknown"]
    assert service.train("Sam", photos["small_obama3"])["person_id"] == one, "the only one of that name"
    assert service.fsck() == []


def test_a_person_is_found_by_each_id_and_by_words_of_the_name(two):
    service, one, _ = two
    person = service.call("GET", f"/api/people/{one}").json()
    assert person["name"] == "Sam" and person["external_id"] == "crm 1" and person["faces"] == 1
    assert found(service, external_id="crm 1") == [person]
    assert found(service, external_id="crm 2") == []
    assert len(found(service, name="Sam")) == 2
    service.call("PATCH", "/api/people/hr%2F2", json={"name": "Zoë O'Neill"}, headers={"Prefer": "wait=30"})
    for words in ("zoe", "ZOË o", "neill"):
        assert [row["person_id"] for row in found(service, q=words)] == ["hr/2"], words
    assert found(service, q="eill") == []
    problem(service.call("GET", "/api/people/nobody"), 404, "not_found")
    problem(service.call("GET", "/api/people", params={"q": "a", "name": "b"}), 400, "bad_option")


def test_data_are_changed_and_never_of_two(two):
    service, one, _ = two
    data = {"metadata": {"team": "a", "tags": [1, 2.5, None]}, "notes": "line\nline", "external_id": "crm 9"}
    answer = patch(service, one, **data)
    assert answer.status_code == 200 and {name: answer.json()[name] for name in data} == data
    assert service.call("GET", f"/api/people/{one}").json() == {**answer.json(), **data}
    assert found(service, external_id="crm 1") == []
    problem(patch(service, "hr%2F2", external_id="crm 9"), 409, "person_exists", one)
    assert patch(service, one, notes=None, metadata=None, external_id=None).json()["external_id"] is None
    assert patch(service, "hr%2F2", external_id="crm 9").status_code == 200
    assert service.fsck() == []


def test_a_name_may_be_given_to_others_too(two, photos):
    service, one, _ = two
    service.train("Bo", photos["small_obama3"])
    problem(service.call("POST", "/api/rename", data={"person_id": "hr/2", "label_to": "Bo"}), 409, "wrong_state")
    answer = patch(service, "hr%2F2", [("Prefer", "wait=30")], name="Bo")
    assert answer.status_code == 200 and answer.json()["state"] == "succeeded", answer.text
    result = service.recognize(photos["small_biden"])
    assert (names(result), ids(result)) == (["Bo"], ["hr/2"])
    merged = service.call("POST", "/api/merge", data={"person_id": "hr/2", "person_id_to": one},
                          headers={"Prefer": "wait=30"}).json()
    assert merged["state"] == "succeeded" and merged["label_to"] == "Sam", merged
    assert ids(service.recognize(photos["small_biden"])) == [one]
    assert service.fsck() == []


def test_a_train_says_whom_it_teaches(two, photos):
    service, one, _ = two
    assert service.finish(asked_for(service, photos["small_obama3"], person_id=one).json())["person_id"] == one
    third = service.train("Sam", photos["small_obama2"], new_person="true")["person_id"]
    assert third not in (one, "hr/2") and len(found(service, name="Sam")) == 3
    problem(asked_for(service, photos["small_obama"], person_id="nobody"), 404, "not_found")
    problem(asked_for(service, photos["small_obama"], person_id=one, name="Bo"), 409, "person_exists")
    problem(asked_for(service, photos["small_obama"], name="Bo", external_id="crm 1"), 409, "person_exists", one)
    problem(asked_for(service, photos["small_obama"], name="Bo", person_id="a b"), 400, "bad_option")
    problem(asked_for(service, photos["small_obama"], name="Bo", person_id="x" * 129), 400, "bad_option")


def test_what_does_not_fit_is_refused(two):
    service, one, _ = two
    for body, status, name in (({"metadata": [1]}, 400, "bad_option"), ({"metadata": {"a": "x" * 4090}}, 413, "too_large"),
                               ({"notes": "x" * 4097}, 413, "too_large"), ({"age": 7}, 400, "bad_option"),
                               ({}, 400, "bad_option"), ({"name": ""}, 422, "bad_label"),
                               ({"external_id": ""}, 400, "bad_option")):
        problem(patch(service, one, **body), status, name)
    problem(service.call("PATCH", f"/api/people/{one}", data="{"), 400, "malformed")
    problem(patch(service, "nobody", notes="x"), 404, "not_found")
    problem(patch(service, "a%20b", notes="x"), 400, "bad_option")
    other_site = service.call("PATCH", f"/api/people/{one}", json={"notes": "x"}, headers={"Origin": "http://evil.example"})
    problem(other_site, 403, "forbidden_origin")
