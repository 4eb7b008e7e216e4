"""What every figure of maps consists of: panels with titles and scales, and a caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_contracts.disclosure import SUPPRESSED, explanation
from tui.heatmaps.data import OWN_STRATA, Area, MeanHeatmaps, MeanMap, Quantity
from tui.heatmaps.overlay import Scaling
from tui.heatmaps.texts import area_text
from tui.shared.numbers import level_text
from tui.shared.panel import Panel, Scale
from tui.shared.readout import MapValues
from tui.shared.toned import TonedLine

if TYPE_CHECKING:
    from tui.heatmaps.overlay import Floats

NAMES: dict[Quantity, str] = {
    "class_difference": "class difference", "mean": "mean", "sd": "SD over images",
}  # fmt: skip


@dataclass(frozen=True)
class DisplayOptions:
    """How maps are drawn. `opacity` is that of the strongest evidence, 0 to 1.

    From 0.75 on the strongest evidence over a lung is brighter than weaker evidence over the spine.
    """

    quantity: Quantity = "class_difference"
    scaling: Scaling = "own maximum"
    opacity: float = 0.8

    @property
    def signed(self) -> bool:
        return self.quantity != "sd"


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
    lines: Sequence[TonedLine], unit: str = "", *, scaled: bool = True,
) -> Panel:  # fmt: skip
    """A map in `unit` over the mean radiograph; without `values` the radiograph alone."""
    from tui.heatmaps.overlay import overlay

    image = overlay(
        values, heat.background, limit, options.opacity, signed=options.signed, side=side
    )  # fmt: skip
    scale = Scale(limit, options.signed, unit) if scaled and values is not None else None
    readout = None if values is None else MapValues(values, limit, unit)
    return Panel(tuple(lines), image, scale, readout)


def absence(heat: MeanHeatmaps, mean_map: MeanMap, quantity: Quantity) -> str:
    """Why a cell has no map to show; empty when it has one."""
    if mean_map.suppressed:
        return f"map: {SUPPRESSED}"
    if heat.values(mean_map, quantity) is not None:
        return ""
    if quantity == "class_difference" and mean_map.stratum in OWN_STRATA:
        return "no class difference within one observed class or outcome"
    return "no map: a class is missing" + (f", or {SUPPRESSED}" if heat.least else "")


def name_of(mean_map: MeanMap, *, with_model: bool) -> str:
    """Task, perhaps model, and the class whose logit is explained."""
    model = f"/{mean_map.model}" if with_model else ""
    return f"{mean_map.task}{model}: {mean_map.class_name}"


def area_line(area: Area) -> TonedLine:
    """The AUROC; in the tone of a warning where the maps are not interpreted."""
    return ("warn", area_text(area)) if area.reason else ("", area_text(area))


def warning(model_key: tuple[str, str], area: Area) -> list[TonedLine]:
    """The warning for a model whose maps may not be interpreted."""
    if not area.reason:
        return []
    return [("warn", f"⚠ maps of {'/'.join(model_key)} not interpreted: {area.reason}")]


def explained(heat: MeanHeatmaps, *texts: str) -> list[TonedLine]:
    """What `n/d` means, where any of the texts of a figure says so."""
    return [("dim", explanation(heat.least))] if any(SUPPRESSED in t for t in texts) else []


def sides_text(heat: MeanHeatmaps, mean_map: MeanMap, quantity: Quantity) -> str:
    """The patients of the class and of all, where both counts may be shown."""
    if (
        quantity != "class_difference"
        or mean_map.stratum != "all"
        or heat.values(mean_map, quantity) is None
    ):
        return ""
    key = "\t".join((*mean_map.model_key, mean_map.class_name, "true_class", mean_map.class_name))
    own = heat.by_key.get(key)
    if own is None or own.suppressed:
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
