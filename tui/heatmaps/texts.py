"""AUROCs and units of maps as text."""

from __future__ import annotations

from collections.abc import Iterable

from data_contracts import titles
from data_contracts.disclosure import SUPPRESSED
from tui.heatmaps.data import Area, MeanMap
from tui.shared.numbers import interval, number

_METHODS = {"gradcam": "Grad-CAM", "layercam": "LayerCAM"}


def area_text(area: Area) -> str:
    title = titles.metric(area.metric)
    if area.suppressed:
        return f"{title} {SUPPRESSED}"
    if area.value is None:
        return f"{title} unknown"
    return f"{title} {number(area.value)} ({interval(area.low, area.high)})"


def unit_of(mean_maps: Iterable[MeanMap]) -> str:
    """The unit of maps that share a scale, and the method that gave them."""
    units = {unit_text(m.unit, m.method) for m in mean_maps}
    return units.pop() if len(units) == 1 else ""


def unit_text(unit: str, method: str) -> str:
    """A unit of maps, and the method that gave them."""
    return f"{unit} ({_METHODS.get(method, method)})"
