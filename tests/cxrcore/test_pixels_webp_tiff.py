"""WebP and TIFF files: grey as PNG gives it, whatever the layout, or a reason."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import SIZE, content, ramp
from PIL import Image

from cxrcore.pixels import ProcessedImage, RejectedImage, prepare

GREY = ramp()
DEEP = GREY.astype(np.uint16) * 16 + 100
COMPRESSIONS = (None, "tiff_lzw", "tiff_adobe_deflate", "packbits")


def saved(image: np.ndarray[Any, Any] | Image.Image, path: Path, **how: Any) -> Path:
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **how)
    return path


def rejected(path: Path) -> str:
    result = prepare(path, SIZE)
    assert isinstance(result, RejectedImage), result
    return f"{result.reason}: {result.detail}"


def tiled(grey: np.ndarray[Any, Any], order: str, photometric: int = 1) -> bytes:
    """A TIFF of uncompressed tiles of 32 rows and 16 columns, in this byte order."""
    rows, columns = grey.shape
    whole = np.pad(grey, ((0, -rows % 32), (0, -columns % 16)))
    tiles = [
        whole[y : y + 32, x : x + 16].astype(f"{order}u{grey.itemsize}").tobytes()
        for y in range(0, rows, 32)
        for x in range(0, columns, 16)
    ]
    length, count = len(tiles[0]), len(tiles)
    lists = 8 + 2 + 11 * 12 + 4
    data = lists + 2 * 4 * count
    tags = {
        256: (columns,), 257: (rows,), 258: (8 * grey.itemsize,), 259: (1,), 262: (photometric,),
        277: (1,), 322: (16,), 323: (32,), 324: tuple(data + i * length for i in range(count)),
        325: (length,) * count, 339: (1,),
    }  # fmt: skip
    entries, after = b"", b""
    for tag, values in tags.items():
        packed = struct.pack(f"{order}{len(values)}I", *values)
        where = packed if len(values) == 1 else struct.pack(f"{order}I", lists + len(after))
        after += packed if len(values) > 1 else b""
        entries += struct.pack(f"{order}HHI", tag, 4, len(values)) + where
    start = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(tags))
    return start + entries + bytes(4) + after + b"".join(tiles)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1"])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_tiffs_of_8_bit_are_what_a_png_is(
    compression: str | None, mode: str, tmp_path: Path
) -> None:
    image = Image.fromarray(GREY).convert(mode)
    path = saved(image, tmp_path / "image.tif", compression=compression)
    result = prepare(path, SIZE)
    assert isinstance(result, ProcessedImage)
    assert (result.windowing, result.format, result.source_size) == ("as_stored", "tiff", (80, 60))
    assert (content(path) == content(saved(image, tmp_path / "image.png"))).all()


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_tiffs_of_16_bit_are_what_a_png_is(compression: str | None, tmp_path: Path) -> None:
    plain = content(saved(DEEP, tmp_path / "image.png"))
    assert (content(saved(DEEP, tmp_path / "image.tif", compression=compression)) == plain).all()
    # White is zero.
    white = saved(65535 - DEEP, tmp_path / "w.tif", compression=compression, tiffinfo={262: 0})
    assert (content(white) == plain).all()


@pytest.mark.parametrize("grey", [GREY, DEEP], ids=["8 bit", "16 bit"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiles_in_either_byte_order(grey: Any, order: str, tmp_path: Path) -> None:
    (path := tmp_path / "image").write_bytes(whole := tiled(grey, order))
    assert (content(path) == content(saved(grey, tmp_path / "image.png"))).all()
    path.write_bytes(whole.replace(struct.pack(f"{order}I", 32), struct.pack(f"{order}I", 1 << 26)))
    assert "samples declared" in rejected(path)
    path.write_bytes(whole[:-20])
    assert "ends early" in rejected(path)


@pytest.mark.parametrize("grey", [GREY, DEEP], ids=["8 bit", "16 bit"])
@pytest.mark.parametrize("orientation", [3, 5, 6])
def test_a_tiff_is_turned_upright(grey: Any, orientation: int, tmp_path: Path) -> None:
    grey = grey.copy()
    grey[5:15, 50:58] = grey.max()
    stored = {3: grey[::-1, ::-1], 5: grey.T, 6: grey.T[::-1]}[orientation]
    # Twice as many pixels down an inch as across it, or as displayed across as down.
    path = saved(np.ascontiguousarray(stored), tmp_path / "image.tif",
                 tiffinfo={274: orientation}, dpi=(100, 200))  # fmt: skip
    upright = saved(grey, tmp_path / "u.png", dpi=(100, 200) if orientation == 3 else (200, 100))
    assert np.abs(content(path).astype(int) - content(upright)).max() <= 1


def test_what_a_tiff_may_not_be(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    saved(Image.fromarray(GREY), path, save_all=True, append_images=[Image.fromarray(GREY)])
    assert rejected(path) == "multiple_frames: several pages"
    for image in (GREY.astype(np.float32), GREY.astype(np.int32)):
        assert "signed or floating-point numbers" in rejected(saved(image, path))
    assert "of the kind CMYK" in rejected(saved(Image.fromarray(GREY).convert("CMYK"), path))
    path.write_bytes(tiled(np.repeat(DEEP, 3, axis=1), "<", photometric=2))
    assert "not_decodable" in rejected(path)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_tiff_that_is_cut_is_rejected_in_silence(
    compression: str | None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = saved(DEEP, tmp_path / "whole", format="TIFF", compression=compression).read_bytes()
    for share in (0.02, 0.5, 0.95):
        (tmp_path / "cut").write_bytes(whole[: int(share * len(whole))])
        assert "not_decodable" in rejected(tmp_path / "cut")
    (tmp_path / "odd").write_bytes(whole[:300] + b"\xff" * 100 + whole[400:])
    prepare(tmp_path / "odd", SIZE)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [True, False])
def test_webp_is_luma(mode: str, lossless: bool, tmp_path: Path) -> None:
    image, exif = Image.fromarray(np.ascontiguousarray(GREY.T[::-1])).convert(mode), Image.Exif()
    exif[274] = 6
    path = saved(image, tmp_path / "image.webp", lossless=lossless, exif=exif, quality=95)
    result = prepare(path, SIZE)
    assert isinstance(result, ProcessedImage)
    assert (result.format, result.source_size) == ("webp", (80, 60))
    plain = content(saved(GREY, tmp_path / "image.png")).astype(int)
    assert np.abs(content(path) - plain).max() <= (0 if lossless else 6)


def test_what_a_webp_may_not_be(tmp_path: Path) -> None:
    path, image = tmp_path / "image.webp", Image.fromarray(GREY)
    saved(image, path, save_all=True, append_images=[Image.fromarray(255 - GREY)])
    assert rejected(path) == "multiple_frames: 2 frames"
    for how in ({"lossless": True}, {}):
        whole = saved(image, path, **how).read_bytes()
        for share in (0.1, 0.5, 0.95):
            path.write_bytes(whole[: int(share * len(whole))])
            assert "not_decodable" in rejected(path)
    size = (1 << 24) - 1
    canvas = b"VP8X" + struct.pack("<II", 10, 0) + size.to_bytes(3, "little") * 2
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(canvas)) + b"WEBP" + canvas)
    assert "samples declared" in rejected(path)
