"""High-Throughput JPEG 2000, by the decoder that is installed."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import HTJ2K, UID, HTJ2KLossless, HTJ2KLosslessRPCL
from radiographs import WINDOW, dataset, prepared, rejected

STORED = np.add.outer(60 * np.arange(40), 40 * np.arange(33))
#: STORED, without loss, as OpenJPH 0.26.3 writes it.
CODESTREAM = base64.b64decode(
    "/0//UQApQAAAAAAhAAAAKAAAAAAAAAAAAAAAIQAAACgAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB"
    "/1wAEyCIkJCQkJCQkJCQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAIgAAf+TwAArACEAufAh"
    "9rnmAsM0AKAACYDD4QAiNACgAAqAw2H4AOR3VQCgAArwIooooogi/vQg/kIBvrgAoAALXAwZGBgYGBgYGP7/MAMRjGB7"
    "9jGB7L0AoAAXRHbbtm3btm3btm3btu3/e4ARGEIHv2EIHv2EIHv2EIHstQH/2Q=="
)


def compressed(syntax: UID, data: bytes = CODESTREAM) -> FileDataset:
    ds = dataset(STORED, syntax=syntax, **WINDOW)
    ds.PixelData = encapsulate([data])
    ds["PixelData"].is_undefined_length = True
    return ds


@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K])
def test_it_gives_the_same_image_as_plain_pixels(syntax: UID, tmp_path: Path) -> None:
    plain = prepared(dataset(STORED, **WINDOW), tmp_path)
    assert (prepared(compressed(syntax), tmp_path).pixels == plain.pixels).all()


@pytest.mark.parametrize("length", [20, 140, len(CODESTREAM) - 30])
def test_data_that_end_early_are_rejected(length: int, tmp_path: Path) -> None:
    result = rejected(compressed(HTJ2KLossless, CODESTREAM[:length]), tmp_path)
    assert result.reason == "not_decodable"
