from __future__ import annotations

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
    areas, covariance = delong.delong(scores, positive)
    above, below = scores[:, positive][:, :, None], scores[:, ~positive][:, None, :]
    wins = (above > below) + 0.5 * (above == below)
    want = (
        np.cov(wins.mean(axis=2)) / positive.sum() + np.cov(wins.mean(axis=1)) / (~positive).sum()
    )
    np.testing.assert_allclose(areas, wins.mean(axis=(1, 2)))
    np.testing.assert_allclose(covariance, want)
    with pytest.raises(ValueError, match="two images of each class"):
        delong.delong(scores, np.arange(120) == 0)


def test_interval_and_difference_agree_with_the_patient_bootstrap() -> None:
    scores, positive = case(400)
    weights, subject = patient_weights(400, 1500, 0, "test"), np.arange(400)
    area, low, high = delong.delong_interval(scores[0], positive)
    resampled = resample(lambda w: auroc(scores[0], positive, w), weights, subject)
    assert (low, high) == pytest.approx(percentile_interval(resampled)[:2], abs=0.01)
    assert low < area < high
    difference, p = delong.delong_test(scores[0], scores[1], positive)
    paired, least, most = delong.paired_difference(list(scores), positive, weights, subject)
    assert paired == pytest.approx(difference)
    assert least is not None
    assert most is not None
    assert least < paired < most
    assert (p < 0.05) == (least > 0 or most < 0)
    apart = high - low
    assert most - least < apart  # the two models share what they see


def test_a_model_does_not_differ_from_itself() -> None:
    scores, positive = case()
    assert delong.delong_test(scores[0], scores[0], positive) == (0, 1)
