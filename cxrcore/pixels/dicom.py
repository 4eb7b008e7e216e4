"""DICOM radiographs: their pixels, and how these become grey."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from cxrcore.pixels import intensity
from cxrcore.pixels.dicom_elements import (
    has_embedded_overlay,
    items,
    lut,
    number,
    numbers,
    padding,
    pixel_aspect,
)
from cxrcore.pixels.dicom_pixels import (
    BoundedReader,
    DeflatedError,
    decoded_pixels,
    inflated,
    is_deeper,
    pixels_in_place,
    with_preamble,
)
from cxrcore.pixels.faults import decoding
from cxrcore.pixels.intensity import Floats, Values, Voi
from cxrcore.pixels.limits import require_samples
from cxrcore.pixels.result import Coding, DecodedImage, GreyType, RawCodes, UnusableError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

#: Computed, digital and digitized radiography; DR is an older name still in use.
MODALITIES = ("CR", "DX", "RG", "DR")


def read_dicom(content: bytes, dtype: GreyType = "uint8") -> DecodedImage:
    """Decode a single-frame radiograph and find how its values become grey, dark is air.

    Stored values pass the modality LUT or rescale, then the first VOI LUT or window of the file
    that covers them, else percentiles; MONOCHROME1, or a presentation LUT shape INVERSE, is
    inverted, once. Where values become grey by a table, it is one of `dtype`. Colour (secondary
    capture) becomes luma as it is stored. Raises
    `UnusableError`, and `Interrupted` when memory runs out.
    """
    with warnings.catch_warnings():
        # Warnings of pydicom are either irrelevant here or end in a rejection.
        warnings.simplefilter("ignore")
        # pydicom and its decoders may raise any exception on damaged input.
        with decoding("damaged DICOM file"):
            return _read(with_preamble(content), dtype)


def _read(content: bytes, dtype: GreyType) -> DecodedImage:
    file = BoundedReader(content)
    try:
        dataset = pydicom.dcmread(file, stop_before_pixels=True)
    except DeflatedError:
        return _read(inflated(content, file.tell()), dtype)
    _require_radiograph(dataset)
    pixels = pixels_in_place(content, file.tell(), dataset)
    if pixels is not None:
        return _grey(pixels, dataset, dtype, decoded=False)
    return _grey(decoded_pixels(content), dataset, dtype, decoded=True)


def _require_radiograph(dataset: Dataset) -> None:
    modality = str(dataset.get("Modality") or "").strip()
    # De-identified collections may drop the modality; the other elements are checked below.
    if modality and modality not in MODALITIES:
        # Only defined terms are shown: anything else might be free text.
        shown = modality if modality in _OTHER_MODALITIES else "unknown"
        raise UnusableError("not_a_radiograph", f"modality {shown}")
    samples = int(dataset.get("SamplesPerPixel") or 1)
    if not modality and samples > 1:
        raise UnusableError("not_a_radiograph", "a colour image without a modality")
    frames = int(number(dataset, "NumberOfFrames") or 1)
    if frames > 1:
        raise UnusableError("multiple_frames", f"{frames} frames")
    for keyword in ("Rows", "Columns", "BitsAllocated", "PhotometricInterpretation"):
        if not dataset.get(keyword):
            raise UnusableError("not_decodable", f"no {keyword}")
    if dataset.BitsAllocated > 16:
        raise UnusableError("not_decodable", f"{dataset.BitsAllocated} bits per pixel")
    require_samples(int(dataset.Rows), int(dataset.Columns), samples)


_OTHER_MODALITIES = (
    "AU", "CT", "DOC", "ECG", "ES", "GM", "HD", "IO", "IVUS", "KO", "MG", "MR", "NM", "OP", "OT",
    "PR", "PT", "PX", "REG", "RF", "RTDOSE", "RTIMAGE", "RTPLAN", "RTRECORD", "RTSTRUCT", "SC",
    "SEG", "SM", "SR", "US", "XA", "XC",
)  # fmt: skip


def _grey(
    pixels: NDArray[Any], dataset: Dataset, dtype: GreyType, *, decoded: bool
) -> DecodedImage:
    source_size, aspect = (pixels.shape[0], pixels.shape[1]), pixel_aspect(dataset)
    photometric = str(dataset.PhotometricInterpretation).strip()
    if pixels.itemsize > 2 or pixels.dtype.kind not in "ui":
        raise UnusableError("not_decodable", f"{8 * pixels.itemsize} bits per pixel")
    if pixels.ndim == 3:
        if pixels.shape[2] != 3 or pixels.itemsize > 1:
            raise UnusableError(
                "not_decodable", f"{photometric} with {pixels.shape[2]} deep samples"
            )
        import cv2

        luma = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
        return DecodedImage(luma, "as_stored", source_size, "dicom", aspect=aspect)
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise UnusableError("not_decodable", "the photometric interpretation is not greyscale")
    raw_codes, coding = _coding(pixels.view(f"u{pixels.itemsize}"), dataset, decoded=decoded)
    stored = coding.stored()
    values = _after_modality(stored, dataset)
    inverted = photometric == "MONOCHROME1" or dataset.get("PresentationLUTShape") == "INVERSE"
    raw_codes, scale, windowing = intensity.grey_scale(
        raw_codes, coding, values, padding(dataset, stored), _vois(values.of_codes, dataset),
        inverted=inverted, dtype=dtype,
    )  # fmt: skip
    return DecodedImage(raw_codes, windowing, source_size, "dicom", scale, aspect=aspect)


def _coding(raw_codes: RawCodes, dataset: Dataset, *, decoded: bool) -> tuple[RawCodes, Coding]:
    """How `raw_codes` hold the stored values: by the bits up to the high bit, with their sign.

    Other bits may hold an overlay (retired). Bits below are shifted out; decoders have done so
    already, and what they decode may be deeper than the file says, and is taken as it is.
    """
    allocated = 8 * raw_codes.itemsize
    bits = min(int(number(dataset, "BitsStored") or allocated), allocated)
    high = int(number(dataset, "HighBit") or bits - 1)
    signed = number(dataset, "PixelRepresentation") == 1
    if decoded and not has_embedded_overlay(dataset) and is_deeper(raw_codes, bits, signed=signed):
        bits = allocated
    if not decoded and bits <= high < allocated:
        raw_codes = np.right_shift(raw_codes, high + 1 - bits)
    return raw_codes, Coding(bits, signed)


def _after_modality(stored: NDArray[np.int64], dataset: Dataset) -> Values:
    sequence = items(dataset, "ModalityLUTSequence")
    if sequence and (found := lut(sequence[0], stored)):
        return Values(intensity.lookup(stored.astype(np.float64), *found)[0], rescale=None)
    slope, intercept = (number(dataset, f"Rescale{part}") for part in ("Slope", "Intercept"))
    # A slope of zero would leave nothing: it is a placeholder.
    slope, intercept = slope or 1.0, intercept or 0.0
    return Values(np.asarray(stored * slope + intercept, np.float64), (slope, intercept))


def _vois(values: Floats, dataset: Dataset) -> list[Voi]:
    """Every VOI LUT and window of the file that is well-formed, in the order of preference."""
    vois = []
    for item in items(dataset, "VOILUTSequence"):
        with suppress(ValueError, TypeError):
            if found := lut(item, values):
                vois.append(intensity.voi_lut(values, *found))
    centers, widths = (numbers(dataset, f"Window{part}") for part in ("Center", "Width"))
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    for center, width in zip(centers, widths, strict=False):
        voi = intensity.window(values, center, width, function)
        vois += [voi] if voi else []
    return vois
