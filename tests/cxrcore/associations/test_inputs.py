from __future__ import annotations

import polars as pl
import pytest

from cxrcore.associations import inputs
from cxrcore.associations.inputs import Images


def images(patients: int) -> Images:
    """Two images of each patient, a third of the patients in each split."""
    ids = [f"s{i // 2:03d}" for i in range(2 * patients)]
    split = [("train", "val", "test")[i // 2 % 3] for i in range(2 * patients)]
    return Images(pl.DataFrame({"subject_id": ids, "split": split}), pl.Series(sorted(set(ids))))


def test_a_choice_of_patients_keeps_all_their_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MOST_PATIENTS", 10)
    everything = images(60)
    few = everything.of_few(0)
    by_split = few.frame.group_by("split").agg(pl.col("subject_id").n_unique(), n=pl.len())
    assert set(by_split["subject_id"]) == {10}
    assert set(by_split["n"]) == {20}
    assert few.names.equals(everything.names)
    # The seed decides, and not the order of the rows.
    shuffled = Images(everything.frame.sample(fraction=1, shuffle=True, seed=2), everything.names)
    assert set(shuffled.of_few(0).frame["subject_id"]) == set(few.frame["subject_id"])
    assert set(everything.of_few(1).frame["subject_id"]) != set(few.frame["subject_id"])


def test_all_patients_of_a_study_that_is_not_large_stay() -> None:
    assert images(60).of_few(0).frame.equals(images(60).frame)
