"""Sound image files of every kind, small ones."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image
from pydicom import uid
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate

from benchmarks.reliability.mutations import Rng
from cxrcore.synthetic.dicom import write_radiograph

VAST = (4000, 5000)
"""Rows and columns of the largest radiographs."""
#: Test files that pydicom brings, of kinds that nothing installed here can write.
SHIPPED = {
    "jpeg-ls": "MR_small_jpeg_ls_lossless", "jpeg 12 bit": "JPGExtended",
    "jpeg lossless": "SC_rgb_jpeg_gdcm", "big endian": "MR_small_bigendian",
}  # fmt: skip


def grey(rng: Rng, vast: bool) -> np.ndarray:
    """A smooth picture of drawn shape, 0 to 1; or a vast one, which is small when packed."""
    if vast:
        return np.broadcast_to(np.linspace(0, 1, VAST[1]), VAST)
    rows, columns = (int(n) for n in rng.integers(60, 400, 2))
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    return np.asarray(np.clip(1 - np.hypot(x, y) + rng.normal(0, 0.03, x.shape), 0, 1))


def drawn_dicom(folder: Path, rng: Rng, vast: bool) -> pydicom.FileDataset:
    path = folder / "drawn"
    write_radiograph(
        path, grey(rng, vast), rng,
        subject_id=1, study_id=1, time=datetime(2020, 1, 1), view="PA",
    )  # fmt: skip
    return pydicom.dcmread(path)


def saved(dataset: pydicom.FileDataset) -> bytes:
    file = io.BytesIO()
    dataset.save_as(file)
    return file.getvalue()


def dicom(kind: str, folder: Path, rng: Rng, vast: bool) -> bytes:
    """A sound DICOM file of a kind."""
    if kind in SHIPPED:
        dataset = pydicom.dcmread(str(get_testdata_file(f"{SHIPPED[kind]}.dcm", download=False)))
        dataset.Modality = "DX"
        return saved(dataset)
    dataset = drawn_dicom(folder, rng, vast)
    if kind == "rle":
        dataset.compress(uid.RLELossless)
    elif kind == "jpeg 2000":
        dataset.compress(uid.JPEG2000Lossless)
    elif kind == "deflated":
        dataset.file_meta.TransferSyntaxUID = uid.DeflatedExplicitVRLittleEndian
    elif kind == "implicit":
        dataset.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian
    elif kind == "jpeg":
        stored = (dataset.pixel_array >> max(0, dataset.BitsStored - 8)).astype(np.uint8)
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        dataset.file_meta.TransferSyntaxUID = uid.JPEGBaseline8Bit
        dataset.PixelData = encapsulate([picture(Image.fromarray(stored), "JPEG")])
    return saved(dataset)


def picture(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def sound(kind: str, folder: Path, rng: Rng, vast: bool = False) -> bytes:
    """A sound file of a kind; a shipped one is never vast."""
    where, _, kind = kind.partition(": ")
    if where == "dicom":
        return dicom(kind, folder, rng, vast)
    values = grey(rng, vast)
    if kind == "png 16 bit":
        return picture(Image.fromarray((values * 65535).astype(np.uint16)), "PNG")
    image = Image.fromarray((values * 255).astype(np.uint8))
    if kind == "png colour":
        image = image.convert("RGBA")
    progressive = {"progressive": True} if "progressive" in kind else {}
    return picture(image, kind.split()[0].upper(), **progressive)


SOUND = (
    *(f"dicom: {k}" for k in ("plain", "implicit", "rle", "deflated", "jpeg", "jpeg 2000")),
    *(f"dicom: {k}" for k in SHIPPED),
    *(f"picture: {k}" for k in ("png", "png 16 bit", "png colour", "jpeg", "jpeg progressive")),
)
