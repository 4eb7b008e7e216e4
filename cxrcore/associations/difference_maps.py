"""Class-difference maps of one network, crude or adjusted, and how they vary."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cxrcore.associations.estimate import NullTest, null_test
from cxrcore.associations.maps import pearson
from cxrcore.covariates import residuals
from cxrcore.maps import Maps, blocks

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

#: Random halves of the patients that reliability is averaged over.
SPLITS = 20
_BLOCK_VALUES = 1 << 22
#: Threads that want the same shuffles wait for the first.
_drawing = threading.Lock()


@dataclass(frozen=True)
class Design:
    """What a network's maps are compared by: an image's class, patient and covariates."""

    target: Indices
    """(n,) index of the true class."""
    subject: Indices
    """(n,) column of the image's patient in the resample weights."""
    regressors: Floats
    """(n, q) `covariates.design`; a column of ones alone for a crude comparison."""
    band: Indices
    """(n,) number of the age band that labels are permuted within."""


@dataclass(frozen=True)
class DifferenceMaps:
    """Where the class-difference maps of one network lie.

    The class-difference map of class c is, in each cell, the coefficient of the class's indicator
    in the regression of c's map on the indicator and the covariates: the mean over the class
    less that over the others where there are no covariates. Images' class maps are centred over
    the classes before, since what moves all logits alike changes no probability. `power` is
    the mean square over the classes, each weighted by its precision, so that a class of few
    patients does not rule it, less what noise adds to it: cells where maps vary most would look
    like evidence, in every network alike. `evidence` is its root.
    """

    power: Floats
    """(cells,) negative where noise adds less than expected, so that it is unbiased."""
    resampled_power: Floats
    """(r, cells) the same under each set of resample weights."""
    reliability: float
    """Correlation of the maps of two halves of the patients, for the whole (Spearman-Brown)."""
    difference: NullTest
    """Of the largest |t| over classes and cells, labels permuted within age bands."""
    largest_t: float
    subjects: int

    @property
    def evidence(self) -> Floats:
        """The root of `power`, (cells,); 0 where that is negative."""
        return _root(self.power)

    @property
    def resampled(self) -> Floats:
        """The same under each set of resample weights, (r, cells)."""
        return _root(self.resampled_power)


def difference_maps(
    maps: Maps, design: Design, weights: NDArray[np.uint8], permutations: int, seed: int
) -> DifferenceMaps:
    """The maps of images (n, k, h, w); every patient counts once, however many images.

    `weights` (r, subjects) are resample weights. The regression is fitted once and held in the
    resamples, which changes them in second order only: both sides are residuals (Chernozhukov
    2018, doi 10.1111/ectj.12097, sec. 2). Permutation of residuals within strata: Freedman & Lane
    1983, doi 10.1080/07350015.1983.10509354.
    """
    # Of two classes one map is the other's negative.
    classes = 1 if maps.shape[1] == 2 else maps.shape[1]
    images = np.bincount(design.subject, minlength=weights.shape[1])
    # Least squares in which a patient's images share the weight of one.
    root = 1 / np.sqrt(images[design.subject])
    x = design.regressors * root[:, None]
    z = residuals((design.target[:, None] == np.arange(classes)) * root[:, None], x)
    _, first = np.unique(design.subject, return_index=True)
    with _drawing:
        halves, order = _shuffles(
            images.tobytes(), design.band[first].tobytes(), permutations, seed
        )
    rows = np.concatenate([np.ones((1, weights.shape[1]), np.uint8), halves, weights])
    found, under_null = _differences(maps, design, root, x, z, rows, order)
    drawn = found[1 + 2 * SPLITS :]
    spread = drawn.var(axis=0).mean(axis=1) if len(drawn) > 1 else np.ones(classes)
    precision = np.divide(1, spread, out=np.zeros(classes), where=spread > 0)
    precision /= precision.sum() or 1
    square = np.einsum("rkc,k->rc", found**2, precision)
    # What noise adds to a square is what resampling adds to it once more.
    again = square[1 + 2 * SPLITS :]
    noise = np.maximum(0, again.mean(axis=0) - square[0]) if len(again) > 1 else 0 * square[0]
    power = square[1:] - 2 * noise
    t, t_null = _largest_t(found[0], under_null)
    return DifferenceMaps(
        square[0] - noise, power[2 * SPLITS :], _reliability(_root(power[: 2 * SPLITS])),
        null_test(t, t_null), t, int((images > 0).sum()),
    )  # fmt: skip


def _root(power: Floats) -> Floats:
    return np.asarray(np.sqrt(np.maximum(0, power)))


def _differences(
    maps: Maps, design: Design, root: Floats, x: Floats, z: Floats, rows: NDArray[np.uint8],
    order: NDArray[np.int32],
) -> tuple[Floats, Floats]:  # fmt: skip
    """Difference maps (rows, k, cells), and of exchanged patients (permutations, k, cells).

    The images are read once. The sums are of single precision, each over a block only.
    """
    classes, cells, q = z.shape[1], int(np.prod(maps.shape[2:])), x.shape[1]
    patients, where = np.unique(design.subject, return_inverse=True)
    own = np.zeros((len(patients), classes), dtype=np.float32)
    np.add.at(own, where, z * root[:, None])
    crossed = np.zeros((q, classes, cells))
    sums = np.zeros((classes * (cells + q + 1), len(rows)))
    null_sums = np.zeros((len(order), classes, cells + q + 1))
    for part, block in blocks(maps, max(1, _BLOCK_VALUES // (len(rows) + len(order)))):
        one = block.reshape(len(block), -1, cells) * root[part, None, None]
        one = (one - one.mean(axis=1, keepdims=True))[:, :classes]
        crossed += np.einsum("nq,nkc->qkc", x[part], one)
        wide = np.broadcast_to(x[part, None, :], (len(one), classes, q))
        both = np.concatenate([one, wide, z[part, :, None]], axis=2) * z[part, :, None]
        drawn = np.take(rows, design.subject[part], axis=1).astype(np.float32)
        # In this orientation the product takes a third of the time.
        sums += both.astype(np.float32).reshape(len(one), -1).T @ drawn.T
        plain = np.concatenate([one, wide], axis=2).astype(np.float32)
        for c in range(classes):
            exchanged = own[:, c][order[:, where[part]]] * root[part].astype(np.float32)
            null_sums[:, c, :-1] += exchanged @ plain[:, c]
            null_sums[:, c, -1] += np.einsum("pn,pn->p", exchanged, exchanged)
    coefficients = np.einsum("pq,qkc->kpc", np.linalg.pinv(x.T @ x), crossed)
    drawn_sums = sums.T.reshape(len(rows), classes, -1)
    return _solved(drawn_sums, coefficients), _solved(null_sums, coefficients)


def _solved(sums: Floats, coefficients: Floats) -> Floats:
    """From sums (r, k, cells + q + 1) of z · map, z · x and z · z the coefficients of z."""
    cells = coefficients.shape[2]
    left = sums[..., :cells] - np.einsum("rkq,kqc->rkc", sums[..., cells:-1], coefficients)
    size = sums[..., -1:]
    return np.asarray(np.divide(left, size, out=np.zeros_like(left), where=size > 1e-9))


@lru_cache(maxsize=2)
def _shuffles(
    images: bytes, band: bytes, permutations: int, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Random halves and exchanges of patients: networks of the same images share them.

    `images` (subjects,) are each patient's, `band` the age bands of those who have any.
    """
    rng = np.random.default_rng([seed, 0xD1FF])
    halves = _halves(np.frombuffer(images, dtype=np.intp), rng)
    return halves, _exchanged(np.frombuffer(band, dtype=np.intp), permutations, rng)


def _exchanged(band: Indices, permutations: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Whose label each patient gets (permutations, patients), of those in the same age `band`."""
    order = np.tile(np.arange(len(band), dtype=np.int32), (permutations, 1))
    for value in np.unique(band):
        inside = np.flatnonzero(band == value)
        order[:, inside] = rng.permuted(order[:, inside], axis=1)
    return order


def _halves(images: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Weights (2 * SPLITS, subjects) of random halves of the patients, in pairs."""
    present = np.flatnonzero(images)
    out = np.zeros((2 * SPLITS, len(images)), dtype=np.uint8)
    for split in range(SPLITS):
        shuffled = rng.permutation(present)
        out[2 * split, shuffled[: len(present) // 2]] = 1
        out[2 * split + 1, shuffled[len(present) // 2 :]] = 1
    return out


def _reliability(halves: Floats) -> float:
    """Mean over the splits of the halves' correlation, stepped up to the whole."""
    r = pearson(halves[::2], halves[1::2])
    r = r[np.isfinite(r)]
    return float(np.mean(2 * r / (1 + r))) if len(r) and (r > -1).all() else float("nan")


def _largest_t(observed: Floats, under_null: Floats) -> tuple[float, Floats]:
    """The largest |t| over classes and cells (k, cells), and that of each permutation (p,)."""
    if not len(under_null):
        return float("nan"), np.empty(0)
    spread = under_null.std(axis=0)
    usable = spread > 0
    if not usable.any():
        return float("nan"), np.empty(0)
    t = np.abs(observed[usable]) / spread[usable]
    return float(t.max()), (np.abs(under_null[:, usable]) / spread[usable]).max(axis=1)
