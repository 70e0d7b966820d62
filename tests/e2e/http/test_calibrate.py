"""POST /api/calibrate on a collection whose distances are known: what it says, and what it says when it cannot."""
import math
import os
import subprocess

from conftest import ROOT
from export_file import export

CTL = os.environ.get("VULTUS_BIN", str(ROOT / "build/e2e/bin")) + "/vultusctl"
PEOPLE, PHOTOS = 30, 3


def unit(axis, angle):
    """On the circle through two axes of which no other person has one: two people are sqrt(2) apart."""
    vector = [0.0] * 128
    vector[2 * axis], vector[2 * axis + 1] = math.cos(angle), math.sin(angle)
    return vector


def restore(service, tmp_path, faces, collection):
    file = export(tmp_path / f"{collection}.export", faces, "dlib_resnet_v1/mirror_unit")
    subprocess.run([CTL, "--data", str(service.data), "restore", str(file), "--collection", collection], check=True)


def calibrate(service, collection):
    return service.submit(f"/api/calibrate?collection={collection}")


def test_what_distances_mean_and_who_is_suspicious(shared_service, tmp_path):
    faces = [(f"Person {i}", unit(i, n * 0.3)) for i in range(PEOPLE) for n in range(PHOTOS)]
    faces.append(("Person 1", unit(2, 1.1)))  # wrongly named
    restore(shared_service, tmp_path, faces, "known")
    job = calibrate(shared_service, "known")
    assert job["state"] == "succeeded" and job["type"] == "calibrate", job
    found = job["result"]
    assert found["gallery"]["people"] == PEOPLE and found["gallery"]["faces"] == len(faces)
    assert found["compared"] == {"people": PEOPLE, "people_with_two": PEOPLE, "faces": len(faces), "all": True}
    genuine, impostors = found["genuine"], found["impostors"]
    assert genuine["pairs"] == sum(genuine["counts"]) == PEOPLE * 3 + PHOTOS
    assert impostors["pairs"] == sum(impostors["counts"]) == len(faces) * (len(faces) - 1) // 2 - genuine["pairs"]
    assert genuine["counts"][14] == 2 * PEOPLE  # 2 sin(0.15) = 0.299, twice a person
    assert impostors["counts"][70] == impostors["pairs"] - 3  # sqrt(2), but for the wrong one
    [suspicious] = found["suspicious"]
    assert suspicious["label"] == "Person 1" and suspicious["nearer"]["label"] == "Person 2"
    assert suspicious["distance"] == 1.4142 and suspicious["nearer"]["distance"] == 0.4948  # 2 sin(0.25)
    assert suspicious["similarity"] == 0 and 0.04 < suspicious["nearer"]["similarity"] < 0.05  # 1.3 of 0.3797
    [one] = found["comparisons"]
    assert one["false_match_rate"] == 0.01 and 1.41 < one["distance"] < 1.4143 and one["true_match_rate"] > 0.9
    assert found["now"] == {"distance_max": 0.3797, "false_match_rate": 0, "stranger_rate": 0,
                            "true_match_rate": round(2 * PEOPLE / genuine["pairs"], 6)}
    assert {where["stranger_rate"] for where in found["strangers"]} <= {0.05, 0.2}
    assert shared_service.fsck() == []


def test_too_few_people_fail_with_how_many_there_are(shared_service, tmp_path):
    restore(shared_service, tmp_path, [(f"Person {i}", unit(i, n)) for i in range(7) for n in range(2)], "few")
    for collection, count in ("few", 7), ("nobody", 0):
        job = calibrate(shared_service, collection)
        assert job["state"] == "failed", job
        assert job["error"] == {"code": "too_few_people",
                                "detail": f"20 people with two photos are required, the collection has {count}"}


def test_what_is_refused(shared_service):
    assert shared_service.call("POST", "/api/calibrate?collection=a:b").status_code == 400
    assert shared_service.call("POST", "/api/calibrate?k=3").status_code == 400
    assert shared_service.call("GET", "/api/calibrate").status_code == 405
    key = {"Idempotency-Key": "calibrate-1"}
    first = shared_service.call("POST", "/api/calibrate", headers=key).json()
    assert shared_service.call("POST", "/api/calibrate", headers=key).json()["id"] == first["id"]
    assert shared_service.call("POST", "/api/calibrate?collection=b", headers=key).status_code == 422
