"""From a label column to targets."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tiny import tiny_cohort

from cxrcore.targets import (
    UNLABELLED,
    class_weights,
    permuted,
    predictions_frame,
    softmax,
    targets_of,
)
from data_contracts._tables import table_errors
from data_contracts.errors import ArtifactError, SourceError, UsageError
from data_contracts.predictions import PREDICTIONS

COHORT = tiny_cohort(60)
IDS = COHORT["image_id"].to_list()
AGED = COHORT.with_columns(
    age=pl.Series([None if i == 4 else 30.0 + i for i in range(60)], dtype=pl.Float32)
)


def test_targets_follow_the_stores_order() -> None:
    ids = IDS[::-1][:50]
    targets = targets_of(COHORT, "race", ids)
    want = dict(zip(IDS, COHORT["label_race"].to_list(), strict=True))
    assert [targets.classes[v] for v in targets.values] == [want[i] for i in ids]


def test_a_null_label_is_unlabelled_and_in_no_rows() -> None:
    cohort = COHORT.with_columns(label_race=pl.when(pl.int_range(pl.len()) != 4).then("label_race"))
    targets = targets_of(cohort, "race", IDS)
    assert targets.values[4] == UNLABELLED
    assert 4 not in targets.rows("train")


def test_an_unknown_task_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"--task gendr.*did you mean gender"):
        targets_of(COHORT, "gendr", IDS)
    with pytest.raises(UsageError, match="mortality, gender, race"):
        targets_of(COHORT, "zzz", IDS)


def test_one_class_only_is_a_source_error() -> None:
    keep = (pl.col("split") != "train") | (pl.col("label_gender") == "F")
    cohort = COHORT.with_columns(label_gender=pl.when(keep).then("label_gender"))
    with pytest.raises(SourceError, match="the train split has F 18, M 0"):
        targets_of(cohort, "gender", IDS)


def test_a_split_without_labels_is_a_source_error() -> None:
    cohort = COHORT.with_columns(
        label_gender=pl.when(pl.col("split") != "val").then("label_gender")
    )
    with pytest.raises(SourceError, match="the val split has no labelled image"):
        targets_of(cohort, "gender", IDS)


def test_images_of_another_cohort_are_refused() -> None:
    with pytest.raises(ArtifactError, match="another cohort"):
        targets_of(COHORT, "gender", ["stranger"])


def test_permuted_labels_keep_counts_and_leave_test_alone() -> None:
    targets = targets_of(COHORT, "race", IDS)
    shuffled = permuted(targets, seed=1)
    for split in ("train", "val"):
        rows = targets.rows(split)
        assert sorted(shuffled.values[rows]) == sorted(targets.values[rows])
    assert not np.array_equal(shuffled.values, targets.values)
    test = targets.rows("test")
    np.testing.assert_array_equal(shuffled.values[test], targets.values[test])
    np.testing.assert_array_equal(permuted(targets, 1).values, shuffled.values)


def test_class_weights_even_out_the_classes() -> None:
    targets = targets_of(COHORT, "race", IDS)
    counts = np.bincount(targets.values[targets.rows("train")])
    np.testing.assert_allclose(class_weights(targets) * counts, counts.sum() / 3, rtol=1e-6)


def test_a_number_of_the_cohort_is_a_value() -> None:
    targets = targets_of(AGED, "age", IDS[::-1])
    assert (targets.kind, targets.classes) == ("value", ("age",))
    assert np.isnan(targets.values[-5])
    assert not targets.is_labelled[-5]
    assert 55 not in targets.rows("train")
    known = targets.values[targets.rows("train")]
    assert targets.scale == pytest.approx((known.mean(), known.std()))
    z = targets.standardised()[targets.rows("train")]
    assert (z.mean(), z.std()) == (pytest.approx(0, abs=1e-6), pytest.approx(1, abs=1e-6))


def test_the_name_of_a_number_is_known_too() -> None:
    with pytest.raises(UsageError, match=r"--task agee.*did you mean age"):
        targets_of(COHORT, "agee", IDS)


def test_a_value_that_cannot_be_learned_is_a_source_error() -> None:
    same = COHORT.with_columns(age=pl.lit(50.0))
    with pytest.raises(SourceError, match="age is the same in all training images"):
        targets_of(same, "age", IDS)
    without = COHORT.with_columns(age=pl.when(pl.col("split") != "val").then("age"))
    with pytest.raises(SourceError, match="age: the val split has no image with a value"):
        targets_of(without, "age", IDS)


def test_permuted_values_keep_their_scale_and_leave_test_alone() -> None:
    targets = targets_of(AGED, "age", IDS)
    shuffled = permuted(targets, seed=1)
    assert shuffled.scale == pytest.approx(targets.scale)
    assert not np.array_equal(shuffled.values, targets.values)
    test = targets.rows("test")
    np.testing.assert_array_equal(shuffled.values[test], targets.values[test])


def test_predictions_of_a_value_are_in_the_unit_of_the_column() -> None:
    targets = targets_of(AGED, "age", IDS)
    exact = np.nan_to_num(targets.standardised())[:, None]
    frame = predictions_frame(IDS, targets, exact)
    assert table_errors(PREDICTIONS, frame) == []
    assert frame["value"].null_count() == 1
    known = frame.drop_nulls("value")
    np.testing.assert_allclose(known["predicted_value"], known["value"], rtol=1e-5)
    assert frame["predicted_value"][4] == pytest.approx(targets.scale[0])
    empty = frame.select("target", "labels", "logits", "probabilities")
    assert all(column.is_null().all() for column in empty)


def test_predictions_keep_their_contract() -> None:
    targets = targets_of(COHORT, "race", IDS)
    logits = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    frame = predictions_frame(IDS, targets, logits)
    assert table_errors(PREDICTIONS, frame) == []
    assert frame["predicted_value"].is_null().all()
    assert frame["target"].to_list() == targets.values.tolist()


def test_softmax_does_not_overflow() -> None:
    got = softmax(np.array([[1e4, 0.0], [0.0, 0.0]], dtype=np.float32))
    np.testing.assert_allclose(got, np.array([[1.0, 0.0], [0.5, 0.5]]))
