"""Imported networks give the numbers of the frameworks that wrote the files: ONNX Runtime for ONNX, OpenVINO for IR, on the same
pixels, to 1e-4 of the largest number: CenterFace, small graphs of each operator that the importers know, and the other models
below that lie in a folder of VULTUS_MODEL_SOURCES.
"""
import os
import pathlib
import subprocess

import numpy
import onnx
import onnxruntime
import openvino
import pytest
from onnx import TensorProto, helper, numpy_helper
from openvino import opset1

ROOT = pathlib.Path(__file__).resolve().parents[3]
FOLDERS = [ROOT / "build/models", *filter(None, os.environ.get("VULTUS_MODEL_SOURCES", "").split(":"))]
RUN = pathlib.Path(os.environ["VULTUS_BIN"]) / "run_network"
ALLOWED = 1e-4
LEAST = 1e-2  # where the largest number is smaller: ONNX Runtime's own sigmoid is exact to 1e-7, not to a share of a tiny score


def pixels(batch, rows, columns):
    return numpy.random.default_rng(5).integers(0, 256, (batch, rows, columns, 3), dtype=numpy.uint8)


def planes(pictures, order):
    turned = pictures[..., ::-1] if order == "bgr" else pictures
    return numpy.ascontiguousarray(turned.transpose(0, 3, 1, 2)).astype(numpy.float32)


def ours(model, pictures, order, folder):
    """Our outputs by name, each [picture][channel][row][column]."""
    batch, rows, columns, _ = pictures.shape
    pictures.tofile(folder / "pixels")
    done = subprocess.run([RUN, model, folder / "pixels", str(rows), str(columns), str(batch), "fp32", order], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    found, at = {}, 0
    while at < len(done.stdout):
        end = done.stdout.index(b"\n", at)
        name, *shape = done.stdout[at:end].decode().rsplit(" ", 3)
        shape = (batch, *map(int, shape))
        count = int(numpy.prod(shape))
        found[name] = numpy.frombuffer(done.stdout, numpy.float32, count, end + 1).reshape(shape)
        at = end + 1 + count * 4
    return found


def with_input(path, batch, rows, columns):
    """The file for that input: the size that it declares may be a placeholder, and constants may stand among the inputs."""
    model = onnx.load(str(path))
    constants = {one.name for one in model.graph.initializer}
    inputs = [one.SerializeToString() for one in model.graph.input if one.name not in constants]
    assert len(inputs) == 1
    del model.graph.input[:]
    model.graph.input.add().ParseFromString(inputs[0])
    for dim, size in zip(model.graph.input[0].type.tensor_type.shape.dim, (batch, 3, rows, columns)):
        dim.dim_value = size
    for one in model.graph.output:
        one.type.tensor_type.ClearField("shape")
    return model


def by_onnxruntime(model, values):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: values})))


def by_openvino(path, values):
    model = openvino.Core().read_model(path)
    model.reshape(list(values.shape))
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    return {output.get_any_name(): value for output, value in compiled(values).items()}


def assert_same(mine, expected):
    assert mine.keys() == expected.keys()
    for name, wanted in expected.items():
        found = mine[name]
        if wanted.ndim == 3:  # [picture][pixel][channel]
            found = found.transpose(0, 2, 3, 1)
        found = found.reshape(wanted.shape)
        gap = numpy.abs(found - wanted).max() / max(numpy.abs(wanted).max(), LEAST)
        print(f"{name} {wanted.shape}: {gap:.1e}")
        assert gap <= ALLOWED, name


def paths_of(name):
    """The file as a list of one, or of none: only CenterFace is on every machine."""
    return [path for folder in FOLDERS if (path := pathlib.Path(folder, name)).is_file()][:1]


def test_centerface_is_there():
    assert paths_of("centerface.onnx"), "run config/fetch.py models"


@pytest.mark.parametrize("path, order, rows, columns", [
    (path, *of) for name, *of in [
        ("centerface.onnx", "rgb", 480, 640), ("centerface.onnx", "rgb", 160, 96), ("yunet_s_640_640.onnx", "bgr", 640, 640),
        ("yunet_s_640_640.onnx", "bgr", 96, 160), ("yunet_n_640_640.onnx", "bgr", 320, 256)]
    for path in paths_of(name)], ids=lambda value: getattr(value, "stem", str(value)))
def test_detectors_are_as_onnx_runtime_has_them(path, order, rows, columns, tmp_path):
    pictures = pixels(1, rows, columns)
    assert_same(ours(path, pictures, order, tmp_path), by_onnxruntime(with_input(path, 1, rows, columns), planes(pictures, order)))


@pytest.mark.parametrize("path, batch", [(path, batch) for path in paths_of("face-reidentification-retail-0095.xml")
                                         for batch in (1, 8)], ids=lambda value: getattr(value, "stem", str(value)))
def test_the_embedder_is_as_openvino_has_it(path, batch, tmp_path):
    pictures = pixels(batch, 128, 128)
    assert_same(ours(path, pictures, "bgr", tmp_path), by_openvino(path, planes(pictures, "bgr")))


# ---- a small graph for each operator ----

class Graph:
    """Nodes after one convolution of 20 channels; the last one's output is "out"."""

    def __init__(self, opset, rows=12, columns=10):
        self.random, self.opset, self.rows, self.columns = numpy.random.default_rng(3), opset, rows, columns
        self.nodes, self.constants = [], []
        self.node("Conv", ["in", self.numbers(20, 3, 3, 3, scale=0.002), self.numbers(20)], "c", pads=[1, 1, 1, 1])

    def numbers(self, *shape, scale=1.0, least=-1.0):
        return self.constant((self.random.random(shape) * (1 - least) + least) * scale)

    def constant(self, values, kind=numpy.float32):
        name = f"k{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(numpy.asarray(values, dtype=kind), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))

    def save(self, path):
        picture = helper.make_tensor_value_info("in", TensorProto.FLOAT, [1, 3, self.rows, self.columns])
        out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "g", [picture], [out], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=6)
        onnx.save(model, str(path))
        return model


def each(kind, **attributes):
    return lambda g: g.node(kind, ["c"], "out", **attributes)


def convolution(outputs, each_inputs, side, bias=True, **attributes):
    def add(g):
        inputs = ["c", g.numbers(outputs, each_inputs, side, side)] + ([g.numbers(outputs)] if bias else [])
        g.node("Conv", inputs, "out", **attributes)
    return add


def transposed(outputs, side, **attributes):
    return lambda g: g.node("ConvTranspose", ["c", g.numbers(20, outputs, side, side), g.numbers(outputs)], "out", **attributes)


def joined(kind, *shape, first=False):
    def add(g):
        operands = ["c", g.numbers(*shape, least=0.5)]
        g.node(kind, operands[::-1] if first else operands, "out")
    return add


def normalized(g):
    g.node("Relu", ["c"], "r")
    g.node("BatchNormalization", ["r", g.numbers(20), g.numbers(20), g.numbers(20), g.numbers(20, least=0.1)], "n", epsilon=0.002)
    g.node("Conv", ["n", g.numbers(8, 20, 3, 3)], "out", pads=[1, 1, 1, 1])


def squeeze_and_excite(g):
    g.node("GlobalAveragePool", ["c"], "p")
    g.node("Conv", ["p", g.numbers(4, 20, 1, 1), g.numbers(4)], "d")
    g.node("Relu", ["d"], "r")
    g.node("Conv", ["r", g.numbers(20, 4, 1, 1), g.numbers(20)], "u")
    g.node("Sigmoid", ["u"], "s")
    g.node("Mul", ["c", "s"], "m")
    g.node("Add", ["m", "c"], "out")


def two_values(kind):
    def add(g):
        g.node("Sigmoid", ["c"], "s")
        g.node(kind, ["c", "s"], "out")
    return add


def resized(factor, **attributes):
    def add(g):
        g.node("Resize", ["c", g.numbers(0), g.constant([1, 1, factor, factor])], "out", mode="nearest", **attributes)
    return add


def upsampled(g):
    g.node("Upsample", ["c", g.constant([1, 1, 2, 2])], "out", mode="nearest")


def embedding(g):
    g.node("Dropout", ["c"], "d")
    g.node("Flatten", ["d"], "f", axis=1)
    g.node("Gemm", ["f", g.numbers(32, 20 * 120, scale=0.1), g.numbers(32)], "e", transB=1, alpha=0.5, beta=2.0)
    g.node("BatchNormalization", ["e", g.numbers(32), g.numbers(32), g.numbers(32), g.numbers(32, least=0.1)], "out")


def multiplied(g):
    g.node("Reshape", ["c", g.constant([1, -1], numpy.int64)], "f")
    g.node("MatMul", ["f", g.numbers(20 * 120, 7, scale=0.1)], "m")
    g.node("Add", ["m", g.numbers(7)], "out")


def turned(g):
    g.node("Transpose", ["c"], "t", perm=[0, 2, 3, 1])
    g.node("Reshape", ["t", g.constant([1, -1, 20], numpy.int64)], "r")
    g.node("Sigmoid", ["r"], "out")


def slopes(*shape):
    return lambda g: g.node("PRelu", ["c", g.numbers(*shape)], "out")


OPERATORS = {
    "Relu": each("Relu"), "Sigmoid": each("Sigmoid"), "Identity": each("Identity"), "LeakyRelu": each("LeakyRelu", alpha=0.2),
    "GlobalAveragePool": each("GlobalAveragePool"), "ReduceMean": each("ReduceMean", axes=[2, 3]),
    "MaxPool": each("MaxPool", kernel_shape=[3, 3], strides=[2, 2]),
    "AveragePool": each("AveragePool", kernel_shape=[2, 4], strides=[1, 1]),
    "Conv stride": convolution(8, 20, 3, strides=[2, 2], pads=[1, 1, 1, 1]), "Conv 1x1": convolution(33, 20, 1, bias=False),
    "Conv depthwise": convolution(20, 1, 3, group=20, pads=[1, 1, 1, 1]), "Conv groups": convolution(12, 5, 3, group=4),
    "Conv multiplier": convolution(40, 1, 3, group=20), "ConvTranspose": transposed(9, 2, strides=[2, 2]),
    "ConvTranspose padded": transposed(17, 3, strides=[2, 2], pads=[1, 1, 1, 1]),
    "BatchNormalization": normalized, "PRelu": slopes(20, 1, 1), "PRelu one": slopes(1), "Squeeze": squeeze_and_excite,
    "Add": two_values("Add"), "Mul": two_values("Mul"), "Add constant": joined("Add", 20, 1, 1),
    "Sub constant": joined("Sub", 1, 20, 1, 1), "Sub from constant": joined("Sub", 20, 1, 1, first=True),
    "Mul constant": joined("Mul", 1), "Div constant": joined("Div", 20, 1, 1),
    "Resize": resized(2, coordinate_transformation_mode="asymmetric", nearest_mode="floor"), "Resize default": resized(2),
    "Resize by 3": resized(3, coordinate_transformation_mode="pytorch_half_pixel"), "Flatten Gemm Dropout": embedding,
    "Reshape MatMul": multiplied, "Transpose Reshape": turned,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_each_operator_is_as_onnx_runtime_has_it(name, tmp_path):
    graph = Graph(11)
    OPERATORS[name](graph)
    model, pictures = graph.save(tmp_path / "m.onnx"), pixels(1, 12, 10)
    assert_same(ours(tmp_path / "m.onnx", pictures, "rgb", tmp_path), by_onnxruntime(model, planes(pictures, "rgb")))


@pytest.mark.parametrize("opset", [7, 9, 13, 17])
@pytest.mark.parametrize("name", ["Conv depthwise", "BatchNormalization", "PRelu", "Flatten Gemm Dropout", "Squeeze"])
def test_operator_sets_from_7_to_17(name, opset, tmp_path):
    graph = Graph(opset)
    OPERATORS[name](graph)
    model, pictures = graph.save(tmp_path / "m.onnx"), pixels(1, 12, 10)
    assert_same(ours(tmp_path / "m.onnx", pictures, "rgb", tmp_path), by_onnxruntime(model, planes(pictures, "rgb")))


def test_upsample_of_operator_set_9(tmp_path):
    graph = Graph(9)
    upsampled(graph)
    model, pictures = graph.save(tmp_path / "m.onnx"), pixels(1, 12, 10)
    assert_same(ours(tmp_path / "m.onnx", pictures, "rgb", tmp_path), by_onnxruntime(model, planes(pictures, "rgb")))


# ---- OpenVINO's own IR ----

class Layers:
    """Layers of OpenVINO after one convolution of 20 channels."""

    def __init__(self):
        self.random = numpy.random.default_rng(4)
        self.picture = opset1.parameter([1, 3, 12, 10], numpy.float32)
        self.c = self.offset(self.window(opset1.convolution, self.picture, self.numbers(20, 3, 3, 3, scale=0.002)), 20)

    def numbers(self, *shape, scale=1.0):
        return opset1.constant(((self.random.random(shape) * 2 - 1) * scale).astype(numpy.float32))

    @staticmethod
    def window(kind, value, weights, stride=1, padding=1):
        return kind(value, weights, [stride] * 2, [padding] * 2, [padding] * 2, [1, 1])

    def offset(self, value, channels):
        return opset1.add(value, self.numbers(1, channels, 1, 1))

    def squeeze_and_excite(self):
        mean = opset1.avg_pool(self.c, [12, 12], [0, 0], [0, 0], [12, 10], True)
        narrow = opset1.prelu(self.offset(self.window(opset1.convolution, mean, self.numbers(4, 20, 1, 1), 1, 0), 4),
                              self.numbers(1))
        wide = self.offset(self.window(opset1.convolution, narrow, self.numbers(20, 4, 1, 1), 1, 0), 20)
        return opset1.add(opset1.multiply(self.c, opset1.sigmoid(wide)), self.c)

    def vector(self):
        flat = opset1.reshape(self.c, opset1.constant(numpy.array([0, -1])), special_zero=True)
        return opset1.matmul(flat, self.numbers(2400, 16, scale=0.1), False, False)


IR_LAYERS = {
    "PReLU": lambda l: opset1.prelu(l.c, l.numbers(20)), "PReLU one": lambda l: opset1.prelu(l.c, l.numbers(1)),
    "ReLU": lambda l: opset1.relu(l.c), "Sigmoid": lambda l: opset1.sigmoid(l.c),
    "GroupConvolution": lambda l: l.window(opset1.group_convolution, l.c, l.numbers(20, 1, 1, 3, 3), 2),
    "GroupConvolution of 4": lambda l: l.window(opset1.group_convolution, l.c, l.numbers(4, 3, 5, 3, 3)),
    "Multiply": lambda l: opset1.multiply(l.c, l.numbers(1, 20, 1, 1)), "Subtract": lambda l: opset1.subtract(l.c, l.numbers(1)),
    "AvgPool": lambda l: opset1.avg_pool(l.c, [2, 2], [0, 0], [0, 0], [3, 3], True),
    "MaxPool": lambda l: opset1.max_pool(l.c, [2, 2], [0, 0], [0, 0], [2, 2]),
    "squeeze and excite": Layers.squeeze_and_excite, "Reshape MatMul": Layers.vector,
    "normalized picture": lambda l: l.window(
        opset1.convolution, opset1.add(opset1.multiply(l.picture, l.numbers(1, 3, 1, 1, scale=0.01)), l.numbers(1, 3, 1, 1)),
        l.numbers(8, 3, 3, 3)),
}


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("name", IR_LAYERS)
def test_each_layer_is_as_openvino_has_it(name, half, tmp_path):
    layers = Layers()
    out = opset1.result(IR_LAYERS[name](layers))
    out.input(0).get_source_output().get_tensor().set_names({"out"})
    path, pictures = tmp_path / "m.xml", pixels(1, 12, 10)
    openvino.save_model(openvino.Model([out], [layers.picture], "m"), path, compress_to_fp16=half)
    assert_same(ours(path, pictures, "rgb", tmp_path), by_openvino(path, planes(pictures, "rgb")))
