"""Writes one radiograph as a DICOM file, with the variety that real collections have."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
)

from cxrcore.synthetic.phantom import Plane


def write_radiograph(
    path: Path,
    grey: Plane,
    rng: np.random.Generator,
    *,
    subject_id: int,
    study_id: int,
    time: datetime,
    view: str,
) -> None:
    """Write `grey` (rows, columns; 0 is air, 1 is bone) as an uncompressed CR or DX file.

    Bit depth, polarity, modality and window are drawn from `rng`. The unique identifiers come
    from the file's name, so that equal content gives equal bytes.
    """
    dataset = _stored(grey, rng)
    digital = bool(rng.random() < 0.5)
    kind = DigitalXRayImageStorageForPresentation if digital else ComputedRadiographyImageStorage
    dataset.SOPClassUID, dataset.Modality = kind, "DX" if digital else "CR"
    dataset.SOPInstanceUID = _uid(path.stem)
    dataset.StudyInstanceUID = _uid(f"study {study_id}")
    dataset.SeriesInstanceUID = _uid(f"series {path.stem}")
    dataset.PatientID, dataset.StudyID = str(subject_id), str(study_id)
    dataset.StudyDate = dataset.ContentDate = time.strftime("%Y%m%d")
    dataset.StudyTime = dataset.ContentTime = time.strftime("%H%M%S.%f")[:-3]
    dataset.PatientName = dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.SeriesNumber = dataset.InstanceNumber = "1"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", ""]
    dataset.BodyPartExamined, dataset.ViewPosition = "CHEST", view
    dataset.PatientOrientation = ["A", "F"] if view == "LATERAL" else ["L", "F"]
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)


def truncate(path: Path) -> None:
    """Damage the file: its pixel data end early."""
    os.truncate(path, path.stat().st_size * 3 // 5)


def _stored(grey: Plane, rng: np.random.Generator) -> Dataset:
    """The pixel module: stored values, their meaning and, mostly, a window over them."""
    bits = int(rng.choice((12, 14, 15, 16), p=(0.5, 0.2, 0.2, 0.1)))
    top = 2**bits - 1
    low, high = top * rng.uniform(0.0, 0.03), top * rng.uniform(0.75, 0.98)
    values = np.rint(low + grey * (high - low)).astype("<u2")
    dark_is_bone = bool(rng.random() < 0.25)
    if dark_is_bone:
        values = np.uint16(top) - values
        low, high = top - high, top - low
    dataset = Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME1" if dark_is_bone else "MONOCHROME2"
    if rng.random() < 0.5:
        dataset.PresentationLUTShape = "INVERSE" if dark_is_bone else "IDENTITY"
    window = rng.random()
    if window < 0.72:
        dataset.WindowCenter, dataset.WindowWidth = round((low + high) / 2), round(high - low) + 2
    elif window < 0.76:  # left over from an 8-bit copy: it covers next to none of the values
        dataset.WindowCenter, dataset.WindowWidth = 127, 256
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "US"
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.Rows, dataset.Columns = values.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits, bits - 1
    dataset.PixelData = values.tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def _uid(name: str) -> str:
    digest = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    return f"2.25.{int(digest, 16)}"
