from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tiny import tiny_cohort

from cxrcore.cohort import characteristics
from cxrcore.standardised_differences import of_shares, of_values
from data_contracts.cohort import DIFFERENCE
from data_contracts.disclosure.cohort import disclosed_characteristics


def test_values_are_apart_in_units_of_their_mean_spread() -> None:
    first, second = np.array([1.0, 2.0, 3.0]), np.array([3.0, 5.0, 7.0])
    assert of_values(first, second) == pytest.approx(-3 / np.sqrt((1 + 4) / 2))
    assert of_values(10 * first + 3, 10 * second + 3) == pytest.approx(of_values(first, second))
    assert np.isnan(of_values(first, np.array([1.0])))
    assert np.isnan(of_values(np.ones(3), np.ones(3)))


def test_shares_of_two_categories_are_apart_as_two_proportions() -> None:
    p, q = 0.3, 0.5
    want = abs(p - q) / np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    assert of_shares(np.array([70, 30]), np.array([50, 50])) == pytest.approx(want)


def test_the_order_of_categories_and_groups_and_empty_ones_change_nothing() -> None:
    first, second = np.array([10.0, 20, 70]), np.array([30.0, 30, 40])
    apart = of_shares(first, second)
    assert apart > 0
    assert of_shares(second, first) == pytest.approx(apart)
    assert of_shares(first[[2, 0, 1]], second[[2, 0, 1]]) == pytest.approx(apart)
    assert of_shares(np.append(first, 0), np.append(second, 0)) == pytest.approx(apart)
    assert of_shares(first, 5 * first) == pytest.approx(0, abs=1e-9)
    assert np.isnan(of_shares(first, 0 * first))
    assert np.isnan(of_shares(np.array([5.0, 0]), np.array([7.0, 0])))


def test_table_one_has_them_for_validation_and_test_unless_a_level_is_hidden() -> None:
    cohort = tiny_cohort(200)
    table = characteristics(cohort)
    apart = table.filter(level=DIFFERENCE)
    assert set(apart.filter(pl.col("value").is_not_null())["split"]) == {"val", "test"}
    assert {"age", "view", "mortality"} <= set(apart["variable"])
    ages = [cohort.filter(split=s)["age"].to_numpy().astype(float) for s in ("test", "train")]
    found = apart.filter(variable="age", split="test")["value"].item()
    assert found == pytest.approx(of_values(*ages))
    # Of few train patients the mean age would follow from that of test and the difference.
    few = pl.concat(
        [cohort.filter(split="train").head(5), cohort.filter(pl.col("split") != "train")]
    )
    shown = disclosed_characteristics(characteristics(few), 11).filter(level=DIFFERENCE)
    assert shown.filter(variable="age", split="test")["value"].item() is None
    hidden = disclosed_characteristics(table, 1000)
    assert hidden.filter(level=DIFFERENCE)["value"].null_count() == apart.height
