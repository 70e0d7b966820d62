"""What the service says of the sample photos, number by number, held to tests/golden/photos.json: boxes within
1 pixel, the first numbers of each embedding within 1e-3 (instruction sets round differently).
VULTUS_UPDATE=1 writes the file anew.
"""
import json
import os

import pytest
from conftest import ROOT

GOLDEN = ROOT / "tests/golden/photos.json"
ASKED = [("obama", "hog"), ("obama2", "hog"), ("obama3", "hog"), ("biden", "hog"), ("obama_partial_face", "hog"),
         ("obama_partial_face2", "hog"), ("obama2", "cnn"), ("biden", "cnn")]
EDGES = ("left", "top", "right", "bottom")


def seen(service, photo, detector):
    result = service.recognize(photo, detector=detector, min_face_px=80, embeddings="true")
    return [{"box": [face["box"][edge] for edge in EDGES], "landmarks": face["landmarks"],
             "embedding": [round(value, 5) for value in face["embedding"][:8]]} for face in result["faces"]]


def test_the_sample_photos_look_as_they_did(shared_service, photos):
    now = {f"{name} {detector}": seen(shared_service, photos[name], detector) for name, detector in ASKED}
    if os.environ.get("VULTUS_UPDATE"):
        rows = ",\n".join(f'"{name}": {json.dumps(faces)}' for name, faces in now.items())
        GOLDEN.write_text("{\n" + rows + "\n}\n")
        pytest.fail("the golden file was written anew: look at its diff")
    then = json.loads(GOLDEN.read_text())
    assert now.keys() == then.keys()
    for name, faces in then.items():
        assert len(now[name]) == len(faces) == 1, name
        for found, wanted in zip(now[name], faces):
            assert found["box"] == pytest.approx(wanted["box"], abs=1), name
            assert sum(found["landmarks"], []) == pytest.approx(sum(wanted["landmarks"], []), abs=1.5), name
            if found["box"] == wanted["box"]:
                assert found["embedding"] == pytest.approx(wanted["embedding"], abs=1e-3), name
