"""What every view of maps consists of: pictures with titles and scales, and lines of facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tui.maps.data import OWN_STRATA, UNIT, Area, Cell, Heatmaps, Quantity, area_text, level_text
from tui.maps.overlay import Scaling

if TYPE_CHECKING:
    from tui.maps.overlay import Floats, Image

Tone = Literal["", "bold", "dim", "warn"]
Line = tuple[Tone, str]

NAMES: dict[Quantity, str] = {
    "contrast": "contrast", "mean": "mean", "sd": "SD over images",
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How maps are drawn. `opacity` is that of the strongest evidence, 0 to 1."""

    quantity: Quantity = "contrast"
    scaling: Scaling = "own maximum"
    opacity: float = 0.7

    @property
    def signed(self) -> bool:
        return self.quantity != "sd"


@dataclass(frozen=True)
class Scale:
    """The colours' range: −limit to limit when `signed`, else from 0."""

    limit: float
    signed: bool
    unit: str = UNIT

    @property
    def ends(self) -> tuple[str, str]:
        high = f"{self.limit:.2f}" if self.limit >= 0.1 else f"{self.limit:.2g}"
        return (f"−{high}" if self.signed else "0"), high


@dataclass(frozen=True)
class Tile:
    """A picture with lines above it and, unless all tiles share one, a scale below it."""

    lines: tuple[Line, ...]
    image: Image
    scale: Scale | None = None


@dataclass(frozen=True)
class Painting:
    """A view: tiles, facts about them, perhaps a scale they share, and the name of its export.

    `title` heads the export, where the facts do not name the view.
    """

    title: str
    tiles: tuple[Tile, ...]
    facts: tuple[Line, ...] = ()
    scale: Scale | None = None
    name: str = "heatmaps"
    patient_level: bool = False


def tile(
    heat: Heatmaps, values: Floats | None, limit: float, look: Look, side: int,
    lines: Sequence[Line], *, scaled: bool = True,
) -> Tile:  # fmt: skip
    """A map over the mean radiograph; without `values` the radiograph alone."""
    from tui.maps.overlay import overlay

    image = overlay(
        values, heat.background, limit, look.opacity, signed=look.signed, side=side
    )  # fmt: skip
    scale = Scale(limit, look.signed) if scaled and values is not None else None
    return Tile(tuple(lines), image, scale)


def absence(heat: Heatmaps, cell: Cell, quantity: Quantity) -> str:
    """Why a cell has no map to show; empty when it has one."""
    if cell.is_few:
        return "hidden: fewer than 11 subjects"
    if heat.values(cell, quantity) is not None:
        return ""
    if quantity == "contrast" and cell.stratum in OWN_STRATA:
        return "no contrast within one true class or outcome"
    return "not shown: fewer than 11 subjects" + (" on a side" if quantity == "contrast" else "")


def name_of(cell: Cell, *, with_model: bool) -> str:
    """Task, perhaps model, and the class whose logit is explained."""
    model = f"/{cell.model}" if with_model else ""
    return f"{cell.task}{model}: {cell.class_name}"


def area_line(area: Area) -> Line:
    """The AUROC, or the warning that the maps are not read."""
    return ("warn", area_text(area)) if area.unread else ("", area_text(area))


def warning(network: tuple[str, str], area: Area) -> list[Line]:
    """What a reader must know of a network that cannot tell its classes apart."""
    if not area.unread:
        return []
    text = "the network cannot be shown to tell the classes apart"
    return [("warn", f"⚠ {network[0]} {area.unread}; {text}")]


def sides_text(heat: Heatmaps, cell: Cell, quantity: Quantity) -> str:
    """The subjects on the two sides of a contrast, where both may be told."""
    if quantity != "contrast" or cell.stratum != "all" or heat.values(cell, quantity) is None:
        return ""
    key = "\t".join((*cell.network, cell.class_name, "true_class", cell.class_name))
    own = heat.by_key.get(key)
    if own is None or own.is_few or own.key in heat.counts_to_hide:
        return ""
    return f"{own.subjects:,} of {cell.subjects:,} subjects truly {cell.class_name}"


def scaling_text(look: Look, common: str) -> str:
    what = f"common to {common}" if look.scaling == "common maximum" else look.scaling
    return f"scale: {what}; opacity {look.opacity:.0%}"


def file_name(*parts: str) -> str:
    """The name of an exported file, of letters, digits, dashes and dots alone."""
    text = "-".join(parts)
    return "".join(c if c.isascii() and (c.isalnum() or c in "-._") else "-" for c in text)


def subtitle(cell: Cell, quantity: Quantity) -> str:
    return f"{NAMES[quantity]}, {level_text(cell.stratum, cell.level)}"
