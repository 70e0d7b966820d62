"""Pictures that are wrong in a known way, made byte by byte."""
import io
import struct
import zlib

from PIL import Image


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, rows=b"", extra=b"", end=True, depth=8, color=2):
    """A PNG of these dimensions whose pixel data is `rows`, already compressed."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", rows)
    return body + (chunk(b"IEND", b"") if end else b"")


def blank_png(width, height):
    """A real PNG, one bit a pixel, so that 40 million pixels are a few kilobytes."""
    packer, row = zlib.compressobj(9), b"\0" + b"\xff" * ((width + 7) // 8)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png(width, height, rows, depth=1, color=0)


def blank(width, height, kind, **options):
    out = io.BytesIO()
    Image.new("L" if kind == "JPEG" else "RGB", (width, height), 255).save(out, kind, **options)
    return out.getvalue()


def jpeg_with_scans(picture, scans):
    """A progressive JPEG whose last scan stands there again and again."""
    out = io.BytesIO()
    picture.save(out, "JPEG", progressive=True, quality=50)
    data = out.getvalue()
    last = data.rfind(b"\xff\xda")
    return data[:-2] + data[last:-2] * scans + b"\xff\xd9"


def jpeg_with_second_frame_header(picture):
    """The frame header (SOF) again before the first scan, with other dimensions."""
    out = io.BytesIO()
    picture.save(out, "JPEG")
    data = out.getvalue()
    begin = data.find(b"\xff\xc0")
    length = struct.unpack(">H", data[begin + 2:begin + 4])[0]
    header = bytearray(data[begin:begin + 2 + length])
    header[5:9] = struct.pack(">HH", 5000, 5000)
    scan = data.find(b"\xff\xda")
    return data[:scan] + bytes(header) + data[scan:]


def webp_with_other_canvas(picture, width, height):
    """An extended WebP (VP8X) that claims another canvas than its one frame has."""
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=50)
    frame = out.getvalue()[12:]
    canvas = struct.pack("<I", 0) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBP" + b"VP8X" + struct.pack("<I", len(canvas)) + canvas + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body


def png_with_profile(size):
    """A small PNG with an iCCP chunk that unpacks to `size` zero bytes."""
    packer, left, packed = zlib.compressobj(9), size, []
    block = b"\0" * (1 << 20)
    while left > 0:
        packed.append(packer.compress(block[:left]))
        left -= len(block)
    profile = b"name\0\0" + b"".join(packed) + packer.flush()
    rows = zlib.compress(b"".join(b"\0" + b"\x80" * 48 for _ in range(16)))
    return png(16, 16, rows, chunk(b"iCCP", profile))


MARK = b"VULTUS-BYTE-MARK"  # copy_count.c looks for it


def enlarged(photo, size):
    """The same JPEG in a file of `size` bytes: segments of the mark behind its first two bytes, which decoders skip."""
    out, fill = bytearray(photo[:2]), size - len(photo)
    while fill > 4:
        part = min(fill, 65_000)
        body = (MARK * (part // 16 + 1))[:part - 4]
        out += b"\xff\xef" + struct.pack(">H", len(body) + 2) + body
        fill -= part
    return bytes(out + photo[2:])
