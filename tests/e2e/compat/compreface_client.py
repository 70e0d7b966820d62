"""CompreFace v1 as its clients call it: a key in x-api-key, pictures as `file` with a file name, JSON back, always."""
import base64
import uuid

import requests

ANY_KEY = str(uuid.UUID(int=2))  # while access is open, any UUID is one


class Compreface:
    def __init__(self, service, key=ANY_KEY):
        self.root, self.key = service.url + "/api/v1", key

    def call(self, method, path, key=..., **more):
        headers = {"x-api-key": self.key if key is ... else key, **more.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        return requests.request(method, self.root + path, headers=headers, timeout=60, **more)

    def ok(self, method, path, status=200, **more):
        answer = self.call(method, path, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.headers["Content-Type"] == "application/json"
        return answer.json()

    # ---- what the SDKs offer

    def subjects(self):
        return self.ok("GET", "/recognition/subjects/")["subjects"]

    def add_subject(self, name):
        return self.ok("POST", "/recognition/subjects", 201, json={"subject": name})

    def add(self, name, photo):
        return self.ok("POST", "/recognition/faces", 201, params={"subject": name}, files=picture(photo))

    def faces(self, **params):
        return self.ok("GET", "/recognition/faces", params=params)

    def recognise(self, photo, **params):
        return self.ok("POST", "/recognition/recognize", params=params, files=picture(photo))


def picture(photo, name="image.jpg", field="file"):
    return {field: (name, photo)}


def pair(first, second):
    return {"source_image": ("a.jpg", first), "target_image": ("b.jpg", second)}


def base64_of(photo):
    return base64.b64encode(photo).decode()
