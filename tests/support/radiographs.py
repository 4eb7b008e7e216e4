"""DICOM radiographs for tests: a bright body in dark air, with any elements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from cxrcore.pixels import ProcessedImage, RejectedImage, prepare

SIZE = 48
Array = NDArray[Any]


def thorax(bits: int = 12, *, signed: bool = False, shape: tuple[int, int] = (150, 121)) -> Array:
    """Stored values of an oval bright body in dark air, with noise, over 3/4 of the range."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    body = np.clip(1.4 - 1.3 * np.hypot(x * 1.2, y), 0, 1)
    body += np.random.default_rng(0).normal(0, 0.02, shape)
    values = np.clip((0.1 + 0.75 * body), 0, 1) * ((1 << bits) - 1)
    return np.asarray(values, np.int64) - (1 << (bits - 1) if signed else 0)


def dataset(stored: Array, bits: int = 12, /, **elements: Any) -> FileDataset:
    """A DX image with these stored values (rows, columns[, 3])."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = elements.pop("syntax", ExplicitVRLittleEndian)
    little = meta.TransferSyntaxUID != ExplicitVRBigEndian
    ds = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta, is_little_endian=little)
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    ds.SOPInstanceUID = pydicom.uid.generate_uid(entropy_srcs=["test"])
    ds.Modality, ds.PhotometricInterpretation = "DX", "MONOCHROME2"
    ds.Rows, ds.Columns = stored.shape[:2]
    ds.SamplesPerPixel = 3 if stored.ndim == 3 else 1
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits, bits - 1, int(stored.min() < 0)
    ds.BitsAllocated = 8 if bits <= 8 else 16
    for name, value in elements.items():
        setattr(ds, name, value)
    if stored.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.PixelData = (stored & ((1 << bits) - 1)).astype(f"<u{ds.BitsAllocated // 8}").tobytes()
    if stored.min() < 0:
        ds.PixelData = stored.astype(f"<i{ds.BitsAllocated // 8}").tobytes()
    ds["PixelData"].VR = "OW"
    return ds


def saved(ds: FileDataset, folder: Path) -> Path:
    path = folder / "image.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path


def prepared(ds: FileDataset, folder: Path) -> ProcessedImage:
    result = prepare(saved(ds, folder), SIZE)
    assert isinstance(result, ProcessedImage), result
    return result


def rejected(ds: FileDataset, folder: Path) -> RejectedImage:
    result = prepare(saved(ds, folder), SIZE)
    assert isinstance(result, RejectedImage), result
    return result


def lut(descriptor: list[int], entries: Array) -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if descriptor[1] < 0 else "US", descriptor)
    item.add_new("LUTData", "US", [int(v) for v in entries])
    item.ModalityLUTType = "US"
    return [item]


def gamma(count: int, bits: int) -> Array:
    return np.rint(((1 << bits) - 1) * (np.arange(count) / (count - 1)) ** 0.6).astype(int)


WINDOW = {"WindowCenter": 2000, "WindowWidth": 3000}
