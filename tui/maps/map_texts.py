"""Strata, numbers and intervals of maps as text."""

from __future__ import annotations

from tui.maps.data import Area


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


def area_text(area: Area) -> str:
    if area.value is None:
        return "AUROC unknown"
    return f"AUROC {number(area.value)} ({interval(area.low, area.high)})"
