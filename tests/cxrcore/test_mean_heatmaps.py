from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from cxrcore import mean_heatmaps
from cxrcore.maps import ModelAttributions
from cxrcore.model import Model

N = 24
TARGET = np.arange(N) % 2


def explained(
    task: str, grid: tuple[int, int], kind: str = "classes"
) -> tuple[ModelAttributions, np.ndarray]:
    rng = np.random.default_rng(len(task))
    images = pl.DataFrame({
        "image_id": [f"i{i:02d}" for i in range(N)], "subject_id": [f"s{i // 2}" for i in range(N)],
        "split": ["val", "val", "test"] * (N // 3),
        "target": TARGET if kind == "classes" else [None] * N,
        "logits": rng.normal(size=(N, 2)).tolist(),
        "view": ["PA", "PA", "PA", "AP", "AP", "PA"] * (N // 6),
        "age_band": ["40-59"] * N, "row": range(N),
    })  # fmt: skip
    classes = ("F", "M") if kind == "classes" else (task,)
    model = Model(task, "main", 0, "none", kind, classes, "", "", images, pl.DataFrame())
    maps = rng.normal(size=(N, len(classes), *grid)).astype(np.float32)
    return ModelAttributions(model, "gradcam", "logit per cell", images, maps), maps


def rows_of(*known: ModelAttributions) -> list[dict[str, Any]]:
    reasons = {one.model.key: "" for one in known} | {("age", "main"): "R² not above chance (age)"}
    advanced: list[float] = []
    rows = mean_heatmaps.mean_heatmaps(known, "test", reasons, advanced.append)
    assert sum(advanced) == pytest.approx(1)
    return rows


def test_a_heatmap_for_each_subgroup_and_class() -> None:
    one, maps = explained("gender", (3, 4))
    found = {(r["stratum"], r["level"], r["class"]): r for r in rows_of(one)}
    assert [s for s, _, c in found if c == "F"] == (
        ["all", "view", "view", "age_band"] + ["true_class"] * 2 + ["outcome"] * 4
    )
    row = found["view", "AP", "M"]
    inside = (one.images["view"] == "AP").to_numpy()
    exact = maps.astype(np.float64)
    np.testing.assert_allclose(row["mean"], exact[inside, 1].mean(axis=0))
    own, rest = inside & (TARGET == 1), inside & (TARGET == 0)
    want = exact[own, 1].mean(axis=0) - exact[rest, 1].mean(axis=0)
    np.testing.assert_allclose(row["class_difference"], want)
    assert (row["images"], row["grid"]) == (8, (3, 4))
    assert row["subjects"] == one.images.filter(inside)["subject_id"].n_unique()
    assert row["interpretable"]


def test_a_value_has_no_class_difference() -> None:
    one, maps = explained("age", (3, 3), "value")
    rows = rows_of(one)
    assert {r["stratum"] for r in rows} == {"all", "view", "age_band"}
    np.testing.assert_allclose(rows[0]["mean"], maps.astype(float).mean(axis=0)[0])
    assert np.isnan(rows[0]["class_difference"]).all()
    assert (rows[0]["interpretable"], rows[0]["reason"]) == (False, "R² not above chance (age)")


def test_maps_of_two_grids_come_back_as_they_were() -> None:
    rows = rows_of(explained("gender", (3, 4))[0], explained("race", (5, 2))[0])
    background = np.zeros((8, 8))
    arrays = mean_heatmaps.as_arrays(rows, background)
    assert arrays["mean"].shape == (len(rows), 5, 4)
    assert np.isnan(arrays["mean"][0, 3:]).all()
    again = mean_heatmaps.records(arrays)
    assert len(again) == len(rows)
    for got, want in zip(again, rows, strict=True):
        assert got.keys() == want.keys()
        for name, value in want.items():
            if name in mean_heatmaps.QUANTITIES:
                np.testing.assert_array_equal(got[name], value.astype(np.float32))
            else:
                assert np.array_equal(got[name], value), name


def test_no_heatmap_is_an_empty_artifact() -> None:
    arrays = mean_heatmaps.as_arrays([], np.zeros((8, 8)))
    assert arrays["grid"].shape == (0, 2)
    assert arrays["mean"].shape == (0, 1, 1)
    assert mean_heatmaps.records(arrays) == []
