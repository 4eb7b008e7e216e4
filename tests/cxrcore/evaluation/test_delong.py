from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from cxrcore.evaluation import delong
from cxrcore.evaluation.bootstrap import patient_weights, percentile_interval, resample
from cxrcore.evaluation.metrics import auroc


def case(n: int = 120) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    positive = rng.random(n) < 0.4
    shared = rng.normal(size=n) + positive
    return (shared + 0.7 * rng.normal(size=(2, n))).round(1), positive


def test_the_fast_form_is_the_double_sum() -> None:
    scores, positive = case()
    found = [delong.auroc_influence(s, positive, np.arange(120)) for s in scores]
    areas, influence = [f[0] for f in found], np.stack([f[1] for f in found])
    above, below = scores[:, positive][:, :, None], scores[:, ~positive][:, None, :]
    wins = (above > below) + 0.5 * (above == below)
    want = (
        np.cov(wins.mean(axis=2)) / positive.sum() + np.cov(wins.mean(axis=1)) / (~positive).sum()
    )
    np.testing.assert_allclose(areas, wins.mean(axis=(1, 2)))
    np.testing.assert_allclose(influence @ influence.T, want)
    with pytest.raises(delong.TooFewPatientsError, match="two patients of each class"):
        delong.auroc_influence(scores[0], np.arange(120) == 0, np.arange(120))


@pytest.mark.parametrize("images", [1, 4])
def test_intervals_agree_with_the_patient_bootstrap(images: int) -> None:
    """Also where each patient's images are much alike: they count as one patient."""
    scores, positive = (np.repeat(x, images, axis=-1) for x in case(400))
    subject = np.repeat(np.arange(400), images)
    weights = patient_weights(400, 1500, 0, "test")
    (first, own), (second, its) = (delong.auroc_influence(s, positive, subject) for s in scores)
    resampled = [resample(partial(auroc, s, positive), weights, subject) for s in scores]
    for value, influence, drawn in (
        (first, own, resampled[0]), (first - second, own - its, resampled[0] - resampled[1]),
    ):  # fmt: skip
        found = delong.interval(value, influence, -1)
        want = percentile_interval(drawn)[:2]
        assert (found["low"], found["high"]) == pytest.approx(want, abs=0.01)
    differ = delong.interval(first - second, own - its, -1)
    significant = delong.p_of(first - second, own - its) < 0.05
    assert differ["low"] is not None
    assert differ["high"] is not None
    assert significant == (differ["low"] > 0 or differ["high"] < 0)


def test_a_model_does_not_differ_from_itself() -> None:
    scores, positive = case()
    area, influence = delong.auroc_influence(scores[0], positive, np.arange(120))
    assert delong.p_of(area - area, influence - influence) == 1
    assert delong.interval(1.0, influence, 0)["high"] == 1


def test_classes_of_a_macro_average_do_not_count_as_independent() -> None:
    rng = np.random.default_rng(1)
    target = rng.integers(0, 3, 300)
    odds = rng.normal(size=(300, 3)) + np.eye(3)[target]
    _, influence = delong.macro_auroc_influence(odds, target, np.arange(300))
    each = [delong.auroc_influence(odds[:, c], target == c, np.arange(300))[1] for c in range(3)]
    np.testing.assert_allclose(influence, np.mean(each, axis=0))
