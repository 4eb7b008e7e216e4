"""The linear head of a network on its features, and what it loses when something is erased."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cxrcore.associations.estimate import Adjustment, Estimate, Floats, beside_null
from cxrcore.associations.leace import Whitening, bases_of, whitening
from cxrcore.associations.probe import (
    Indices,
    finite,
    macro_auroc,
    macro_auroc_of,
    without_images,
)
from cxrcore.evaluation.bootstrap import percentile_interval, resample
from cxrcore.evaluation.metrics import Weights
from cxrcore.evaluation.strata import log_odds

#: Below this share of the logits' variance the features are not what the head reads.
LEAST_R2 = 0.99
#: Some of the test images.
Rows = slice | NDArray[np.bool_]


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


@dataclass(frozen=True)
class LinearHead:
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

    @property
    def not_linear(self) -> str:
        """Why the features are not what the head reads; empty: they are."""
        share = f"R² {self.r2:.3f} of the logits on test images"
        told = self.r2 < LEAST_R2
        return "" if not told else f"the features do not give the network's logits ({share})"

    @staticmethod
    def fit(train: FitImages, test: HeldOutImages) -> LinearHead:
        """The head of train images, in the directions that they span, and its test outputs."""
        train, test = _in_train_span(train, test)
        space = train.space or whitening(train.features, len(np.unique(train.subject)))
        x, seen = train.features - space.mean, finite(test.features) - space.mean
        middle = train.logits.mean(axis=0)
        head = space.inverse @ (x.T @ (train.logits - middle) / len(x))
        missed = np.square(test.logits - middle - seen @ head).sum()
        varied = np.square(test.logits - test.logits.mean(axis=0)).sum()
        r2 = 1 - missed / varied if varied else np.nan
        classes = test.logits.shape[1]
        outputs = np.array([[-1.0], [1.0]]) if classes == 2 else np.eye(classes)
        return LinearHead(
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

    def losses(self, crosses: Iterator[Floats], parts: Sequence[Rows]) -> Floats:
        """Loss of AUROC (parts, draws) on parts of the test images, for every one erased."""
        whole, target = _odds(self.outputs), self.test.target
        ours = [macro_auroc_of(whole[part], target[part]) for part in parts]
        seen, found = self.seen.astype(np.float32), list[Floats]()
        for cross in crosses:
            for outputs in self.erased(cross, seen):
                odds = _odds(outputs)
                theirs = [macro_auroc_of(odds[part], target[part]) for part in parts]
                found.append(np.subtract(ours, theirs))
        return np.reshape(found, (-1, len(parts))).T

    def judged(
        self, base: Estimate, cross: Floats, nulls: Mapping[str, Floats], parts: Sequence[Rows]
    ) -> list[list[Estimate]]:
        """Of each part the loss of one cross-covariance (1, k, d) erased, beside each null.

        `nulls` are draws by name (parts or more, draws).
        """
        whole, erased = _odds(self.outputs), _odds(self.erased(cross, self.seen)[0])
        found = []
        for i, part in enumerate(parts):
            one = self._measured(base, whole[part], erased[part], part)
            found.append([beside_null(*one, draws[i], name) for name, draws in nulls.items()])
        return found

    def _measured(
        self, base: Estimate, whole: Floats, erased: Floats, part: Rows
    ) -> tuple[Estimate, tuple[float | None, float | None]]:
        """The estimate on a part of the test images, and its interval."""
        target, subject = self.test.target[part], self.test.subject[part]
        base = replace(base, subjects=len(np.unique(subject)))
        if reason := without_images(whole, target):
            return replace(base, reason=reason), (None, None)

        def loss(drawn: Weights) -> Floats:
            return macro_auroc(whole, target, drawn) - macro_auroc(erased, target, drawn)

        value = float(loss(np.ones((1, len(whole))))[0])
        resampled = resample(loss, self.test.weights, subject)
        return replace(base, value=value, resampled=resampled), percentile_interval(resampled)[:2]


def _odds(outputs: Floats) -> Floats:
    """Log odds (m, classes) from outputs (c, m)."""
    return np.stack([-outputs[0], outputs[0]], axis=1) if len(outputs) == 1 else log_odds(outputs.T)


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
