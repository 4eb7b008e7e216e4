"""Rows of CURVES for survival: what they are equal to, and what is left out of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from networks import inputs_of, model

from cxrcore.associations.inputs import Inputs
from cxrcore.associations.survival_curves import DAYS, survival_curves
from data_contracts.disclosure import is_small
from data_contracts.disclosure.subgroups import Disclosure

LEAST = 11


def inputs(n: int = 400, seed: int = 0, yearly: float = 1.0) -> Inputs:
    """Patients of whom those with high log-odds die sooner; `yearly`: deaths by a year's end."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(size=n)
    days = np.ceil(rng.exponential(300 * np.exp(-odds)) / yearly).astype(int)
    dead, names = days < 365, [f"s{i:03d}" for i in range(n)]
    predictions = pl.DataFrame({
        "image_id": names, "subject_id": names, "split": ["test"] * n, "target": dead.astype(int),
        "labels": [None] * n, "value": [None] * n, "logits": np.stack([-odds, odds], 1).tolist(),
    })  # fmt: skip
    cohort = pl.DataFrame({
        "image_id": names, "subject_id": names, "age": [60.0] * n,
        "days_to_death": [int(d) if x else None for d, x in zip(days, dead, strict=True)],
        "follow_up_days": np.where(dead, days, 400),
    })  # fmt: skip
    of_model = replace(model("mortality"), predictions=predictions)
    return replace(inputs_of([of_model]), cohort=cohort, names=pl.Series(names))


def curves(given: Inputs, least: int = 0, hidden: Any = ()) -> pl.DataFrame:
    return pl.DataFrame(list(survival_curves(given, Disclosure(least, set(hidden), set()))))


def test_without_lost_patients_survival_is_the_share_still_at_risk() -> None:
    found = curves(inputs())
    assert found.height == 4 * len(DAYS)
    for group in found.partition_by("class"):
        share = group["at_risk"] / group["at_risk"][0]
        assert group["y"].to_list() == pytest.approx(share.to_list())
    ends = found.filter(x=365.0).sort("class")["y"].to_list()
    assert ends == sorted(ends, reverse=True)


def test_points_between_which_few_die_are_left_out() -> None:
    found = curves(inputs(), LEAST)
    assert 0 < found.height < 4 * len(DAYS)
    for group in found.partition_by("class"):
        steps = -group["at_risk"].diff().drop_nulls()
        assert not any(is_small(n, LEAST) for n in steps)
        assert (group["x"][0], group["x"][-1]) == (0, 365)


def test_a_quarter_with_few_deaths_goes_with_another() -> None:
    few = inputs(yearly=0.03)
    of_all = curves(few).filter(x=365.0)["at_risk"]
    assert any(is_small(100 - n, LEAST) for n in of_all)
    shown = curves(few, LEAST)
    assert not shown.height or shown["class"].n_unique() <= 2


def test_no_curve_without_follow_up_a_network_or_leave_to_show_the_split() -> None:
    given = inputs()
    blank = given.cohort.with_columns(follow_up_days=pl.lit(None, pl.Int64))
    assert not curves(replace(given, cohort=blank)).height
    assert not curves(replace(given, reference="gender")).height
    assert not curves(given, LEAST, [("mortality", "main", "test", "all", "all")]).height
