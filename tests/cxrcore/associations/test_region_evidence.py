from __future__ import annotations

import numpy as np
import pytest
from marked_maps import SIDE, drawn, of

from cxrcore.associations.region_evidence import region_boxes, region_cells, region_shares
from data_contracts.attributions import LUNG_FRAME
from data_contracts.region_evidence import REGIONS


@pytest.mark.parametrize("grid", [(7, 7), (5, 9), (14, 13)])
def test_every_cell_belongs_to_the_regions_once(grid: tuple[int, int]) -> None:
    cells = region_cells(grid)
    assert cells.shape == (len(REGIONS), grid[0] * grid[1])
    assert (cells >= 0).all()
    np.testing.assert_allclose(cells.sum(axis=0), 1)


def test_a_regions_share_of_the_frame_is_its_area_on_every_grid() -> None:
    boxes = region_boxes()
    assert tuple(boxes) == REGIONS
    area = [sum((b - t) * (r - le) for t, le, b, r in boxes[name]) for name in REGIONS]
    for grid in ((7, 7), (14, 13)):
        np.testing.assert_allclose(region_cells(grid).mean(axis=1), area)


def test_zones_are_thirds_of_the_lungs_and_the_patients_right_is_at_the_left() -> None:
    boxes = region_boxes()
    (upper,), (lower,) = boxes["right upper zone"], boxes["left lower zone"]
    assert upper[:2] == LUNG_FRAME[:2]
    assert lower[2:] == pytest.approx(LUNG_FRAME[2:])
    height, width = LUNG_FRAME[2] - LUNG_FRAME[0], LUNG_FRAME[3] - LUNG_FRAME[1]
    assert upper[2] - upper[0] == pytest.approx(height / 3)
    assert upper[3] - upper[1] == pytest.approx(3 / 8 * width)
    ((_, start, _, end),) = boxes["mediastinum"]
    assert end - start == pytest.approx(width / 4)


def test_shares_of_a_sign_are_not_pulled_to_where_only_noise_is() -> None:
    # The mark lies in one of 25 cells.
    truth = region_cells((SIDE, SIDE))[:, SIDE + 1]
    found = np.array([
        region_shares(of(*drawn(seed, effect=1.0), replicates=100, permutations=2), (SIDE, SIDE))
        for seed in range(12)
    ])  # fmt: skip
    shares, low, high = found.transpose(2, 0, 1)
    np.testing.assert_allclose(shares.mean(axis=0), truth, atol=0.06)
    # Intervals of the root of the power hold two thirds.
    assert ((low <= truth) & (truth <= high)).mean() > 0.9


def test_of_noise_there_are_no_shares() -> None:
    noise = [of(*drawn(seed, effect=0.0), replicates=100, permutations=2) for seed in range(8)]
    assert not any(region_shares(one, (SIDE, SIDE)) for one in noise)
