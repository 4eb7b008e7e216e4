"""A workspace as the jobs before aggregate leave it, with signs planted in the maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data_contracts.attributions import ATTRIBUTIONS, LUNG_FRAME
from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.images import IMAGE_REJECTS
from data_contracts.model import TRAINING_HISTORY
from data_contracts.predictions import FEATURES, PREDICTIONS
from data_contracts.store import Input, Provenance, as_input, write_arrays, write_table

TASKS = {
    "mortality": ("survived", "died"),
    "gender": ("F", "M"),
    "race": ("White", "Black", "Asian"),
    "insurance": ("Medicaid", "Medicare", "Other"),
}
# Row and column of each task's sign on a 9 by 9 grid: insurance with mortality, race near.
PLACES = {"mortality": (6, 2), "insurance": (6, 2), "race": (5, 3), "gender": (1, 7)}
GRID = 9
#: Seed and control of each model that can be asked for.
MODELS = {"main": (0, "none"), "seed1": (1, "none"), "permuted-labels": (0, "permuted-labels")}


def blob(place: tuple[int, int], grid: int = GRID) -> np.ndarray:
    row, column = np.mgrid[:grid, :grid]
    return np.asarray(np.exp(-((row - place[0]) ** 2 + (column - place[1]) ** 2) / 3.0))


def build(
    workspace: Path,
    tasks: tuple[str, ...] = tuple(TASKS),
    n: int = 400,
    grids: dict[str, int] | None = None,
    blind: tuple[str, ...] = (),
    models: tuple[str, ...] = ("main",),
    synthetic: bool = False,
    followed: bool = False,
) -> Path:
    """A workspace as the jobs before aggregate leave it, half of it test, signs planted.

    The lungs lie where the frame has them, and were not found in every tenth test image.
    The networks of the tasks in `blind` do not read their target; who died, when `followed`, did
    so at the half of the year.
    """
    rng = np.random.default_rng(7)
    ids = [f"image{i:04d}" for i in range(n)]
    splits = np.array(["train", "test", "val", "test"])[np.arange(n) % 4]
    targets = {t: rng.integers(0, len(c), n) for t, c in TASKS.items()}
    missing = rng.random(n) < 0.08
    cohort = pl.DataFrame({
        **dict.fromkeys(("image_id", "study_id", "path"), ids),
        "subject_id": [f"subject{i - 2 if i % 20 == 3 else i:04d}" for i in range(n)],
        "source": ["mimic"] * n, "admission_match": [None] * n, "study_time": [None] * n,
        "view": rng.choice(["PA", "AP"], n).tolist(),
        "age": rng.uniform(20, 90, n).astype(np.float32), "bmi": [None] * n,
        "split": splits.tolist(),
        "days_to_death": [182 if followed and y else None for y in targets["mortality"]],
        "follow_up_days": [182 if y else 400 for y in targets["mortality"]] if followed
                          else [None] * n,
        "no_finding": [None] * n,
        **{f"label_{t}": [None if missing[i] and t == "race" else TASKS[t][y[i]] for i in range(n)]
           for t, y in targets.items() if t in tasks},
    }).with_columns(*[pl.col(f"label_{t}").cast(pl.Enum(TASKS[t])) for t in tasks])  # fmt: skip
    example = COHORT.example()
    typed = pl.DataFrame(example).schema
    cohort = cohort.with_columns(
        pl.col(c).cast(typed[c]) for c in cohort.columns if not c.startswith("label_")
    )
    origin = Provenance("extract", {})
    place = COHORT.path(workspace)
    header = write_table(
        COHORT, place, cohort, origin, {**COHORT.example_attributes, "source": "mimic"}
    )
    after = Provenance("train-task", {}, (as_input(header, place, workspace),))
    for contract in (COHORT_FLOW, COHORT_CHARACTERISTICS):
        facts = dict(contract.example_attributes)
        facts |= {"synthetic": synthetic} if contract is COHORT_FLOW else {}
        table = pl.DataFrame(contract.example())
        write_table(contract, contract.path(workspace), table, origin, facts)
    write_table(IMAGE_REJECTS, IMAGE_REJECTS.path(workspace, shard="1", shards="1"),
                pl.DataFrame(IMAGE_REJECTS.example()), after,
                IMAGE_REJECTS.example_attributes)  # fmt: skip
    for task in tasks:
        grid = (grids or {}).get(task, GRID)
        for name, (seed, control) in MODELS.items():
            if name in models:
                sees = 0 if task in blind or control != "none" else 2
                _model(workspace, task, name, cohort, targets[task], after.inputs, rng, grid, sees,
                       seed, control)  # fmt: skip
    return workspace


def _model(
    workspace: Path, task: str, name: str, cohort: pl.DataFrame, target: np.ndarray,
    inputs: tuple[Input, ...], rng: np.random.Generator, grid: int, sees: float, seed: int,
    control: str,
) -> None:  # fmt: skip
    classes, n = TASKS[task], cohort.height
    k = len(classes)
    facts = {
        "task": task, "name": name, "seed": seed, "control": control, "target_kind": "classes",
        "classes": list(classes),
    }  # fmt: skip
    config = {"task": task, "name": name, "seed": seed, "control": control, "epochs": 3}
    origin = Provenance("train-task", config, inputs)
    logits = (rng.normal(size=(n, k)) + sees * np.eye(k)[target]).astype(np.float32)
    p = np.exp(logits.astype(np.float64))
    known = cohort[f"label_{task}"].is_not_null().to_numpy()
    predictions = cohort.select("image_id", "subject_id", "split").with_columns(
        pl.Series(
            "target",
            [int(t) if ok else None for t, ok in zip(target, known, strict=True)],
            dtype=pl.Int8,
        ),
        pl.Series("logits", logits.tolist(), dtype=pl.List(pl.Float32)),
        pl.Series(
            "probabilities", (p / p.sum(axis=1, keepdims=True)).tolist(), dtype=pl.List(pl.Float32)
        ),
        pl.lit(None, dtype=pl.List(pl.Float32)).alias("labels"),
        pl.lit(None, dtype=pl.Float32).alias("value"),
        pl.lit(None, dtype=pl.Float32).alias("predicted_value"),
    )
    keys = {"task": task, "name": name}
    write_table(PREDICTIONS, PREDICTIONS.path(workspace, **keys), predictions, origin, facts)
    # The head is linear: logits are features, beside others that know nothing.
    features = np.concatenate([logits, rng.normal(size=(n, 24))], axis=1).astype(np.float16)
    columns = {"image_id": cohort["image_id"].to_list(), "features": features}
    write_arrays(FEATURES, FEATURES.path(workspace, **keys), columns, origin, facts)
    history = pl.DataFrame(TRAINING_HISTORY.example())
    write_table(TRAINING_HISTORY, TRAINING_HISTORY.path(workspace, **keys), history, origin, facts)
    test = np.flatnonzero((cohort["split"] == "test").to_numpy())
    # Shared anatomy, a sign where the true class speaks, and noise.
    sign = blob(PLACES[task], grid) if grid == GRID else np.ones((grid, grid))
    anatomy = blob((4, 4), grid)
    speaks = (sees > 0) * (np.eye(k)[target[test]] - 1 / k)
    maps = (
        3 * anatomy
        + speaks[:, :, None, None] * sign
        + 0.3 * rng.normal(size=(len(test), k, grid, grid))
    )
    boxes = np.tile(np.array(LUNG_FRAME, dtype=np.float32), (len(test), 1))
    boxes[::10] = np.nan
    arrays: dict[str, Any] = {
        "image_id": cohort["image_id"].gather(test).to_list(), "maps": maps.astype(np.float16),
        "outputs": logits[test], "mean_image": 120 + 80 * blob((16, 16), 32),
        "lung_box": boxes, "aligned_mean_image": 120 + 80 * blob((16, 16), 32),
    }  # fmt: skip
    own = {k: facts[k] for k in ("task", "name", "target_kind", "classes")}
    path = ATTRIBUTIONS.path(workspace, **keys, method="gradcam", split="test")
    write_arrays(ATTRIBUTIONS, path, arrays, origin, {**ATTRIBUTIONS.example_attributes, **own})
