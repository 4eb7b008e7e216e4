"""Where a network's evidence lies: its share in each region of the common frame of the lungs.

Regions are boxes relative to the lung box, not a segmentation.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxrcore.aligned_heatmaps import COUNTS, disclosed_counts, few_in_class
from cxrcore.associations.attribution import differences_of, without_difference
from cxrcore.associations.difference_maps import DifferenceMaps
from cxrcore.associations.inputs import Inputs
from cxrcore.evaluation.bootstrap import percentile_interval
from cxrcore.maps import ModelAttributions
from cxrcore.threads import side_by_side
from data_contracts.attributions import LUNG_FRAME
from data_contracts.disclosure import is_small
from data_contracts.disclosure.subgroups import Disclosure
from data_contracts.region_evidence import REGIONS

Floats = NDArray[np.float64]
Rows = list[dict[str, Any]]
#: Top, left, bottom, right as shares of the side.
Box = tuple[float, float, float, float]


def region_evidence(inputs: Inputs, rule: Disclosure) -> Rows:
    """Rows of REGION_EVIDENCE: of every network of classes whose images have lung boxes.

    Null models are among them: their shares are what noise gives.
    """
    known = [m for m in inputs.attributions.values() if m.model.kind == "classes"]
    of_models = side_by_side(lambda one: _of_model(inputs, one, rule), known)
    return [row for rows in of_models for row in rows]


def _of_model(inputs: Inputs, one: ModelAttributions, rule: Disclosure) -> Rows:
    aligned, model = one.aligned(), one.model
    if aligned is None or not aligned.images.height:
        return []
    found = differences_of(inputs, aligned, inputs.test_images(model), "crude")
    shares, area = region_shares(found, aligned.grid), region_cells(aligned.grid).mean(axis=1)
    reason = inputs.reasons[model.key] or without_difference((model,), (found,), "crude")
    reason = reason or ("" if shares else "no evidence beyond noise in the maps")
    few = few_in_class(aligned, rule.least)
    hidden = (
        rule.hides((*model.key, "test", "all", "all"))
        or is_small(found.subjects, rule.least)
        or (len(few) == 2 and any(few))
    )
    counts = dict.fromkeys(COUNTS) if hidden else disclosed_counts(one, aligned, rule.least)
    rows = []
    for i, region in enumerate(REGIONS):
        share, low, high = shares[i] if shares and not hidden else (None, None, None)
        rows.append(model.columns | counts | {
            "method": one.method, "region": region, "share": share, "low": low, "high": high,
            "area": float(area[i]), "suppressed": hidden, "interpretable": not reason,
            "reason": None if hidden else reason or None,
        })  # fmt: skip
    return rows


def region_shares(
    found: DifferenceMaps, grid: tuple[int, int]
) -> list[tuple[float, float | None, float | None]]:
    """The share of evidence in each of REGIONS with its 95 % interval.

    Empty where all of it together is not more than noise: of nothing there are no shares.
    """
    total, drawn = found.power.sum(), found.resampled_power.sum(axis=1)
    if not (total > 0 and len(drawn) and np.percentile(drawn, 2.5) > 0):
        return []
    cells = region_cells(grid)
    shares, resampled = _shares(found.power[None], cells)[0], _shares(found.resampled_power, cells)
    return [
        (float(share), *percentile_interval(each)[:2])
        for share, each in zip(shares, resampled.T, strict=True)
    ]


def _shares(power: Floats, cells: Floats) -> Floats:
    """Of the power (r, cells) of maps the share in each region (r, regions), cut off at 0 and 1.

    NaN where the sum is not positive. The root of the power would not do: where
    there is no evidence it is what noise adds, which no resampling takes away.
    """
    total = power.sum(axis=1, keepdims=True)
    inside = power @ cells.T
    shares = np.divide(inside, total, out=np.full(inside.shape, np.nan), where=total > 0)
    return np.asarray(np.clip(shares, 0, 1))


def region_boxes() -> dict[str, list[Box]]:
    """The boxes of each of REGIONS. They cover the frame and do not overlap."""
    top, left, bottom, right = LUNG_FRAME
    inner_left, inner_right = (left + share * (right - left) for share in (3 / 8, 5 / 8))
    edges = (top + (bottom - top) * third / 3 for third in range(4))
    levels = dict(zip(("upper", "middle", "lower"), pairwise(edges), strict=True))
    sides = {"right": (left, inner_left), "left": (inner_right, right)}
    zones: dict[str, list[Box]] = {
        f"{side} {level} zone": [(start, first, end, last)]
        for side, (first, last) in sides.items()
        for level, (start, end) in levels.items()
    }
    return zones | {
        "mediastinum": [(top, inner_left, bottom, inner_right)],
        "above the lungs": [(0.0, 0.0, top, 1.0)],
        "below the lungs": [(bottom, 0.0, 1.0, 1.0)],
        "beside the lungs": [(top, 0.0, bottom, left), (top, right, bottom, 1.0)],
    }


def region_cells(grid: tuple[int, int]) -> Floats:
    """The share of each cell of a grid that lies in each region: (regions, cells)."""
    height, width = grid
    boxes = region_boxes()
    shares = [
        sum(
            np.outer(_inside(height, top, bottom), _inside(width, left, right))
            for top, left, bottom, right in boxes[name]
        )
        for name in REGIONS
    ]
    return np.stack(shares).reshape(len(REGIONS), height * width)


def _inside(cells: int, start: float, end: float) -> Floats:
    """The share of each cell of an axis that lies between `start` and `end`: (cells,)."""
    edges = np.arange(cells + 1) / cells
    overlap = np.minimum(edges[1:], end) - np.maximum(edges[:-1], start)
    return np.asarray(np.maximum(overlap, 0) * cells)
