"""What the surfaces of other services must not do: hold what nobody asked for, name who is gone, change who was not meant."""
import random
import socket
import threading
import time
import unicodedata

import pytest
from compreface_client import Compreface
from conftest import running, wait_until
from export_file import export, unit_vector
from test_compreface_errors import ctl
from test_deepstack import Deepstack

PEOPLE = 1_200


@pytest.fixture(scope="module")
def service():
    with running(settings=("compat.immich=on",)) as one:
        yield one


def resident_mb(pid):
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS")) / 1024


@pytest.mark.parametrize("path", ["/v1/vision/face/list", "/v1/vision/face/delete"])
def test_a_form_of_a_million_fields_takes_no_memory(service, path):
    [api] = service.pids("vultus-api")
    before = resident_mb(api)
    for body, headers in ((b"&".join(b"%d" % n for n in range(1_000_000)), {}), (b"&".join(b"%d" % n for n in range(65)), {})):
        answer = service.call("POST", path, data=body, headers={"Content-Type": "application/x-www-form-urlencoded", **headers})
        assert 400 <= answer.status_code < 500, answer.text
    assert resident_mb(api) < before + 30


def test_a_list_names_nobody_whose_deletion_was_answered(service, tmp_path):
    source = random.Random(1)
    file = export(tmp_path / "faces", [(f"p{n:05}", unit_vector(source)) for n in range(PEOPLE)], "dlib_resnet_v1/mirror_unit")
    ctl(service, "restore", file)
    face = Compreface(service)
    lists = {"faces": lambda: [one["subject"] for one in face.ok("GET", "/recognition/faces?size=1000")["faces"]],
             "subjects": lambda: face.subjects(), "deepstack": lambda: Deepstack(service).ok("/face/list")["faces"]}
    wait_until(lambda: len(lists["subjects"]()) == PEOPLE, 60, "everybody")
    for number, (name, read) in enumerate((pair for pair in lists.items() for _ in range(6))):
        gone, found = f"p{number:05}", []

        def ask(read=read, found=found):
            found.append((read(), time.monotonic()))
        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.015)
        job = service.call("DELETE", f"/api/faces/{gone}", headers={"Prefer": "wait=30"}).json()
        answered = time.monotonic()
        assert job["state"] == "succeeded"
        asking.join()
        [(names, came)] = found
        assert came < answered + 0.005 or gone not in names, f"{name}: {gone}, {1000 * (came - answered):.0f} ms after its deletion"
    service.clear()


def test_a_subject_without_a_face_goes_with_any_removal(service, photos):
    face = Compreface(service)
    decomposed = unicodedata.normalize("NFD", "André")
    face.add_subject(decomposed)
    face.add(decomposed, photos["small_obama"])
    assert len(face.subjects()) == 1
    face.ok("DELETE", f"/recognition/faces?subject={decomposed}")
    assert face.subjects() == []
    face.add_subject("Zed")
    assert face.subjects() == ["Zed"]
    service.train("Zed", photos["small_biden"])
    service.clear()
    assert face.subjects() == []


def test_a_rename_of_a_name_that_two_have_leaves_two(service, photos):
    face = Compreface(service)
    service.train("Twin", photos["small_biden"])
    service.train("Twin", photos["small_obama"], new_person="true")
    face.ok("PUT", "/recognition/subjects/Twin", json={"subject": "Twinned"})
    people = service.call("GET", "/api/people").json()["people"]
    assert sorted((one["name"], one["faces"]) for one in people) == [("Twinned", 1), ("Twinned", 1)], people
    service.train("Other", photos["small_biden"])  # whoever has the name already takes all
    face.ok("PUT", "/recognition/subjects/Twinned", json={"subject": "Other"})
    assert [one["name"] for one in service.call("GET", "/api/people").json()["people"]] == ["Other"]
    service.clear()


def test_deepstack_means_the_name_as_it_is_written(service, photos):
    deep = Deepstack(service)
    service.train("Ann", photos["small_biden"])
    deep.ok("/face/delete", userid="aNN")
    assert deep.ok("/face/list")["faces"] == ["Ann"]
    deep.register("ANN", photos["small_obama"])
    assert sorted(deep.ok("/face/list")["faces"]) == ["ANN", "Ann"]
    answer = deep.call("/face/register", files=[("image", photos["small_obama"])] * 17, userid="Many")
    assert answer.status_code == 400 and "16" in answer.text
    service.clear()


def test_immich_is_refused_before_its_photo_is_sent(service):
    with socket.create_connection(("127.0.0.1", service.port), timeout=5) as raw:
        raw.sendall(b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: multipart/form-data; boundary=x\r\n"
                    b"Content-Length: 10000000\r\n\r\n--x\r\n" % service.port)
        answer = raw.recv(4096)
    assert answer.startswith(b"HTTP/1.1 403") and b'"detail"' in answer, answer


def test_an_address_is_an_address_however_it_is_written(photos):
    with running(settings=('compat.immich_clients=["::ffff:127.0.0.1"]', "compat.immich=on")) as one:
        answer = one.call("POST", "/predict", files={"image": photos["small_obama"]},
                          data={"entries": '{"facial-recognition":{"detection":{"modelName":"x"},"recognition":{"modelName":"x"}}}'})
        assert answer.status_code == 200, answer.text
