"""config/fetch.py: the sources of a model in their order, and what costs only a line."""
import hashlib
import http.server
import importlib.util
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "config/fetch.py"
CONTENT = b"the numbers of a network" * 1000
WEIGHTS = b"the weights of the same model"


@pytest.fixture
def place(tmp_path):
    """A folder with manifests, and a way to run the program on it."""
    return Place(tmp_path)


class Place:
    def __init__(self, folder):
        self.folder, self.data = folder, folder / "data"
        self.manifests = folder / "manifests"
        self.manifests.mkdir()

    def manifest(self, name, *sources, content=CONTENT, **more):
        lines = [f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
                 for key, value in {"kind": "detector", "licence": "MIT", **more}.items()]
        lines += ["[[file]]", f'name = "{name}.onnx"', f"bytes = {len(content)}", f'sha256 = "{hashlib.sha256(content).hexdigest()}"']
        for source in sources:
            lines += ["[[source]]", f'address = "{source}"']
        if not sources:
            lines += ["[[source]]", 'address = "http://127.0.0.1:9/none"']
        (self.manifests / f"{name}.toml").write_text("\n".join(lines) + "\n")

    def run(self, *arguments, sources=""):
        return subprocess.run([sys.executable, PROGRAM, "--data", self.data, "--manifests", self.manifests, *arguments],
                              capture_output=True, text=True, timeout=60, env={"VULTUS_MODEL_SOURCES": str(sources)})

    def file(self, name):
        return self.data / "models" / f"{name}.onnx"


@pytest.fixture
def server():
    """Serves CONTENT under /good, something else under /bad, two files in the folder /all and one of them in /half."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = {"/good": CONTENT, "/all/a.onnx": CONTENT, "/all/a.bin": WEIGHTS, "/half/a.onnx": CONTENT, "/bad": CONTENT[:-1] + b"!", "/long": CONTENT + b"!"}.get(self.path)
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_the_first_source_that_has_the_right_file(place, server):
    place.manifest("a", f"{server}/missing", f"{server}/bad", f"{server}/long", f"{server}/good")
    done = place.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "fetching a.onnx\n", "")
    assert place.file("a").read_bytes() == CONTENT
    assert (place.run().stdout, [path.name for path in place.file("a").parent.iterdir()]) == ("", ["a.onnx"])


def test_a_folder_comes_before_all_sources(place):
    place.manifest("a")
    given = place.folder / "given"
    given.mkdir()
    (given / "a.onnx").write_bytes(CONTENT)
    done = place.run(sources=f"/nowhere:{given}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "copying a.onnx\n", "")
    assert place.file("a").read_bytes() == CONTENT


def test_a_wrong_file_in_a_folder_is_not_taken(place, server):
    place.manifest("a", f"{server}/good")
    (place.folder / "a.onnx").write_bytes(CONTENT[:-1] + b"?")
    assert place.run(sources=place.folder).returncode == 0
    assert place.file("a").read_bytes() == CONTENT


def test_a_model_that_cannot_be_had_costs_a_line_unless_it_is_required_or_named(place):
    place.manifest("a")
    done = place.run()
    assert done.returncode == 0
    [line] = done.stderr.splitlines()
    assert line.startswith("fetch: going on without a: http://127.0.0.1:9/none: ") and "refused" in line
    named = place.run("a")
    assert named.returncode == 2 and named.stderr.startswith("fetch: http://127.0.0.1:9/none") and not place.file("a").exists()
    place.manifest("b", required=True)
    needed = place.run()
    assert needed.returncode == 2 and len(needed.stderr.splitlines()) == 1, needed.stderr


def test_the_files_of_one_model_come_from_one_folder(place, server):
    place.manifest("a", f"{server}/half/", f"{server}/all/")
    with open(place.manifests / "a.toml", "a") as manifest:
        manifest.write(f'[[file]]\nname = "a.bin"\nbytes = {len(WEIGHTS)}\nsha256 = "{hashlib.sha256(WEIGHTS).hexdigest()}"\n')
    assert place.run().returncode == 0
    assert place.file("a").read_bytes() == CONTENT and (place.data / "models/a.bin").read_bytes() == WEIGHTS
    assert place.run().stdout == "", "all are there"
    (place.data / "models/a.bin").unlink()
    place.manifest("b", f"{server}/half/")
    gone = place.run("b")
    assert gone.returncode == 2 and f"{server}/half/b.onnx: " in gone.stderr, gone.stderr


def test_what_has_to_be_asked_for_is_fetched_by_name_or_from_a_folder_only(place, server):
    place.manifest("a", f"{server}/good", asked=True)
    assert (place.run().stdout, place.file("a").exists()) == ("", False)
    assert place.run("a").returncode == 0 and place.file("a").exists()
    place.file("a").unlink()
    (place.folder / "a.onnx").write_bytes(CONTENT)
    assert place.run(sources=place.folder).returncode == 0 and place.file("a").exists()


def test_an_address_that_says_nothing_is_given_up(place, server):
    """SILENCE_S is shortened; the program's own is ten seconds."""
    spec = importlib.util.spec_from_file_location("fetch", PROGRAM)
    fetch = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fetch)
    assert fetch.SILENCE_S == 10
    fetch.SILENCE_S = 0.3
    with socket.create_server(("127.0.0.1", 0)) as silent:
        entry = {"name": "a.onnx", "bytes": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
        model = {"place": "models", "file": [entry],
                 "source": [{"address": f"http://127.0.0.1:{silent.getsockname()[1]}/a"}, {"address": f"{server}/good"}]}
        begin = time.monotonic()
        fetch.fetch(model, place.data, [], place.folder, False)
        assert time.monotonic() - begin < 5
    assert place.file("a").read_bytes() == CONTENT


@pytest.mark.parametrize("text", [
    "kind = 'detector'\nfile = [{name = '../a', bytes = 1, sha256 = '" + "0" * 64 + "'}]\nsource = []",
    "kind = 'detector'\nfile = [{name = 'a', bytes = 1, sha256 = 'short'}]\nsource = []",
    "kind = 'detector'\nfile = [{name = 'a'}]\nsource = []", "kind = 'detector'", "what is this",
    "kind = 'detector'\nfile = []\nsource = [{package = 'a', address = 'b'}]"])
def test_a_manifest_with_a_mistake_is_named(place, text):
    (place.manifests / "x.toml").write_text(text)
    done = place.run()
    assert done.returncode == 2 and f"{place.manifests / 'x.toml'}: " in done.stderr, done.stderr


def test_each_manifest_of_the_project_says_what_the_table_of_models_says():
    import tomllib
    table = (ROOT / "docs/operations.md").read_text()
    for path in sorted((ROOT / "config/models").glob("*.toml")):
        model = tomllib.loads(path.read_text())
        assert model["licence"] and model["kind"] in ("detector", "embedder", "landmarks", "photos"), path
        if model["kind"] != "photos":
            assert model["training"] and model["input"], path
            [row] = [line for line in table.splitlines() if line.startswith(f"| `{path.stem}` |")]
            assert all(entry["name"] in row for entry in model["file"]), row
            assert model["licence"].replace("-", " ") in row.replace("-", " "), row


def test_into_a_folder_of_its_own(place, server):
    """As vultusctl models fetch calls it: worker.models may be any folder."""
    place.manifest("a", f"{server}/good")
    target = place.folder / "elsewhere/anything"
    done = place.run("--folder", target, "models")
    assert done.returncode == 0, done.stderr
    assert (target / "a.onnx").read_bytes() == CONTENT and not place.data.exists()
    assert place.run("--folder", target, "a").stdout == "", "it is there"


@pytest.mark.skipif(os.geteuid() != 0, reason="a mount needs root")
def test_a_full_disk_is_one_line_and_the_next_run_goes_on(place, server):
    place.manifest("one", f"{server}/good", required=True)
    place.data.mkdir()
    words = f"{sys.executable} {PROGRAM} --data {place.data} --manifests {place.manifests} one"
    script = f"mount -t tmpfs -o size=8k none {place.data}; {words} || echo code $?; mount -o remount,size=1m {place.data}; {words}; " \
             f"ls -A {place.data}/models"
    done = subprocess.run(["unshare", "-m", "bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stderr == "fetch: the disk is full: make room and start again; what is whole is kept\n", done
    assert done.stdout.splitlines()[-1] == "one.onnx" and "code 2" in done.stdout, done
