"""JPEG data that ends early is rejected, whole data is not, however grey it is at its end."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import JPEGBaseline8Bit

from cxrcore.pixels import ProcessedImage, RejectedImage, prepare

Grey = np.ndarray[Any, np.dtype[np.uint8]]
END = b"\xff\xd9"
SHARES = (0.3, 0.5, 0.9, 0.99)


def drawn(below: str, shape: tuple[int, int]) -> Grey:
    """An oval bright body with noise; its last third, if so wanted, is of one level."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    body = 300 - 280 * np.hypot(x * 1.2, y) + np.random.default_rng(0).normal(0, 4, shape)
    grey = np.asarray(np.clip(body, 0, 240), np.uint8)
    if below == "grey":
        grey[2 * shape[0] // 3 :] = 128
    elif below == "black":
        grey[2 * shape[0] // 3 :] = 0
    return grey


def jpeg(grey: Grey, mode: str = "L", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(grey).convert(mode).save(file, "JPEG", quality=90, **options)
    return file.getvalue()


def outcome(content: bytes, folder: Path, size: int = 48) -> ProcessedImage | RejectedImage:
    path = folder / "image"
    path.write_bytes(content)
    return prepare(path, size)


@pytest.mark.parametrize("shape", [(301, 203), (960, 804)])
@pytest.mark.parametrize("restart", [{}, {"restart_marker_rows": 1}, {"restart_marker_blocks": 5}])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("below", ["body", "grey", "black"])
def test_cut_files_are_rejected_and_whole_ones_are_not(
    below: str, mode: str, progressive: bool, restart: dict[str, int], shape: tuple[int, int],
    tmp_path: Path,
) -> None:  # fmt: skip
    whole = jpeg(drawn(below, shape), mode, progressive=progressive, **restart)
    assert isinstance(outcome(whole, tmp_path), ProcessedImage)
    for share in SHARES:
        cut = whole[: int(share * len(whole))]
        for content in (cut, cut + END):
            result = outcome(content, tmp_path, 48 if share < 0.9 else 600)
            assert isinstance(result, RejectedImage), share
            assert result.reason == "not_decodable"


@pytest.mark.parametrize("progressive", [False, True])
def test_every_cut_is_seen_but_for_the_last_blocks(progressive: bool, tmp_path: Path) -> None:
    whole = jpeg(drawn("body", (64, 56)), progressive=progressive)
    start = whole.index(b"\xff\xda") + 10
    for length in range(start, len(whole) - 12):
        assert isinstance(outcome(whole[:length] + END, tmp_path), RejectedImage), length


def in_dicom(frame: bytes, grey: Grey, folder: Path, mode: str) -> ProcessedImage | RejectedImage:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.1.1", "1.2", "DX"
    ds.Rows, ds.Columns = grey.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    if mode == "RGB":
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 3, "YBR_FULL_422"
        ds.PlanarConfiguration = 0
    return of_frame(ds, frame, folder)


def of_frame(ds: Dataset, frame: bytes, folder: Path) -> ProcessedImage | RejectedImage:
    path = folder / "image.dcm"
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].VR = "OB"
    ds.save_as(path, enforce_file_format=True)
    return prepare(path, 48)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("below", ["body", "grey"])
def test_cut_baseline_in_dicom(below: str, mode: str, tmp_path: Path) -> None:
    grey = drawn(below, (301, 203))
    whole = jpeg(grey, mode)
    assert isinstance(in_dicom(whole, grey, tmp_path, mode), ProcessedImage)
    for share in SHARES:
        cut = whole[: int(share * len(whole))]
        for frame in (cut, cut + END):
            result = in_dicom(frame, grey, tmp_path, mode)
            assert isinstance(result, RejectedImage), share
            assert "JPEG" in result.detail


@pytest.mark.parametrize(
    "name", ["JPEG-LL", "JPGLosslessP14SV1_1s_1f_8b", "JPGExtended", "MR_small_jpeg_ls_lossless",
             "MR2_J2KI", "RG3_J2KI"],
)  # fmt: skip
def test_cut_files_of_other_processes(name: str, tmp_path: Path) -> None:
    path = get_testdata_file(f"{name}.dcm", download=False)
    if path is None:
        pytest.skip("pydicom-data is not installed")
    ds = pydicom.dcmread(str(path))
    ds.Modality = "DX"
    whole = get_frame(ds.PixelData, 0, number_of_frames=1)
    end = whole.rindex(END)
    assert isinstance(of_frame(ds, whole, tmp_path), ProcessedImage)
    for share in SHARES:
        for tail in (b"", END):
            result = of_frame(ds, whole[: int(share * end)] + tail, tmp_path)
            assert isinstance(result, RejectedImage), share
