"""Samples of attribution maps: marks of two networks, and of one in the regions of the lungs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation.samples import Drawn, Stated, stated, weights_of, with_intercept
from cxrcore.associations.difference_maps import Design, difference_maps
from cxrcore.associations.map_similarity import same_image, same_place
from cxrcore.associations.maps import unit_maps
from cxrcore.associations.region_evidence import region_cells, region_shares
from data_contracts.region_evidence import REGIONS

Floats = NDArray[np.float64]

_SIDE = 7


def places(drawn: Drawn) -> Iterator[Stated]:
    """Two networks whose marks overlap in part, or lie where they fall, in maps of smooth noise.

    With an effect once with faint marks, once with plain ones, in SDs of the noise.
    """
    for strength in (0.6, 1.2) if drawn.effect else (1.2,):
        for one in _places(drawn, strength):
            yield replace(one, statistic=f"{one.statistic}, marks of {strength} SD")


def _places(drawn: Drawn, strength: float) -> Iterator[Stated]:
    rng, n = drawn.rng, drawn.patients
    at = ((2.0, 2.0), (2.6, 3.0)) if drawn.effect else tuple(rng.uniform(1, _SIDE - 2, (2, 2)))
    age, patient = rng.normal(size=n), _smooth(rng, n)
    weights, seed = weights_of(drawn), drawn.seed
    maps, found = [], []
    for place in at:
        target = (drawn.aged * age + rng.logistic(size=n) > 0).astype(np.intp)
        # Without an effect no patient's map is like their other one, beyond the class.
        own = _smooth(rng, n) + (0.6 * patient if drawn.effect else 0)
        one = own + strength * (target - 0.5)[:, None] * _mark(place)
        one += 0.5 * drawn.aged * age[:, None] * _mark((4.5, 4.0))
        maps.append(np.stack([-one, one], axis=1).reshape(n, 2, _SIDE, _SIDE).astype(np.float32))
        design = Design(target, np.arange(n), with_intercept(age), np.zeros(n, np.intp))
        # The permutations of labels ask whether there is any difference at all.
        found.append(difference_maps(maps[-1], design, weights, 1, 0))
    yield from stated("attribution", same_place(
        found[0], found[1], (_SIDE, _SIDE), "adjusted", drawn.permutations, seed
    ))  # fmt: skip
    each = same_image(
        unit_maps(maps[0]), unit_maps(maps[1]), np.zeros(n, np.intp), np.arange(n), weights,
        drawn.permutations, seed, "crude",
    )  # fmt: skip
    yield from stated("attribution", [each])


def regions(drawn: Drawn) -> Iterator[Stated]:
    """Shares of the regions where a network's mark lies in one lung, in maps of smooth noise."""
    if not drawn.effect:
        return
    rng, n, grid = drawn.rng, drawn.patients, (_SIDE, _SIDE)
    target, mark = rng.integers(0, 2, n), _mark((4.0, 2.0))
    one = _smooth(rng, n) + 1.2 * (target - 0.5)[:, None] * mark
    maps = np.stack([-one, one], axis=1).reshape(n, 2, *grid).astype(np.float32)
    design = Design(target, np.arange(n), np.ones((n, 1)), np.zeros(n, np.intp))
    found = region_shares(difference_maps(maps, design, weights_of(drawn), 1, 0), grid)
    truth = region_cells(grid) @ mark**2 / (mark**2).sum()
    for region, (share, low, high), true in zip(REGIONS, found, truth, strict=False):
        yield Stated(f"regions: share, {region}", share, low, high, truth=float(true))


_ROWS, _COLUMNS = np.divmod(np.arange(_SIDE**2), _SIDE)


def _mark(at: tuple[float, float] | Floats, width: float = 1.1) -> Floats:
    """A Gaussian spot (cells,)."""
    square = (_ROWS - at[0]) ** 2 + (_COLUMNS - at[1]) ** 2
    return np.asarray(np.exp(-square / (2 * width**2)))


_SPOTS = np.stack([_mark((r, c)) for r, c in zip(_ROWS, _COLUMNS, strict=True)])
_SPOTS /= np.linalg.norm(_SPOTS, axis=0)


def _smooth(rng: np.random.Generator, n: int) -> Floats:
    """Noise of unit variance (n, cells) that goes together in neighbouring cells."""
    return np.asarray(rng.normal(size=(n, _SIDE**2)) @ _SPOTS)
