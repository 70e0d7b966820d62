"""A user's own model: one command from an ONNX file to an embedder that names people; what cannot run is refused in words,
and nothing of it is left. And what vultusctl tells of the model files of a host.
"""
import json
import os
import pathlib
import shutil
import subprocess

import numpy
import onnx
import pytest
from conftest import ROOT, names, running
from onnx import TensorProto, helper, numpy_helper

PROGRAMS = pathlib.Path(os.environ.get("VULTUS_BIN", ROOT / "build/e2e/bin"))
ARCFACE = ("--template", "arcface112", "--mean", "127.5", "--scale", "0.0078125")


def constants(**arrays):
    return [numpy_helper.from_array(numpy.asarray(array, "float32"), name) for name, array in arrays.items()]


def file_of(nodes, weights, *outputs, opset=11, side=112):
    graph = helper.make_graph(
        nodes, "own", [helper.make_tensor_value_info("in", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=6).SerializeToString()


def own(floats=128, seed=1, scale=1.0, means=147, **more):
    """The means of a 7x7 grid of the face, as made-up combinations: enough to tell two photos apart."""
    numbers = numpy.random.default_rng(seed)
    window = numpy.zeros((3, 3, 16, 16), "float32")
    for colour in range(3):
        window[colour, colour] = scale / 256
    nodes = [helper.make_node("Conv", ["in", "w", "b"], ["grid"], name="grid", strides=[16, 16]),
             helper.make_node("Flatten", ["grid"], ["flat"], name="flat"),
             helper.make_node("Gemm", ["flat", "m", "z"], ["out"], name="last", transB=1)]
    return file_of(nodes, constants(w=window, b=numpy.zeros(3), m=numbers.normal(size=(floats, means)), z=numpy.zeros(floats)), "out", **more)


@pytest.fixture
def folder(tmp_path):
    """The models of a host, linked."""
    made = tmp_path / "models"
    made.mkdir()
    for path in (ROOT / "build/models").iterdir():
        os.link(path, made / path.name) if path.stat().st_dev == made.stat().st_dev else shutil.copy(path, made)
    return made


def ctl(*words, program=PROGRAMS / "vultusctl", **options):
    ran = subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=120, **options)
    return ran.returncode, ran.stdout, ran.stderr


def add(folder, path, *words):
    return ctl("models", "add", path, "--folder", folder, *words)


def test_from_a_file_to_names(tmp_path, folder, photos):
    path = tmp_path / "mine.onnx"
    path.write_bytes(own())
    code, said, why = add(folder, path, *ARCFACE, "--distance", "0.4", "--licence", "mine", "--training", "numbers by lot")
    assert code == 0, why
    assert "mine/unit was added" in said and "128 numbers" in said and "Restart the workers" in said
    assert sorted(one.name.split(".")[0] for one in folder.glob("mine*")) == ["mine", "mine"]
    with running(settings=(f"worker.models={folder}",), defaults=("worker.default_embedder=mine/unit", "worker.default_detector=centerface")) as service:
        service.train("Barack", photos["small_obama"])
        seen = service.recognize(photos["small_obama"])
        assert names(seen) == ["Barack"] and seen["models"]["embedding"] == "mine/unit"
        code, said, _ = ctl("--data", service.data, "models", "list")
        assert code == 0 and "mine/unit" in said
    code, said, why = ctl("models", "check", "--folder", folder, "mine", "--json")
    [row] = json.loads(said)["models"]
    assert code == 0 and row["state"] == "runs" and row["dimension"] == 128 and row["licence"] == "mine", why


def test_without_a_distance_it_says_what_to_do(tmp_path, folder):
    path = tmp_path / "wide.onnx"
    path.write_bytes(own(512))
    code, said, _ = add(folder, path, *ARCFACE)
    assert code == 0 and "512 numbers" in said
    assert "vultus-lfw" in said and "--embedder wide/unit" in said and "--calibrate" in said
    assert "distance" not in (folder / "wide.toml").read_text()


def with_node(*nodes, opset=11, **more):
    weights = constants(w=numpy.ones((3, 3, 1, 1)), b=numpy.zeros(3))
    first = helper.make_node("Conv", ["in", "w", "b"], ["c"], name="first")
    return file_of([first, *nodes], weights + constants(**more), nodes[-1].output[0] if nodes else "c", opset=opset)


def refused():
    whole = own()
    nan = own(scale=float("nan"))
    two = [helper.make_node("Identity", ["c"], ["x"], name="x"), helper.make_node("Identity", ["x"], ["y"], name="y")]
    return {
        "cut short": (whole[:len(whole) // 2], ""),
        "empty": (b"", "empty"),
        "text": (b"no network at all, but text", "ONNX"),
        "opset": (own(opset=6), "operator set"),
        "operator": (with_node(helper.make_node("Einsum", ["c"], ["e"], name="odd", equation="nchw->nchw")), "odd"),
        "cycle": (with_node(helper.make_node("Add", ["c", "later"], ["sum"], name="sum"), helper.make_node("Relu", ["sum"], ["later"], name="later")), "sum"),
        "not finite": (nan, "finite"),
        "two outputs": (file_of([helper.make_node("Conv", ["in", "w", "b"], ["c"], name="c"), *two],
                                constants(w=numpy.ones((3, 3, 1, 1)), b=numpy.zeros(3)), "x", "y"), "2 outputs"),
        "dimension": (own(100), "100 numbers"),
        "a map": (with_node(), "numbers of a face"),
        "side": (own(side=160, means=300), ""),
    }


@pytest.mark.parametrize("case", refused())
def test_what_cannot_run_is_refused_and_leaves_nothing(tmp_path, folder, case):
    content, word = refused()[case]
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    before = sorted(folder.iterdir())
    code, said, why = add(folder, path, *ARCFACE)
    assert (code, said) == (1, ""), (code, said)
    assert why.startswith("vultusctl: ") and why.count("\n") == 1 and word in why, why
    assert sorted(folder.iterdir()) == before, "nothing half written"


def test_names_and_words(tmp_path, folder):
    path = tmp_path / "mine.onnx"
    path.write_bytes(own())
    assert add(folder, path, *ARCFACE)[0] == 0
    code, _, why = add(folder, path, *ARCFACE)
    assert code == 1 and "--replace" in why
    before = (folder / "mine.toml").read_text()
    path.write_bytes(own(256, seed=2))
    code, said, why = add(folder, path, *ARCFACE, "--replace", "--channels", "bgr")
    assert code == 0 and "256 numbers" in said and "BGR" in said, why
    assert (folder / "mine.toml").read_text() != before and len(list(folder.glob("mine.*.onnx"))) == 1, "the older file is gone"
    path.write_bytes(own(seed=3)[:1000])
    after = (folder / "mine.toml").read_text()
    assert add(folder, path, *ARCFACE, "--replace")[0] == 1 and (folder / "mine.toml").read_text() == after
    assert "--name" in add(folder, path, *ARCFACE, "--name", "omz_0095")[2]
    assert "--name" in add(folder, path, *ARCFACE, "--name", "a/b")[2]
    for words in (("--template", "round"), ("--template", "arcface112", "--mean", "much"), ("--template", "arcface112", "--channels", "hsv")):
        assert add(folder, path, *words)[0] == 2, words
    code, _, why = add(folder, path, *ARCFACE, "--name", "scaled", "--scale", "0")
    assert code == 2 and "scale" in why
    assert "cannot be written" in add(tmp_path / "nowhere", path, *ARCFACE, "--name", "x")[2]
    assert "no file" in add(folder, tmp_path / "none.onnx", *ARCFACE)[2]


def test_check_tells_a_changed_file(tmp_path, folder):
    path = tmp_path / "mine.onnx"
    path.write_bytes(own())
    add(folder, path, *ARCFACE, "--distance", "1")
    code, said, _ = ctl("models", "check", "--folder", folder)
    assert code == 0, said
    for word in ("centerface", "omz_0095", "mine/unit", "MIT", "WIDER FACE", "CC0-1.0"):
        assert word in said, word
    [network] = folder.glob("mine.*.onnx")
    network.write_bytes(own(seed=9))
    detector = folder / "centerface.onnx"
    content = detector.read_bytes()
    detector.unlink()
    detector.write_bytes(content[:-1])
    code, said, _ = ctl("models", "check", "--folder", folder)
    assert code == 1 and "different SHA-256" in said and "truncated" in said
    detector.unlink()
    network.unlink()
    code, said, _ = ctl("models", "check", "--folder", folder, "centerface")
    assert code == 1 and "missing" in said, "asked for by name"
    (folder / "mine.toml").unlink()
    assert ctl("models", "check", "--folder", folder)[0] == 0, "an optional model may be missing"
    (folder / "mmod_human_face_detector.dat").unlink()
    assert ctl("models", "check", "--folder", folder)[0] == 1
    assert ctl("models", "check", "--folder", folder, "unheard_of")[0] == 1


def test_bench_has_a_number_for_each(folder):
    code, said, why = ctl("models", "bench", "--folder", folder, "--json")
    assert code == 0, why
    rows = {row["model"]: row for row in json.loads(said)["models"]}
    for name in ("hog", "cnn", "centerface", "yunet", "dlib_resnet_v1"):
        if rows[name]["state"] == "runs":
            assert 0 < rows[name]["ms"] < 10_000, name
    assert "ms" not in rows["landmarks"]


def test_fetch_is_config_fetch(tmp_path, folder):
    source = tmp_path / "source"
    source.mkdir()
    shutil.move(folder / "centerface.onnx", source / "centerface.onnx")
    code, said, why = ctl("models", "fetch", "centerface", "--folder", folder, env={**os.environ, "VULTUS_MODEL_SOURCES": str(source)})
    assert code == 0 and "centerface" in said, why
    assert (folder / "centerface.onnx").stat().st_size == (source / "centerface.onnx").stat().st_size
    code, _, why = ctl("models", "fetch", "unheard_of", "--folder", folder)
    assert code == 1 and "unheard_of" in why


def test_without_a_worker_program(tmp_path, folder):
    alone = tmp_path / "bin/vultusctl"
    alone.parent.mkdir()
    shutil.copy(PROGRAMS / "vultusctl", alone)
    code, _, why = ctl("models", "check", "--folder", folder, program=alone)
    assert code == 1 and "vultus-worker is not in the folder" in why
    before = sorted(folder.iterdir())
    path = tmp_path / "mine.onnx"
    path.write_bytes(own())
    code, _, why = ctl("models", "add", path, "--folder", folder, *ARCFACE, program=alone)
    assert code == 1 and "vultus-worker" in why and sorted(folder.iterdir()) == before
