from __future__ import annotations

import numpy as np
import pytest
from scipy.stats.contingency import association as scipy_association

from cxrcore.associations.label import cramers_v, label_tables
from cxrcore.evaluation import bootstrap


def test_cramers_v_equals_bergsmas_formula() -> None:
    table = np.array([[30.0, 10, 5], [12, 25, 18]])
    n = table.sum()
    v = scipy_association(table.astype(int), method="cramer")
    phi = v**2 * 1 - 2 / (n - 1)
    rows, columns = 2 - 1 / (n - 1), 3 - 4 / (n - 1)
    want = np.sqrt(phi / (min(rows, columns) - 1))
    assert cramers_v(table[None])[0] == pytest.approx(want)
    assert np.isnan(cramers_v(np.array([[[5.0, 5.0], [0.0, 0.0]]]))[0])


def test_cramers_v_of_independent_labels_has_intervals_from_zero() -> None:
    reach_zero = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        a, b = rng.integers(0, 2, 300), rng.integers(0, 3, 300)
        weights = bootstrap.patient_weights(300, 200, seed, "cohort")
        tables = label_tables(a, b, (2, 3), weights, np.arange(300))
        low, _, _ = bootstrap.percentile_interval(cramers_v(tables, corrections=2))
        reach_zero += low == 0
    assert reach_zero >= 36


def test_every_patient_counts_once_in_label_tables() -> None:
    subject = np.array([0, 0, 0, 1])
    tables = label_tables(
        np.array([0, 0, 0, 1]),
        np.array([0, 0, 1, 1]),
        (2, 2),
        np.array([[1, 1], [2, 0]], np.uint8),
        subject,
    )
    np.testing.assert_allclose(tables[0], np.array([[2 / 3, 1 / 3], [0, 1]]))
    np.testing.assert_allclose(tables[1], np.array([[4 / 3, 2 / 3], [0, 0]]))
