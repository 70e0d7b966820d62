"""Photos as phones, cameras and old programs write them: what their libraries show is read, what is not read is named."""
import io
import struct
import subprocess
import zlib

import pytest
from conftest import names, running
from PIL import Image

UPRIGHT = (480, 600)


@pytest.fixture(scope="module")
def service(photos):
    with running() as one:
        one.train("Barack", photos["obama"])
        yield one


@pytest.fixture(scope="module")
def portrait(photos):
    return Image.open(io.BytesIO(photos["obama2"])).convert("RGB").resize(UPRIGHT)


def saved(picture, kind, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def exif(orientation, kind=3, order="<"):
    value = struct.pack(order + "HH", orientation, 0) if kind == 3 else struct.pack(order + "I", orientation)
    head = b"II*\0" if order == "<" else b"MM\0*"
    return b"Exif\0\0" + head + struct.pack(order + "IHHHI", 8, 1, 0x112, kind, 1) + value + b"\0" * 4


def with_exif(jpeg, block):
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]


def segment(jpeg, marker):
    at = 2
    while jpeg[at + 1] != marker:
        at += 2 + struct.unpack(">H", jpeg[at + 2:at + 4])[0]
    return at


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def seen(service, photo):
    result = service.recognize(photo)
    return names(result), (result["image"]["width"], result["image"]["height"])


def restarts(picture):
    done = subprocess.run(["cjpeg", "-quality", "90", "-restart", "2"], input=saved(picture, "PPM"), capture_output=True,
                          check=True).stdout
    return done, [at for at in range(len(done) - 1) if done[at] == 255 and 0xD0 <= done[at + 1] <= 0xD7]


def test_what_others_read_is_read(service, portrait):
    jpeg = saved(portrait, "JPEG", quality=90)
    many, marks = restarts(portrait)
    tables, at = segment(jpeg, 0xDB), marks[10]
    for photo in (jpeg[:tables] + b"\0" + jpeg[tables:], jpeg[:tables] + b"\xff\0\xff\0" + jpeg[tables:], jpeg[:-2],
                  jpeg[:-2] + b"dhav\x59\x19\1\0", jpeg + b"a video", many[:at] + many[at + 2:],
                  many[:at + 1] + bytes([0xD0 + (many[at + 1] - 0xCF) % 8]) + many[at + 2:],
                  saved(portrait, "PNG")[:-12], saved(portrait, "AVIF", quality=90)):
        assert seen(service, photo) == (["Barack"], UPRIGHT)


def test_it_is_turned_as_pillow_turns_it(service, portrait):
    lying = portrait.transpose(Image.Transpose.ROTATE_90)
    jpeg, png = saved(lying, "JPEG", quality=90), saved(lying, "PNG")
    text = b"\nexif\n%8d\n%s\n" % (len(exif(6)), exif(6).hex().encode())
    profile = b"Raw profile type exif\0\0" + zlib.compress(text)
    for photo in (*(with_exif(jpeg, exif(6, kind, order)) for kind in (3, 4, 9) for order in "<>"),
                  png[:33] + chunk(b"zTXt", profile) + png[33:], png[:33] + chunk(b"eXIf", exif(6)[6:]) + png[33:],
                  saved(lying, "WEBP", exif=exif(6)), saved(lying, "AVIF", exif=exif(6), quality=90)):
        assert seen(service, photo) == (["Barack"], UPRIGHT), photo[:40]


def test_heic_as_a_phone_sends_it(service, portrait, tmp_path):
    portrait.save(tmp_path / "photo.png")
    subprocess.run(["heif-enc", "-q", "90", tmp_path / "photo.png", "-o", tmp_path / "photo.heic"], check=True,
                   capture_output=True)
    photo = (tmp_path / "photo.heic").read_bytes()
    assert seen(service, photo) == (["Barack"], UPRIGHT)
    direct = service.call("POST", "/api/recognize", params={"durable": "false"}, data=photo,
                          headers={"Content-Type": "image/heic"})
    assert direct.status_code == 200 and names(direct.json()) == ["Barack"], direct.text
    cut = service.submit("/api/recognize", [photo[:len(photo) * 3 // 4]])
    assert (cut["state"], cut["error"]["code"]) == ("failed", "truncated_image"), cut
    assert service.train("Somebody", photo)["result"]["files"][0]["state"] == "accepted"
    service.call("DELETE", "/api/faces/Somebody", headers={"Prefer": "wait=30"})


def test_what_is_not_read_is_named(service, portrait):
    jpeg = saved(portrait, "JPEG")
    frame = segment(jpeg, 0xC0)
    for photo, name in ((saved(portrait, "GIF"), "GIF"), (saved(portrait, "BMP"), "BMP"), (saved(portrait, "TIFF"), "TIFF"),
                        (saved(portrait, "JPEG2000"), "JPEG 2000"), (b"%PDF-1.7\n" + b" " * 99, "PDF"),
                        (b"\0\0\0\x18ftypisom" + b"\0" * 99, "MP4"),
                        (jpeg[:frame + 1] + b"\xc1" + jpeg[frame + 2:frame + 4] + b"\x0c" + jpeg[frame + 5:], "12 bits"),
                        (jpeg[:frame + 1] + b"\xc3" + jpeg[frame + 2:], "lossless")):
        answer = service.call("POST", "/api/recognize", files={"file": photo})
        assert answer.status_code == 415, answer.text
        assert answer.json()["type"] == "/problems/unsupported_media" and name in answer.json()["detail"], answer.text


def test_an_empty_file_beside_a_good_one(service, portrait):
    good = ("good.jpg", saved(portrait, "JPEG", quality=90))
    for order in ([good, ("empty.jpg", b"")], [("empty.jpg", b""), good]):
        files = [("file", one) for one in order]
        answer = service.call("POST", "/api/recognize", files=files, headers={"Prefer": "wait=30"})
        assert answer.status_code == 200 and names(service.finish(answer.json())["result"]) == ["Barack"], answer.text
        answer = service.call("POST", "/api/train", files=files, data={"name": "Twice", "collection": "twice"},
                              headers={"Prefer": "wait=30"})
        done = service.finish(answer.json())
        assert done["state"] == "succeeded", done
        verdicts = {file["state"]: file.get("reason") for file in done["result"]["files"]}
        assert verdicts == {"accepted": None, "refused": "unsupported_media"}
    empty = service.call("POST", "/api/recognize", files={"file": ("empty.jpg", b"")})
    assert empty.status_code == 415 and "empty" in empty.json()["detail"], empty.text
