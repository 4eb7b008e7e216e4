"""Erasing a concept from features, and what a network loses by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import kstest

from cxrcore.associations.erasure import erasure_loss, erasure_losses
from cxrcore.associations.estimate import Estimate
from cxrcore.associations.leace import fit_eraser, random_covariances
from cxrcore.associations.linear_head import FitImages, HeldOutImages, LinearHead
from cxrcore.evaluation.bootstrap import patient_weights
from cxrcore.evaluation.metrics import auroc

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


def concepts(n: int, d: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Correlated features that know a class of three, and the class as one-hot."""
    rng = np.random.default_rng(seed)
    one_hot = np.eye(3)[rng.choice(3, n, p=[0.6, 0.3, 0.1])]
    mixed = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) / np.sqrt(d)
    return mixed + one_hot @ rng.normal(size=(3, d)), one_hot


def covariance(x: Floats, z: Floats) -> Floats:
    return np.asarray((x - x.mean(axis=0)).T @ (z - z.mean(axis=0)) / len(x))


@pytest.mark.parametrize(("n", "d"), [(500, 8), (40, 100), (12, 40)])
def test_after_erasing_nothing_linear_is_left_on_the_fitted_images(n: int, d: int) -> None:
    x, z = concepts(n, d)
    x[:, 2] = 0  # a dead unit
    x[:, 3] = x[:, 4]
    erased = fit_eraser(x, z)(x)
    assert np.abs(covariance(x, z)).max() > 0.1
    np.testing.assert_allclose(covariance(erased, z), 0, atol=1e-9)
    # Least squares with an intercept then does no better than the mean.
    design = np.column_stack([np.ones(n), erased[:, :5]])
    fit = design @ np.linalg.lstsq(design, z, rcond=None)[0]
    np.testing.assert_allclose(fit, np.broadcast_to(z.mean(axis=0), z.shape), atol=1e-9)


def test_no_other_eraser_changes_the_features_less() -> None:
    x, z = concepts(4000, 5)
    change = x - fit_eraser(x, z)(x)
    cross = covariance(x, z)
    basis = np.linalg.svd(cross)[0][:, :2]
    centred = x - x.mean(axis=0)
    rng = np.random.default_rng(0)
    for _ in range(50):
        # Any oblique projection along the same two directions erases the concept.
        read = basis + (np.eye(5) - basis @ basis.T) @ rng.normal(size=(5, 2)) * rng.choice([0, 1])
        other = centred @ read @ basis.T
        np.testing.assert_allclose(covariance(x - other, z), 0, atol=1e-9)
        assert np.square(change).sum() <= np.square(other).sum() * (1 + 1e-6)
    assert np.square(change).sum() < 0.99 * np.square(centred @ basis).sum()


def test_a_continuous_concept_of_any_scale_is_erased_and_a_constant_one_changes_nothing() -> None:
    x, _ = concepts(300, 6)
    value = 1e6 * (x[:, :1] + np.random.default_rng(0).normal(size=(300, 1)))
    np.testing.assert_allclose(covariance(fit_eraser(x, value)(x), value) / 1e6, 0, atol=1e-9)
    np.testing.assert_array_equal(fit_eraser(x, np.full((300, 1), 0.1))(x), x)
    np.testing.assert_allclose(fit_eraser(np.ones((9, 2)), np.eye(9)[:, :1])(np.ones((9, 2))), 1)


def test_erasing_ignores_rotation_and_scale() -> None:
    x, z = concepts(200, 6)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))[0]
    want = fit_eraser(x, z)(x) @ turn * 7 + 3
    moved = x @ turn * 7 + 3
    np.testing.assert_allclose(fit_eraser(moved, z[:, ::-1])(moved), want, atol=1e-8)


N, CUT = 500, 300


def network(
    seed: int, used: float = 1.0, follows_age: float = 0.0, d: int = 8
) -> tuple[FitImages, HeldOutImages]:
    """A head that reads feature 1, and feature 0, which knows the attribute, as far as `used`.

    With `follows_age` the attribute is known through age only, which feature 0 shows instead.
    """
    rng = np.random.default_rng(seed)
    age = rng.normal(size=N)
    concept = (follows_age * age + rng.logistic(size=N) > 0).astype(np.intp)
    x = rng.normal(size=(N, d))
    x[:, 0] += 1.5 * age if follows_age else 2 * concept
    score = used * x[:, 0] + x[:, 1]
    target = (score - score.mean() + rng.logistic(size=N) > 0).astype(np.intp)
    logits = np.stack([-score, score], axis=1) / 2
    regressors = np.stack([np.ones(N), age], axis=1)
    train, test, subject = slice(0, CUT), slice(CUT, N), np.arange(N)
    x = x.astype(np.float16)
    return (
        FitImages(x[train], logits[train], concept[train], subject[train],
                  {"adjusted": regressors[train]}),
        HeldOutImages(
            x[test], logits[test], target[test], subject[: N - CUT],
            patient_weights(N - CUT, 200, seed, "test"),
        ),
    )  # fmt: skip


def measured(seed: int, draws: int = 39, **options: Any) -> list[Estimate]:
    return erasure_loss(*network(seed, **options), seed, draws)


def test_erasing_what_a_network_uses_costs_it_auroc_against_every_null() -> None:
    found = measured(0, used=1.5, d=40)
    assert [(one.adjustment, one.null) for one in found] == [
        ("crude", "shuffled patients"), ("crude", "random directions"),
        ("adjusted", "shuffled residuals"), ("adjusted", "random directions"),
    ]  # fmt: skip
    assert [one.p for one in found] == pytest.approx([1 / 40] * 4, abs=0.03)
    for one in found:
        assert 0.05 < (one.low or 0) < one.value < (one.high or 0)
        assert one.smallest_effect is not None
        assert one.subjects == N - CUT
    assert (found[0].smallest_effect or 1) < found[0].value


def test_the_loss_is_that_of_the_head_on_erased_features() -> None:
    train, test = network(0)
    eraser = fit_eraser(train.features, np.eye(2)[train.concept])
    head = np.array([1.0, 1, 0, 0, 0, 0, 0, 0])
    ones = np.ones((1, N - CUT))
    whole, erased = (
        auroc(x @ head, test.target == 1, ones)[0] for x in (test.features, eraser(test.features))
    )
    assert erasure_loss(train, test, 0, 1)[0].value == pytest.approx(whole - erased, abs=1e-3)


def test_draws_of_a_null_are_those_of_double_precision() -> None:
    train, test = network(0, d=40)
    mean = train.features.mean(axis=0, dtype=float)
    centred, seen = (x.features.astype(float) - mean for x in (train, test))
    one = LinearHead.fit(train, test)
    crosses = [c for block in random_covariances(one.space, 1, 99, np.random.default_rng(1))
               for c in block]  # fmt: skip
    head = np.linalg.lstsq(centred, train.logits - train.logits.mean(axis=0))[0] @ [-1, 1]
    whole, ones = test.logits @ [-1, 1], np.ones((1, len(seen)))
    want = []
    for cross in crosses:
        whitened = one.space.forward.T @ cross[0]
        unit = whitened / np.linalg.norm(whitened)
        taken = (seen @ one.space.forward @ unit) * (unit @ one.space.backward @ head)
        want.append(
            np.subtract(*(auroc(x, test.target == 1, ones) for x in (whole, whole - taken)))
        )
    found = one.losses(iter([np.stack(crosses)]), [slice(None)])[0]
    np.testing.assert_allclose(found, np.ravel(want), rtol=0, atol=1e-6)


def test_of_a_part_of_the_test_images_it_is_the_loss_there() -> None:
    train, test = network(0)
    inside = np.arange(N - CUT) < 120
    whole, part = erasure_losses(train, test, 0, 19, [inside])
    assert [one.p for one in whole] == [one.p for one in erasure_loss(train, test, 0, 19)]
    assert {one.adjustment for one in part} == {"adjusted"}
    alone = replace(
        test, features=test.features[inside], logits=test.logits[inside],
        target=test.target[inside], subject=test.subject[inside],
    )  # fmt: skip
    for one, own in zip(part, erasure_loss(train, alone, 0, 19)[2:], strict=True):
        assert one.subjects == 120
        assert (one.value, one.low, one.high, one.p, one.null) == pytest.approx(
            (own.value, own.low, own.high, own.p, own.null)
        )
    few = erasure_losses(train, test, 0, 19, [test.target == 1])[1]
    assert {one.reason for one in few} == {"a class has no test image"}


def test_what_is_encoded_but_not_used_costs_nothing() -> None:
    p = []
    for seed in range(25):
        one = measured(seed, draws=19, used=0.0)[0]
        assert abs(one.value) < 0.03
        p.append(one.p or 0)
    assert np.mean(np.array(p) <= 0.05) <= 0.2


def test_an_attribute_that_age_alone_ties_to_the_target_costs_nothing_once_adjusted() -> None:
    crude, p = [], []
    for seed in range(50):
        found = measured(seed, draws=19, follows_age=1.5)
        crude.append(found[0].value)
        p.append(found[2].p)
    assert min(crude) > 0.02
    values = np.array(p, dtype=float)
    assert kstest(values, "uniform").pvalue > 0.01
    assert np.mean(values <= 0.05) <= 0.15


def test_about_95_of_100_intervals_hold_the_loss_of_the_eraser() -> None:
    rng = np.random.default_rng(0)
    train, _ = network(0)
    eraser = fit_eraser(train.features, np.eye(2)[train.concept])
    concept = rng.integers(0, 2, 60_000)
    x = rng.normal(size=(60_000, 8))
    x[:, 0] += 2 * concept
    score = x[:, 0] + x[:, 1]
    positive = score - 1 + rng.logistic(size=60_000) > 0
    after, ones = eraser(x)[:, :2].sum(axis=1), np.ones((1, 60_000))
    truth = auroc(score, positive, ones)[0] - auroc(after, positive, ones)[0]
    held = 0
    for part in np.arange(30_000).reshape(150, 200):
        logits = np.stack([-score, score], axis=1)[part] / 2
        weights = patient_weights(200, 200, 0, "test")
        test = HeldOutImages(x[part], logits, positive[part] * 1, np.arange(200), weights)
        one = erasure_loss(replace(train, regressors={}), test, 0, 1)[0]
        held += (one.low or 1) <= truth <= (one.high or -1)
    assert 135 <= held <= 149


def test_rows_and_names_of_classes_do_not_matter_and_roles_can_be_swapped() -> None:
    train, test = network(0)
    value = erasure_loss(train, test, 0, 1)[0].value
    back = FitImages(
        train.features[::-1], train.logits[::-1], 5 - 3 * train.concept[::-1], train.subject[::-1]
    )
    assert erasure_loss(back, test, 0, 1)[0].value == pytest.approx(value, abs=1e-9)
    swapped = replace(test, logits=test.logits[:, ::-1], target=1 - test.target)
    ours = replace(train, logits=train.logits[:, ::-1])
    assert erasure_loss(ours, swapped, 0, 1)[0].value == pytest.approx(value, abs=1e-9)
    copies = np.repeat(np.arange(N - CUT), 2)
    twice = HeldOutImages(
        test.features[copies], test.logits[copies], test.target[copies], copies, test.weights
    )
    again = erasure_loss(train, twice, 0, 1)[0]
    assert again.value == pytest.approx(value, abs=1e-9)
    assert again.subjects == N - CUT


def test_few_patients_of_a_class_and_dead_units_and_more_units_than_images_are_no_crash() -> None:
    train, test = network(0, d=400)
    train.features[:, 5:9] = test.features[:, 5:9] = 0
    concept = np.zeros(CUT, dtype=np.intp)
    concept[7] = 1
    # n < d: the head cannot be known, and the estimate says so instead of a wrong loss.
    (one,) = erasure_loss(replace(train, concept=concept), test, 0, 19)
    assert "do not give the network's logits (R² 0." in one.reason
    train, test = network(0)
    train.features[:, 5:7] = test.features[:, 5:7] = 0
    found = erasure_loss(replace(train, concept=concept), test, 0, 19)
    assert all(abs(one.value) < 0.1 and not one.reason for one in found)


def test_what_is_not_defined_has_a_reason_and_no_value() -> None:
    train, test = network(0)

    def reason(ours: FitImages, theirs: HeldOutImages) -> str:
        (one,) = erasure_loss(ours, theirs, 0, 5)
        assert np.isnan(one.value)
        assert one.p is None
        return one.reason

    alone = np.zeros_like(train.concept)
    only = "the erased label has one class among the train images"
    assert reason(replace(train, concept=alone), test) == only
    survived = replace(test, target=np.zeros_like(test.target))
    assert reason(train, survived) == "a class has no test image"
    curved = replace(train, logits=train.logits**3), replace(test, logits=test.logits**3)
    assert reason(*curved).startswith("the features do not give the network's logits")
    follows = np.stack([np.ones(CUT), 1.0 * train.concept], axis=1)
    last = erasure_loss(replace(train, regressors={"adjusted": follows}), test, 0, 5)[-1]
    assert last.reason == "the covariates leave nothing of the erased label"
    train.features[4, 2] = np.nan
    with pytest.raises(ValueError, match="1 of 300 images are not finite"):
        erasure_loss(train, test, 0, 5)
