"""Metrics of whole models: every kind of target, every split."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, roc_auc_score

from cxrcore.evaluation import table
from cxrcore.model import Model

N = 120
RNG = np.random.default_rng(0)
BASE = pl.DataFrame({
    "subject_id": [f"s{i // 2:03d}" for i in range(N)],
    "split": ["test" if i % 4 < 2 else "val" for i in range(N)],
    "view": ["PA" if i % 3 else "AP" for i in range(N)], "age_band": ["40-59"] * N,
})  # fmt: skip
NOTHING = dict.fromkeys(("target", "labels", "value", "logits", "predicted_value"))


def model(kind: str, classes: tuple[str, ...], **columns: Any) -> Model:
    frame = BASE.with_columns(**{n: pl.lit(None) for n in NOTHING if n not in columns}, **columns)
    return Model("task", "main", 3, "none", kind, classes, "", "", frame, pl.DataFrame())


def measured(one: Model, replicates: int = 50) -> pl.DataFrame:
    resamples = table.split_weights([one.predictions], replicates, 0)
    return pl.DataFrame(table.evaluate(one, resamples), infer_schema_length=None)


def whole(found: pl.DataFrame, split: str = "test") -> dict[str, dict[str, Any]]:
    rows = found.filter(pl.col("split") == split, pl.col("stratum") == "all").to_dicts()
    return {row["metric"]: row for row in rows}


def test_the_metrics_of_a_value_equal_sklearns() -> None:
    truth = RNG.normal(60, 10, N).astype(np.float32)
    predicted = truth + RNG.normal(0, 5, N).astype(np.float32)
    known: list[float | None] = [None, *truth[1:].tolist()]
    one = model("value", ("age",), value=pl.Series(known, dtype=pl.Float32),
                predicted_value=pl.Series(predicted))  # fmt: skip
    found = whole(measured(one))
    rows = np.flatnonzero((BASE["split"] == "test").to_numpy())[1:]
    assert set(found) == {"r2", "mae"}
    assert found["r2"]["value"] == pytest.approx(r2_score(truth[rows], predicted[rows]))
    assert found["mae"]["value"] == pytest.approx(mean_absolute_error(truth[rows], predicted[rows]))
    assert found["mae"]["images"] == len(rows)
    assert found["mae"]["positives"] is None
    assert found["mae"]["low"] < found["mae"]["value"] < found["mae"]["high"]


def test_the_auroc_of_a_label_leaves_out_images_where_it_is_unknown() -> None:
    labels = RNG.integers(0, 2, (N, 3)).astype(float)
    labels[RNG.random((N, 3)) < 0.3] = np.nan
    logits = RNG.normal(size=(N, 3)) + np.nan_to_num(labels)
    one = model("multi-label", ("x", "y", "z"), labels=pl.Series(labels.tolist()),
                logits=pl.Series(logits.tolist()))  # fmt: skip
    found = whole(measured(one))
    test = (BASE["split"] == "test").to_numpy()
    assert list(found) == ["auroc:x", "auroc:y", "auroc:z"]
    for index, row in enumerate(found.values()):
        rows = test & np.isfinite(labels[:, index])
        want = roc_auc_score(labels[rows, index], logits[rows, index])
        assert row["value"] == pytest.approx(want)
        assert row["positives"] == labels[rows, index].sum()
        assert row["low"] < row["value"] < row["high"]


def of_classes(classes: int) -> Model:
    target = RNG.integers(0, classes, N)
    logits = RNG.normal(size=(N, classes)) + np.eye(classes)[target]
    labels = [None if i % 17 == 0 else int(t) for i, t in enumerate(target)]
    return model("classes", ("a", "b", "c")[:classes], target=pl.Series(labels, dtype=pl.Int8),
                 logits=pl.Series(logits.tolist()))  # fmt: skip


def test_two_classes_have_a_threshold_and_more_have_one_against_the_rest() -> None:
    assert list(whole(measured(of_classes(2)))) == [
        "auroc", "auprc", "calibration_slope", "calibration_intercept", "brier",
        "sensitivity", "specificity",
    ]  # fmt: skip
    found = whole(measured(of_classes(3)))
    each = [found[f"auroc:{c}"]["value"] for c in "abc"]
    assert found["auroc"]["value"] == pytest.approx(np.mean(each))
    assert found["auroc"]["positives"] is None


def test_a_ratio_tells_which_patients_it_is_of() -> None:
    one = of_classes(2)
    test = one.labelled("test")
    found = whole(measured(one))
    positive = test.filter(pl.col("target") == 1)
    odds = np.array(positive["logits"].to_list()) @ np.array([-1, 1])
    called = positive.filter(pl.Series(odds >= one.threshold))
    missed = positive.filter(pl.Series(odds < one.threshold))
    want = [part["subject_id"].n_unique() for part in (called, missed)]
    assert found["sensitivity"]["ratio_of"] == want
    assert found["sensitivity"]["value"] == pytest.approx(called.height / positive.height)
    assert found["auroc"]["ratio_of"] == []


def test_only_the_test_split_is_divided() -> None:
    found = measured(of_classes(2))
    assert set(found.filter(pl.col("split") == "val")["stratum"]) == {"all"}
    assert set(found.filter(pl.col("split") == "test")["stratum"]) == {"all", "view", "age_band"}
    test = found.filter(pl.col("split") == "test", pl.col("metric") == "auroc")
    parts = dict(test.select("stratum", "images").group_by("stratum").sum().iter_rows())
    assert parts["all"] == parts["view"] == parts["age_band"]


def test_the_same_seed_gives_the_same_intervals_and_every_task_the_same_patients() -> None:
    one = of_classes(2)
    assert measured(one).equals(measured(one))
    names, weights = table.split_weights([one.predictions] * 2, 5, 0)["test"]
    again, same = table.split_weights([one.predictions], 5, 0)["test"]
    assert names.equals(again)
    np.testing.assert_array_equal(weights, same)
    assert table.columns_of(names[[3, 0, 3]], names).tolist() == [3, 0, 3]


def balanced(control: str = "none") -> Model:
    """A true model of 15 % prevalence, as weighting by class leaves it: in a balanced world."""
    rng = np.random.default_rng(8)
    n = 24_000
    odds = rng.normal(-2.4, 1.5, n)
    target = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)
    share = target[::2].mean()
    odds -= np.log(share / (1 - share))
    frame = pl.DataFrame({
        "subject_id": [f"s{i}" for i in range(n)], "split": ["test" if i % 2 else "train"
        for i in range(n)], "view": ["PA"] * n, "age_band": ["40-59"] * n, "target": target,
        "logits": np.stack([np.zeros(n), odds], axis=1).tolist(),
    })  # fmt: skip
    frame = frame.with_columns(**dict.fromkeys(("labels", "value"), pl.lit(None)))
    return Model("task", "main", 3, control, "classes", ("a", "b"), "", "", frame, pl.DataFrame())


def test_probabilities_are_judged_at_the_prevalence_of_training() -> None:
    one = balanced()
    found = whole(measured(one, 2))
    shifted = np.array(one.labelled("test")["logits"].to_list())[:, 1] + one.prior_shift @ [-1, 1]
    target = one.labelled("test")["target"].to_numpy()
    truth = np.mean((1 / (1 + np.exp(-shifted)) - target) ** 2)
    assert found["brier"]["value"] == pytest.approx(truth)
    assert found["brier"]["value"] == pytest.approx(0.1, abs=0.01)
    assert found["calibration_intercept"]["value"] == pytest.approx(0, abs=0.08)
    assert found["calibration_slope"]["value"] == pytest.approx(1, abs=0.05)


def test_what_was_not_trained_is_not_shifted_and_no_area_ever_is() -> None:
    trained, untrained = (whole(measured(balanced(c), 2)) for c in ("none", "random-init"))
    assert untrained["brier"]["value"] > 1.4 * trained["brier"]["value"]
    assert untrained["calibration_intercept"]["value"] < -1
    for name in ("auroc", "auprc"):
        assert untrained[name]["value"] == trained[name]["value"]


@pytest.mark.parametrize("classes", [2, 3])
def test_an_auroc_of_1_is_as_certain_as_its_smallest_class_allows(classes: int) -> None:
    """All resamples of a perfect ranking are perfect; so many pairs of patients were won."""
    target = np.repeat(np.arange(N // 2) % 7 % classes, 2)
    one = model("classes", tuple("abc"[:classes]), target=pl.Series(target, dtype=pl.Int8),
                logits=pl.Series((5.0 * np.eye(classes)[target]).tolist()))  # fmt: skip
    found, test = whole(measured(one)), (BASE["split"] == "test").to_numpy()
    fewest = min(np.bincount(target[test])) // 2
    assert found["auroc"]["value"] == 1
    if classes > 2:
        # The mean over classes would reveal how few the smallest has.
        assert (found["auroc"]["low"], found["auroc"]["high"]) == (None, None)
        rarest = "abc"[int(np.argmin(np.bincount(target[test])))]
    row = found["auroc"] if classes == 2 else found[f"auroc:{rarest}"]
    assert row["high"] == 1
    assert row["low"] == pytest.approx(0.025 ** (1 / fewest))


def test_no_end_of_an_auroc_of_1_counts_the_patients_whose_label_is_unknown() -> None:
    """Of several findings a patient's may be unknown: "not positive" is then not "negative"."""
    labels = np.where(np.arange(N) % 5 == 0, np.nan, np.arange(N) % 2)
    one = model("multi-label", ("finding",), labels=pl.Series(labels[:, None].tolist()),
                logits=pl.Series((5.0 * np.nan_to_num(labels))[:, None].tolist()))  # fmt: skip
    found = whole(measured(one))["auroc:finding"]
    assert (found["value"], found["low"], found["high"]) == (1, None, None)
