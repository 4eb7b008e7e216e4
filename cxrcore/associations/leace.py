"""LEACE: the least change of features after which nothing linear is known of a concept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxrcore.associations.estimate import Floats
from cxrcore.associations.probe import finite
from cxrcore.permutation import PatientPermutations

#: A concept (of unit size) whose covariance with whitened features is below this has no direction.
NO_COVARIANCE = 1e-8
_DRAWS_AT_ONCE = 100


@dataclass(frozen=True)
class Whitening:
    """An invertible linear map of features to uncorrelated coordinates of variance 1."""

    mean: Floats
    """(d,)"""
    covariance: Floats
    """(d, d) of the features as they are."""
    forward: Floats
    """(d, d): (features - mean) @ forward are the coordinates."""
    backward: Floats
    """(d, d) inverse of `forward`."""
    inverse: Floats
    """(d, d) pseudo-inverse of the covariance as it is."""


@dataclass(frozen=True)
class Eraser:
    """Features without what is linearly known of a concept: x - (x - mean) read write."""

    mean: Floats
    """(d,)"""
    read: Floats
    """(d, k)"""
    write: Floats
    """(k, d)"""

    def __call__(self, features: NDArray[np.floating]) -> Floats:
        """Features (n, d) to erased features (n, d)."""
        return np.asarray(features - ((features - self.mean) @ self.read) @ self.write)


def fit_eraser(features: NDArray[np.floating], concept: Floats) -> Eraser:
    """LEACE (Belrose et al. 2023, arXiv 2306.03819, theorem 4.3) of a concept (n, k).

    Erased `features` (n, d) have covariance 0 with the concept, so that no linear probe with an
    intercept and a convex loss beats a constant on these images; of all affine maps with that
    property it changes the features least, in every norm of an inner product, up to the shrinkage
    of the covariance (see `whitening`).

    Raises:
        ValueError: features that are not finite.
    """
    space = whitening(features)
    centred = concept - concept.mean(axis=0)
    unit = centred / max(float(np.abs(centred).max()), np.finfo(np.float64).tiny)
    cross = (finite(features) - space.mean).T @ unit / len(unit)
    (basis,) = bases_of(space.forward.T @ cross[None])
    return Eraser(space.mean, space.forward @ basis, basis.T @ space.backward)


def whitening(features: NDArray[np.floating], subjects: int | None = None) -> Whitening:
    """Whitening by the covariance of `features` (n, d) shrunk towards a multiple of the identity.

    The shrinkage is the oracle approximating one (Chen et al. 2010, doi 10.1109/TSP.2010.2053029,
    eq. 23) for as many samples as `subjects` (n by default): a patient's further images, which may
    be duplicates, do not make the covariance more certain. Dead units and n < d leave it singular;
    a pseudo-inverse would take noise directions of a small train set for exact knowledge. The map
    stays invertible, so the covariance of erased features with the concept is 0 on the fitted
    images at any shrinkage.
    """
    d = features.shape[1]
    samples = len(features) if subjects is None else subjects
    mean = finite(features).mean(axis=0, dtype=np.float64)
    centred = features - mean
    covariance = centred.T @ centred / len(features)
    average, square = np.trace(covariance) / d, float((covariance**2).mean())
    spread = (samples + 1) * (square - average**2 / d)
    share = 1.0 if spread <= 0 else min(1.0, (square + average**2) / spread)
    values, vectors = np.linalg.eigh(covariance)
    shrunk = (1 - share) * np.maximum(values, 0) + share * average
    # Features that do not vary at all may have any scale.
    root = np.sqrt(np.where(shrunk > 0, shrunk, 1.0))
    known = values > 1e-10 * values[-1]
    inverse = (vectors[:, known] / values[known]) @ vectors[:, known].T
    return Whitening(mean, covariance, vectors / root, (vectors * root).T, inverse)


def bases_of(cross: Floats) -> Floats:
    """Orthonormal bases (b, d, k) of the columns of cross-covariances (b, d, k).

    Where the columns span fewer than k directions the columns left over are 0.
    """
    left, size, _ = np.linalg.svd(cross, full_matrices=False)
    largest = np.maximum(1.0, size[:, :1])
    return np.asarray(left * (size > NO_COVARIANCE * largest)[:, None, :])


def cross_covariance(x: Floats, concept: Floats) -> Floats:
    """Cross-covariance (1, k, d) of centred features (n, d) with a concept (n, k)."""
    return np.asarray(concept.T @ x / len(x))[None]


def shuffled_covariances(
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


def random_covariances(
    space: Whitening, directions: int, draws: int, rng: np.random.Generator
) -> Iterator[Floats]:
    """Cross-covariances (b, k, d) of the features with random linear functions of them."""
    d = len(space.mean)
    scale = np.sqrt(np.trace(space.covariance))
    for start in range(0, draws, _DRAWS_AT_ONCE):
        count = min(_DRAWS_AT_ONCE, draws - start)
        drawn = rng.normal(size=(count, d, directions)).transpose(0, 2, 1).reshape(-1, d)
        yield (drawn @ space.covariance / scale).reshape(count, directions, d)
