"""Axes of plots: ticks equally many cells apart, and all values between the limits."""

from __future__ import annotations

import re
from itertools import pairwise
from math import ceil, floor
from pathlib import Path

from dashboards import opened, screen_text, see, write_run
from hypothesis import given
from hypothesis import strategies as st

from tui.shared.axes import auroc_limits, even_axis, limits_of
from tui.shared.curve_plot import CurvePlot

COUNTS = st.floats(-1e4, 1e4)


@given(low=COUNTS, length=st.floats(1e-3, 1e4), cells=st.integers(4, 200), apart=st.integers(2, 8))
def test_ticks_fall_on_cells_as_many_apart(
    low: float, length: float, cells: int, apart: int
) -> None:
    axis = even_axis((low, low + length), cells, apart)
    per_cell = (axis.high - axis.low) / cells
    assert axis.low <= low + 1e-6 * length
    assert axis.high >= low + length - 1e-3 * length
    # As the plot maps them: the first column, and the last row, are those of the lower limit.
    columns = [floor((tick - axis.low) / per_cell) for tick in axis.ticks]
    rows = [ceil(cells - (tick - axis.low) / per_cell) for tick in axis.ticks]
    for places in (columns, rows):
        assert len({abs(b - a) for a, b in pairwise(places)}) <= 1
        assert all(abs(b - a) >= apart for a, b in pairwise(places))


def test_limits_hug_the_values_but_not_noise() -> None:
    assert limits_of([0.70, 0.80]) == (0.695, 0.805)
    low, high = limits_of([0.70, 0.71], least=0.1)
    assert (round(low, 3), round(high, 3)) == (0.655, 0.755)
    assert limits_of([0.0, 1.0])[0] == 0.0
    assert auroc_limits([0.98, 1.0])[1] == 1.0


def test_the_last_epoch_has_a_tick() -> None:
    for cells in range(20, 80):
        axis = even_axis((1, 4), cells, 4, whole=True)
        assert axis.ticks[-1] == 4 < axis.high


async def test_curves_have_even_ticks_and_show_what_differs(tmp_path: Path) -> None:
    epochs = [
        {"event": "metric", "epoch": e, "val_loss": 1 / e, "val_auroc": 0.8 + 0.01 * e}
        for e in range(1, 8)
    ]
    write_run(tmp_path, 1, events=epochs)
    async with opened(tmp_path, (80, 24), page="jobs") as pilot:
        await see(pilot, "v")
        await pilot.pause()
        lines = screen_text(pilot).splitlines()
    for half in (slice(0, 40), slice(40, 80)):
        ticked = [i for i, line in enumerate(lines) if re.match(r" *[\d.]+ ┫", line[half])]
        assert len({b - a for a, b in pairwise(ticked)}) == 1, "\n".join(lines)
    assert "0.50 ┫" not in "\n".join(lines)
    (axis,) = (line for line in lines if line.count("┳") > 2)
    for plot in (axis[:40], axis[40:]):
        places = [match.start() for match in re.finditer("┳", plot)]
        assert len({b - a for a, b in pairwise(places)}) == 1


async def test_the_mouse_tells_the_values_of_a_plot(tmp_path: Path) -> None:
    epochs = [{"event": "metric", "epoch": e, "val_auroc": 0.8 + 0.01 * e} for e in range(1, 8)]
    write_run(tmp_path, 1, events=epochs)
    async with opened(tmp_path, (80, 24), page="jobs") as pilot:
        await see(pilot, "v")
        await pilot.pause()
        plot = pilot.app.screen.query_one("#auroc", CurvePlot)
        lines = screen_text(pilot).splitlines()
        ticks = next(line for line in lines if line.count("┳") > 2)
        number = lines[lines.index(ticks) + 1].index("7", plot.region.x + 20)
        await pilot.hover(plot, offset=(number - plot.region.x, 5))
        await pilot.pause()
        assert "7:  ━ 0.870" in screen_text(pilot)
        await pilot.hover("StatusHeader")
        await pilot.pause()
        assert "validation AUROC by epoch" in screen_text(pilot)
