"""Numbers, intervals and strata as text."""

from __future__ import annotations

NONE = "–"


def number(value: float | None, digits: int = 3) -> str:
    """A number with fixed decimals and a true minus; a dash when there is none."""
    return NONE if value is None else f"{value:z.{digits}f}".replace("-", "−")


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """Low to high, with "to" where the dash could be taken for a minus."""
    if low is None or high is None:
        return "no interval"
    joint = " to " if low < 0 else "–"
    return f"{number(low, digits)}{joint}{number(high, digits)}"


def p_text(p: float) -> str:
    """A p value."""
    return "p < 0.001" if p < 0.001 else f"p {number(p)}"


def holm(p: float) -> str:
    """A p after Holm's correction."""
    return f"Holm {p_text(p)}"


def level_text(stratum: str, level: str) -> str:
    """A stratum and its level, briefly."""
    name = level.replace("_", " ")
    if stratum == "all":
        return "all images"
    texts = {"true_class": f"observed: {name}", "outcome": name, "view": name,
             "age_band": f"age {name}"}  # fmt: skip
    return texts.get(stratum, f"{stratum.replace('_', ' ')} {name}")


def brief_unit(unit: str) -> str:
    """A unit without the method, and without what it is counted by: `logit`."""
    return unit.partition(" (")[0].partition(" per ")[0]
