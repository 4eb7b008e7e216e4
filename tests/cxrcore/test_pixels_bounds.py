"""Files that declare more than they hold, or than any image has, cost neither memory nor time."""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from cxrcore.pixels import RejectedImage, limits, prepare

#: Prepares each file in a process of its own, its address space limited to what it has and more.
LIMITED = """
import json, os, resource, signal, sys
from pathlib import Path
import cxrcore.pixels.dicom, cxrcore.pixels.png_jpeg, cxrcore.pixels.letterbox
from cxrcore.pixels import prepare

for line in sys.stdin:
    path, more = json.loads(line)
    if os.fork():
        if os.wait()[1]:
            print('["killed", ""]', flush=True)
        continue
    signal.alarm(20)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + more, -1))
    try:
        result = prepare(Path(path), 32)
    except Exception as error:
        result = error
    print(json.dumps([type(result).__name__, getattr(result, "detail", str(result))]), flush=True)
    os._exit(0)
"""
Limited = Callable[..., tuple[str, str]]


@pytest.fixture(scope="module")
def preparing() -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", LIMITED]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, text=True, stdin=pipe, stdout=pipe) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def limited(preparing: subprocess.Popen[str], tmp_path: Path) -> Limited:
    """What becomes of a file where memory is short: the name of the type, and the detail."""

    def prepared(content: bytes, more: int = 400 << 20) -> tuple[str, str]:
        path = tmp_path / "image"
        path.write_bytes(content)
        assert preparing.stdin
        assert preparing.stdout
        print(json.dumps([str(path), more]), file=preparing.stdin, flush=True)
        name, detail = json.loads(preparing.stdout.readline())
        return name, detail

    return prepared


def element(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    length = len(value) if length is None else length
    return head + struct.pack(*(("<HL", 0, length) if vr == "OB" else ("<H", length))) + value


def short(value: int) -> bytes:
    return value.to_bytes(2, "little")


def header(rows: int = 64, columns: int = 64, samples: int = 1, bits: int = 8) -> bytes:
    colours = b"RGB " if samples == 3 else b"MONOCHROME2 "
    return (
        element(0x00080060, "CS", b"DX")
        + element(0x00280002, "US", short(samples))
        + element(0x00280004, "CS", colours)
        + element(0x00280006, "US", short(0))
        + b"".join(
            element(0x00280000 + tag, "US", short(value))
            for tag, value in (
                (0x10, rows), (0x11, columns), (0x100, bits), (0x101, bits), (0x102, bits - 1),
                (0x103, 0),
            )
        )
    )  # fmt: skip


def meta(syntax: UID) -> bytes:
    text = syntax.encode() + b"\0" * (len(syntax) % 2)
    return bytes(128) + b"DICM" + element(0x00020010, "UI", text)


def encapsulated(syntax: UID, frame: bytes, head: bytes) -> bytes:
    pixels = element(0x7FE00010, "OB", encapsulate([frame]), 0xFFFFFFFF)
    return meta(syntax) + head + pixels + bytes.fromhex("feffdde000000000")


def rle(*segments: bytes, offsets: list[int] | None = None) -> bytes:
    ends = np.cumsum([64, *map(len, segments)]).tolist()
    offsets = ends[:-1] if offsets is None else offsets
    return struct.pack(f"<L{len(offsets)}L", len(offsets), *offsets).ljust(64, b"\0") + b"".join(
        segments
    )


def jpeg2000(rows: int, columns: int, tile: int = 0, samples: int = 1) -> bytes:
    tiles = (tile or columns, tile or rows)
    size = struct.pack(">H8LH", 0, columns, rows, 0, 0, *tiles, 0, 0, samples) + b"\7\1\1" * samples
    coding = bytes.fromhex("ff52000c00000100010504040001") + b"\xff\x5c\0\x13\x40" + b"\x48" * 16
    start = b"\xff\x4f\xff\x51" + struct.pack(">H", len(size) + 2) + size
    tail = b"\xff\x90" + struct.pack(">HHLBB", 10, 0, 0, 0, 1) + b"\xff\x93" + bytes(50)
    return start + coding + tail + b"\xff\xd9"


def jp2(codestream: bytes) -> bytes:
    boxes = [(b"jP  ", b"\r\n\x87\n"), (b"free", b"\xff\x4f\xff\x51" * 9), (b"jp2c", codestream)]
    return b"".join(struct.pack(">L", 8 + len(body)) + name + body for name, body in boxes)


def jpeg(rows: int, columns: int, start_of_frame: int = 0xC0, bits: int = 8) -> bytes:
    frame = struct.pack(">HBHHB", 11, bits, rows, columns, 1) + b"\1\x11\0"
    return (
        b"\xff\xd8\xff" + bytes([start_of_frame]) + frame + b"\xff\xda\0\x08\1\1\0\0\x3f\0\xff\xd9"
    )


def png(rows: int, columns: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (1, 1)).save(file, "PNG")
    head = b"IHDR" + struct.pack(">LLBBBBB", columns, rows, 8, 0, 0, 0, 0)
    return file.getvalue()[:12] + head + struct.pack(">L", zlib.crc32(head)) + file.getvalue()[33:]


def bomb(zeros: int) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    plain = header() + element(0x7FE00010, "OB", b"", zeros)
    start = squeeze.compress(plain)
    zero = bytes(1 << 24)
    return start + b"".join(squeeze.compress(zero) for _ in range(zeros >> 24)) + squeeze.flush()


HUGE = header(65535, 65535)
ATTACKS: dict[str, Callable[[], bytes]] = {
    "RLE": lambda: encapsulated(RLELossless, rle(bytes(51_000), bytes(51_000)),
                                header(65535, 65535, bits=16)),
    "RLE within the bound": lambda: encapsulated(RLELossless, rle(bytes(9), bytes(9)),
                                                 header(8192, 8192, bits=16)),
    "RLE that unpacks to more": lambda: encapsulated(RLELossless, rle(b"\x81\1" * (1 << 22)),
                                                     header()),
    "RLE segments in front": lambda: encapsulated(RLELossless, rle(bytes(9), offsets=[1 << 31]),
                                                  header()),
    "deflated": lambda: meta(DeflatedExplicitVRLittleEndian) + bomb(1 << 28),
    "JPEG 2000": lambda: encapsulated(JPEG2000Lossless, jpeg2000(37000, 37000), header()),
    "JPEG 2000, agreed": lambda: encapsulated(JPEG2000Lossless, jpeg2000(65535, 65535), HUGE),
    "JPEG 2000, components": lambda: encapsulated(JPEG2000Lossless,
                                                  jpeg2000(4096, 4096, samples=9999),
                                                  header(4096, 4096)),
    "JPEG 2000, tiles": lambda: encapsulated(JPEG2000Lossless, jpeg2000(8160, 8032, 32),
                                             header(8160, 8032)),
    "JP2": lambda: encapsulated(JPEG2000Lossless, jp2(jpeg2000(37000, 37000)), header()),
    "JP2 without an end": lambda: encapsulated(JPEG2000Lossless, jp2(b"")[:-8] + bytes(8),
                                               header()),
    "JPEG": lambda: encapsulated(JPEGBaseline8Bit, jpeg(65535, 65535), header()),
    "JPEG lossless": lambda: encapsulated(JPEGLosslessSV1, jpeg(65535, 65535, 0xC3, 16),
                                          header(bits=16)),
    "JPEG without a frame": lambda: encapsulated(JPEGBaseline8Bit, b"\xff\xd8" + b"\xff" * 999,
                                                 header()),
    "uncompressed": lambda: meta(ExplicitVRLittleEndian) + HUGE
    + element(0x7FE00010, "OB", bytes(99), 0xFFFFFFF0),
    "big-endian": lambda: meta(ExplicitVRBigEndian) + HUGE,
    "colour": lambda: meta(ExplicitVRLittleEndian) + header(30000, 30000, 3)
    + element(0x7FE00010, "OB", bytes(99), 0xFFFFFFF0),
    "a long element": lambda: meta(ExplicitVRLittleEndian)
    + element(0x00080005, "OB", b"", 3_000_000_000),
    "many elements": lambda: meta(ExplicitVRLittleEndian)
    + b"".join(element(0x00090000 + n * 3, "LO", b"") for n in range(100_000)),
    "many items": lambda: meta(ExplicitVRLittleEndian)
    + element(0x00081140, "OB", bytes.fromhex("feff00e000000000") * 250_000,
              0xFFFFFFFF).replace(b"OB", b"SQ", 1),
    "many elements in front": lambda: meta(ExplicitVRLittleEndian)
    + element(0x00020016, "UI", b"") * 250_000,
    "PNG": lambda: png(30000, 30000),
    "PNG within PIL's bound": lambda: png(9000, 9000),
    "JPEG file": lambda: jpeg(9000, 9000),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_declared_costs_no_memory(attack: str, limited: Limited) -> None:
    name, detail = limited(ATTACKS[attack]())
    assert name == "RejectedImage", detail
    # A decoder that was let loose would have met the limit.
    assert not {"MemoryError", "RuntimeError"} & set(re.findall(r"\w+", detail)), detail


def test_a_sound_image_that_finds_no_memory_is_no_reject(limited: Limited) -> None:
    file = io.BytesIO()
    image = Image.linear_gradient("L").resize((2000, 3000))
    image.save(file, "JPEG2000", no_jp2=True)
    content = encapsulated(JPEG2000Lossless, file.getvalue(), header(3000, 2000))
    assert limited(content)[0] == "ProcessedImage"
    name, message = limited(content, 30 << 20)
    assert (name, "out of memory" in message) == ("Interrupted", True), message


def test_a_file_beyond_the_bound_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    with path.open("wb") as file:
        file.truncate(limits.MAX_BYTES + 1)
    prepare(path, 32)  # loads what it needs
    tracemalloc.start()
    result = prepare(path, 32)
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()
    assert result == RejectedImage("not_decodable", "larger than 144 MiB")


def test_a_deflated_file_that_ends_early_is_rejected(tmp_path: Path) -> None:
    pixels = element(0x7FE00010, "OB", bytes(range(64)) * 64)
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = squeeze.compress(header() + pixels) + squeeze.flush()
    for end, reason in ((len(body), None), (-9, "not_decodable")):
        path = tmp_path / "image.dcm"
        path.write_bytes(meta(DeflatedExplicitVRLittleEndian) + body[:end])
        result = prepare(path, 32)
        assert getattr(result, "reason", None) == reason, result
