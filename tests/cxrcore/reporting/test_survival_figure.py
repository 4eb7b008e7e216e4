from __future__ import annotations

import polars as pl

from cxrcore.associations.survival_curves import DAYS
from cxrcore.reporting.survival_figure import survival_figure
from data_contracts.summary import CURVES


def curves(**points: list[int]) -> pl.DataFrame:
    """Survival by quarter at some points of the grid, 90 patients less one each day of it."""
    example = pl.DataFrame(CURVES.example())
    rows = [
        example.row(0, named=True)
        | {"class": f"quarter {name[1:]}", "curve": "survival", "point": p, "x": DAYS[p]}
        | {"y": 1 - p / 90, "low": None, "high": None, "at_risk": 90 - p}
        for name, of_quarter in points.items() for p in of_quarter
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=example.schema)


def test_a_curve_for_each_quarter_and_the_patients_at_risk_below() -> None:
    figure = survival_figure(curves(q1=list(range(len(DAYS))), q4=[0, 36, 73]))
    assert figure is not None
    above, below = figure.axes
    whole, part = above.lines
    assert (whole.get_drawstyle(), part.get_drawstyle()) == ("steps-post", "default")
    assert [text.get_text() for text in below.texts] == [
        "90", "72", "54", "36", "17", "90", "n/d", "54", "n/d", "17",
    ]  # fmt: skip


def test_no_figure_without_a_survival_curve() -> None:
    assert survival_figure(pl.DataFrame(CURVES.example())) is None
