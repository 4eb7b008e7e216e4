"""A drawn world as the artifacts that the jobs before aggregate write, and what aggregate finds."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import softmax

from benchmarks.simulation.worlds import (
    GRID,
    REFERENCE,
    SMALL,
    Network,
    Patients,
    Study,
    World,
    network,
    patients,
    place,
)
from cxrcore.model import models
from cxrcore.summary import Settings, Summary, summarise
from data_contracts.attributions import ATTRIBUTIONS, LUNG_FRAME
from data_contracts.cohort import COHORT
from data_contracts.model import TRAINING_HISTORY
from data_contracts.predictions import FEATURES, PREDICTIONS
from data_contracts.store import (
    Input,
    Provenance,
    as_input,
    open_arrays,
    read_table,
    write_arrays,
    write_table,
)

MAPS = {"method": "gradcam", "split": "test"}


def write(workspace: Path, world: World, rng: np.random.Generator, study: Study = SMALL) -> None:
    """The artifacts of one draw of a world."""
    drawn = patients(world, study, rng)
    frame = _cohort(drawn, study)
    path = COHORT.path(workspace)
    header = write_table(
        COHORT, path, frame, Provenance("extract", {}), dict(COHORT.example_attributes)
    )
    inputs = (as_input(header, path, workspace),)
    own = {task: place(rng) for task in study.tasks}
    at = own | dict.fromkeys(world.with_reference, own[REFERENCE])
    for task in study.tasks:
        for name, (_, control) in study.models.items():
            permuted = control != "none"
            where = place(rng) if permuted else at[task]
            one = network(world, study, drawn, task, where, rng, permuted=permuted)
            _write_model(workspace, study, task, name, frame, drawn.labels[task], one, inputs)


def summarised(workspace: Path, settings: Settings, study: Study = SMALL) -> Summary:
    """What `aggregate` makes of a workspace, read and summarised as its job does."""
    cohort = read_table(COHORT, COHORT.path(workspace)).frame
    keys = [{"task": task, "name": name} for task in study.tasks for name in study.models]
    predictions, histories = (
        [read_table(contract, contract.path(workspace, **key)) for key in keys]
        for contract in (PREDICTIONS, TRAINING_HISTORY)
    )
    with ExitStack() as stack:
        maps, features = (
            [
                stack.enter_context(open_arrays(contract, contract.path(workspace, **key, **more)))
                for key in keys
            ]
            for contract, more in ((ATTRIBUTIONS, MAPS), (FEATURES, {}))
        )
        return summarise(
            cohort, models(predictions, histories, cohort), maps, features, REFERENCE, settings,
            lambda _: None,
        )  # fmt: skip


def _cohort(drawn: Patients, study: Study) -> pl.DataFrame:
    n = len(drawn.age)
    schema = pl.DataFrame(COHORT.example()).schema
    ids = [f"image{i:07d}" for i in range(n)]
    known = {
        **dict.fromkeys(("image_id", "study_id", "path"), ids),
        "subject_id": [f"subject{i:07d}" for i in range(n)],
        "source": ["mimic"] * n, "age": drawn.age.tolist(), "split": drawn.split.tolist(),
        "view": np.where(drawn.is_ap, "AP", "PA").tolist(),
    }  # fmt: skip
    columns = [c for c in schema if not c.startswith("label_")]
    frame = pl.DataFrame({c: pl.Series(known.get(c, [None] * n)).cast(schema[c]) for c in columns})
    labels = {
        f"label_{task}": pl.Series(np.array(names)[drawn.labels[task]]).cast(pl.Enum(names))
        for task, names in study.tasks.items()
    }
    return frame.with_columns(**labels)


def _write_model(
    workspace: Path, study: Study, task: str, name: str, cohort: pl.DataFrame, target: np.ndarray,
    one: Network, inputs: tuple[Input, ...],
) -> None:  # fmt: skip
    keys = {"task": task, "name": name}
    seed, control = study.models[name]
    facts = {
        **keys, "seed": seed, "control": control, "target_kind": "classes",
        "classes": list(study.tasks[task]),
    }  # fmt: skip
    origin = Provenance("train-task", {"seed": seed, "control": control}, inputs)
    logits = one.logits.astype(np.float32)
    lists = pl.List(pl.Float32)
    predictions = cohort.select("image_id", "subject_id", "split").with_columns(
        pl.Series("target", target, dtype=pl.Int8),
        pl.Series("logits", logits.tolist(), dtype=lists),
        pl.Series("probabilities", softmax(one.logits, axis=1).tolist(), dtype=lists),
        pl.lit(None, dtype=lists).alias("labels"),
        pl.lit(None, dtype=pl.Float32).alias("value"),
        pl.lit(None, dtype=pl.Float32).alias("predicted_value"),
    )
    history = pl.DataFrame(TRAINING_HISTORY.example())
    for contract, table in ((PREDICTIONS, predictions), (TRAINING_HISTORY, history)):
        write_table(contract, contract.path(workspace, **keys), table, origin, facts)
    images = cohort["image_id"].to_list()
    features = {"image_id": images, "features": one.features.astype(np.float16)}
    write_arrays(FEATURES, FEATURES.path(workspace, **keys), features, origin, facts)
    test = np.flatnonzero((cohort["split"] == "test").to_numpy())
    # The lungs of a patient lie where they do, whatever network looks at them.
    boxes = LUNG_FRAME + np.random.default_rng(0).uniform(-0.05, 0.05, (len(test), 4))
    arrays = {
        "image_id": [images[i] for i in test], "maps": one.maps[test].astype(np.float16),
        "outputs": logits[test], "mean_image": np.full((GRID, GRID), 120, np.float32),
        "lung_box": boxes.astype(np.float32),
        "aligned_mean_image": np.full((GRID, GRID), 120, np.float32),
    }  # fmt: skip
    of_maps = {k: facts[k] for k in ("task", "name", "target_kind", "classes")}
    write_arrays(
        ATTRIBUTIONS, ATTRIBUTIONS.path(workspace, **keys, **MAPS), arrays, origin,
        {**ATTRIBUTIONS.example_attributes, **of_maps},
    )  # fmt: skip
