"""Distinguishes faults of an image from faults of the machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from cxrcore.pixels.result import UnusableError
from data_contracts.errors import CxrError, SourceError
from data_contracts.os_errors import environment_error

#: Memory that decoders take for a sample, at most.
_BYTES_PER_SAMPLE = 16


@contextmanager
def decoding(what: str, samples: int = 0) -> Iterator[None]:
    """Treat any error of a decoder as damage of `what`, an image of `samples`.

    Raises `UnusableError` (not_decodable), but `CxrError` if memory or disk lies behind it.
    """
    try:
        yield
    except (UnusableError, CxrError):
        raise
    except Exception as error:
        fault = fault_behind(error) or _fault_of_memory(samples)
        reject = UnusableError("not_decodable", f"{what} ({type(error).__name__})")
        raise fault or reject from error


def fault_behind(error: BaseException) -> CxrError | None:
    """The fault of the environment behind `error` or one of its causes, if any."""
    for cause in _causes(error):
        if fault := _fault(MemoryError() if _is_opencv_without_memory(cause) else cause):
            return fault
    return None


def _is_opencv_without_memory(error: BaseException) -> bool:
    cv2 = sys.modules.get("cv2")
    return cv2 is not None and isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _fault_of_memory(samples: int) -> CxrError | None:
    # Decoders written in C report a lack of memory as damage: check whether there is enough.
    try:
        np.empty(_BYTES_PER_SAMPLE * samples, np.uint8)
    except MemoryError as error:
        return _fault(error)
    return None


def _fault(error: BaseException) -> CxrError | None:
    return environment_error(error, "--root: an image", denied=SourceError)
