"""Strata, numbers and intervals of maps as text."""

from __future__ import annotations

from collections.abc import Iterable

from data_contracts import titles
from data_contracts.disclosure import SUPPRESSED
from tui.maps.data import Area, MeanMap

_METHODS = {"gradcam": "Grad-CAM", "layercam": "LayerCAM"}


def level_text(stratum: str, level: str) -> str:
    """A stratum and its level, briefly."""
    name = level.replace("_", " ")
    if stratum == "all":
        return "all images"
    texts = {"true_class": f"observed: {name}", "outcome": name, "view": name,
             "age_band": f"age {name}"}  # fmt: skip
    return texts.get(stratum, f"{stratum.replace('_', ' ')} {name}")


def number(value: float) -> str:
    """Three decimals, with a true minus."""
    return f"{value:.3f}".replace("-", "−")


def interval(low: float | None, high: float | None) -> str:
    """An interval, with a dash only where it cannot be taken for a minus."""
    if low is None or high is None:
        return "no interval"
    return f"{number(low)} to {number(high)}" if low < 0 else f"{number(low)}–{number(high)}"


def holm(p: float) -> str:
    """A p after Holm's correction."""
    return "Holm p < 0.001" if p < 0.001 else f"Holm p {number(p)}"


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
