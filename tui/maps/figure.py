"""What every figure of maps consists of: panels with titles and scales, and a caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tui.maps.data import OWN_STRATA, UNIT, Area, MeanHeatmaps, MeanMap, Quantity
from tui.maps.map_texts import area_text, level_text
from tui.maps.overlay import Scaling

if TYPE_CHECKING:
    from tui.maps.overlay import Floats, Image

Tone = Literal["", "bold", "dim", "warn"]
TonedLine = tuple[Tone, str]

NAMES: dict[Quantity, str] = {
    "contrast": "contrast", "mean": "mean", "sd": "SD over images",
}  # fmt: skip


@dataclass(frozen=True)
class DisplayOptions:
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
class Panel:
    """A picture with lines above it and, unless all panels share one, a scale below it."""

    lines: tuple[TonedLine, ...]
    image: Image
    scale: Scale | None = None


@dataclass(frozen=True)
class HeatmapFigure:
    """Panels, a caption, perhaps a scale they share, and the name of the exported file.

    `title` heads the export, where the caption does not name it.
    """

    title: str
    panels: tuple[Panel, ...]
    caption: tuple[TonedLine, ...] = ()
    scale: Scale | None = None
    name: str = "heatmaps"
    patient_level: bool = False


def panel(
    heat: MeanHeatmaps, values: Floats | None, limit: float, options: DisplayOptions, side: int,
    lines: Sequence[TonedLine], *, scaled: bool = True,
) -> Panel:  # fmt: skip
    """A map over the mean radiograph; without `values` the radiograph alone."""
    from tui.maps.overlay import overlay

    image = overlay(
        values, heat.background, limit, options.opacity, signed=options.signed, side=side
    )  # fmt: skip
    scale = Scale(limit, options.signed) if scaled and values is not None else None
    return Panel(tuple(lines), image, scale)


def absence(heat: MeanHeatmaps, mean_map: MeanMap, quantity: Quantity) -> str:
    """Why a cell has no map to show; empty when it has one."""
    if mean_map.is_few:
        return "suppressed: fewer than 11 patients"
    if heat.values(mean_map, quantity) is not None:
        return ""
    if quantity == "contrast" and mean_map.stratum in OWN_STRATA:
        return "no contrast within one observed class or outcome"
    return "not shown: fewer than 11 patients" + (
        " in one of the groups" if quantity == "contrast" else ""
    )


def name_of(mean_map: MeanMap, *, with_model: bool) -> str:
    """Task, perhaps model, and the class whose logit is explained."""
    model = f"/{mean_map.model}" if with_model else ""
    return f"{mean_map.task}{model}: {mean_map.class_name}"


def area_line(area: Area) -> TonedLine:
    """The AUROC; a warning where the maps are not interpreted."""
    return ("warn", area_text(area)) if area.not_interpreted else ("", area_text(area))


def warning(model_key: tuple[str, str], area: Area) -> list[TonedLine]:
    """The warning for a model that does not predict above chance."""
    if not area.not_interpreted:
        return []
    return [("warn", f"⚠ {model_key[0]}: {area.not_interpreted}")]


def sides_text(heat: MeanHeatmaps, mean_map: MeanMap, quantity: Quantity) -> str:
    """The patients of the class and of all, where both counts may be shown."""
    if (
        quantity != "contrast"
        or mean_map.stratum != "all"
        or heat.values(mean_map, quantity) is None
    ):
        return ""
    key = "\t".join((*mean_map.model_key, mean_map.class_name, "true_class", mean_map.class_name))
    own = heat.by_key.get(key)
    if own is None or own.is_few or own.key in heat.counts_to_hide:
        return ""
    return f"{own.subjects:,} of {mean_map.subjects:,} patients {mean_map.class_name}"


def scaling_text(options: DisplayOptions, common: str) -> str:
    what = f"shared by {common}" if options.scaling == "common maximum" else options.scaling
    return f"scale: {what}; opacity {options.opacity:.0%}"


def file_name(*parts: str) -> str:
    """The name of an exported file, of letters, digits, dashes and dots alone."""
    text = "-".join(parts)
    return "".join(c if c.isascii() and (c.isalnum() or c in "-._") else "-" for c in text)


def subtitle(mean_map: MeanMap, quantity: Quantity) -> str:
    return f"{NAMES[quantity]}, {level_text(mean_map.stratum, mean_map.level)}"
