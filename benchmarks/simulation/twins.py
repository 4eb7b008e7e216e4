"""Synthetic patients drawn again with another sign: what a trained network really responds to."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from cxrcore.evaluation.strata import log_odds
from cxrcore.networks import Network, NetworkRecipe, restore
from cxrcore.pixels import ProcessedImage, prepare
from cxrcore.synthetic.dicom import write_radiograph
from cxrcore.synthetic.mimic_layout import cut, render_image
from cxrcore.synthetic.population import plan
from cxrcore.synthetic.presets import PRESETS, TRAITS, PresetName
from cxrcore.synthetic.records import Image, Study, Subject
from cxrcore.transforms import to_input
from data_contracts.cohort import COHORT
from data_contracts.model import MODEL
from data_contracts.store import open_arrays, read_table

Floats = NDArray[np.float64]


def responses(
    workspace: Path, preset: PresetName, subjects: int, size: int, seed: int
) -> dict[str, float]:
    """By attribute with a sign how much the mortality network's log-odds move with the sign alone.

    Every test radiograph is drawn again with the sign of each class, all else the same, and goes
    through the same preparation. The value is the correlation ratio of log-odds and sign among
    patients with the same outcome, 0 to 1: what the level score measures, without any other
    difference of patients.
    """
    cohort = read_table(COHORT, COHORT.path(workspace)).frame
    tested = set(cohort.filter(split="test")["image_id"])
    drawn = [
        (subject, study, image)
        for subject in plan(preset, subjects, seed)
        for study in subject.studies
        for image in study.images
        if image.dicom_id in tested and not image.damaged
    ]
    outcome = np.array([subject.labels["mortality"] for subject, _, _ in drawn])
    network, recipe = network_of(workspace)
    signs = {**PRESETS[preset].markers, **PRESETS[preset].exposures}
    found = {}
    for task in (t for t in TRAITS if t in signs and t != "mortality"):
        squares = [
            prepared(
                replace(subject, labels=subject.labels | {task: label}), study, image, preset,
                size, recipe.input_size,
            )
            for label in TRAITS[task].classes
            for subject, study, image in drawn
        ]  # fmt: skip
        odds = log_odds_of(network, recipe, squares).reshape(len(TRAITS[task].classes), -1)
        found[task] = correlation_ratio(odds, outcome)
    return found


def correlation_ratio(values: Floats, group: NDArray[np.str_]) -> float:
    """Share of the deviation of `values` (classes, n) between the classes, within `group` (n,)."""
    values = values.copy()
    for name in np.unique(group):
        values[:, group == name] -= values[:, group == name].mean()
    between = values.mean(axis=1).var()
    return float(np.sqrt(between / (between + values.var(axis=1).mean())))


def network_of(workspace: Path) -> tuple[Network, NetworkRecipe]:
    """The mortality network of a workspace, and how it was built."""
    with open_arrays(MODEL, MODEL.path(workspace, task="mortality", name="main")) as model:
        recipe = NetworkRecipe.from_attributes(model.header.attributes)
        return restore(recipe, {n: model.read(n) for n in model.names()}).eval(), recipe


def log_odds_of(
    network: Network, recipe: NetworkRecipe, squares: Sequence[NDArray[np.uint8]]
) -> Floats:
    """(n,) log-odds of the network's last class, of prepared images."""
    with torch.inference_mode():
        inputs = to_input(np.stack(squares), recipe.mean, recipe.std, torch.device("cpu"))
        logits = torch.cat([network(part) for part in torch.split(inputs, 32)]).double().numpy()
    return log_odds(logits)[:, -1]


def prepared(
    subject: Subject, study: Study, image: Image, preset: PresetName, size: int, side: int
) -> NDArray[np.uint8]:
    """A synthetic radiograph (side, side), rendered, written and read as the jobs do it."""
    square = render_image(subject, study, image, PRESETS[preset], size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "radiograph.dcm"
        write_radiograph(
            path, cut(square, image, size), np.random.default_rng([*image.key, 1]),
            subject_id=subject.subject_id, study_id=study.study_id, time=study.time,
            view=image.view,
        )  # fmt: skip
        found = prepare(path, side)
    assert isinstance(found, ProcessedImage), found
    return np.asarray(found.pixels, np.uint8)
