"""The flow diagram says what the flow's table says."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from matplotlib.figure import Figure

from cxrcore.reporting.figures import style
from cxrcore.reporting.flow_figure import flow_figure
from data_contracts.cohort_description import COHORT_FLOW

ROWS = [
    ("cohort", "in the source", 120, 100, 0),
    ("cohort", "not a frontal view (AP or PA)", 90, 80, 30),
    ("cohort", "no study date or time", 90, 80, 0),
    ("cohort", "younger than 18 years, or of unknown age", 60, 55, 30),
    ("mortality", "study not in a stay", 20, 20, 20),
    ("mortality", "usable", 40, 35, 0),
    ("gender", "usable", 60, 55, 0),
]


def flow(rows: Sequence[tuple[str, str, int, int, int | None]]) -> pl.DataFrame:
    """COHORT_FLOW of scope, rule, images, patients and excluded images."""
    scope, rule, images, subjects, lost = zip(*rows, strict=True)
    columns = {
        "step": range(len(rows)), "scope": scope, "rule": rule, "images": images,
        "studies": images, "subjects": subjects, "excluded_images": lost,
    }  # fmt: skip
    return pl.DataFrame(columns, schema=pl.DataFrame(COHORT_FLOW.example()).schema)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_it_tells_what_was_left_and_what_took_images_and_nothing_else() -> None:
    assert texts(flow_figure(flow(ROWS))) == [
        "In the source", "120 images of 100 patients", "60 images excluded",
        "30  not a frontal view (AP or PA)", "30  younger than 18 years, or of unknown age",
        "Cohort", "60 images of 55 patients",
        "Label of mortality", "40 images of 35 patients", "20 images without a label",
        "20  study not in a stay",
        "Label of gender", "60 images of 55 patients",
    ]  # fmt: skip


def test_a_number_that_is_not_disclosed_does_not_follow_from_a_sum() -> None:
    hidden = [(*row[:4], None) if row[4] == 30 else row for row in ROWS]
    said = texts(flow_figure(flow(hidden)))
    assert said[2] == "n/d images excluded"
    assert said[3].startswith("n/d  not a frontal view")


def test_no_text_leaves_its_box() -> None:
    rule = "in the emergency department only, where insurance is not recorded " * 3
    rows = [*ROWS, ("insurance", rule, 10, 10, 10), ("insurance", "usable", 50, 45, 0)]
    with style():
        figure = flow_figure(flow(rows))
        figure.draw_without_rendering()
    boxes = [patch.get_window_extent() for patch in figure.axes[0].patches]
    for text in figure.axes[0].texts:
        at = text.get_window_extent()
        assert any(
            b.x0 <= at.x0 and at.x1 <= b.x1 and b.y0 <= at.y0 and at.y1 <= b.y1 for b in boxes
        ), text.get_text()
