"""Elements with another sign than the pixels, odd optional ones, headers that contradict data."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filebase import DicomFileLike
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)
from radiographs import SIZE, WINDOW, dataset, gamma, lut, prepared, rejected, saved, thorax

from cxrcore.pixels import ProcessedImage, RejectedImage, prepare

Element = tuple[str, str, Any]


def with_elements(ds: Any, *elements: Element) -> Any:
    """The dataset with elements of a given value representation, however odd."""
    for keyword, vr, value in elements:
        ds.add_new(tag_for_keyword(keyword), vr, value)
    return ds


@pytest.mark.parametrize(
    ("bits", "signed", "stored", "vr", "written"),
    [
        (16, True, -2000, "SS", -2000),
        (16, True, -2000, "US", 63536),
        (12, True, -2048, "US", 63488),
        (12, True, -2048, "US", 2048),
        (16, False, 65535, "US", 65535),
        (16, False, 65535, "SS", -1),
    ],
)
@pytest.mark.parametrize("limit", [False, True])
def test_padding_is_found_whatever_sign_it_is_written_with(
    bits: int, signed: bool, stored: int, vr: str, written: int, limit: bool, tmp_path: Path
) -> None:
    body = thorax(10) - (500 if signed else 0)
    body[:, :40] = stored
    elements: list[Element] = [("PixelPaddingValue", vr, written)]
    if limit:
        elements.append(("PixelPaddingRangeLimit", vr, written))
    ds = with_elements(dataset(body, bits, PhotometricInterpretation="MONOCHROME1"), *elements)
    result = prepared(ds, tmp_path)
    top, left, bottom, right = result.content_bbox
    content = result.pixels[top:bottom, left:right]
    assert (content[:, :12] == 0).all()
    assert int(np.ptp(content[:, 14:])) > 200


def test_padding_that_no_pixel_can_have_is_none(tmp_path: Path) -> None:
    plain = prepared(dataset(thorax()), tmp_path)
    for vr, value in (("SS", -2000), ("SS", -1), ("US", 65535)):
        ds = with_elements(dataset(thorax()), ("PixelPaddingValue", vr, value))
        assert (prepared(ds, tmp_path).pixels == plain.pixels).all()


@pytest.mark.parametrize("kind", ["ModalityLUTSequence", "VOILUTSequence"])
def test_the_first_value_of_a_lut_has_the_sign_of_the_pixels(kind: str, tmp_path: Path) -> None:
    stored = thorax(signed=True)
    right = dataset(stored, **{kind: lut([4096, -2048, 16], gamma(4096, 16))})
    wrong = dataset(stored, **{kind: lut([4096, 63488, 16], gamma(4096, 16))})
    expected = prepared(right, tmp_path)
    assert expected.windowing == ("voi_lut" if kind.startswith("VOI") else "percentile")
    assert (prepared(wrong, tmp_path).pixels == expected.pixels).all()


def test_entries_of_a_lut_are_never_negative(tmp_path: Path) -> None:
    stored, entries = thorax(15), gamma(30000, 16)
    right = lut([30000, 0, 16], entries)
    wrong = Dataset()
    wrong.LUTDescriptor = [30000, 0, 16]
    wrong.add_new("LUTData", "SS", [int(v) for v in entries.astype(np.int16)])
    expected = prepared(dataset(stored, 16, VOILUTSequence=right), tmp_path)
    got = prepared(dataset(stored, 16, VOILUTSequence=[wrong]), tmp_path)
    assert got.windowing == expected.windowing == "voi_lut"
    assert (got.pixels == expected.pixels).all()


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
@pytest.mark.parametrize("signed", [False, True])
def test_decoded_data_deeper_than_the_file_says_is_taken_as_it_is(
    signed: bool, syntax: Any, tmp_path: Path
) -> None:
    stored = thorax(16, signed=signed)
    ds = dataset(stored, 16)
    ds.compress(syntax, generate_instance_uid=False)
    ds.BitsStored, ds.HighBit = 12, 11
    assert (prepared(ds, tmp_path).pixels == prepared(dataset(stored, 16), tmp_path).pixels).all()


@pytest.mark.parametrize(("bits", "allocated"), [(12, 8), (8, 16)])
def test_the_depth_of_a_codestream_goes_before_that_of_the_file(
    bits: int, allocated: int, tmp_path: Path
) -> None:
    ds = dataset(thorax(bits), bits)
    expected = prepared(ds, tmp_path)
    ds.compress(JPEG2000Lossless, generate_instance_uid=False)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = allocated, allocated, allocated - 1
    assert (prepared(ds, tmp_path).pixels == expected.pixels).all()


def test_an_overlay_in_decoded_data_is_no_depth(tmp_path: Path) -> None:
    stored = thorax()
    ds = dataset(stored | np.where(np.arange(121) % 2, 0x1000, 0), 16)
    ds.compress(RLELossless, generate_instance_uid=False)
    ds.BitsStored, ds.HighBit = 12, 11
    ds.add_new(0x60000100, "US", 16)
    ds.add_new(0x60000102, "US", 12)
    assert (prepared(ds, tmp_path).pixels == prepared(dataset(stored), tmp_path).pixels).all()


EMPTY = Dataset()
ODD: dict[str, list[Element]] = {
    "empty modality LUT sequence": [("ModalityLUTSequence", "SQ", [])],
    "empty modality LUT": [("ModalityLUTSequence", "SQ", [EMPTY])],
    "modality LUT in words": [("ModalityLUTSequence", "LO", "none")],
    "VOI LUT in words": [("VOILUTSequence", "LO", ["none", "linear"])],
    "rescale empty": [("RescaleSlope", "DS", ""), ("RescaleIntercept", "DS", "")],
    "rescale of two values": [("RescaleSlope", "DS", ["1", "9"]),
                              ("RescaleIntercept", "DS", ["0", "9"])],
    "rescale in words": [("RescaleSlope", "LO", "n/a"), ("RescaleIntercept", "LO", "none")],
    "rescale not finite": [("RescaleSlope", "LO", "inf"), ("RescaleIntercept", "LO", "nan")],
    "padding empty": [("PixelPaddingValue", "US", None)],
    "padding of two values": [("PixelPaddingValue", "US", [5000, 5001])],
    "padding in words": [("PixelPaddingValue", "LO", "none")],
    "padding limit empty": [("PixelPaddingRangeLimit", "US", None)],
    "second window empty": [("WindowCenter", "DS", ["2000", ""]),
                            ("WindowWidth", "DS", ["3000", ""])],
    "first window empty": [("WindowCenter", "DS", ["", "2000"]),
                           ("WindowWidth", "DS", ["", "3000"])],
    "second window in words": [("WindowCenter", "LO", ["2000", "x"]),
                               ("WindowWidth", "LO", ["3000", "y"])],
    "VOI LUT empty": [("VOILUTSequence", "SQ", [EMPTY])],
    "function empty": [("VOILUTFunction", "CS", "")],
    "high bit empty": [("HighBit", "US", None)],
    "high bit beyond the bits": [("HighBit", "US", 90)],
    "spacing empty": [("PixelSpacing", "DS", "")],
    "spacing of one value": [("PixelSpacing", "DS", "0.14")],
    "spacing of zero": [("PixelSpacing", "DS", ["0", "0"])],
    "photometric with a space": [("PhotometricInterpretation", "CS", " MONOCHROME2")],
    "frames empty": [("NumberOfFrames", "IS", "")],
    "frames in words": [("NumberOfFrames", "LO", "one")],
    "presentation shape empty": [("PresentationLUTShape", "CS", "")],
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_one_odd_optional_element_costs_nothing(case: str, tmp_path: Path) -> None:
    expected = prepared(dataset(thorax(), **WINDOW), tmp_path)
    result = prepared(with_elements(dataset(thorax(), **WINDOW), *ODD[case]), tmp_path)
    assert result.windowing == "window"
    assert (result.pixels == expected.pixels).all()


def test_a_lut_descriptor_of_two_values_is_enough(tmp_path: Path) -> None:
    whole, short = ([item] for item in lut([4096, 0, 16], gamma(4096, 16)) * 2)
    expected = prepared(dataset(thorax(), ModalityLUTSequence=whole), tmp_path)
    short[0].LUTDescriptor = [4096, 0]
    got = prepared(dataset(thorax(), ModalityLUTSequence=short), tmp_path)
    assert (got.pixels == expected.pixels).all()


def written(ds: Any, implicit: bool, *, meta: bool = True, preamble: bool = True) -> bytes:
    """The file with its data set in an encoding that the meta header need not name."""
    file = DicomFileLike(buffer := io.BytesIO())
    file.write(b"\0" * 128 + b"DICM" if preamble else b"")
    if meta:
        write_file_meta_info(file, ds.file_meta, enforce_standard=False)
    file.is_implicit_VR = implicit
    file.is_little_endian = ds.file_meta.TransferSyntaxUID != ExplicitVRBigEndian
    write_dataset(file, ds)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit]
)
@pytest.mark.parametrize("implicit", [True, False])
def test_the_encoding_is_that_of_the_data(syntax: Any, implicit: bool, tmp_path: Path) -> None:
    expected = prepared(dataset(thorax(), **WINDOW), tmp_path)
    (tmp_path / "odd.dcm").write_bytes(
        written(dataset(thorax(), syntax=syntax, **WINDOW), implicit)
    )
    result = prepare(tmp_path / "odd.dcm", SIZE)
    assert isinstance(result, ProcessedImage), result
    assert (result.pixels == expected.pixels).all()


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
)
@pytest.mark.parametrize("preamble", [True, False])
@pytest.mark.parametrize("meta", [True, False])
def test_a_file_without_preamble_or_meta_header(
    meta: bool, preamble: bool, syntax: Any, tmp_path: Path
) -> None:
    expected = prepared(dataset(thorax(), **WINDOW), tmp_path)
    ds = dataset(thorax(), syntax=syntax, **WINDOW)
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = thorax().astype(">u2").tobytes()
    content = written(ds, syntax == ImplicitVRLittleEndian, meta=meta, preamble=preamble)
    (tmp_path / "bare.dcm").write_bytes(content)
    result = prepare(tmp_path / "bare.dcm", SIZE)
    assert isinstance(result, ProcessedImage), result
    assert (result.pixels == expected.pixels).all()


def test_compressed_data_under_the_name_of_plain_ones_are_refused(tmp_path: Path) -> None:
    ds = dataset(thorax())
    ds.compress(RLELossless, generate_instance_uid=False)
    content = saved(ds, tmp_path).read_bytes()
    renamed = content.replace(b"1.2.840.10008.1.2.5\0", b"1.2.840.10008.1.2.1\0")
    assert renamed != content
    (tmp_path / "odd.dcm").write_bytes(renamed)
    result = prepare(tmp_path / "odd.dcm", SIZE)
    assert isinstance(result, RejectedImage)
    assert "compressed" in result.detail


@pytest.mark.parametrize(
    "keyword", ["PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"]
)
def test_pixels_that_are_not_square_are_made_square(keyword: str, tmp_path: Path) -> None:
    body = thorax(shape=(300, 240))
    # Every other row alone: a pixel is twice as high as wide.
    squeezed = dataset(body[::2], **WINDOW, **{keyword: ["0.28", "0.14"]})
    plain, result = prepared(dataset(body, **WINDOW), tmp_path), prepared(squeezed, tmp_path)
    assert result.content_bbox == plain.content_bbox
    assert result.source_size == (150, 240)
    assert np.abs(result.pixels.astype(int) - plain.pixels).mean() < 4
    assert rejected(dataset(thorax(shape=(20, 90)), **{keyword: ["4", "1"]}), tmp_path)


def test_the_aspect_ratio_counts_where_there_is_no_spacing(tmp_path: Path) -> None:
    wide = prepared(dataset(thorax(shape=(120, 120)), PixelAspectRatio=[1, 2]), tmp_path)
    assert wide.content_bbox == (12, 0, 36, 48)
    both = dataset(thorax(shape=(120, 120)), PixelAspectRatio=[1, 2], PixelSpacing=[0.1, 0.1])
    assert prepared(both, tmp_path).content_bbox == (0, 0, 48, 48)
    faulty = dataset(thorax(shape=(120, 120)), PixelSpacing=["0.143", "143"])
    assert prepared(faulty, tmp_path).content_bbox == (0, 0, 48, 48)
