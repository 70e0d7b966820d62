"""The file of `vultusctl export`, written without the program."""
import struct


def unit_vector(source, floats=128):
    """Of length one, by a random.Random."""
    vector = [source.gauss(0, 1) for _ in range(floats)]
    size = sum(value * value for value in vector) ** 0.5
    return [value / size for value in vector]


def fnv(data):
    value = 14695981039346656037
    for byte in data:
        value = (value ^ byte) * 1099511628211 % 2**64
    return value


def export(path, faces, model="made_up/mirror_unit"):
    """Version 1 for vectors of 128 numbers, version 2 for others; faces: (label, vector)."""
    floats = len(faces[0][1])
    head = ["default", model, "1764000000000"]
    head = ["vultus-export 1", *head] if floats == 128 else ["vultus-export 2", *head, str(floats)]
    data = "".join(line + "\n" for line in head).encode()
    for number, (label, vector) in enumerate(faces):
        face_id = f"01936a3e-7f10-7b01-a3c4-{number:012x}-0"
        text = f'{{"label":"{label}","job_id":"{face_id[:-2]}"}}'
        data += b"F" + struct.pack("<BBH", len(face_id), len(label), len(text)) + (face_id + label + text).encode()
        data += struct.pack(f"<{floats}f", *vector)
    data += b"E" + struct.pack("<Q", len(faces))
    path.write_bytes(data + struct.pack("<Q", fnv(data)))
    return path
