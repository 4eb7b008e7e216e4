"""Maps that have nothing to do with each other are told from those that lie in one place."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cxrcore.associations.spatial_nulls import (
    correlations,
    moran_basis,
    moran_correlations,
    placements,
    spatial_null_test,
)

SIDE = 7


def blob(row: float, column: float, width: float = 1.0) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.asarray(np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * width**2)).ravel())


def p_of(a: np.ndarray, b: np.ndarray, seed: int = 0, draws: int = 199) -> float:
    _, test = spatial_null_test(a, b, (SIDE, SIDE), draws, np.random.default_rng(seed))
    assert test.p is not None
    return test.p


def test_moran_eigenvectors_span_all_maps_of_mean_zero() -> None:
    basis = moran_basis((4, 6))
    assert basis.shape == (24, 23)
    np.testing.assert_allclose(basis.T @ basis, np.eye(23), atol=1e-10)
    np.testing.assert_allclose(basis.sum(axis=0), 0, atol=1e-10)


def test_surrogates_keep_the_autocorrelation_of_the_map() -> None:
    rng = np.random.default_rng(0)
    a = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 1).ravel()
    smooth, rough = (
        moran_correlations(a, b, (SIDE, SIDE), 2000, rng).std()
        for b in (gaussian_filter(rng.normal(size=(SIDE, SIDE)), 1).ravel(), rng.normal(size=49))
    )
    # Smooth maps rest on fewer independent cells, so chance gives larger correlations.
    assert smooth > 1.3 * rough


def test_it_does_not_matter_which_map_is_randomised() -> None:
    a, b = blob(4, 2), blob(3, 3, 1.5)
    both = [moran_correlations(*pair, (SIDE, SIDE), 99, np.random.default_rng(3))
            for pair in ((a, b), (b, a))]  # fmt: skip
    np.testing.assert_allclose(both[0], both[1])


def test_placements_put_the_peak_everywhere_in_the_chest() -> None:
    placed = placements(blob(5, 1), (SIDE, SIDE))
    peaks = np.stack(np.unravel_index(placed.argmax(axis=1), (SIDE, SIDE)), axis=1)
    assert len(placed) == 8 * 25
    assert np.unique(peaks, axis=0).tolist() == [[y, x] for y in range(1, 6) for x in range(1, 6)]
    assert placements(np.arange(12.0), (3, 4)).shape[1] == 12


@pytest.mark.parametrize("noise", [0.05, 0.15])
def test_evidence_in_one_place_is_found(noise: float) -> None:
    rng = np.random.default_rng(1)
    pairs = [
        [blob(*place) + noise * np.abs(rng.normal(size=49)) for _ in range(2)]
        for place in rng.uniform(1.5, 4.5, (20, 2))
    ]
    assert np.mean([p_of(a, b) < 0.05 / 3 for a, b in pairs]) > 0.6
    assert np.mean([p_of(a, b) < 0.05 for a, b in pairs]) >= 0.95


@pytest.mark.parametrize("kind", ["field", "magnitude", "blob"])
def test_unrelated_maps_are_found_alike_about_one_time_in_twenty(kind: str) -> None:
    rng = np.random.default_rng(2)

    def one() -> np.ndarray:
        if kind == "blob":
            return np.asarray(blob(*rng.uniform(1, 5, 2)) + 0.05 * np.abs(rng.normal(size=49)))
        field = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 1).ravel()
        return np.asarray(np.abs(field)) if kind == "magnitude" else field

    found = np.mean([p_of(one(), one()) < 0.05 for _ in range(200)])
    # 3 standard errors above 1 in 20.
    assert found <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_a_map_without_variation_has_no_p() -> None:
    _, test = spatial_null_test(np.ones(49), blob(3, 3), (SIDE, SIDE), 99, np.random.default_rng(0))
    assert test.p is None
    assert np.isnan(correlations(np.ones(49), blob(3, 3)[None])[0])
