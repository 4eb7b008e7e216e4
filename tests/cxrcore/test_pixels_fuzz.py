"""Mutated files of every kind become an image, a reject, and nothing else."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate

from cxrcore.pixels import ProcessedImage, RejectedImage, prepare
from cxrcore.synthetic.dicom import write_radiograph

#: Small test files of pydicom.
SHIPPED = (
    "MR_small_RLE", "MR_small_bigendian", "MR_small_implicit", "MR_small_jp2klossless",
    "MR_small_jpeg_ls_lossless", "JPGExtended", "SC_rgb_jpeg_dcmtk", "SC_rgb_rle", "image_dfl",
)  # fmt: skip
KINDS = ("dicom", "jpeg", "progressive", "png", "deep png", "webp", "tiff", *SHIPPED)


def whole(kind: str, folder: Path) -> bytes:
    rng, file = np.random.default_rng(0), io.BytesIO()
    grey = np.asarray(Image.linear_gradient("L").resize((72, 80)))
    if kind == "dicom":
        path = folder / "drawn.dcm"
        write_radiograph(
            path, grey / 255, rng, subject_id=1, study_id=1, time=datetime(2020, 1, 1), view="PA"
        )
        return path.read_bytes()
    if kind in ("jpeg", "progressive"):
        Image.fromarray(grey).save(file, "JPEG", progressive=kind == "progressive")
    elif kind == "png":
        Image.fromarray(grey).save(file, "PNG")
    elif kind == "deep png":
        Image.fromarray(grey.astype(np.uint16) * 200).save(file, "PNG")
    elif kind == "webp":
        Image.fromarray(grey).save(file, "WEBP")
    elif kind == "tiff":
        Image.fromarray(grey.astype(np.uint16) * 200).save(file, "TIFF", compression="tiff_lzw")
    else:
        ds = pydicom.dcmread(str(get_testdata_file(f"{kind}.dcm", download=False)))
        ds.Modality = "DX"
        if ds.file_meta.TransferSyntaxUID.is_compressed:
            frame = pydicom.encaps.get_frame(ds.PixelData, 0, number_of_frames=1)
            ds.PixelData = encapsulate([frame])
        ds.save_as(file)
    return file.getvalue()


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes changed, mostly of the header; some taken out; sometimes the end cut off."""
    changed = bytearray(content)
    reach = min(len(changed), 1500) if rng.random() < 0.7 else len(changed)
    for position in rng.integers(min(132, reach // 4), reach, rng.integers(1, 12)):
        changed[position] = rng.choice((0, 1, 127, 128, 255, int(rng.integers(256))))
    if rng.random() < 0.2:
        start = int(rng.integers(len(changed)))
        del changed[start : start + int(rng.integers(1, 40))]
    return bytes(changed[: int(rng.integers(len(changed)))] if rng.random() < 0.1 else changed)


@pytest.mark.parametrize("kind", KINDS)
def test_mutated_files_are_prepared_or_rejected(kind: str, tmp_path: Path) -> None:
    rng, path = np.random.default_rng(KINDS.index(kind)), tmp_path / "image"
    content = whole(kind, tmp_path)
    path.write_bytes(content)
    assert isinstance(prepare(path, 32), ProcessedImage | RejectedImage)
    for _ in range(60):
        path.write_bytes(mutated(content, rng))
        assert isinstance(prepare(path, 32), ProcessedImage | RejectedImage)
