"""What the correlation of two maps looks like when they have nothing to do with each other.

Neighbouring cells of a map are alike, so that a correlation over cells rests on far fewer
independent values than there are cells. Two nulls answer that, and the stricter one counts.
"""

from __future__ import annotations

from functools import cache
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from cxrcore.associations.estimate import NullTest, null_test

Floats = NDArray[np.float64]

MORAN, PLACEMENT = "Moran surrogates", "placements in the chest"
#: Where the peak of a chest map may lie, as shares of the side: the lungs and the heart.
CENTRAL = (0.2, 0.8)


def spatial_null_test(
    a: Floats, b: Floats, grid: tuple[int, int], draws: int, rng: np.random.Generator
) -> tuple[str, NullTest]:
    """The null with the larger p value of Pearson's r between maps `a` and `b` (cells,)."""
    value = correlations(a, b[None])[0]
    placed = [
        null_test(value, _but_one(correlations(y, placements(x, grid)), value))
        for x, y in ((a, b), (b, a))
    ]
    tests = [
        (MORAN, null_test(value, moran_correlations(a, b, grid, draws, rng))),
        *((PLACEMENT, test) for test in placed),
    ]
    return max(tests, key=lambda named: -1.0 if named[1].p is None else named[1].p)


def _but_one(draws: Floats, value: float) -> Floats:
    """The draws without the observed value itself: the map as it is lies among its placements."""
    itself = np.flatnonzero(np.abs(draws - value) < 1e-12)
    return np.delete(draws, itself[:1])


def correlations(a: Floats, many: Floats) -> Floats:
    """Pearson's r of `a` (cells,) with each of `many` (m, cells): (m,); NaN without variation."""
    a, many = a - a.mean(), many - many.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(many, axis=1) * np.linalg.norm(a)
    return np.asarray(np.divide(many @ a, norm, out=np.full(len(many), np.nan), where=norm > 0))


def moran_correlations(
    a: Floats, b: Floats, grid: tuple[int, int], draws: int, rng: np.random.Generator
) -> Floats:
    """Pearson's r of `b` with so many Moran surrogates of `a`: (draws,).

    Moran spectral randomisation, singleton procedure (Wagner & Dray 2015,
    doi 10.1111/2041-210X.12407): the surrogate V (s ∘ c) has the spatial autocorrelation of `a`,
    c being its coordinates in the eigenvectors V of the doubly centred weight matrix and s random
    signs. As r is the sum of products of both maps' coordinates, it does not matter which map's
    signs are drawn.
    """
    basis = moran_basis(grid)
    first, second = basis.T @ (a - a.mean()), basis.T @ (b - b.mean())
    norm = np.sqrt((first @ first) * (second @ second))
    if norm == 0:
        return np.full(draws, np.nan)
    signs = rng.integers(0, 2, (draws, basis.shape[1]), dtype=np.int8) * 2.0 - 1.0
    return np.asarray(signs @ (first * second) / norm)


@cache
def moran_basis(grid: tuple[int, int]) -> Floats:
    """Moran's eigenvectors (cells, cells - 1) of a grid, weights 1 / distance of the centres."""
    at = np.argwhere(np.ones(grid)).astype(np.float64)
    distance = np.linalg.norm(at[:, None] - at, axis=-1)
    weights = np.divide(1, distance, out=np.zeros_like(distance), where=distance > 0)
    centring = np.eye(len(at)) - 1 / len(at)
    _, vectors = np.linalg.eigh(centring @ weights @ centring)
    # One eigenvector is constant: that of the centring.
    return np.asarray(vectors[:, np.abs(vectors.sum(axis=0)) < 1e-6])


def placements(one: Floats, grid: tuple[int, int]) -> Floats:
    """A map (cells,) turned, mirrored and moved so that its peak lies anywhere in the chest.

    Every chest map is central, which surrogates do not know. All rotations and reflections
    of the grid (of a square one eight), each moved to every place that has the peak in `CENTRAL`;
    what moves in from outside is the value at the edge. (m, cells).
    """
    image = one.reshape(grid)
    out = [moved for turned in _turned(image) for moved in _moved(turned)]
    return np.array(out).reshape(-1, one.size)


def _turned(image: Floats) -> list[Floats]:
    turns = range(4) if image.shape[0] == image.shape[1] else (0, 2)
    return [t for k in turns for t in (np.rot90(image, k), np.rot90(image, k)[:, ::-1])]


def _moved(image: Floats) -> list[Floats]:
    peak = np.unravel_index(int(image.argmax()), image.shape)
    ranges = []
    for size, at in zip(image.shape, peak, strict=True):
        first, last = ceil(CENTRAL[0] * size - 0.5), floor(CENTRAL[1] * size - 0.5)
        ranges.append(range(first - int(at), last - int(at) + 1))
    h, w = image.shape
    padded = np.pad(image, ((h, h), (w, w)), mode="edge")
    return [padded[h - y : 2 * h - y, w - x : 2 * w - x] for y in ranges[0] for x in ranges[1]]
