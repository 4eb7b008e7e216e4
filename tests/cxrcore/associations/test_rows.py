"""Which models are compared, and the rows that come of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from cxrcore.associations import association_rows, pairs
from cxrcore.associations.attribution import attribution_rows
from cxrcore.evaluation.table import split_weights
from cxrcore.maps import ModelAttributions
from cxrcore.model import Model
from data_contracts.associations import ASSOCIATIONS

N, COUNT = 40, 5
CLASSES = ("no", "yes")


def explained(
    task: str, name: str = "main", seed: int = 0, control: str = "none",
    grid: tuple[int, int] = (3, 3), kind: str = "classes",
) -> ModelAttributions:  # fmt: skip
    """A model's random maps of 40 images of as many patients."""
    rng = np.random.default_rng([seed, *task.encode()])
    images = pl.DataFrame({
        "image_id": [f"i{i:02d}" for i in range(N)], "subject_id": [f"s{i:02d}" for i in range(N)],
        "split": ["test"] * N, "target": rng.integers(0, 2, N), "row": range(N),
    })  # fmt: skip
    model = Model(task, name, seed, control, kind, CLASSES, "resnet18", "", images, pl.DataFrame())
    maps = rng.normal(size=(N, 2, *grid)).astype(np.float32)
    return ModelAttributions(model, "gradcam", "logit per cell", images, maps)


def paired(*known: ModelAttributions) -> list[tuple[str, str]]:
    return [(a.model.name, b.model.name) for a, b in pairs(known, "mortality")]


MAIN = explained("mortality", "main", 0)
SEED1 = explained("mortality", "seed1", 1)
NULL = explained("mortality", "null", 2, "permuted-labels")


@pytest.mark.parametrize(
    ("other", "partner"),
    [
        (explained("gender", "seed1", 7), "seed1"),  # the same name
        (explained("gender", "null", 0, "permuted-labels"), "null"),
        (explained("gender", "other", 1), "seed1"),  # the same seed
        (explained("gender", "other", 2), "main"),  # that seed is a control's: the first
        (explained("gender", "other", 9), "main"),
    ],
)
def test_a_model_is_compared_with_its_like(other: ModelAttributions, partner: str) -> None:
    assert paired(MAIN, other, SEED1, NULL) == [(partner, other.model.name)]


def test_without_a_model_of_the_reference_nothing_is_compared() -> None:
    assert paired(explained("gender"), explained("race")) == []


def rows_of(a: ModelAttributions, b: ModelAttributions, reason: str = "") -> pl.DataFrame:
    resamples = split_weights([a.images, b.images], 30, 0)["test"]
    advanced: list[float] = []
    reasons = {a.model.key: "", b.model.key: reason}
    rows = attribution_rows(a, b, resamples, reasons, advanced.append)
    assert sum(advanced) == 1
    return pl.DataFrame(rows, schema=pl.DataFrame(ASSOCIATIONS.example()).schema)


def test_maps_are_compared_by_every_statistic() -> None:
    found = rows_of(MAIN, explained("gender"))
    assert found["statistic"].to_list() == [
        "pearson_of_class_differences", "signed_pearson_of_class_differences", "pearson_of_means",
        "pearson_per_image",
    ]  # fmt: skip
    assert found["subjects"].to_list() == [N] * 4
    assert found["interpretable"].all()
    assert (found["low"] <= found["value"]).all()
    assert (found["value"] <= found["high"]).all()


def test_a_model_that_may_not_be_interpreted_gives_its_reason() -> None:
    found = rows_of(MAIN, explained("gender"), "AUROC not above chance (gender)")
    assert set(found["reason"]) == {"AUROC not above chance (gender)"}
    assert not found["interpretable"].any()
    assert found["value"].null_count() == 0


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (explained("race", grid=(4, 3)), "maps have different grids (3×3 and 4×3)"),
        (explained("age", kind="value"), "not defined for a target without classes"),
    ],
)
def test_maps_that_cannot_be_compared_have_a_reason_and_no_value(
    other: ModelAttributions, reason: str
) -> None:
    (row,) = rows_of(MAIN, other).to_dicts()
    assert (row["value"], row["low"], row["high"]) == (None, None, None)
    assert (row["interpretable"], row["reason"]) == (False, reason)
    assert row["subjects"] == N


def test_only_images_of_both_models_are_compared() -> None:
    other = explained("gender")
    fewer = replace(other, images=other.images[::-2])
    found = rows_of(MAIN, fewer)
    assert set(found["subjects"]) == {N // 2}
    both = replace(MAIN, images=MAIN.images[1::2])
    again = rows_of(both, replace(other, images=other.images[1::2]))
    np.testing.assert_allclose(found["value"], again["value"])
    strangers = other.images.with_columns(image_id=pl.format("x{}", "image_id"))
    (row,) = rows_of(MAIN, replace(other, images=strangers)).to_dicts()
    assert row["reason"] == "no common image"


def test_labels_are_compared_with_every_label_and_maps_with_every_model() -> None:
    labels = pl.Series(["no", "yes"] * (N // 2), dtype=pl.Enum(CLASSES))
    cohort = pl.DataFrame({
        "subject_id": MAIN.images["subject_id"], "label_mortality": labels,
        "label_gender": labels, "label_race": labels,
    })  # fmt: skip
    known = [MAIN, explained("gender"), explained("gender", "seed1", 1)]
    resamples = split_weights([m.images for m in known], 30, 0)["test"]
    reasons = {m.model.key: "" for m in known}

    def rows(known: list[ModelAttributions]) -> list[tuple[str, str, str | None]]:
        advanced: list[float] = []
        found = association_rows("mortality", cohort, known, resamples, reasons, 0, advanced.append)
        assert sum(advanced) == pytest.approx(1)
        kept = (r for r in found if not r["statistic"].startswith(("signed", "pearson_of_m")))
        return [(r["evidence_level"], r["attribute"], r["attribute_name"]) for r in kept]

    of_labels = [("label", "gender", None), ("label", "race", None)]
    assert rows(known) == of_labels + [
        ("attribution", "gender", name) for name in ("main", "main", "seed1", "seed1")
    ]
    assert rows([]) == of_labels
