"""What an association is adjusted for: age, sex, view and portable, as columns of a regression."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data_contracts.cohort import LABEL_PREFIX

Floats = NDArray[np.float64]

#: Columns of the cohort; what a cohort lacks, or has one level of, is left out.
CATEGORIES = ("view", f"{LABEL_PREFIX}gender", f"{LABEL_PREFIX}portable")
_KNOTS = 4


def design(images: pl.DataFrame, leave_out: Collection[str] = ()) -> Floats:
    """Regressors (n, q) of rows of the cohort: an intercept, a cubic spline of age, indicators.

    `leave_out` names columns that are no covariate here, as `label_gender` where gender is the
    attribute. An unknown age counts as the median beside an indicator, an unknown category is a
    category. The spline has knots at the ends and the tertiles of age (Harrell 2015, sec. 2.4), so
    that an outcome that bends with age leaves little behind.
    """
    columns = [np.ones(images.height)]
    if "age" in images.columns and "age" not in leave_out:
        columns += _age_columns(images["age"])
    for name in CATEGORIES:
        if name in images.columns and name not in leave_out:
            text = images[name].cast(pl.String).fill_null("unknown")
            levels = text.unique().sort().to_list()
            columns += [(text == level).to_numpy().astype(np.float64) for level in levels[1:]]
    return np.stack(columns, axis=1)


def _age_columns(ages: pl.Series) -> list[Floats]:
    from sklearn.preprocessing import SplineTransformer

    age = ages.cast(pl.Float64).to_numpy()
    known = np.isfinite(age)
    if not known.any():
        return []
    middle = float(np.median(age[known]))
    filled = np.where(known, age, middle)
    unknown = [] if known.all() else [(~known).astype(np.float64)]
    if len(np.unique(filled)) <= _KNOTS:
        return [*unknown, filled - middle] if filled.std() else unknown
    # Where a third of the patients share an age, two knots would be one.
    knots = np.unique(np.quantile(filled, np.linspace(0, 1, _KNOTS)))[:, None]
    spline = SplineTransformer(degree=3, knots=knots, include_bias=False)
    basis = spline.fit_transform(filled[:, None])
    return [*unknown, *basis.T[np.ptp(basis, axis=0) > 0]]


def residuals(values: Floats, regressors: Floats) -> Floats:
    """What a least-squares fit of `values` (n, ...) on `regressors` (n, q) leaves over."""
    return residual_maker(regressors)(values)


def residual_maker(regressors: Floats) -> Callable[[Floats], Floats]:
    """`residuals` on the same regressors (n, q), for many values: these are decomposed once."""
    left, size, _ = np.linalg.svd(regressors, full_matrices=False)
    basis = left[:, size > size.max(initial=0) * max(regressors.shape) * np.finfo(float).eps]

    def residuals_of(values: Floats) -> Floats:
        flat = values.reshape(len(values), -1)
        return np.asarray((flat - basis @ (basis.T @ flat)).reshape(values.shape))

    return residuals_of
