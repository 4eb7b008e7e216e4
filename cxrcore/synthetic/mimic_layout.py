"""Writes a whole collection in MIMIC's layout."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import accumulate
from math import prod
from pathlib import Path

import numpy as np

from cxrcore.synthetic import markers, phantom
from cxrcore.synthetic.dicom import truncate, write_radiograph
from cxrcore.synthetic.encounters import standard_age
from cxrcore.synthetic.presets import PRESETS, TRAITS, Exposure, Preset, PresetName
from cxrcore.synthetic.records import Image, Study, Subject
from cxrcore.synthetic.tables import image_path, shape
from cxrcore.workers import ordered_map
from data_contracts.atomic import atomic_replace_tree, temporaries
from data_contracts.store import translate_os_errors


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
    images = [(study, image) for study in subject.studies for image in study.images]
    for study, image in images:
        path = root / "mimic-cxr" / image_path(subject, study, image)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Its own generator: adding a marker must not change what is rendered after it.
        acquisition = np.random.default_rng([*image.key, 1])
        square = render_image(subject, study, image, PRESETS[preset], size)
        grey = cut(square, image, size)
        write_radiograph(
            path, grey, acquisition,
            subject_id=subject.subject_id, study_id=study.study_id, time=study.time,
            view=image.view,
        )  # fmt: skip
        if image.damaged:
            truncate(path)
    return len(images)


def render_image(
    subject: Subject, study: Study, image: Image, preset: Preset, size: int
) -> phantom.Plane:
    """The image's full square, (size, size), with the preset's signs if frontal."""
    rng = np.random.default_rng([*image.key, 0])
    pose = phantom.random_pose(rng)
    if image.view == "LATERAL":
        return phantom.add_noise(rng, phantom.expose(rng, phantom.lateral(rng, pose, size)))
    heart = float(standard_age(study.age)) if preset.driver == "age" else None
    exposure = _exposure(preset, subject.labels)
    body = phantom.frontal(rng, pose, size, heart)
    body = phantom.expose(rng, body, exposure.gain, exposure.gamma)
    shown = markers.shown(subject.subject_id, subject.labels, preset.agreement)
    marked = markers.render_markers(body, pose, shown, preset.markers)
    return phantom.add_noise(rng, marked, exposure.noise)


def _exposure(preset: Preset, labels: dict[str, str]) -> Exposure:
    """The factors of all tasks that show in the exposure, multiplied."""
    found = [by[TRAITS[t].classes.index(labels[t])] for t, by in preset.exposures.items()]
    return Exposure(
        gain=prod(e.gain for e in found),
        gamma=prod(e.gamma for e in found),
        noise=prod(e.noise for e in found),
    )


def cut(square: phantom.Plane, image: Image, size: int) -> phantom.Plane:
    """The middle of the square that the image shows; padding it gives the frame back."""
    rows, columns = shape(image.aspect, size)
    top, left = (size - rows) // 2, (size - columns) // 2
    return square[top : top + rows, left : left + columns]
