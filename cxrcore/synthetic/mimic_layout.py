"""Writes a whole collection in MIMIC's layout, and the truth about it."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cxrcore.synthetic import markers, phantom
from cxrcore.synthetic.dicom import truncate, write_radiograph
from cxrcore.synthetic.presets import TRAITS, PresetName, association
from cxrcore.synthetic.records import Image, Subject
from cxrcore.synthetic.tables import image_path, shape
from cxrcore.workers import ordered_map
from data_contracts.atomic import atomic_replace_tree, temporaries
from data_contracts.store import translate_os_errors

#: Rows and columns of the maps of the markers' regions.
REGION_SIZE = 64


@contextmanager
def atomic_tree(path: Path) -> Iterator[Path]:
    """Yield a new folder beside `path` that takes its place, as a whole, on success.

    Raises `StorageError` when the disk is full or the folder cannot be written.
    """
    new, old = temporaries(path)
    with translate_os_errors(path):
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)
        new.mkdir(parents=True)
        try:
            yield new
            atomic_replace_tree(new, path, old)
        finally:
            for leftover in (new, old):
                shutil.rmtree(leftover, ignore_errors=True)


def write_images(
    root: Path, subjects: Sequence[Subject], preset: PresetName, size: int, workers: int
) -> Generator[int, None, None]:
    """Write every image below `root`; yield, after each subject, how many there are.

    Close the generator before `root` is removed: only then has every worker stopped.
    """
    render = partial(_write_subject, root=root, preset=preset, size=size)
    with closing(ordered_map(render, subjects, workers)) as counts:
        yield from accumulate(counts)


def _write_subject(subject: Subject, root: Path, preset: PresetName, size: int) -> int:
    labels = subject.labels if preset == "planted" else {}
    images = [(study, image) for study in subject.studies for image in study.images]
    for study, image in images:
        path = root / "mimic-cxr" / image_path(subject, study, image)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Its own generator: adding a marker must not change what is rendered after it.
        acquisition = np.random.default_rng([*image.key, 1])
        grey = cut(render_image(image, labels, size), image, size)
        write_radiograph(
            path, grey, acquisition,
            subject_id=subject.subject_id, study_id=study.study_id, time=study.time,
            view=image.view,
        )  # fmt: skip
        if image.damaged:
            truncate(path)
    return len(images)


def render_image(image: Image, labels: dict[str, str], size: int) -> phantom.Plane:
    """The image's full square, (size, size), with a marker for each of `labels` if frontal."""
    rng = np.random.default_rng([*image.key, 0])
    pose = phantom.random_pose(rng)
    if image.view == "LATERAL":
        return phantom.add_noise(rng, phantom.expose(rng, phantom.lateral(rng, pose, size)))
    body = phantom.expose(rng, phantom.frontal(rng, pose, size))
    return phantom.add_noise(rng, markers.render_markers(body, pose, labels))


def cut(square: phantom.Plane, image: Image, size: int) -> phantom.Plane:
    """The middle of the square that the image shows; padding it gives the frame back."""
    rows, columns = shape(image.aspect, size)
    top, left = (size - rows) // 2, (size - columns) // 2
    return square[top : top + rows, left : left + columns]


def region_maps(subjects: Sequence[Subject], preset: PresetName) -> dict[str, Any]:
    """Content of `SYNTHETIC_REGIONS`, at `REGION_SIZE`, over all frontal images."""
    keys = [i.key for p in subjects for s in p.studies for i in s.images if i.view != "LATERAL"]
    poses = [phantom.random_pose(np.random.default_rng([*key, 0])) for key in keys]
    maps = markers.regions(poses if preset == "planted" else [], REGION_SIZE)
    return {"task": list(TRAITS), "region": maps}


def truth(regions: dict[str, Any], preset: PresetName) -> pl.DataFrame:
    """Content of `SYNTHETIC_TRUTH`; tasks rank by the overlap of their region with mortality's.

    Without markers nothing overlaps and every rank is 0.
    """
    tasks, maps = regions["task"], regions["region"]
    planted = preset == "planted"
    overlaps = [markers.overlap(maps[tasks.index("mortality")], region) for region in maps]
    ranked = sorted((t for t in tasks if t != "mortality"), key=lambda t: -overlaps[tasks.index(t)])
    return pl.DataFrame(
        {
            "task": tasks,
            "region": [TRAITS[t].marker.region if planted else "none" for t in tasks],
            "strength": [markers.strength(TRAITS[t].marker) if planted else 0.0 for t in tasks],
            "overlap_with_mortality": overlaps,
            "rank": pl.Series(
                [ranked.index(t) + 1 if planted and t in ranked else 0 for t in tasks],
                dtype=pl.Int32,
            ),
            "label_association": [association(t, preset) for t in tasks],
        }
    )
