"""High-Throughput JPEG 2000 and JPEG-LS, by the decoders that are installed."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEGLSLossless,
    JPEGLSNearLossless,
)
from radiographs import WINDOW, dataset, prepared, rejected

STORED = np.add.outer(60 * np.arange(40), 40 * np.arange(33))
#: STORED, without loss, as OpenJPH 0.26.3 writes it.
OF_OPENJPH = base64.b64decode(
    "/0//UQApQAAAAAAhAAAAKAAAAAAAAAAAAAAAIQAAACgAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB"
    "/1wAEyCIkJCQkJCQkJCQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAIgAAf+TwAArACEAufAh"
    "9rnmAsM0AKAACYDD4QAiNACgAAqAw2H4AOR3VQCgAArwIooooogi/vQg/kIBvrgAoAALXAwZGBgYGBgYGP7/MAMRjGB7"
    "9jGB7L0AoAAXRHbbtm3btm3btm3btu3/e4ARGEIHv2EIHv2EIHv2EIHstQH/2Q=="
)
#: STORED, without loss, as CharLS 2.4 (pyjpegls 1.5.1) writes it.
OF_CHARLS = base64.b64decode(
    "/9j/9wALDAAoACEBAREA/9oACAEBAAAAAJPT09NS0lHT01LSUdFQ0H/99+e/Xnx37denOlRoULwoJyYlJCMiISB++evHbpy4"
    "btmrQmSIkCD77zzpQIuNtttNNNMssssMMMMMLrrrrrrrLLLLLE5pVVVVVrGMYxjGMYta1rWta1rWtayYepSlKUpSlKUlKUqq"
    "qqqqqqqqkoFVVRERERERERERESSSSSJAASSSSSSSSSSSSSSqkYAAArf/f/9//3//dEAAAX//f/9//3//aEAAAv9//3//f/9/"
    "0AAABf9//3//f/9//gAAF/9//3//f/9/8AAAX/9//3//f/9/oAABf/9//3//f/9+AAAF/3//f/9//3/2AAAX/3//f/9//3/Q"
    "AABf/3//f/9//38gAAF//3//f/9//3wAAAX/f/9//3//f+4AABf/f/9//3//f7AAAF//f/9//3//fqAAAX//f/9//3//egAA"
    "Bf9//3//f/9/pgAAF/9//3//f/9+kAAAX/9//3//f/96IAABf/9//3//f/9oAAAF/3//f/9//3+gAAAX/3//f/9//3/wAAC/"
    "/3//f/9//3+AAAX/f/9//3//f/gAAC//f/9//3//f8AAAX//f/9//3//fQAAC/9//3//f/9/6AAAX/9//3//f/9/AAAC/3//"
    "f/9//3/4AAAX/3//f/9//3/AAAC//3//f/9//32AAAX/f/9//3//f+wAAC//f/9//3//f2AAAX//f/9//3//egD/2Q=="
)
CODESTREAMS = {
    HTJ2KLossless: OF_OPENJPH, HTJ2KLosslessRPCL: OF_OPENJPH, HTJ2K: OF_OPENJPH,
    JPEGLSLossless: OF_CHARLS, JPEGLSNearLossless: OF_CHARLS,
}  # fmt: skip


def compressed(syntax: UID, length: int | None = None) -> FileDataset:
    ds = dataset(STORED, syntax=syntax, **WINDOW)
    ds.PixelData = encapsulate([CODESTREAMS[syntax][:length]])
    ds["PixelData"].is_undefined_length = True
    return ds


@pytest.mark.parametrize("syntax", CODESTREAMS)
def test_it_gives_the_same_image_as_plain_pixels(syntax: UID, tmp_path: Path) -> None:
    plain = prepared(dataset(STORED, **WINDOW), tmp_path)
    assert (prepared(compressed(syntax), tmp_path).pixels == plain.pixels).all()


@pytest.mark.parametrize("syntax", [HTJ2KLossless, JPEGLSLossless])
@pytest.mark.parametrize("length", [20, 140, -30])
def test_data_that_end_early_are_rejected(syntax: UID, length: int, tmp_path: Path) -> None:
    assert rejected(compressed(syntax, length), tmp_path).reason == "not_decodable"
