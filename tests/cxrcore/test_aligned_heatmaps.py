from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from cxrcore import aligned_heatmaps
from cxrcore.maps import ModelAttributions
from cxrcore.mean_heatmaps import records
from cxrcore.model import Model
from data_contracts.attributions import LUNG_FRAME
from data_contracts.disclosure.subgroups import Disclosure

N = 48
FRAME = np.array(LUNG_FRAME)
TARGET = np.arange(N) % 2


def explained(without_box: int = 0) -> tuple[ModelAttributions, np.ndarray]:
    """Two classes and an image a patient; the lungs of half of them lie a cell further down."""
    images = pl.DataFrame({
        "image_id": [f"i{i:02d}" for i in range(N)], "subject_id": [f"s{i:02d}" for i in range(N)],
        "split": ["test"] * N, "target": TARGET, "logits": [[0.0, 0.0]] * N, "row": range(N),
    })  # fmt: skip
    model = Model("gender", "main", 0, "none", "classes", ("F", "M"), "", "", images,
                  pl.DataFrame())  # fmt: skip
    lower = np.arange(N) // 2 % 2
    maps = np.zeros((N, 2, 10, 10))
    maps[np.arange(N), TARGET, 4 + lower, 3] = 1
    boxes = np.tile(FRAME, (N, 1)) + 0.1 * lower[:, None] * [1, 0, 1, 0]
    boxes[:without_box] = np.nan
    return ModelAttributions(model, "gradcam", "logit per cell", images, maps, boxes), maps


def rows_of(one: ModelAttributions, least: int = 0, hidden: bool = False) -> list[dict[str, Any]]:
    rule = Disclosure(least, {("gender", "main", "test", "all", "all")} if hidden else set(), set())
    rows = aligned_heatmaps.aligned_heatmaps([one], {one.model.key: ""}, rule)
    background = np.zeros((8, 8))
    arrays = aligned_heatmaps.as_arrays(rows, background)
    assert "stratum" not in arrays
    return records(arrays)


def test_what_lies_alike_in_the_lungs_is_one_peak_and_images_without_a_box_are_left_out() -> None:
    one, maps = explained(12)
    found = {row["class"]: row for row in rows_of(one, 11)}
    assert list(found) == ["F", "M"]
    difference = found["M"]["class_difference"]
    want = np.zeros((10, 10))
    want[4, 3] = 1
    np.testing.assert_allclose(difference, want, atol=1e-6)
    as_it_lies = maps[TARGET == 1, 1].mean(axis=0) - maps[TARGET == 0, 1].mean(axis=0)
    assert as_it_lies.max() == 0.5, "unaligned, the peak is blurred over two cells"
    assert [found["F"][n] for n in aligned_heatmaps.COUNTS] == [36, 36, 12]


@pytest.mark.parametrize(
    ("without_box", "least", "counts"),
    [(0, 11, [48, 48, 0]), (5, 11, [-1] * 3), (5, 0, [43, 43, 5])],
)
def test_few_patients_without_a_box_are_not_disclosed(
    without_box: int, least: int, counts: list[int]
) -> None:
    one, _ = explained(without_box)
    row = rows_of(one, least)[0]
    assert [row[n] for n in aligned_heatmaps.COUNTS] == counts
    assert np.isfinite(row["class_difference"]).all()
    assert not row["suppressed"]


def test_few_patients_with_a_box_or_of_a_class_are_not_disclosed() -> None:
    one, _ = explained(40)
    assert all(r["suppressed"] and np.isnan(r["mean"]).all() for r in rows_of(one, 11))
    one, _ = explained()
    assert one.boxes is not None
    one.boxes[np.flatnonzero(TARGET == 0)[6:]] = np.nan
    for row in rows_of(one, 11):
        assert np.isfinite(row["mean"]).all()
        assert np.isnan(row["class_difference"]).all(), "six patients of F are M's others"
    assert all(r["suppressed"] and r["images"] == -1 for r in rows_of(explained()[0], 11, True))


def test_no_boxes_give_no_rows() -> None:
    one, _ = explained(N)
    assert rows_of(one) == []
    before = ModelAttributions(one.model, "gradcam", "", one.images, one.all_maps)
    assert rows_of(before) == []
