"""The clients themselves, unchanged, against one service: real_clients.py PORT FOLDER KEY, in build/venv-compat. FOLDER has
a.jpg, a2.jpg, a3.jpg of one person and b.jpg of another. Ends with 0 if all of them saw what they should.
"""
import asyncio
import base64
import pathlib
import sys

from codeprojectai.core import CodeProjectAIFace
from compare import CompareFace
from compreface import CompreFace
from compreface.service import RecognitionService
from deepstack.core import DeepstackException, DeepstackFace, DeepstackObject

PORT, FOLDER, KEY = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
A, A2, A3, B = (str(FOLDER / f"{name}.jpg") for name in ("a", "a2", "a3", "b"))


def equal(seen, wanted):
    assert seen == wanted, f"{seen} is not {wanted}"


def official():
    """compreface-sdk 0.6.0"""
    all_of_it = CompreFace("http://127.0.0.1", PORT, {"limit": 0, "det_prob_threshold": 0.5, "status": "true"})
    service: RecognitionService = all_of_it.init_face_recognition(KEY)
    subjects, faces = service.get_subjects(), service.get_face_collection()
    equal(subjects.list(), {"subjects": []})
    equal(subjects.add("Ada"), {"subject": "Ada"})
    equal(subjects.list(), {"subjects": ["Ada"]})
    first = faces.add(A, "Ada")
    second = faces.add(pathlib.Path(A3).read_bytes(), "Ada")  # bytes are sent as image.jpg
    equal(first["subject"], "Ada")
    faces.add(B, "Bea")
    equal(len(faces.list()["faces"]), 3)
    found = service.recognize(A2)["result"][0]
    equal(found["subjects"][0]["subject"], "Ada")
    assert found["subjects"][0]["similarity"] > 0.5 and found["box"]["probability"] > 0.5
    equal(len(service.recognize(A2, {"prediction_count": 2, "face_plugins": "calculator"})["result"][0]["embedding"]), 128)
    checked = faces.verify(A2, first["image_id"])["result"][0]
    assert checked["subject"] == "Ada" and checked["similarity"] > 0.5
    equal(subjects.update("Ada", "Ada L."), {"updated": True})
    equal(subjects.update("Bea", "Ada L."), {"updated": True})
    equal(subjects.list(), {"subjects": ["Ada L."]})
    equal(faces.delete(second["image_id"]), {"image_id": second["image_id"], "subject": "Ada L."})
    equal(faces.delete_all("Ada L."), {"deleted": 2})
    equal(subjects.delete("Ada L.")["code"], 42)
    equal(subjects.add("X") and subjects.delete_all(), {"deleted": 1})
    assert all_of_it.init_face_detection(KEY).detect(A)["result"][0]["box"]["x_max"] > 0
    verify = all_of_it.init_face_verification(KEY).verify
    assert verify(A, A2)["result"][0]["face_matches"][0]["similarity"] > 0.5
    assert verify(A, B)["result"][0]["face_matches"][0]["similarity"] < 0.5


def unofficial():
    """compreface-sdk-python 1.0.6"""
    text = base64.b64encode(pathlib.Path(A2).read_bytes()).decode()
    both = CompareFace("http://127.0.0.1", int(PORT))
    service = both.init_recognition_service(KEY)
    equal(service.add_a_subject("Ada"), {"subject": "Ada"})
    first = service.add_a_img("Ada", A)
    second = service.add_a_img_by_64("Ada", base64.b64encode(pathlib.Path(A3).read_bytes()).decode())
    equal(service.list_all_subjects(), {"subjects": ["Ada"]})
    page = service.list_saved_img_subject(page=0, size=1, subject="Ada")
    equal((page["total_pages"], page["total_elements"], len(page["faces"])), (2, 2, 1))
    equal(service.recognize(A2)["result"][0]["subjects"][0]["subject"], "Ada")
    equal(service.recognize_by_64(text)["result"][0]["subjects"][0]["subject"], "Ada")
    assert service.verify(A2, first["image_id"])["result"][0]["similarity"] > 0.5
    assert service.verify_by_64(text, first["image_id"])["result"][0]["similarity"] > 0.5
    equal(service.delete_multiple_img([first["image_id"]]), [first])
    equal(service.delete_a_img(second["image_id"]), second)
    equal(service.delete_all_subjects(), {"deleted": 0})
    assert both.init_detect_service(KEY).detect(A)["result"][0]["box"]["x_max"] > 0
    assert both.init_verify_service(KEY).verify(A, A2)["result"][0]["face_matches"][0]["similarity"] > 0.5

    async def later():
        again = both.init_async_recognition_service(KEY)
        await again.add_a_img("Ada", A)
        equal((await again.recognize(A2))["result"][0]["subjects"][0]["subject"], "Ada")
        equal(await again.delete_saved_img_by_subject("Ada"), {"deleted": 1})
    asyncio.run(later())


def deepstack(kind, **more):
    """deepstack-python 0.9 and codeproject-ai-api 0.1"""
    face = kind(ip="127.0.0.1", port=int(PORT), **more)
    read = {name: pathlib.Path(name).read_bytes() for name in (A, A2, B)}
    face.register("Ada", read[A])
    face.register("Bea", read[B])
    registered = face.get_registered_faces()
    equal(sorted(registered["faces"] if isinstance(registered, dict) else registered), ["Ada", "Bea"])
    equal([one["userid"] for one in face.recognize(read[A2])], ["Ada"])
    equal(len(face.detect(read[A])), 1)


official()
unofficial()
deepstack(DeepstackFace)
deepstack(CodeProjectAIFace)
try:
    DeepstackObject(ip="127.0.0.1", port=int(PORT)).detect(pathlib.Path(A).read_bytes())
    raise AssertionError("objects are not served")
except DeepstackException as refusal:
    assert "403" in str(refusal), refusal
