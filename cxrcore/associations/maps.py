"""Attribution maps as they are compared: over classes, of one image, cell by cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cxrcore.maps import Maps, blocks

Floats = NDArray[np.float64]


def pearson(a: Floats, b: Floats) -> Floats:
    """Pearson's r over the last axis; NaN where one side does not vary."""
    a, b = a - a.mean(axis=-1, keepdims=True), b - b.mean(axis=-1, keepdims=True)
    norm = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    r = np.divide((a * b).sum(axis=-1), norm, out=np.full(norm.shape, np.nan), where=norm > 0)
    return np.asarray(r)


def rms_over_classes(maps: Floats) -> Floats:
    """Root mean square over the classes: (..., k, cells) to (..., cells). Has no sign."""
    return np.asarray(np.sqrt((maps * maps).mean(axis=-2)))


def unit_maps(maps: Maps) -> NDArray[np.float32]:
    """Each image's map (n, cells) with mean 0 and length 1; 0 where it does not vary.

    An image's map is the root mean square of its class maps after their mean over the classes was
    taken away: what moves all logits alike changes no probability. The product of two rows is
    Pearson's r.
    """
    out = []
    for _, block in blocks(maps):
        of_class = block.reshape(len(block), maps.shape[1], -1)
        rms = rms_over_classes(of_class - of_class.mean(axis=1, keepdims=True))
        rms -= rms.mean(axis=1, keepdims=True)
        norm = np.linalg.norm(rms, axis=1, keepdims=True)
        out.append(np.divide(rms, norm, out=np.zeros_like(rms), where=norm > 1e-12))
    return np.concatenate(out).astype(np.float32)
