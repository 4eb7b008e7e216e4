from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from cxrcore.covariates import design


def test_portable_is_a_covariate_where_it_is_a_label_and_not_where_it_is_compared() -> None:
    images = pl.DataFrame({"age": [40.0, 50, 60, 70], "view": ["AP", "AP", "PA", "PA"]})
    known = images.with_columns(label_portable=pl.Series(["yes", "no", "no", "no"]))
    assert design(known).shape[1] == design(images).shape[1] + 1
    np.testing.assert_array_equal(design(known, ["label_portable"]), design(images))


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([None, 18, 40, 55, 90, 91]), min_size=1, max_size=30),
    st.integers(0, 60),
    st.integers(0, 8),
)
def test_a_spline_of_heavily_tied_ages_is_finite_and_keeps_a_linear_age(
    ages: list[int | None], of_91: int, spread: int
) -> None:
    every = [*ages, *[91] * of_91, *range(20, 20 + spread)]
    x = design(pl.DataFrame({"age": pl.Series(every, dtype=pl.Float64)}))
    assert np.isfinite(x).all()
    age = np.array([np.nan if a is None else a for a in every], float)
    known = ~np.isnan(age)
    if known.any():
        line = np.where(known, age, np.median(age[known]))
        fit = x @ np.linalg.lstsq(x, line, rcond=None)[0]
        np.testing.assert_allclose(fit, line, atol=1e-6)
