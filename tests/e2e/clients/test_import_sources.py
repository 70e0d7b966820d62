"""vultusctl import from other places than a folder of ours: a running CompreFace, a CSV file, a zip file, and the folders of
Double Take, Frigate and deepface. Each file gets a verdict; a kill in the middle teaches nothing twice; what is hostile costs
one clear line."""
import http.server
import io
import json
import os
import signal
import struct
import subprocess
import threading
import time
import urllib.parse
import uuid
import zipfile

import pytest
from bad_service import BadService, http as raw_http
from conftest import ROOT, jpeg, running, wait_until
from PIL import Image
from test_import import CTL, counts, fill, imported

KEY = "00000000-0000-0000-0000-00000000000a"


class CompreFace:
    """The calls of CompreFace that an import makes, with the pictures `faces`: (subject, bytes)."""

    def __init__(self, faces, prefix="", key=KEY):
        self.faces = [(str(uuid.uuid5(uuid.NAMESPACE_URL, f"{i}")), who, photo) for i, (who, photo) in enumerate(faces)]
        self.asked, self.sizes = [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                outer.asked.append(self.path)
                path, _, query = self.path.partition("?")
                path = path.removeprefix(prefix)
                if self.headers["x-api-key"] != key:
                    return self.say(404, {"message": f"Recognition service with API Key {self.headers['x-api-key']} not found",
                                          "code": 10})
                if path == "/api/v1/recognition/faces":
                    wanted = urllib.parse.parse_qs(query)
                    page, size = int(wanted["page"][0]), int(wanted["size"][0])
                    outer.sizes.append(size)
                    rows = outer.faces[page * size:(page + 1) * size]
                    return self.say(200, {"faces": [{"image_id": i, "subject": who} for i, who, _ in rows], "page_number": page,
                                          "page_size": size, "total_pages": -(-len(outer.faces) // size),
                                          "total_elements": len(outer.faces)})
                found = [photo for i, _, photo in outer.faces if path == f"/api/v1/recognition/faces/{i}/img"]
                return self.say(200, found[0]) if found else self.say(200, b"")

            def say(self, status, what):
                body = what if isinstance(what, bytes) else json.dumps(what).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}{prefix}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def pictures_read(self):
        return sum(path.endswith("/img") for path in self.asked)


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "compreface.key"
    path.write_text(KEY + "\n")
    path.chmod(0o600)
    return str(path)


def refused(service, source, *words, code=1):
    """The one line of an import that could not begin."""
    ran = subprocess.run([CTL, "--data", str(service.data), "import", str(source), *words], capture_output=True, text=True,
                         timeout=120)
    assert ran.returncode == code and ran.stdout == "" and ran.stderr.startswith("vultusctl: "), ran
    assert ran.stderr.count("\n") == 1 and len(ran.stderr) < 400, ran.stderr
    return ran.stderr


def states(said):
    return {one["file"]: (one["state"], one.get("reason", "")) for one in said["files"]}


# ---- folders -------------------------------------------------------------------------------------------

def test_the_folders_of_other_programs(shared_service, photos, tmp_path):
    obama, biden = photos["small_obama"], photos["small_biden"]
    for kind, files in {
            "double-take": {".storage/train/Barack/a.jpg": obama, ".storage/train/Joe/b.jpg": biden, ".storage/matches/x.jpg": obama},
            "frigate": {"clips/faces/Barack/a.webp": obama, "clips/faces/Joe/b.webp": biden, "clips/faces/train/x.webp": obama},
            "deepface": {"Barack/2024/a.jpg": obama, "Joe/b.jpg": biden, "ds_model_vggface.pkl": b"x", "train/Joe.txt": b"no photo"},
    }.items():
        folder = fill(tmp_path / kind, files)
        _, found, said = imported(shared_service, folder, "--from", kind, "--collection", kind)
        assert said["imported"] == 2 and counts(shared_service, kind) == {"Barack": 1, "Joe": 1}, said
        assert not any("x." in name and state == "imported" for name, state in found.items()), found


# ---- CSV ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text", [
    "name,file\nBarack,o.jpg\nJoe,b.jpg\n", "Barack,o.jpg\nJoe,b.jpg", "﻿File;Note;Name\r\no.jpg;\"a;b\";Barack\r\nb.jpg;;Joe\r\n",
    "\"Barack\"\t\"o.jpg\"\n\n\"Joe\"\t\"b.jpg\"\n"])
def test_a_csv_file(shared_service, photos, tmp_path, text):
    fill(tmp_path, {"o.jpg": photos["small_obama"], "b.jpg": photos["small_biden"], "list.csv": text.encode()})
    collection = "csv" + uuid.uuid4().hex[:8]
    code, found, said = imported(shared_service, tmp_path / "list.csv", "--from", "csv", "--collection", collection)
    assert code == 0 and found == {"o.jpg": "imported", "b.jpg": "imported"}, said
    assert counts(shared_service, collection) == {"Barack": 1, "Joe": 1}


def test_a_csv_file_with_faults(shared_service, photos, tmp_path):
    fill(tmp_path, {"o.jpg": photos["small_obama"], "list.csv":
                    "\n".join(["name,file", "Barack,o.jpg", "Joe,none.jpg", "Joe", "Joe,", "Joe,/dev/zero", "Joe,.", ",o.jpg"]).encode()})
    _, _, said = imported(shared_service, tmp_path / "list.csv", "--from", "csv", "--collection", "csv-faults")
    got = states(said)
    assert got["o.jpg"][0] in ("imported", "refused") and said["imported"] == 1 and said["refused"] == 6, got
    assert got["none.jpg"] == ("refused", "not_found") and got["/dev/zero"] == ("refused", "not_found")
    fill(tmp_path, {"long.csv": b"name,file\n" + b"x" * 100_000, "open.csv": b'name,file\n"Barack,o.jpg\n'})
    for name in ("long.csv", "open.csv"):
        ran = subprocess.run([CTL, "--data", str(shared_service.data), "import", str(tmp_path / name), "--from", "csv"],
                             capture_output=True, text=True, timeout=60)
        assert ran.returncode == 1 and "stopped before the end" in ran.stdout + ran.stderr and "line" in ran.stdout, ran
    assert "no such file" in refused(shared_service, "/dev/null", "--from", "csv")


# ---- zip ------------------------------------------------------------------------------------------------

def zip_of(path, entries, compress=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compress) as archive:
        for name, content in entries.items():
            archive.writestr(name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name), content, compress)
    return path


def link(name):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info


def encrypted(path):
    """Sets the flag of encryption in every entry."""
    data = bytearray(path.read_bytes())
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        begin = data.find(sign)
        while begin >= 0:
            data[begin + at] |= 1
            begin = data.find(sign, begin + 4)
    path.write_bytes(data)
    return path


def test_a_zip_file(shared_service, photos, tmp_path):
    zip_of(tmp_path / "people.zip", {"people/Barack/1.jpg": photos["small_obama"], "people/Joe/1.jpg": photos["small_biden"],
                                     "people/Joe/note.txt": b"x", "readme.txt": b"x", "__MACOSX/Joe/1.jpg": b"x"})
    _, found, said = imported(shared_service, tmp_path / "people.zip", "--from", "zip", "--collection", "zip")
    assert counts(shared_service, "zip") == {"Barack": 1, "Joe": 1} and found["people/Joe/note.txt"] == "refused", said
    assert found["readme.txt"] == found["__MACOSX/Joe/1.jpg"] == "skipped"
    again = imported(shared_service, tmp_path / "people.zip", "--from", "deepstack", "--collection", "zip")[1]
    assert again["people/Barack/1.jpg"] == "known"


def test_a_hostile_zip_file(shared_service, photos, tmp_path):
    bomb, good = b"\0" * (200 << 20), photos["small_obama"]
    path = zip_of(tmp_path / "bad.zip", {"Ada/bomb.jpg": bomb, "../../etc/passwd": good, "/abs/Ada/1.jpg": good, "Ada\\1.jpg": good,
                                         link("Ada/link.jpg"): b"/etc/passwd", "Ada/./1.jpg": good, "Ada/1.jpg": good})
    ran = subprocess.run(["bash", "-c", 'ulimit -v 350000; exec "$@"', "-", CTL, "--data", str(shared_service.data), "import",
                          str(path), "--from", "zip", "--json", "--collection", "hostile"], capture_output=True, text=True)
    assert ran.returncode == 1 and ran.stderr == "", ran
    got = states(json.loads(ran.stdout))
    assert got.pop("Ada/1.jpg") == ("imported", "") and got.pop("Ada/bomb.jpg") == ("refused", "too_large"), got
    assert len(got) == 5 and {state for state, _ in got.values()} == {"refused"}, got
    assert not (tmp_path / "etc").exists() and {one.name for one in tmp_path.iterdir()} == {"bad.zip"}

    path = encrypted(zip_of(tmp_path / "locked.zip", {"Ada/2.jpg": good}))
    assert states(imported(shared_service, path, "--from", "zip")[2]) == {"Ada/2.jpg": ("refused", "encrypted")}
    path.write_bytes(path.read_bytes()[:-30])
    assert "no zip file" in refused(shared_service, path, "--from", "zip")
    lie = bytearray(zip_of(tmp_path / "lie.zip", {"Ada/3.jpg": good}, zipfile.ZIP_STORED).read_bytes())
    lie[-10:-6] = struct.pack("<I", 200 << 20)  # the size of the list of entries
    (tmp_path / "lie.zip").write_bytes(lie)
    assert "64 MiB" in refused(shared_service, tmp_path / "lie.zip", "--from", "zip")
    damaged = bytearray(zip_of(tmp_path / "damaged.zip", {"Ada/4.jpg": good}).read_bytes())
    damaged[2000] ^= 255
    (tmp_path / "damaged.zip").write_bytes(damaged)
    assert states(imported(shared_service, tmp_path / "damaged.zip", "--from", "zip")[2])["Ada/4.jpg"][0] == "refused"
    os.mkfifo(tmp_path / "pipe")
    assert "no such file" in refused(shared_service, tmp_path / "pipe", "--from", "zip")


def test_a_backup_of_deepstack_has_no_photos_and_the_line_says_so(shared_service, tmp_path):
    zip_of(tmp_path / "deepstack.backup", {"faceembedding.db": b"SQLite format 3\0", "models/vision/a/model.pb": b"x",
                                           "models/vision/a/config.json": b"{}"})
    assert "has no photos" in refused(shared_service, tmp_path / "deepstack.backup", "--from", "deepstack")


# ---- a running CompreFace -----------------------------------------------------------------------------------

def test_compreface(shared_service, photos, key, tmp_path):
    service, small = shared_service, photos["small_obama"]
    faces = [("Barack", small), ("Joe", photos["small_biden"]), ("Barack", small), ("Wall", jpeg(Image.new("RGB", (200, 200), "grey"))),
             ("Gone", b""), ("Text", b"hello")]
    words = ("--from", "compreface", "--key-file", key, "--collection", "compreface")
    with CompreFace(faces, prefix="/cf") as source:
        ids = [one[0] for one in source.faces]
        code, found, said = imported(service, source.url, *words, "--dry-run")
        assert [found[f"{who}/{i}"] for i, (who, _) in zip(ids, faces)] == [
            "would_import", "would_import", "duplicate", "refused", "refused", "refused"], said
        assert code == 1 and said["would_import"] == 2 and said["imported"] == 0 and counts(service, "compreface") == {}
        code, found, said = imported(service, source.url, *words)
        reasons = [states(said)[f"{who}/{i}"] for i, (who, _) in zip(ids, faces)]
        assert reasons == [("imported", ""), ("imported", ""), ("duplicate", "same_bytes"), ("refused", "no_face"),
                           ("refused", "no_image"), ("refused", "unsupported_media")]
        assert code == 1 and counts(service, "compreface") == {"Barack": 1, "Joe": 1}
        assert KEY not in json.dumps(said) and said["folder"] == source.url + "/api/v1"
        dry = imported(service, source.url, *words, "--dry-run")[2]
        assert dry["known"] == 2 and dry["would_import"] == 0
    assert service.fsck() == []


def test_a_killed_import_goes_on_from_its_journal(photos, key, tmp_path):
    content, journal = photos["small_obama"], tmp_path / "journal"
    faces = [(f"P{i}", content + bytes([i])) for i in range(90)] + [("Wall", jpeg(Image.new("RGB", (99, 99))))]
    with running() as service, CompreFace(faces) as source:
        words = [CTL, "--data", str(service.data), "import", source.url, "--from", "compreface", "--key-file", key,
                 "--journal", str(journal)]
        ran = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        wait_until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 20, what="verdicts in the journal")
        held = subprocess.run(words, capture_output=True, text=True)
        assert held.returncode == 1 and "another import" in held.stderr, held
        ran.send_signal(signal.SIGKILL)
        ran.wait()
        with open(journal, "ab") as file:
            file.write(b'{"file":"cut off')
        assert journal.stat().st_mode & 0o077 == 0
        before = journal.read_bytes().count(b'"state":"imported"')
        source.asked.clear()
        code, _, said = imported(service, source.url, *words[5:])
        assert code == 1 and said["imported"] + said["known"] == 90 and said["refused"] == 1, said
        assert source.pictures_read() <= 91 - before, "what the journal has is not read again"
        assert counts(service) == {f"P{i}": 1 for i in range(90)} and service.fsck() == []
        source.asked.clear()
        _, _, said = imported(service, source.url, *words[5:])
        assert said["known"] == 90 and said["refused"] == 1 and source.pictures_read() == 0, said
        service.call("DELETE", "/api/faces/P7")
        wait_until(lambda: "P7" not in counts(service), what="the removal")
        assert imported(service, source.url, *words[5:])[2]["imported"] == 1 and source.pictures_read() == 1
        other = subprocess.run([*words, "--collection", "other"], capture_output=True, text=True)
        assert other.returncode == 1 and "another import" in other.stderr and other.stderr.count("\n") == 1, other


LISTED = json.dumps({"faces": [{"image_id": str(uuid.UUID(int=1)), "subject": "Ada"}], "total_pages": 1, "total_elements": 1})


def after_the_list(answer):
    """Lists one picture, and then gives this answer to who wants it."""
    return lambda request, _: answer if b"/img " in request else raw_http("200 OK", LISTED)


@pytest.mark.parametrize("answer, line", [
    (raw_http("302 Found", "", Location="http://127.0.0.1:1/"), "redirects"),
    (raw_http("200 OK", "<html>"), "not that of CompreFace"),
    (raw_http("200 OK", json.dumps({"faces": "none"})), "not that of CompreFace"),
    (raw_http("200 OK", "{" + "x" * (2 << 20)), "larger than"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "larger than"),
    (b"SSH-2.0-OpenSSH\r\n", "server 127.0.0.1"),
    (raw_http("400 Bad Request", json.dumps({"code": 20, "message": "x"})), "the key is not"),
    (raw_http("503 Service Unavailable", ""), "answers 503"),
])
def test_a_hostile_server_costs_one_line(shared_service, key, answer, line):
    with BadService(answer) as bad:
        said = refused(shared_service, bad.url, "--from", "compreface", "--key-file", key)
        assert line in said and KEY not in said, said


@pytest.mark.parametrize("answer, verdict", [
    (raw_http("302 Found", "", Location="http://127.0.0.1:1/"), ("unfinished", "not_begun")),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nshort", ("unfinished", "not_begun")),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", ("refused", "too_large")),
    (raw_http("404 Not Found", "{}"), ("refused", "not_found")),
    (raw_http("200 OK", "<html>no photo</html>"), ("refused", "unsupported_media")),
])
def test_a_hostile_picture_has_its_verdict(shared_service, key, answer, verdict):
    with BadService(after_the_list(answer)) as bad:
        code, _, said = imported(shared_service, bad.url, "--from", "compreface", "--key-file", key)
        assert code == 1 and list(states(said).values()) == [verdict], said
        assert bool(said.get("stopped")) == (verdict[0] == "unfinished")


def test_a_server_that_lists_for_ever_or_lies_about_its_pages(shared_service, key):
    page = json.dumps({"faces": [{"image_id": str(uuid.UUID(int=1)), "subject": "Ada"}, {"image_id": "../../x", "subject": "Ada"},
                                 {"image_id": 5, "subject": ["x"]}, 7], "total_pages": 10 ** 9, "total_elements": 10 ** 12})
    with BadService(lambda request, _: raw_http("404 Not Found", "{}") if b"/img " in request else raw_http("200 OK", page)) as bad:
        code, _, said = imported(shared_service, bad.url, "--from", "compreface", "--key-file", key)
        assert code == 1 and said["refused"] == 3 and len(bad.asked) == 3, (said, bad.asked)


def test_a_server_that_hangs_is_left(shared_service, key):
    with BadService(None) as bad:
        begin = time.monotonic()
        ran = subprocess.Popen([CTL, "--data", str(shared_service.data), "import", bad.url, "--from", "compreface", "--key-file", key],
                               stderr=subprocess.PIPE, text=True)
        wait_until(lambda: bad.asked, what="a request")
        ran.send_signal(signal.SIGINT)
        assert ran.wait(10) == 1 and time.monotonic() - begin < 10
        assert ran.stderr.read().count("\n") == 1


def test_wrong_usage(shared_service, key, tmp_path):
    for words in (["--from", "compreface"], ["--from", "csv", "--key-file", key], ["--dry-run", "--journal", "x"]):
        refused(shared_service, "http://127.0.0.1:1", *words, code=2)
    (tmp_path / "open.key").write_text(KEY)
    (tmp_path / "open.key").chmod(0o644)
    words = ("--from", "compreface", "--key-file")
    assert "chmod" in refused(shared_service, "http://127.0.0.1:1", *words, str(tmp_path / "open.key"))
    assert "no such file" in refused(shared_service, "http://127.0.0.1:1", *words, str(tmp_path / "none"))
    for url in ("ftp://x", "http://user:password@x", "http://x/?a=b", "compreface", "http://x:99999"):
        refused(shared_service, url, *words, key)
    assert "server 127.0.0.1" in refused(shared_service, "http://127.0.0.1:1", *words, key)
    (tmp_path / "journal").write_text("no journal\n")
    (tmp_path / "journal").chmod(0o600)
    assert "no journal" in refused(shared_service, tmp_path, "--journal", str(tmp_path / "journal"))
    assert "not a file" in refused(shared_service, tmp_path, "--journal", "/dev/null")
