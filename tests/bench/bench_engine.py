#!/usr/bin/env python3
"""The onednn backend against dlib's own forward pass on this machine, one thread.

    ./test bench engine [--json] [--rounds 20] [--lfw DIR PAIRS]

Three configurations, each a process of build/e2e/bin/engine_time that times both sides in turns and keeps the best of each:
avx2 (fp32, ONEDNN_MAX_CPU_ISA=AVX2), avx512 (fp32) and bf16, the last two where the processor has them. dlib and its OpenBLAS use
whatever the processor has in all three. Each figure of --json is an object by configuration. embed_b8_over_fma_limit is the time of
a face over its floating point operations at the measured rate of fused multiply-adds of that vector width; it says nothing for
bf16, whose instructions do more, and is left out there.

And the imported networks against the frameworks that wrote their files, with what the processor has: CenterFace on 640x480 against
ONNX Runtime, the OMZ embedder on eight faces against OpenVINO; fp32, one thread, processor time, the best of rounds in turns. Where the processor has bf16, omz0095_b8_bf16_speedup is the time
of the OMZ embedder in fp32 over that in bf16.

--lfw, with the photos and a pair file of Labeled Faces in the Wild: vultus-lfw in fp32 and in bf16; tar_at_far_1e-4 of all pairs
in both, and how much bf16 changes it. Takes minutes.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy
import onnxruntime
import openvino
import onnx

from ran_on import ran_on

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PHOTO = ROOT / "build/photos/obama2.jpg"
CONFIGURATIONS = {"avx2": ("AVX2", "fp32"), "avx512": ("AVX512_CORE", "fp32"), "bf16": ("ALL", "bf16")}
# Of this processor, as the kernel names it.
NEEDS = {"avx2": "avx2", "avx512": "avx512bw", "bf16": "avx512_bf16"}
WANTED = {"embed_b8_speedup_vs_dlib": {"avx2": 2.5, "avx512": 2.7, "bf16": 5},
          "detect_cnn_vga_speedup_vs_dlib": {"avx2": 4.5, "avx512": 6.5, "bf16": 12},
          "embed_b8_over_fma_limit": {"avx2": 1.2, "avx512": 1.2},
          "centerface_vga_over_onnxruntime": 0.8, "omz0095_b8_over_openvino": 1.0, "omz0095_b8_bf16_speedup": 1.6,
          "bf16_tar_change": 0.002}


def cpu(field):
    for line in open("/proc/cpuinfo"):
        if line.startswith(field):
            return line.split(":", 1)[1].strip()
    return ""


def measure(name, rounds):
    isa, precision = CONFIGURATIONS[name]
    environment = dict(os.environ, ONEDNN_MAX_CPU_ISA=isa, OPENBLAS_NUM_THREADS="1", DLIB_NUM_THREADS="1")
    done = subprocess.run([ROOT / "build/e2e/bin/engine_time", ROOT / "build/models", PHOTO, precision, str(rounds)],
                          env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"engine_time failed: {done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def onnx_runtime(path, values):
    """A call that runs the file on these values. Constants do not stand among the inputs, which would keep ONNX Runtime from
    folding them."""
    model = onnx.load(str(path))
    constants = {one.name for one in model.graph.initializer}
    (picture,) = [one.SerializeToString() for one in model.graph.input if one.name not in constants]
    del model.graph.input[:]
    model.graph.input.add().ParseFromString(picture)
    for dim, size in zip(model.graph.input[0].type.tensor_type.shape.dim, values.shape):
        dim.dim_value = size
    for one in model.graph.output:
        one.type.tensor_type.ClearField("shape")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {model.graph.input[0].name: values})


def openvino_cpu(path, values):
    model = openvino.Core().read_model(path)
    model.reshape(list(values.shape))
    request = openvino.Core().compile_model(model, "CPU", {
        "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
    return lambda: request.infer({0: values})


def processor_time(call):
    begin = time.process_time()
    call()
    return (time.process_time() - begin) * 1e3


def model_path(model):
    folders = [ROOT / "build/models", *filter(None, os.environ.get("VULTUS_MODEL_SOURCES", "").split(":"))]
    path = next((path for folder in folders if (path := pathlib.Path(folder, model)).is_file()), None)
    if path is None:
        sys.exit(f"no {model} in {', '.join(map(str, folders))}: put it into a folder of VULTUS_MODEL_SOURCES")
    return path


def against(peer, model, batch, rows, columns, order, rounds, half):
    """Milliseconds of ours, of theirs and of ours in bf16 (None: not asked for)."""
    path = model_path(model)
    pictures = numpy.random.default_rng(1).integers(0, 256, (batch, rows, columns, 3), dtype=numpy.uint8)
    turned = pictures[..., ::-1] if order == "bgr" else pictures
    theirs = peer(path, numpy.ascontiguousarray(turned.transpose(0, 3, 1, 2)).astype(numpy.float32))
    best, best_of_theirs, best_in_half = [], [], []
    with tempfile.NamedTemporaryFile() as pixels:
        pixels.write(pictures.tobytes())
        pixels.flush()
        def ours(numbers):
            done = subprocess.run([ROOT / "build/e2e/bin/run_network", path, pixels.name, str(rows), str(columns), str(batch),
                                   numbers, order, str(rounds)], capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"run_network failed: {done.stdout}{done.stderr}")
            return float(done.stdout)
        theirs()
        for _ in range(4):
            best.append(ours("fp32"))
            best_of_theirs.append(min(processor_time(theirs) for _ in range(rounds)))
            best_in_half += [ours("bf16")] if half else []
    return min(best), min(best_of_theirs), min(best_in_half, default=None)


def imported(rounds, half):
    face, face_of_theirs, _ = against(onnx_runtime, "centerface.onnx", 1, 480, 640, "rgb", rounds, False)
    chip, chip_of_theirs, chip_in_half = against(openvino_cpu, "face-reidentification-retail-0095.xml", 8, 128, 128, "bgr", rounds, half)
    in_half = {"omz0095_b8_bf16_ms": chip_in_half / 8, "omz0095_b8_bf16_speedup": round(chip / chip_in_half, 3)} if half else {}
    return {**in_half, "centerface_vga_ms": face, "centerface_vga_onnxruntime_ms": face_of_theirs,
            "centerface_vga_over_onnxruntime": round(face / face_of_theirs, 3),
            "omz0095_b8_ms": chip / 8, "omz0095_b8_openvino_ms": chip_of_theirs / 8,
            "omz0095_b8_over_openvino": round(chip / chip_of_theirs, 3)}


def accuracy(images, pairs):
    """TAR at a FAR of 1e-4 over all pairs, of the default models in both."""
    found = {}
    for numbers in ("fp32", "bf16"):
        done = subprocess.run([ROOT / "build/e2e/bin/vultus-lfw", "--images", images, "--pairs", pairs, "--models", model_path("centerface.onnx").parent,
                               "--precision", numbers, "--json"], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"vultus-lfw failed: {done.stdout}{done.stderr}")
        found[numbers] = json.loads(done.stdout)["all_pairs_tar_at_far_1e-4"]
    return {"tar_at_far_1e-4": found, "bf16_tar_change": round(abs(found["bf16"] - found["fp32"]), 4)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--lfw", nargs=2, metavar=("DIR", "PAIRS"))
    options = parser.parse_args()
    flags = cpu("flags").split()
    rows = {name: measure(name, options.rounds) for name in CONFIGURATIONS if NEEDS[name] in flags}
    keys = [key for key in rows["avx2"] if key not in ("isa", "rounds")]
    found = {key: {name: row[key] for name, row in rows.items()} for key in keys}
    found["embed_b8_over_fma_limit"].pop("bf16", None)
    for key in ("embed_max_relative_difference", "detect_max_score_difference", "detect_max_box_difference_px"):
        found[key + "_fp32"] = max(value for name, value in found[key].items() if name != "bf16")
    models = imported(options.rounds, NEEDS["bf16"] in flags)
    accurate = accuracy(*options.lfw) if options.lfw and NEEDS["bf16"] in flags else {}
    found.update(accurate)
    found.update(models)
    found["wanted"] = WANTED
    found.update(ran_on())
    if options.json:
        print(json.dumps(found))
        return
    print(f"{found['machine']}, commit {found['commit']}, best of {options.rounds}, one thread")
    print(f"{'':34}" + "".join(f"{name:>12}" for name in rows))
    for key in keys:
        print(f"{key:34}" + "".join(f"{found[key].get(name, ''):>12}" for name in rows))
    for key, value in models.items():
        print(f"{key:34}{value:>12.3f}")
    for key, value in accurate.items():
        print(f"{key:34}{value}")


if __name__ == "__main__":
    main()
