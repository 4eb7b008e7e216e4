"""DICOM decoding and grey mapping, beside a plain floating-point pipeline of pydicom and OpenCV."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi, apply_windowing
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)
from radiographs import (
    SIZE,
    WINDOW,
    Array,
    dataset,
    gamma,
    lut,
    prepared,
    rejected,
    saved,
    thorax,
)

from cxrcore.pixels import (
    ProcessedImage,
    RejectedImage,
    dicom,
    faults,
    intensity,
    letterbox,
    prepare,
)
from cxrcore.pixels.dicom import read_dicom


def reference(ds: Dataset, stored: Array, rule: str) -> Array:
    """The same in floating point: pydicom's functions, `sort`, and OpenCV's INTER_AREA."""
    values = apply_modality_lut(stored, ds)
    padding = np.zeros(stored.shape, bool)
    if "PixelPaddingValue" in ds:
        limit = ds.get("PixelPaddingRangeLimit", ds.PixelPaddingValue)
        low, high = sorted((ds.PixelPaddingValue, limit))
        padding = (stored >= low) & (stored <= high)
    if rule == "window":
        shown = apply_windowing(values, ds)
        full = -(1 << (ds.BitsStored - 1)) if ds.PixelRepresentation else 0
        ends = np.array([full, full + (1 << ds.BitsStored) - 1])
        low, high = apply_modality_lut(ends, ds) if "RescaleSlope" in ds else ends
        if "ModalityLUTSequence" in ds:
            low, high = 0, (1 << ds.ModalityLUTSequence[0].LUTDescriptor[2]) - 1
        shown = (shown - low) / (high - low)
    elif rule == "voi_lut":
        shown = apply_voi(values.astype(np.int64), ds)
        shown = shown / ((1 << ds.VOILUTSequence[0].LUTDescriptor[2]) - 1)
    else:
        inner = np.sort(values[~padding])
        cut = int(np.ceil(0.005 * len(inner)))
        low, high = inner[cut - 1], inner[-cut]
        shown = np.clip((values - low) / (high - low), 0, 1)
    if "MONOCHROME1" in ds.PhotometricInterpretation or ds.get("PresentationLUTShape") == "INVERSE":
        shown = 1 - shown
    grey = np.where(padding, 0, 255 * shown).astype(np.float32)
    rows, columns = (round(side * SIZE / max(grey.shape)) for side in grey.shape)
    return np.asarray(cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA))


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "window": ("window", WINDOW),
    "exact window": ("window", WINDOW | {"VOILUTFunction": "LINEAR_EXACT"}),
    "sigmoid window": ("window", WINDOW | {"VOILUTFunction": "SIGMOID"}),
    "step window": ("percentile", {"WindowCenter": 1500, "WindowWidth": 1}),
    "two windows": ("window", {"WindowCenter": [2000, 90], "WindowWidth": [3000, 10]}),
    "window elsewhere": ("percentile", {"WindowCenter": 40000, "WindowWidth": 3000}),
    "window over the air": ("percentile", {"WindowCenter": 500, "WindowWidth": 400}),
    "window too wide": ("percentile", {"WindowCenter": 30000, "WindowWidth": 60000}),
    "window of no width": ("percentile", {"WindowCenter": 2000, "WindowWidth": 0}),
    "no window": ("percentile", {}),
    "rescaled": ("window", {"RescaleSlope": 2, "RescaleIntercept": -100, "WindowCenter": 3900,
                            "WindowWidth": 6000}),
    "rescaled, no window": ("percentile", {"RescaleSlope": -0.5, "RescaleIntercept": 10}),
    "modality LUT": ("percentile", {"ModalityLUTSequence": lut([4096, 0, 16], gamma(4096, 16))}),
    "modality LUT and window": ("window", {"ModalityLUTSequence": lut([4096, 0, 16],
                                           gamma(4096, 16)), "WindowCenter": 40000,
                                           "WindowWidth": 50000}),
    "VOI LUT": ("voi_lut", {"VOILUTSequence": lut([4096, 0, 12], gamma(4096, 12))} | WINDOW),
    "VOI LUT in part": ("voi_lut", {"VOILUTSequence": lut([2500, 500, 10], gamma(2500, 10))}),
    "VOI LUT elsewhere": ("window", {"VOILUTSequence": lut([100, 50000, 12], gamma(100, 12))}
                          | WINDOW),
    "VOI LUT after rescale": ("voi_lut", {"RescaleSlope": 0.5, "RescaleIntercept": 0,
                                          "VOILUTSequence": lut([2048, 0, 12], gamma(2048, 12))}),
    "padding": ("percentile", {"PixelPaddingValue": 4095}),
    "padding range": ("window", {"PixelPaddingValue": 4095, "PixelPaddingRangeLimit": 3900}
                      | WINDOW),
    "padding range below": ("percentile", {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 60}),
}  # fmt: skip


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("shape", [None, "IDENTITY", "INVERSE"])
@pytest.mark.parametrize("case", CASES)
def test_grey_levels_agree_with_the_plain_pipeline(
    case: str, shape: str | None, photometric: str, tmp_path: Path
) -> None:
    rule, elements = CASES[case]
    stored = thorax()
    stored[:, :9] = 4095 if elements.get("PixelPaddingValue") == 4095 else 10
    ds = dataset(stored, PhotometricInterpretation=photometric, **elements)
    if shape:
        ds.PresentationLUTShape = shape
    result = prepared(ds, tmp_path)
    top, left, bottom, right = result.content_bbox
    expected = reference(ds, stored, rule)
    assert result.windowing == rule
    assert np.abs(result.pixels[top:bottom, left:right] - np.rint(expected)).max() <= 1
    deep = prepare(saved(ds, tmp_path), SIZE, "uint16")
    assert isinstance(deep, ProcessedImage)
    # By way of 8 bit it would be 0.3; pydicom cuts off the halves that a LUT looks up.
    most = 0.15 if case == "VOI LUT after rescale" else 0.01
    assert np.abs(deep.pixels[top:bottom, left:right] / 257 - expected).max() < most
    assert np.bitwise_count(deep.perceptual_hash ^ result.perceptual_hash).sum() <= 2


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [8, 10, 12, 15, 16])
def test_every_depth_and_sign(bits: int, signed: bool, tmp_path: Path) -> None:
    stored = thorax(bits, signed=signed)
    result = prepared(dataset(stored, bits), tmp_path)
    top, left, bottom, right = result.content_bbox
    difference = result.pixels[top:bottom, left:right] - np.rint(
        reference(dataset(stored, bits), stored, "percentile")
    )
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless, ExplicitVRBigEndian],
)
def test_transfer_syntax_changes_nothing(syntax: pydicom.uid.UID, tmp_path: Path) -> None:
    stored = thorax()
    plain = dataset(stored, **WINDOW)
    other = dataset(
        stored, syntax=ExplicitVRLittleEndian if syntax == RLELossless else syntax, **WINDOW
    )
    if syntax == RLELossless:
        other.compress(RLELossless, generate_instance_uid=False)
    if syntax == ExplicitVRBigEndian:
        other.PixelData = stored.astype(">u2").tobytes()
    expected = prepared(plain, tmp_path).pixels
    assert (prepared(other, tmp_path).pixels == expected).all()


def test_bits_above_the_stored_ones_are_ignored(tmp_path: Path) -> None:
    stored = thorax()
    overlaid = dataset(stored)
    overlaid.PixelData = (stored | 0x3000).astype("<u2").tobytes()
    shifted = dataset(stored, HighBit=15)
    shifted.PixelData = (stored << 4).astype("<u2").tobytes()
    expected = prepared(dataset(stored), tmp_path).pixels
    assert (prepared(overlaid, tmp_path).pixels == expected).all()
    assert (prepared(shifted, tmp_path).pixels == expected).all()


@pytest.mark.parametrize("windowed", [False, True])
def test_inverted_values_as_monochrome1_give_the_same_image(windowed: bool, tmp_path: Path) -> None:
    stored = thorax()
    window = WINDOW if windowed else {}
    # The linear window lies half a value to the left of its centre (PS3.3 C.11.2.1.2.1).
    mirrored = {**window, "WindowCenter": 4095 - 2000 + 1} if windowed else {}
    usual = prepared(dataset(stored, **window), tmp_path)
    inverted = prepared(
        dataset(4095 - stored, PhotometricInterpretation="MONOCHROME1", **mirrored), tmp_path
    )
    assert inverted.windowing == usual.windowing
    assert (inverted.pixels == usual.pixels).all()


def test_padding_is_black_and_does_not_move_the_grey_levels(tmp_path: Path) -> None:
    stored = thorax()
    framed = np.full((190, 161), 3000)
    framed[20:170, 20:141] = stored
    ds = dataset(framed, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=3000)
    result = prepared(ds, tmp_path)
    top, left, _, right = result.content_bbox
    assert (result.pixels[top : top + 4, left:right] == 0).all()
    assert result.pixels.max() > 240


def test_a_wrong_voi_descriptor_does_not_darken(tmp_path: Path) -> None:
    right = dataset(thorax(), VOILUTSequence=lut([4096, 0, 12], gamma(4096, 12)))
    wrong = dataset(thorax(), VOILUTSequence=lut([4096, 0, 16], gamma(4096, 12)))
    assert (prepared(wrong, tmp_path).pixels == prepared(right, tmp_path).pixels).all()


def test_inverted_polarity_is_flagged(tmp_path: Path) -> None:
    assert not prepared(dataset(thorax()), tmp_path).polarity_suspect
    believed = dataset(thorax(), PhotometricInterpretation="MONOCHROME1")
    assert prepared(believed, tmp_path).polarity_suspect


def test_colour_becomes_luma(tmp_path: Path) -> None:
    grey = thorax(8)
    colour = dataset(np.stack([grey] * 3, axis=2), 8, PhotometricInterpretation="RGB")
    result = prepared(colour, tmp_path)
    top, left, bottom, right = result.content_bbox
    rows, columns = bottom - top, right - left
    plain = cv2.resize(grey.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    assert result.windowing == "as_stored"
    assert np.abs(result.pixels[top:bottom, left:right] - plain).max() <= 1


REJECTS: dict[str, tuple[str, dict[str, Any]]] = {
    "CT": ("not_a_radiograph", {"Modality": "CT"}),
    "made-up modality": ("not_a_radiograph", {"Modality": "DOEJOHN"}),
    "two frames": ("multiple_frames", {"NumberOfFrames": 2}),
    "no rows": ("not_decodable", {"Rows": None}),
    "more rows than pixels": ("not_decodable", {"Rows": 151}),
    "short modality LUT": ("not_decodable", {"ModalityLUTSequence": lut([9, 0, 16], np.ones(3))}),
    "palette": ("not_decodable", {"PhotometricInterpretation": "PALETTE COLOR"}),
    "half the rows": ("not_decodable", {"Rows": 75}),
    "one bit in 32": ("not_decodable", {"BitsAllocated": 32}),
}


@pytest.mark.parametrize("case", REJECTS)
def test_unusable_files_are_rejected_with_a_reason(case: str, tmp_path: Path) -> None:
    reason, elements = REJECTS[case]
    result = rejected(dataset(thorax(), **elements), tmp_path)
    assert result.reason == reason
    assert result.detail
    assert "DOE" not in result.detail


def test_blank_small_and_pixelless_images(tmp_path: Path) -> None:
    assert rejected(dataset(np.full((90, 90), 7)), tmp_path).reason == "blank"
    assert rejected(dataset(np.full((90, 90), 7), **WINDOW), tmp_path).reason == "blank"
    padded = dataset(np.full((90, 90), 7), PixelPaddingValue=7, **WINDOW)
    assert rejected(padded, tmp_path).detail == "every pixel is padding"
    assert rejected(dataset(thorax(shape=(31, 90))), tmp_path).reason == "too_small"
    empty = dataset(thorax())
    del empty.PixelData
    assert rejected(empty, tmp_path).detail == "no pixel data"


@pytest.mark.parametrize("share", [0.001, 0.01, 0.3, 0.999])
def test_truncated_files_are_rejected(share: float, tmp_path: Path) -> None:
    whole = saved(dataset(thorax(), **WINDOW), tmp_path).read_bytes()
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(whole[: int(share * len(whole))])
    result = prepare(cut, SIZE)
    assert isinstance(result, RejectedImage)
    assert result.reason == "not_decodable"


@pytest.mark.parametrize("seed", range(30))
def test_damaged_headers_never_raise(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    ds = dataset(thorax(), VOILUTSequence=lut([256, 0, 12], gamma(256, 12)), **WINDOW)
    damaged = bytearray(saved(ds, tmp_path).read_bytes())
    for position in rng.integers(132, 1500, 20):
        damaged[position] = rng.integers(256)
    path = tmp_path / "damaged.dcm"
    path.write_bytes(damaged)
    assert isinstance(prepare(path, SIZE), ProcessedImage | RejectedImage)


def real(name: str) -> Path:
    path = get_testdata_file(f"{name}.dcm", download=False)
    if path is None:
        pytest.skip("pydicom-data is not installed")
    return Path(str(path))


@pytest.mark.parametrize(
    ("plain", "compressed"), [("RG1_UNCR", "RG1_J2KR"), ("RG1_UNCI", "RG1_J2KI")]
)
def test_a_real_radiograph_is_the_same_compressed(plain: str, compressed: str) -> None:
    pair = [prepare(real(name), 224) for name in (plain, compressed)]
    one, other = (p for p in pair if isinstance(p, ProcessedImage))
    assert (one.pixels == other.pixels).all()
    assert one.content_bbox == (0, 6, 224, 217)
    assert (one.windowing, one.source_size, one.polarity_suspect) == ("window", (1955, 1841), False)


@pytest.mark.parametrize("coding", ["jpeg_ls_lossless", "RLE", "jp2klossless", "implicit"])
def test_every_lossless_coding_gives_the_same_image(coding: str, tmp_path: Path) -> None:
    pixels = []
    for name in ("MR_small", f"MR_small_{coding}"):
        ds = pydicom.dcmread(real(name))
        ds.Modality, ds.NumberOfFrames = "DX", 1
        pixels.append(prepared(ds, tmp_path).pixels)
    assert (pixels[0] == pixels[1]).all()


def test_a_real_radiograph_agrees_with_the_plain_pipeline() -> None:
    ds = pydicom.dcmread(real("RG1_UNCR"))
    result = prepare(real("RG1_UNCR"), SIZE)
    assert isinstance(result, ProcessedImage)
    top, left, bottom, right = result.content_bbox
    plain = np.rint(reference(ds, ds.pixel_array.astype(np.int64), "window"))
    assert np.abs(result.pixels[top:bottom, left:right] - plain).max() <= 1


def test_files_that_pydicom_ships_are_prepared_or_rejected_but_never_raise() -> None:
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    results = {p.name: prepare(p, SIZE) for p in sorted(folder.iterdir()) if p.is_file()}
    reasons = {n: r.reason for n, r in results.items() if isinstance(r, RejectedImage)}
    assert reasons["CT_small.dcm"] == reasons["MR_truncated.dcm"] == "not_a_radiograph"
    assert reasons["rtplan_truncated.dcm"] == "not_a_radiograph"
    assert reasons["UN_sequence.dcm"] == reasons["no_meta.dcm"] == "not_decodable"
    assert len(reasons) >= 80


@pytest.mark.parametrize("rows", [800, 1100])
def test_large_images_are_judged_by_every_eighth_row(rows: int, tmp_path: Path) -> None:
    stored = thorax(shape=(rows, 300))
    other = stored.copy()
    other[np.arange(rows) % 8 > 0] //= 2
    pair = [dataset(s, Rows=rows) for s in (stored, other)]
    scales = [read_dicom(saved(ds, tmp_path).read_bytes()).scale for ds in pair]
    # 2^18 pixels are 874 rows of 300.
    assert (scales[0] == scales[1]) == (rows == 1100)


def test_a_line_of_grey_needs_no_opencv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It takes each worker 16 MiB.
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert prepared(dataset(thorax(), **WINDOW), tmp_path).windowing == "window"
    assert not any(hasattr(module, "cv2") for module in (dicom, faults, intensity, letterbox))
