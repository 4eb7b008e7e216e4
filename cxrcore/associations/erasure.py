"""What a network's prediction loses when an attribute is erased from its features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cxrcore.associations.estimate import Adjustment, Estimate, Floats, beside_null
from cxrcore.associations.leace import NO_COVARIANCE, Whitening, bases_of, whitening
from cxrcore.associations.probe import (
    Indices,
    finite,
    macro_auroc,
    macro_auroc_of,
    without_images,
)
from cxrcore.covariates import residual_maker
from cxrcore.evaluation.bootstrap import percentile_interval, resample
from cxrcore.evaluation.metrics import Weights
from cxrcore.evaluation.strata import log_odds
from cxrcore.permutation import PatientPermutations

#: Below this share of the logits' variance the features are not what the head reads.
LEAST_R2 = 0.99
_DRAWS_AT_ONCE = 100


@dataclass(frozen=True)
class FitImages:
    """Train images, on which the eraser and the head are fitted."""

    features: NDArray[np.floating]
    """(n, d)"""
    logits: Floats
    """(n, c) of the network whose loss is asked for."""
    concept: Indices
    """(n,) class of the label that is erased."""
    subject: Indices
    """(n,) patients."""
    regressors: Mapping[Adjustment, Floats] = field(default_factory=dict)
    """By adjustment covariates (n, q) with an intercept."""
    space: Whitening | None = None
    """`whitening` of the features, where it is known already."""


@dataclass(frozen=True)
class HeldOutImages:
    """Test images, on which the loss is measured."""

    features: NDArray[np.floating]
    """(n, d)"""
    logits: Floats
    """(n, c)"""
    target: Indices
    """(n,) class that the logits predict."""
    subject: Indices
    """(n,) column in `weights` of each image's patient."""
    weights: NDArray[np.uint8]
    """(r, subjects) resamples of the patients."""


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

    Without draws nothing is tested.

    The mirror is the attribute's network as logits and target, and the reference as concept.

    Raises:
        ValueError: features that are not finite.
    """
    base = Estimate("erasure_loss", np.nan, len(np.unique(test.subject)))
    present, classes = np.unique(train.concept, return_inverse=True)
    reason = without_images(test.logits, test.target)
    if not reason and len(present) < 2:
        reason = "the erased label has one class among the train images"
    if reason:
        return [replace(base, reason=reason)]
    network = _Network.fit(*_in_train_span(train, test))
    if network.r2 < LEAST_R2:
        share = f"R² {network.r2:.3f} of the logits on test images"
        return [replace(base, reason=f"the features do not give the network's logits ({share})")]
    # All indicators but one: centred, they sum up to 0.
    rng, concept = np.random.default_rng(seed), np.eye(len(present))[classes, 1:]
    patients = PatientPermutations(train.subject)
    x = network.train
    shuffled = network.losses(_shuffled_covariances(x, patients, concept, draws, rng))
    random = network.losses(_random_covariances(network.space, concept.shape[1], draws, rng))
    crude, interval = network.measured(base, _covariance(x, concept))
    found = [
        beside_null(crude, interval, shuffled, "shuffled patients"),
        beside_null(crude, interval, random, "random directions"),
    ]
    for adjustment, regressors in train.regressors.items():
        leave = residual_maker(regressors)
        left = leave(concept)
        base = replace(base, adjustment=adjustment)
        if np.abs(left).max() < NO_COVARIANCE:
            reason = "the covariates leave nothing of the erased label"
            found.append(replace(base, reason=reason))
            continue
        # To regress the shuffled residuals again is to regress the features.
        again = _shuffled_covariances(leave(x), patients, left, draws, rng)
        adjusted, interval = network.measured(base, _covariance(x, left))
        shuffled = network.losses(again)
        found.append(beside_null(adjusted, interval, shuffled, "shuffled residuals"))
        found.append(beside_null(adjusted, interval, random, "random directions"))
    return found


def _in_train_span(train: FitImages, test: HeldOutImages) -> tuple[FitImages, HeldOutImages]:
    """Features in the directions that the train images span, where these are fewer.

    Nothing can be fitted, or erased, in the other directions.
    """
    n, d = train.features.shape
    if n > d:
        return train, test
    mean = finite(train.features).mean(axis=0, dtype=np.float64)
    _, _, right = np.linalg.svd(train.features - mean, full_matrices=False)
    ours, theirs = ((one.features - mean) @ right.T for one in (train, test))
    return replace(train, features=ours, space=None), replace(test, features=theirs)


def _covariance(x: Floats, concept: Floats) -> Floats:
    """Cross-covariance (1, k, d) of centred features (n, d) with a concept (n, k)."""
    return np.asarray(concept.T @ x / len(x))[None]


def _shuffled_covariances(
    x: Floats, patients: PatientPermutations, concept: Floats, draws: int, rng: np.random.Generator
) -> Iterator[Floats]:
    """Cross-covariances (b, k, d) of centred features with the concept of shuffled patients.

    Draws of a null are of single precision, which moves a loss by a few pairs of images at most.
    """
    x, columns = x.astype(np.float32), np.ascontiguousarray(concept.T, dtype=np.float32)
    for start in range(0, draws, _DRAWS_AT_ONCE):
        count = min(_DRAWS_AT_ONCE, draws - start)
        stack = np.stack([columns[:, patients.draw(rng)] for _ in range(count)])
        cross = (stack.reshape(-1, len(x)) @ x).astype(np.float64) / len(x)
        yield cross.reshape(count, len(columns), -1)


def _random_covariances(
    space: Whitening, directions: int, draws: int, rng: np.random.Generator
) -> Iterator[Floats]:
    """Cross-covariances (b, k, d) of the features with random linear functions of them."""
    d = len(space.mean)
    scale = np.sqrt(np.trace(space.covariance))
    for start in range(0, draws, _DRAWS_AT_ONCE):
        count = min(_DRAWS_AT_ONCE, draws - start)
        drawn = rng.normal(size=(count, d, directions)).transpose(0, 2, 1).reshape(-1, d)
        yield (drawn @ space.covariance / scale).reshape(count, directions, d)


@dataclass(frozen=True)
class _Network:
    """A linear head on whitened train features, and what it gives on test images.

    Of two classes it has one output, the log odds, of more their logits.
    """

    space: Whitening
    train: Floats
    """(n, d) centred."""
    seen: Floats
    """(m, d) test features, centred by the train mean."""
    outputs: Floats
    """(c, m) on test images."""
    read: Floats
    """(d, c) the head on whitened features."""
    r2: float
    test: HeldOutImages

    @staticmethod
    def fit(train: FitImages, test: HeldOutImages) -> _Network:
        space = train.space or whitening(train.features, len(np.unique(train.subject)))
        x, seen = train.features - space.mean, finite(test.features) - space.mean
        middle = train.logits.mean(axis=0)
        head = space.inverse @ (x.T @ (train.logits - middle) / len(x))
        missed = np.square(test.logits - middle - seen @ head).sum()
        varied = np.square(test.logits - test.logits.mean(axis=0)).sum()
        r2 = 1 - missed / varied if varied else np.nan
        classes = test.logits.shape[1]
        outputs = np.array([[-1.0], [1.0]]) if classes == 2 else np.eye(classes)
        return _Network(
            space, x, seen, (test.logits @ outputs).T, space.backward @ head @ outputs, float(r2),
            test,
        )  # fmt: skip

    def erased(self, cross: Floats, seen: NDArray[np.floating]) -> Floats:
        """Outputs (b, c, m) on test for each of the cross-covariances (b, k, d) erased.

        `seen` are the centred test features, in the precision that is asked for.
        """
        b, k, d = cross.shape
        whitened = (cross.reshape(-1, d) @ self.space.forward).reshape(b, k, d)
        bases = bases_of(whitened.transpose(0, 2, 1))
        taken = (self.read.T @ bases) @ bases.transpose(0, 2, 1)
        back = (taken.reshape(-1, d) @ self.space.forward.T).astype(seen.dtype)
        return np.asarray(self.outputs - (back @ seen.T).reshape(b, *self.outputs.shape))

    def losses(self, crosses: Iterator[Floats]) -> Floats:
        """Loss of AUROC on all test images for every cross-covariance erased (draws,)."""
        whole = macro_auroc_of(_odds(self.outputs), self.test.target)
        seen = self.seen.astype(np.float32)
        return np.array([
            whole - macro_auroc_of(_odds(outputs), self.test.target)
            for cross in crosses
            for outputs in self.erased(cross, seen)
        ])  # fmt: skip

    def measured(
        self, base: Estimate, cross: Floats
    ) -> tuple[Estimate, tuple[float | None, float | None]]:
        """The estimate with the loss of one cross-covariance (1, k, d) erased, and its interval."""
        whole, erased = _odds(self.outputs), _odds(self.erased(cross, self.seen)[0])

        def loss(drawn: Weights) -> Floats:
            target = self.test.target
            return macro_auroc(whole, target, drawn) - macro_auroc(erased, target, drawn)

        value = float(loss(np.ones((1, len(whole))))[0])
        resampled = resample(loss, self.test.weights, self.test.subject)
        return replace(base, value=value, resampled=resampled), percentile_interval(resampled)[:2]


def _odds(outputs: Floats) -> Floats:
    """Log odds (m, classes) from outputs (c, m)."""
    return np.stack([-outputs[0], outputs[0]], axis=1) if len(outputs) == 1 else log_odds(outputs.T)
