"""A face service as one writes it in Python, with the same two networks: uvicorn and Starlette, CenterFace by ONNX Runtime, the OMZ
embedder by OpenVINO, one process a core, one thread each. The peer of ./test bench api.

    service.py PORT PROCESSES CENTERFACE.onnx OMZ.xml GALLERY.npy

POST /api/recognize?min_face_px=40 with the photo as the body. The picture is seen at 16 pixels a smallest face, as ours is at 20; the
gallery is a matrix of vectors, and the answer names the nearest row of each face.
"""
import io
import os
import sys

import numpy
from PIL import Image

SCORE, OVERLAP, SEEN = 0.4, 0.3, 20
TEMPLATE = 128 * numpy.array([[.31557, .46157], [.68262, .46157], [.50026, .64051], [.34947, .82469], [.65344, .82469]])


def similarity(points):
    """The turn, scale and shift of least squares from the points to the template, as PIL takes it: from chip to photo."""
    source, wanted = points - points.mean(0), TEMPLATE - TEMPLATE.mean(0)
    size = (wanted ** 2).sum()
    a = (source * wanted).sum() / size
    b = (source[:, 1] * wanted[:, 0] - source[:, 0] * wanted[:, 1]).sum() / size
    matrix = numpy.array([[a, -b], [b, a]])
    shift = points.mean(0) - matrix @ TEMPLATE.mean(0)
    return (matrix[0, 0], matrix[0, 1], shift[0], matrix[1, 0], matrix[1, 1], shift[1])


def apart(boxes, scores):
    """Indexes of the surest boxes that do not overlap."""
    order, kept = scores.argsort()[::-1], []
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    while len(order) > 0:
        first, rest = order[0], order[1:]
        kept.append(first)
        low = numpy.maximum(boxes[first, :2], boxes[rest, :2])
        high = numpy.minimum(boxes[first, 2:], boxes[rest, 2:])
        inside = numpy.prod(numpy.maximum(high - low, 0), axis=1)
        order = rest[inside / (areas[first] + areas[rest] - inside) <= OVERLAP]
    return kept


class Faces:
    def __init__(self, centerface, omz, gallery):
        import onnxruntime
        import openvino
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.detector = onnxruntime.InferenceSession(any_size(centerface), options, providers=["CPUExecutionProvider"])
        self.input = self.detector.get_inputs()[0].name
        core = openvino.Core()
        self.embedder = core.compile_model(core.read_model(omz), "CPU", {
            "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
        self.gallery = numpy.load(gallery)

    def find(self, photo, min_face_px):
        scale = min(1.0, SEEN / min_face_px)
        seen = photo.resize((max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))) if scale < 1 else photo
        pixels = numpy.asarray(seen, dtype=numpy.float32)
        rows, columns = (-side % 32 for side in pixels.shape[:2])
        canvas = numpy.pad(pixels, ((0, rows), (0, columns), (0, 0))).transpose(2, 0, 1)[None]
        heat, size, offset, points = (one[0] for one in self.detector.run(None, {self.input: canvas}))
        r, c = numpy.nonzero(heat[0] > SCORE)
        if len(r) == 0:
            return []
        height, width = numpy.exp(size[0, r, c]) * 4, numpy.exp(size[1, r, c]) * 4
        x, y = (c + offset[1, r, c] + .5) * 4, (r + offset[0, r, c] + .5) * 4
        boxes = numpy.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], 1)
        kept = apart(boxes, heat[0, r, c])
        found = []
        for i in kept:
            marks = numpy.array([[points[2 * k + 1, r[i], c[i]] * width[i] + boxes[i, 0],
                                  points[2 * k, r[i], c[i]] * height[i] + boxes[i, 1]] for k in range(5)])
            found.append((boxes[i] / scale, marks / scale))
        return found

    def recognize(self, body, min_face_px):
        photo = Image.open(io.BytesIO(body)).convert("RGB")
        faces = []
        for box, marks in self.find(photo, min_face_px):
            chip = photo.transform((128, 128), Image.Transform.AFFINE, similarity(marks), Image.Resampling.BILINEAR)
            pixels = numpy.asarray(chip, dtype=numpy.float32)[..., ::-1].transpose(2, 0, 1)[None]
            vector = next(iter(self.embedder.infer({0: numpy.ascontiguousarray(pixels)}).values())).reshape(-1)
            vector = vector / numpy.linalg.norm(vector)
            distances = ((self.gallery - vector) ** 2).sum(1)
            faces.append({"box": [round(float(edge)) for edge in box], "nearest": int(distances.argmin()),
                          "distance": float(distances.min() ** .5), "embedding": [float(value) for value in vector]})
        return faces


def any_size(path):
    import onnx
    model = onnx.load(path)
    constants = {one.name for one in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in constants]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    for place, name in ((0, "n"), (2, "rows"), (3, "columns")):
        model.graph.input[0].type.tensor_type.shape.dim[place].dim_param = name
    for one in model.graph.output:
        one.type.tensor_type.ClearField("shape")
    return model.SerializeToString()


def application():
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse
    from starlette.routing import Route
    faces = Faces(*os.environ["VULTUS_PEER"].split("|"))

    async def recognize(request):
        body = await request.body()
        found = await run_in_threadpool(faces.recognize, body, int(request.query_params.get("min_face_px", "40")))
        return JSONResponse({"faces": found})

    async def ready(_):
        return JSONResponse({"ready": True})
    return Starlette(routes=[Route("/api/recognize", recognize, methods=["POST"]), Route("/ready", ready)])


def main():
    import uvicorn
    port, processes, *files = sys.argv[1:]
    os.environ["VULTUS_PEER"] = "|".join(files)
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    os.environ["PYTHONPATH"] = os.path.dirname(os.path.abspath(__file__))
    uvicorn.run("service:application", factory=True, host="127.0.0.1", port=int(port), workers=int(processes), log_level="warning")


if __name__ == "__main__":
    main()
