"""The worst that a request can carry, within the limits that are refused early: what costs a reader of JSON, forms,
pictures and header fields the most. And the addresses that take it, from the table in the code.
"""
import base64
import random
import re
import struct
import zlib

from conftest import ROOT

JSON_MOST, BODY_MOST, FORM_MOST = 10 * 2**20 * 4 // 3 + 4096, 10 * 2**20, 64 * 1024
LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,;:!?()[]{}<>+*/=&%$#@~^|' `"
METHODS = ("GET", "POST", "DELETE", "PATCH")
JOB = "01936a3e-8a52-7b02-9c1d-2e3f40516202"


def routes():
    """(method, path, takes a photo) of each row of api/http/routes.cpp."""
    text = (ROOT / "api/http/routes.cpp").read_text()
    table = text[text.index("constexpr std::array table{"):text.index("\n};", text.index("constexpr std::array table{"))]
    found = []
    for row in table.split("route_row{")[1:]:
        pattern = re.search(r'"[a-z_]+",\s*"(/[^"]*)"', row)[1]
        rules = re.search(r"\{\s*(\w+),\s*(\w+),\s*(\w+)(?:,\s*(\w+))?\s*\}", row)
        rules = rules.groups("absent") if rules else (("anybody", "absent", "absent") if "for_all" in row else None)
        photo = bool(re.search(r"reach::\w+,\s*photo\b", row))
        path = pattern.replace("/api/jobs/{}", f"/api/jobs/{JOB}").replace("{}", "x")
        found += [(method, path, photo) for method, rule in zip(METHODS, rules) if rule != "absent"]
    assert len(found) >= 30 and ("POST", "/api/train", True) in found and ("GET", "/healthz/live", False) in found, found
    return found


def colliding(number):
    """Keys of 8 letters whose 32- and 64-bit FNV-1a agree in their low 12 bits, whatever the salt's other bits are."""
    prime, start, wanted = 0x1B3, 0x325, 0x123
    last = wanted * pow(prime, -1, 4096) % 4096
    at, made = 12345, []
    allowed = bytearray(4096)
    for letter in LETTERS:
        allowed[letter] = 1
    while len(made) < number:
        at, digits, state, prefix = at + 1, at, start, bytearray()
        for _ in range(6):
            digits, letter = divmod(digits, len(LETTERS))
            prefix.append(LETTERS[letter])
            state = (state ^ prefix[-1]) * prime % 4096
        for letter in LETTERS:
            other = (letter ^ state) * prime % 4096 ^ last
            if allowed[other]:
                made.append(bytes(prefix) + bytes((letter, other)))
    return made[:number]


def members(keys):
    return b"{" + b",".join(b'"%s":1' % key for key in keys) + b"}"


def picture(head, most):
    return head + b"x" * (most - len(head))


def png(chunk=b"IDAT", size=10):
    def part(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) + part(chunk, b"x" * size), part)


def json_bodies():
    distinct = members(b"%x" % n for n in range(2**20))
    yield "members whose hashes agree", members(colliding(120_000))
    yield "2^20 members", distinct[:JSON_MOST]
    yield "one name many times", (b'{"name":"' + b'a","name":"' * 1_200_000)[:JSON_MOST]
    yield "depth", b"[" * JSON_MOST
    yield "depth of objects", (b'{"a":' * (JSON_MOST // 5))
    yield "an array", b'{"name":[' + b"1," * (JSON_MOST // 2 - 10) + b"1]}"
    yield "a number", b'{"k":' + b"7" * (JSON_MOST - 10) + b"}"
    yield "a fraction", b'{"k":0.' + b"3" * (JSON_MOST - 20) + b"e-9}"
    yield "an exponent", b'{"k":1e' + b"9" * (JSON_MOST - 20) + b"}"
    yield "escapes", b'{"name":"' + b"\\u00e9" * (JSON_MOST // 6 - 10) + b'"}'
    yield "escapes in a name", b'{"' + b"\\u0061" * (JSON_MOST // 6 - 10) + b'":1}'
    yield "not UTF-8 at the end", b'{"name":"' + "é".encode() * (JSON_MOST // 2 - 10) + b'\xff"}'
    yield "blanks", b" " * (JSON_MOST - 2) + b"{}"
    yield "a photo of noise", b'{"image":"' + base64.b64encode(random.Random(1).randbytes(BODY_MOST - 64)) + b'"}'
    photo = base64.b64encode(picture(png()[0], BODY_MOST - 64))
    yield "a photo", b'{"image":"' + photo + b'"}'
    yield "a photo with a name", b'{"name":"Ada","image":"' + photo + b'"}'
    yield "a photo in lines", b'{"image":"' + b"\\r\\n".join(photo[n:n + 60] for n in range(0, 9_000_000, 60)) + b'"}'
    yield "a photo of escapes", b'{"image":"' + b"\\u0041" * (JSON_MOST // 6 - 10) + b'"}'


def form_bodies():
    """As (name, boundary, body)."""
    def part(name, body=b"", more=b""):
        return b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (name, more, body)
    end = b"--b--\r\n"
    yield "parts", b"b", (part(b"x") * (BODY_MOST // len(part(b"x"))))[:BODY_MOST - 10] + end
    yield "files", b"b", b"".join(part(b"file", png()[0], b'; filename="a"') for _ in range(63)) + end
    yield "almost boundaries", b"b" * 70, b"--" + b"b" * 70 + b"\r\n\r\n" + (b"\r\n--" + b"b" * 69 + b"c") * (BODY_MOST // 74 - 10)
    yield "line ends", b"b" * 70, b"--" + b"b" * 70 + b"\r\n\r\n" + b"\r\n" * (BODY_MOST // 2 - 100)
    yield "no end", b"b", part(b"file")[:-2] + b"\r\n--" * (BODY_MOST // 4 - 100)
    yield "preamble", b"b", b"-" * (BODY_MOST - 100) + b"\r\n" + end
    yield "header", b"b", b"--b\r\n" + b"a:b\r\n" * (BODY_MOST // 5 - 100)
    yield "quotes", b"b", b'--b\r\nContent-Disposition: form-data; name="' + b'\\"' * 4_000 + b'"\r\n\r\nx\r\n' + end
    yield "a photo", b"b", part(b"file", picture(png()[0], BODY_MOST - 400), b'; filename="a"') + end
    yield "sixteen photos", b"b", part(b"name", b"Ada") + part(
        b"file", picture(png()[0], BODY_MOST // 16 - 400), b'; filename="a"') * 16 + end


def raw_bodies():
    yield "image/jpeg", "fill bytes", b"\xff\xd8" + b"\xff" * (BODY_MOST - 2)
    yield "image/jpeg", "empty segments", b"\xff\xd8" + b"\xff\xe1\x00\x02" * ((BODY_MOST - 2) // 4)
    yield "image/jpeg", "restart markers", b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00" + \
        b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\xff\xd0" * (BODY_MOST // 2 - 100)
    yield "image/jpeg", "scans", b"\xff\xd8\xff\xc2\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00" + \
        b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * (BODY_MOST // 10 - 100)
    head, part = png()
    yield "image/png", "empty chunks", head + part(b"tEXt", b"") * ((BODY_MOST - 200) // 12)
    yield "image/png", "one chunk", picture(head, BODY_MOST)
    yield "image/webp", "empty chunks", b"RIFF" + struct.pack("<I", BODY_MOST - 8) + b"WEBP" + b"ALPH\0\0\0\0" * (BODY_MOST // 8 - 2)
    yield "application/octet-stream", "noise", random.Random(2).randbytes(BODY_MOST)
    yield "image/heic", "boxes", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0\0\0\x08free" * (BODY_MOST // 8 - 4)


def url_forms():
    yield "names", b"a=b&" * (FORM_MOST // 4)
    yield "escapes", b"collection=" + b"%41" * (FORM_MOST // 3 - 10)
    yield "ampersands", b"&" * FORM_MOST
    yield "plus", b"+" * FORM_MOST


def headers():
    """Lines beside Host, 15 KiB of them."""
    yield "fields", b"a:b\r\n" * 3_000
    yield "one field many times", b"Prefer:a\r\n" * 1_500
    yield "tags", b"If-None-Match: " + b'"a",' * 3_700 + b"\r\n"
    yield "preferences", b"Prefer: " + b"a=b,;" * 3_000 + b"\r\n"
    yield "addresses", b"X-Forwarded-For: " + b"1.1.1.1," * 1_800 + b"\r\n"
    yield "cookies", b"Cookie: " + b"a=b;" * 3_700 + b"\r\n"
    yield "keys", b"X-Api-Key: " + b"k" * 15_000 + b"\r\n"
    yield "kinds", b"Content-Type: multipart/form-data" + b";boundary=a" * 1_300 + b"\r\n"
    yield "list of nothing", b"Connection: " + b"," * 15_000 + b"\r\n"


def targets():
    yield "names", "?" + "a=b&" * 1_000
    yield "escapes", "?collection=" + "%41" * 1_300
    yield "segments", "/" + "a/" * 2_000
