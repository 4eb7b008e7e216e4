"""What a network's prediction loses when an attribute is erased from its features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cxrcore.associations.estimate import Estimate
from cxrcore.associations.leace import (
    NO_COVARIANCE,
    cross_covariance,
    random_covariances,
    shuffled_covariances,
)
from cxrcore.associations.linear_head import FitImages, HeldOutImages, LinearHead, Rows
from cxrcore.associations.probe import Indices, without_images
from cxrcore.covariates import residual_maker
from cxrcore.permutation import PatientPermutations


def erasure_loss(
    train: FitImages, test: HeldOutImages, seed: int, draws: int = 199
) -> list[Estimate]:
    """AUROC that the logits lose on test when the concept is erased from the features.

    The head is linear: what it reads is recovered from features and logits of the train images, and
    erased logits are the given ones less what erasing takes from the head's input. Macro AUROC as
    in `macro_auroc`. Interval (bootstrap over test patients) and nulls hold the network and the
    head fixed. Each null is of the loss, one-sided:

    - "shuffled patients": the concept erased is each patient's class given to another;
    - "random directions": as many random linear functions of the features are erased as the
      concept has directions;
    - "shuffled residuals", for each adjustment: erased is what its regressors leave of the
      concept, against the same after these residuals are shuffled and regressed again (Freedman &
      Lane 1983). What the concept shares with the target through the covariates alone then costs
      nothing.

    Without draws nothing is tested. The mirror is the attribute's network as logits and target, and
    the reference as concept.

    Raises:
        ValueError: features that are not finite.
    """
    return erasure_losses(train, test, seed, draws)[0]


def erasure_losses(
    train: FitImages, test: HeldOutImages, seed: int, draws: int = 199,
    parts: Sequence[NDArray[np.bool_]] = (),
) -> list[list[Estimate]]:  # fmt: skip
    """`erasure_loss` of all test images, then of each of the `parts` (n,) of them.

    The eraser is that of all train images. A part has the last adjustment alone, and is left out
    where nothing can be said of the whole.
    """
    base = Estimate("erasure_loss", np.nan, len(np.unique(test.subject)))
    present, classes = np.unique(train.concept, return_inverse=True)
    if reason := _not_erasable(present, test):
        return [[replace(base, reason=reason)]]
    network = LinearHead.fit(train, test)
    if reason := network.not_linear:
        return [[replace(base, reason=reason)]]
    # All indicators but one: centred, they sum up to 0.
    rng, concept = np.random.default_rng(seed), np.eye(len(present))[classes, 1:]
    patients, x = PatientPermutations(train.subject), network.train
    every: list[Rows] = [slice(None), *parts]
    shuffled = shuffled_covariances(x, patients, concept, draws, rng)
    nulls = {"shuffled patients": network.losses(shuffled, every[:1])}
    random = random_covariances(network.space, concept.shape[1], draws, rng)
    alike = {"random directions": network.losses(random, every)}
    found = network.judged(base, cross_covariance(x, concept), nulls | alike, every[:1])
    found += [[] for _ in parts]
    for number, (adjustment, regressors) in enumerate(train.regressors.items(), start=1):
        asked = every if number == len(train.regressors) else every[:1]
        leave = residual_maker(regressors)
        left = leave(concept)
        base = replace(base, adjustment=adjustment)
        judged = [[replace(base, reason="the covariates leave nothing of the erased label")]]
        if np.abs(left).max() >= NO_COVARIANCE:
            # To regress the shuffled residuals again is to regress the features.
            again = shuffled_covariances(leave(x), patients, left, draws, rng)
            nulls = {"shuffled residuals": network.losses(again, asked)}
            judged = network.judged(base, cross_covariance(x, left), nulls | alike, asked)
        for one, new in zip(found, judged, strict=False):
            one += new
    return found


def _not_erasable(present: Indices, test: HeldOutImages) -> str:
    """Why nothing can be asked, of the classes among the train images; empty: it can."""
    one_class = "the erased label has one class among the train images"
    return without_images(test.logits, test.target) or (one_class if len(present) < 2 else "")
