"""Pictures of a bright body in dark air, and what is made of a file of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cxrcore.pixels import ProcessedImage, prepare

SIZE = 40


def ramp(height: int = 80, width: int = 60) -> np.ndarray[Any, np.dtype[np.uint8]]:
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    grey = 255 * np.clip(1 - 1.5 * np.hypot(x - 0.5, y - 0.5), 0, 1)
    return np.asarray(np.rint(grey), np.uint8)


def content(path: Path, size: int = SIZE) -> np.ndarray[Any, np.dtype[np.uint8]]:
    result = prepare(path, size)
    assert isinstance(result, ProcessedImage), result
    top, left, bottom, right = result.content_bbox
    return np.asarray(result.pixels[top:bottom, left:right], np.uint8)
