"""Similarity of two networks' attribution maps, each question beside its null.

Three questions, never mixed: do the classes differ anywhere in a network's maps, do two networks'
class-difference maps lie in the same place, and do their maps of the same image lie there beyond
what all patients share?
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cxrcore.associations.difference_maps import DifferenceMaps
from cxrcore.associations.estimate import Adjustment, Estimate, null_test
from cxrcore.associations.maps import pearson
from cxrcore.associations.shuffles import GroupShuffles, paired_products
from cxrcore.associations.spatial_nulls import spatial_null_test
from cxrcore.evaluation.bootstrap import correlation_interval, image_weights
from cxrcore.evaluation.metrics import weighted_mean
from data_contracts.titles import RANKING

Floats = NDArray[np.float64]

#: Below it a correlation over the root of the reliabilities explodes.
LEAST_RELIABILITY = 0.3


def same_place(
    reference: DifferenceMaps, attribute: DifferenceMaps, grid: tuple[int, int],
    adjustment: Adjustment, surrogates: int, seed: int,
) -> list[Estimate]:  # fmt: skip
    """Pearson's r over the cells of two networks' evidence, and the same without attenuation.

    Noise in the maps pulls r towards 0, and more so the fewer patients there are. So does the
    interval end: the end that is further from 0 is the one without attenuation, and 1 or -1 where
    a map is too unreliable to tell.
    """
    value = float(pearson(reference.evidence, attribute.evidence))
    subjects = min(reference.subjects, attribute.subjects)
    if not np.isfinite(value):
        reason = "a map does not vary"
        return [Estimate(RANKING, np.nan, subjects, adjustment, reason=reason)]
    resampled = pearson(reference.resampled, attribute.resampled)
    low, high, _ = correlation_interval(value, resampled)
    root = _attenuation(reference.reliability, attribute.reliability)
    name, test = spatial_null_test(
        reference.evidence, attribute.evidence, grid, surrogates,
        np.random.default_rng([seed, 0x3071]),
    )  # fmt: skip
    plain = Estimate(
        RANKING, value, subjects, adjustment, *_further_from_zero(low, high, root), test.p, name,
        test.low, test.high, test.smallest_effect, resampled=resampled,
    )  # fmt: skip
    if root is None:
        reason = f"split-half reliability of a map below {LEAST_RELIABILITY}"
        return [plain, Estimate("disattenuated_r", np.nan, subjects, adjustment, reason=reason)]
    ends = [None if end is None else end / root for end in (low, high)]
    whole = Estimate("disattenuated_r", value / root, subjects, adjustment, ends[0], ends[1])
    return [plain, whole]


def _attenuation(*reliabilities: float) -> float | None:
    """What noise leaves of the correlation of two maps (Spearman 1904); None: it is unknown."""
    if not min(reliabilities) >= LEAST_RELIABILITY:
        return None
    return float(np.sqrt(np.prod(reliabilities)))


def _further_from_zero(
    low: float | None, high: float | None, root: float | None
) -> tuple[float | None, float | None]:
    """The interval with the end that lies further from 0 taken without attenuation."""
    if low is None or high is None:
        return low, high
    if root is None:
        return (-1.0 if low < 0 else low), (1.0 if high > 0 else high)
    return (max(-1.0, low / root) if low < 0 else low), (
        min(1.0, high / root) if high > 0 else high
    )


def any_difference(one: DifferenceMaps, adjustment: Adjustment) -> Estimate:
    """Whether the classes of a task differ anywhere in its network's maps: the largest |t|."""
    test = one.difference
    return Estimate(
        "largest_t", one.largest_t, one.subjects, adjustment, None, None, test.p,
        "labels shuffled within age bands", test.low, test.high, test.smallest_effect,
    )  # fmt: skip


def same_image(
    reference: NDArray[np.float32], attribute: NDArray[np.float32], groups: NDArray[np.intp],
    subject: NDArray[np.intp], weights: NDArray[np.uint8], permutations: int, seed: int,
    adjustment: Adjustment,
) -> Estimate:  # fmt: skip
    """Mean r of the two networks' maps of the same image, against patients shuffled in one.

    The `unit_maps` (n, cells) are of the same images, one for each patient. The null keeps what all
    chests share and what a group does: patients are exchanged within `groups` (n,) (Weinstein 2021,
    SPICE, doi 10.1016/j.neuroimage.2021.118563). Images without variation in a map are left out.
    """
    name = "pearson_per_image"
    varies = reference.any(axis=1) & attribute.any(axis=1)
    a, b, groups, subject = reference[varies], attribute[varies], groups[varies], subject[varies]
    if len(a) < 2:
        return Estimate(name, np.nan, len(a), adjustment, reason="no image with two maps")
    each = np.einsum("nc,nc->n", a, b).astype(np.float64)
    shuffles = GroupShuffles(groups, (seed, 0x54A6))
    shuffled = paired_products(a, b, shuffles, permutations) / len(a)
    resampled = np.concatenate([weighted_mean(each, w) for w in image_weights(weights, subject)])
    value = float(each.mean())
    low, high, _ = correlation_interval(value, resampled)
    test = null_test(value, shuffled)
    return Estimate(
        name, value, len(a), adjustment, low, high, test.p, "shuffled patients", test.low,
        test.high, test.smallest_effect, resampled=resampled,
    )  # fmt: skip
