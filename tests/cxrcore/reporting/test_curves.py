"""ROC, precision-recall and calibration curves of the report."""

from __future__ import annotations

import numpy as np
import polars as pl

from cxrcore.reporting import figures
from data_contracts.summary import CURVES


def test_curves_stand_beside_chance_and_an_empty_panel_says_why() -> None:
    example = pl.DataFrame(CURVES.example())
    changes = {"task": "mortality", "split": "test", "curve": "precision_recall"}
    curve = example.head(1).with_columns(
        pl.lit(value, example.schema[name]).alias(name) for name, value in changes.items()
    )
    figure = figures.precision_recall_figure(curve, {"mortality": 0.3}, ["mortality", "gender"])
    full, empty = figure.axes[:2]
    assert any(np.allclose(np.asarray(line.get_ydata()), 0.3) for line in full.lines)
    assert empty.texts[0].get_text().startswith("no curve:")
    (axis,) = figures.calibration_figure(curve, ["mortality"]).axes
    assert axis.texts[0].get_text().startswith("no curve:")
