"""PNG and JPEG files of every mode, and damaged ones."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pictures import SIZE, content, ramp
from PIL import Image
from pydicom.data import get_testdata_file

from cxrcore.pixels import ProcessedImage, RejectedImage, prepare, prepare_from


def plain(grey: np.ndarray[Any, Any], rows: int = 40, columns: int = 30) -> np.ndarray[Any, Any]:
    return cv2.resize(grey.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1"])
def test_every_png_mode_becomes_grey(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.fromarray(ramp()).convert(mode).save(path)
    grey = np.asarray(Image.fromarray(ramp()).convert(mode).convert("L"))
    assert np.abs(content(path) - plain(grey)).max() <= 1
    result = prepare(path, SIZE)
    assert isinstance(result, ProcessedImage)
    assert (result.windowing, result.format, result.source_size) == ("as_stored", "png", (80, 60))


def test_a_16_bit_png_is_mapped_by_percentiles(tmp_path: Path) -> None:
    deep = ramp().astype(np.uint16) * 16 + 100
    path = tmp_path / "image.png"
    cv2.imwrite(str(path), deep)
    inner, cut = np.sort(deep.ravel()), int(np.ceil(0.005 * deep.size))
    low, high = float(inner[cut - 1]), float(inner[-cut])
    grey = 255 * np.clip((deep - low) / (high - low), 0, 1)
    result = prepare(path, SIZE)
    assert isinstance(result, ProcessedImage)
    assert result.windowing == "percentile"
    assert np.abs(content(path) - plain(grey)).max() <= 1


@pytest.mark.parametrize("colour", [2, 4, 6], ids=["RGB", "grey and alpha", "RGBA"])
def test_a_16_bit_png_in_colour_or_with_alpha_keeps_its_depth(colour: int, tmp_path: Path) -> None:
    deep = ramp().astype(np.uint16) * 16 + 100
    cv2.imwrite(str(tmp_path / "grey.png"), deep)
    layers = [deep] * (1 if colour == 4 else 3) + [deep * 0 + 65535] * (colour > 2)
    whole = png_of_16_bit(np.stack(layers, axis=2), colour)
    (tmp_path / "image.png").write_bytes(whole)
    result = prepare(tmp_path / "image.png", SIZE)
    assert isinstance(result, ProcessedImage)
    assert result.windowing == "percentile"
    assert (content(tmp_path / "image.png") == content(tmp_path / "grey.png")).all()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    assert isinstance(prepare(tmp_path / "cut.png", SIZE), RejectedImage)


def png_of_16_bit(samples: np.ndarray[Any, Any], colour: int) -> bytes:
    """A PNG of samples (rows, columns, channels) of 16 bits; Pillow cannot write one."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    size = struct.pack(">II", samples.shape[1], samples.shape[0])
    parts = {
        b"IHDR": size + bytes((16, colour, 0, 0, 0)), b"IDAT": zlib.compress(rows), b"IEND": b"",
    }  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts.items()
    )


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_image_is_turned_upright(orientation: int, suffix: str, tmp_path: Path) -> None:
    upright = ramp(400, 300)
    upright[20:60, 250:280] = upright[300:380, 20:40] = 255
    # Row and column 0 as displayed lie where the EXIF standard says.
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T,
        6: upright.T[::-1], 7: upright.T[::-1, ::-1], 8: upright.T[:, ::-1],
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / f"image.{suffix}"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    result = prepare(path, SIZE)
    assert isinstance(result, ProcessedImage)
    assert result.source_size == (400, 300)
    assert np.abs(content(path) - plain(upright)).mean() < 1


def test_turning_keeps_the_depth(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "upright.png"), deep := ramp().astype(np.uint16) * 16)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.ascontiguousarray(deep.T[::-1])).save(tmp_path / "turned.png", exif=exif)
    assert (content(tmp_path / "turned.png") == content(tmp_path / "upright.png")).all()


def test_a_damaged_exif_costs_nothing(tmp_path: Path) -> None:
    Image.fromarray(ramp()).save(tmp_path / "plain.jpg")
    Image.fromarray(ramp()).save(tmp_path / "odd.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x09")
    assert (content(tmp_path / "odd.jpg") == content(tmp_path / "plain.jpg")).all()


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_pixels_that_are_not_square_are_made_square(
    orientation: int, suffix: str, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / f"image.{suffix}"
    # Twice as many pixels across an inch as down it: each is twice as high as wide.
    Image.fromarray(ramp(300, 600)).save(path, dpi=(200, 100), exif=exif)
    result = prepare(path, SIZE)
    assert isinstance(result, ProcessedImage)
    assert result.content_bbox == (0, 0, SIZE, SIZE)
    assert result.source_size == ((300, 600) if orientation == 1 else (600, 300))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpegs_agree_with_full_decoding(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "image.jpg"
    Image.fromarray(ramp(803, 602)).convert(mode).save(path, quality=95)
    full = np.asarray(Image.open(path).convert("L"))
    difference = np.abs(content(path) - plain(full))
    result = prepare(path, SIZE)
    assert isinstance(result, ProcessedImage)
    assert (result.format, result.source_size, result.content_bbox) == (
        "jpeg",
        (803, 602),
        (0, 5, 40, 35),
    )
    assert difference.max() <= 3
    assert difference.mean() < 1


@pytest.mark.parametrize("shape", [(33, 3000), (3001, 37), (1025, 999)])
def test_jpegs_of_every_shape_are_read(shape: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "image.jpg"
    Image.fromarray(ramp(*shape)).save(path)
    rows, columns = (max(1, round(side * SIZE / max(shape))) for side in shape)
    full = plain(np.asarray(Image.open(path)), rows, columns)
    assert np.abs(content(path) - full).max() <= 3


def test_a_real_radiograph_as_jpeg_agrees_with_full_decoding(tmp_path: Path) -> None:
    source = get_testdata_file("RG1_UNCR.dcm", download=False)
    if source is None:
        pytest.skip("pydicom-data is not installed")
    real = prepare(Path(str(source)), 1955)
    assert isinstance(real, ProcessedImage)
    top, left, bottom, right = real.content_bbox
    path = tmp_path / "image.jpg"
    Image.fromarray(real.pixels[top:bottom, left:right]).save(path, quality=95)
    full = np.asarray(Image.open(path))
    for size in (96, 160, 224):
        rows, columns = (round(side * size / max(full.shape)) for side in full.shape)
        difference = np.abs(content(path, size) - np.rint(plain(full, rows, columns)))
        assert difference.max() <= 3, size
        assert difference.mean() < 0.2, size


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.95])
def test_truncated_pictures_are_rejected(share: float, suffix: str, tmp_path: Path) -> None:
    whole, cut = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
    Image.fromarray(ramp(300, 200)).save(whole)
    data = whole.read_bytes()
    cut.write_bytes(data[: int(share * len(data))])
    result = prepare(cut, SIZE)
    assert isinstance(result, RejectedImage)
    assert result.reason == "not_decodable"


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    Image.fromarray(ramp()).save(path, format="PNG")
    assert isinstance(prepare(path, SIZE), ProcessedImage)
    path.write_text("patient,name\n")
    result = prepare(path, SIZE)
    assert result == RejectedImage("not_decodable", "neither DICOM, PNG, JPEG, WebP nor TIFF")


@pytest.mark.parametrize("kind", ["GIF", "BMP"])
def test_other_formats_are_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.fromarray(ramp()).save(path, format=kind)
    result = prepare(path, SIZE)
    assert result == RejectedImage(
        "not_decodable", f"{kind}, neither DICOM, PNG, JPEG, WebP nor TIFF"
    )


@pytest.mark.parametrize(
    ("start", "want"),
    [(b"\n<!DOCTYPE html>", "HTML"), (b"version https://git-lfs", "Git LFS"), (bytes(9), "zeros")],
)
def test_what_a_failed_download_leaves_is_named(start: bytes, want: str, tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(start + bytes(200))
    result = prepare(tmp_path / "image.png", SIZE)
    assert isinstance(result, RejectedImage)
    assert want in result.detail


def test_cmyk_has_no_certain_polarity(tmp_path: Path) -> None:
    Image.fromarray(ramp()).convert("CMYK").save(tmp_path / "image.jpg")
    result = prepare(tmp_path / "image.jpg", SIZE)
    assert result == RejectedImage("not_decodable", "CMYK colour")


def test_files_must_be_there_be_files_and_lie_below_the_root(tmp_path: Path) -> None:
    root, secret = tmp_path / "root", tmp_path / "secret.png"
    (root / "folder").mkdir(parents=True)
    Image.fromarray(ramp()).save(secret)
    Image.fromarray(ramp()).save(root / "inside.png")
    (root / "out.png").symlink_to(secret)
    (root / "in.png").symlink_to(root / "inside.png")
    (root / "loop.png").symlink_to(root / "loop.png")
    os.mkfifo(root / "pipe.png")
    assert isinstance(prepare_from(root, "inside.png", SIZE), ProcessedImage)
    assert isinstance(prepare_from(root, "in.png", SIZE), ProcessedImage)
    for path in (
        "none.png", "folder", "pipe.png", "out.png", "../secret.png", str(secret), "loop.png",
        "null\0.png", "inside.png/more", "x" * 300,
    ):  # fmt: skip
        result = prepare_from(root, path, SIZE)
        assert isinstance(result, RejectedImage)
        assert result.reason == "missing_file"
        assert "secret" not in result.detail
