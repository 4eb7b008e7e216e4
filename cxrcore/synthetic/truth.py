"""The truth about a collection: where its signs lie, and what a correct analysis may say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from cxrcore.synthetic import markers, phantom
from cxrcore.synthetic.phantom import Plane, Pose
from cxrcore.synthetic.presets import PRESETS, TRAITS, Preset, PresetName
from cxrcore.synthetic.records import Subject
from data_contracts.synthetic import EXPECTATIONS

#: Rows and columns of the maps of the signs' regions.
REGION_SIZE = 64
#: Levels of evidence of which the truth says what may be found.
LEVELS = ("label", "score", "representation", "use", "attribution", "intervention")


def region_maps(subjects: Sequence[Subject], preset: PresetName) -> dict[str, Any]:
    """Content of `SYNTHETIC_REGIONS`, at `REGION_SIZE`, over all frontal images."""
    keys = [i.key for p in subjects for s in p.studies for i in s.images if i.view != "LATERAL"]
    poses = [phantom.random_pose(np.random.default_rng([*key, 0])) for key in keys]
    return {"task": list(TRAITS), "region": regions(poses, PRESETS[preset], REGION_SIZE)}


def regions(poses: Sequence[Pose], preset: Preset, size: int) -> Plane:
    """Share of the images whose sign covers each pixel: (task, size, size), tasks as in `TRAITS`.

    A marker covers what lies within its radius; age covers what a heart that grows by two
    standard deviations changes by at least a quarter of its greatest change. The square frame
    of an image and that of the map are the same.
    """
    shares = np.zeros((len(TRAITS), size, size), dtype=np.float32)
    covered: Callable[[Pose, int], Plane]
    for number, task in enumerate(TRAITS):
        if task in preset.markers:
            covered = partial(markers.covered, preset.markers[task])
        elif preset.age_association(task):
            covered = _aged
        else:
            continue
        for pose in poses:
            shares[number] += covered(pose, size)
    return shares / max(len(poses), 1)


def _aged(pose: Pose, size: int) -> Plane:
    change = phantom.heart_change(pose, size)
    return np.asarray(change >= change.max() / 4, dtype=np.float32)


def overlap(first: Plane, second: Plane) -> float:
    """Intersection over union of two region maps, sum(min) / sum(max); 0 if both are empty."""
    union = float(np.maximum(first, second).sum())
    return float(np.minimum(first, second).sum()) / union if union else 0.0


def truth(regions: dict[str, Any], preset: PresetName) -> pl.DataFrame:
    """Content of `SYNTHETIC_TRUTH`; tasks rank by the overlap of their region with mortality's.

    Equal overlaps rank equally; mortality itself, and what has no sign, has rank 0.
    """
    tasks, maps, planted = regions["task"], regions["region"], PRESETS[preset]
    overlaps = {
        t: overlap(maps[tasks.index("mortality")], m) for t, m in zip(tasks, maps, strict=True)
    }
    ranked = [t for t in tasks if t != "mortality" and planted.region(t) != "none"]
    ranks = {t: 1 + sum(overlaps[o] > overlaps[t] for o in ranked) for t in ranked}
    said = [{} if t == "mortality" else expectations(planted, t, overlaps[t]) for t in tasks]
    return pl.DataFrame(
        {
            "task": tasks,
            "region": [planted.region(t) for t in tasks],
            "strength": [_strength(planted, t) for t in tasks],
            "agreement": [planted.agreement if t in planted.markers else 1.0 for t in tasks],
            "overlap_with_mortality": [overlaps[t] for t in tasks],
            "rank": pl.Series([ranks.get(t, 0) for t in tasks], dtype=pl.Int32),
            "label_association": [planted.association(t) for t in tasks],
            "age_association": [planted.age_association(t) for t in tasks],
        }
        | {
            f"expected_{level}": pl.Series(
                [row.get(level) for row in said], dtype=pl.Enum(EXPECTATIONS)
            )
            for level in LEVELS
        }
    )


def expectations(preset: Preset, task: str, overlap: float) -> dict[str, str]:
    """Of each of `LEVELS`, what a correct analysis may say of `task` beside mortality.

    Labels that go together make their attribute useful to the network; whether it makes use of it,
    and its score responds to the sign among patients with the same outcome, is not planted. Nor is
    what a network encodes beside its target, where any task with a sign may be found.
    """
    if preset.age_association(task) and preset.age_association("mortality"):
        return dict.fromkeys(LEVELS, "crude only")
    tied, visible = preset.association(task) != 0, preset.region(task) != "none"
    used = "either" if tied else "not shared"
    place = {0.0: "not shared", 1.0: "shared"}.get(overlap, "either")
    return {
        "label": "shared" if tied else "not shared",
        "score": used,
        "representation": "either" if tied or visible else "not shared",
        "use": used,
        "attribution": place,
        "intervention": place,
    }


def _strength(preset: Preset, task: str) -> float:
    if task in preset.markers:
        return markers.strength(preset.markers[task])
    if not preset.age_association(task):
        return 0.0
    pose = Pose((0.0, 0.0), (1.0, 1.0), 0.0)
    return float(phantom.heart_change(pose, 256).max()) / phantom.NOISE
