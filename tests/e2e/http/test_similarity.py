"""`similarity` beside each distance, and `similarity_min` instead of `distance_max`."""
import math

import pytest


def similarity(distance, threshold):
    return 1 / (1 + math.exp(10 * (distance / threshold - 1)))


@pytest.fixture(scope="module")
def taught(shared_service, photos):
    shared_service.train("Barack", photos["small_obama"], collection="alike")
    return lambda **options: shared_service.recognize(photos["small_obama2"], collection="alike", **options)


def test_half_is_the_services_threshold_whatever_a_request_asks(taught):
    usual = taught()
    threshold, [face] = usual["distance_max"], usual["faces"]
    assert usual["similarity_min"] == 0.5 and face["status"] == "known"
    assert face["similarity"] == pytest.approx(similarity(face["distance"], threshold), abs=2e-3)
    assert face["candidates"][0]["similarity"] == face["similarity"] > 0.5
    wide = taught(distance_max=1)
    assert wide["similarity_min"] == pytest.approx(similarity(1, threshold), abs=1e-4)
    assert wide["faces"][0]["similarity"] == face["similarity"]


def test_a_smallest_similarity_names_as_its_distance_does(taught):
    usual = taught()
    [face] = usual["faces"]
    for wanted in (0.01, 0.3, 0.5, 0.7, 0.99):
        answer = taught(similarity_min=wanted)
        assert answer["similarity_min"] == pytest.approx(wanted, abs=1e-4)
        [again] = answer["faces"]
        assert again["status"] == ("known" if face["similarity"] >= wanted else "unknown"), wanted
        assert taught(distance_max=answer["distance_max"])["faces"][0]["status"] == again["status"]


@pytest.mark.parametrize("options", [{"similarity_min": 0}, {"similarity_min": 1}, {"similarity_min": "much"},
                                     {"similarity_min": 0.5, "distance_max": 0.5}])
def test_what_cannot_be_is_refused_with_the_range(shared_service, photos, options):
    answer = shared_service.call("POST", "/api/recognize", files=[("file", ("a.jpg", photos["small_obama"]))],
                                 data=options)
    assert answer.status_code == 400, answer.text
    words = "exclude each other" if len(options) > 1 else "from 0.01 to 0.99"
    assert words in answer.json()["detail"]
