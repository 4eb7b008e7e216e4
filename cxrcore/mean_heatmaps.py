"""Mean heatmaps of every model: its maps averaged over each subgroup, as MEAN_HEATMAPS has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxrcore.evaluation.bootstrap import Advance
from cxrcore.evaluation.strata import Subgroup, subgroups, target_subgroups
from cxrcore.heatmaps import subgroup_maps
from cxrcore.maps import ModelAttributions
from cxrcore.model import ModelKey
from cxrcore.threads import side_by_side
from data_contracts.disclosure import is_small
from data_contracts.disclosure.subgroups import Disclosure

QUANTITIES = ("mean", "class_difference", "sd")
_TEXTS = (
    "task", "name", "control", "method", "split", "class", "stratum", "level", "unit", "reason",
)  # fmt: skip


def subgroups_of(one: ModelAttributions) -> list[Subgroup]:
    """Every subgroup of a model's explained images: the strata, true classes and outcomes."""
    model = one.model
    found = list(subgroups(one.images, model.task))
    if model.kind == "classes":
        found += target_subgroups(one.images, model.classes, model.threshold)
    return [group for group in found if group.inside.any()]


def heatmap_rows(
    one: ModelAttributions, found: Sequence[Subgroup], split: str, reason: str
) -> Iterator[dict[str, Any]]:
    """A heatmap per subgroup and class, before anything is suppressed."""
    model = one.model
    if not found:
        return
    subject = one.images["subject_id"].rank("dense").to_numpy()
    members = np.stack([group.inside for group in found])
    averaged = subgroup_maps(one.maps(), one.target, members)
    for group, maps in zip(found, averaged, strict=True):
        for c, name in enumerate(model.classes):
            difference = maps.class_difference[c]
            yield model.columns | {
                "method": one.method, "split": split, "class": name, "stratum": group.stratum,
                "level": group.level, "unit": one.unit, "grid": one.grid, "mean": maps.mean[c],
                "class_difference": difference if model.kind == "classes" else difference * np.nan,
                "sd": maps.sd[c], "images": int(group.inside.sum()),
                "subjects": len(np.unique(subject[group.inside])), "suppressed": False,
                "interpretable": not reason, "reason": reason,
            }  # fmt: skip


def mean_heatmaps(
    known: Sequence[ModelAttributions], split: str, reasons: Mapping[ModelKey, str],
    advance: Advance,
) -> list[dict[str, Any]]:  # fmt: skip
    """The rows of all models."""

    def of_model(one: ModelAttributions) -> list[dict[str, Any]]:
        rows = list(heatmap_rows(one, subgroups_of(one), split, reasons[one.model.key]))
        advance(1 / len(known))
        return rows

    return list(chain(*side_by_side(of_model, known)))


def disclosed(row: dict[str, Any], rule: Disclosure) -> dict[str, Any]:
    """A row without what is suppressed: all of it, or its class difference."""
    where = row["task"], row["name"], row["split"], row["stratum"], row["level"]
    nothing = row["mean"] * np.nan
    if rule.hides(where) or is_small(row["subjects"], rule.least):
        empty = dict.fromkeys(QUANTITIES, nothing)
        return row | empty | {"images": -1, "subjects": -1, "suppressed": True}
    return row | ({"class_difference": nothing} if rule.hides(where, row["class"]) else {})


def as_arrays(
    rows: Sequence[Mapping[str, Any]], background: NDArray[np.floating]
) -> dict[str, Any]:
    """Rows as the datasets of MEAN_HEATMAPS, each map in the upper left of the largest grid."""
    grid = np.array([row["grid"] for row in rows], dtype=np.int32).reshape(-1, 2)
    height, width = grid.max(axis=0, initial=1)
    maps = {q: np.full((len(rows), height, width), np.nan, np.float32) for q in QUANTITIES}
    for i, row in enumerate(rows):
        for quantity in QUANTITIES:
            one = row[quantity]
            maps[quantity][i, : one.shape[0], : one.shape[1]] = one
    texts = {name: [row[name] for row in rows] for name in _TEXTS}
    numbers = {n: np.array([r[n] for r in rows], np.int64) for n in ("seed", "images", "subjects")}
    flags = {n: np.array([r[n] for r in rows], bool) for n in ("suppressed", "interpretable")}
    return texts | maps | numbers | flags | {"grid": grid, "mean_image": background}


def records(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """MEAN_HEATMAPS as one record per heatmap, its maps cut to their own grid."""
    names = [n for n in arrays if n != "mean_image"]
    out = []
    for i in range(len(arrays["task"])):
        row = {n: arrays[n][i] for n in names}
        height, width = row["grid"]
        out.append(row | {q: row[q][:height, :width] for q in QUANTITIES})
    return out
