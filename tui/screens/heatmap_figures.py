"""The figures of averaged maps: one map, two maps, all tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from data_contracts.cohort_description import SMALLEST_CELL
from tui.maps.data import MeanHeatmaps, MeanMap, SummaryData
from tui.maps.figure import (
    DisplayOptions,
    HeatmapFigure,
    Panel,
    Scale,
    TonedLine,
    absence,
    area_line,
    file_name,
    name_of,
    panel,
    scaling_text,
    sides_text,
    subtitle,
    warning,
)
from tui.maps.map_texts import interval, number
from tui.widgets.similarity import level_text_of, statistic_text

if TYPE_CHECKING:
    from tui.maps.overlay import Floats


def one_map(
    summary: SummaryData, mean_map: MeanMap, options: DisplayOptions, side: int
) -> HeatmapFigure:
    """One map, with all that must be known to read it."""
    heat, values = _of(summary), _of(summary).values(mean_map, options.quantity)
    scaled = heat.of_model[mean_map.model_key] if options.scaling == "common maximum" else []
    limit = _limits([values, *(heat.values(c, options.quantity) for c in scaled)], options)[0]
    sides, area = sides_text(heat, mean_map, options.quantity), summary.area(mean_map.model_key)
    caption: list[TonedLine] = [
        ("bold", name_of(mean_map, with_model=True)),
        ("", subtitle(mean_map, options.quantity)),
        ("", heat.count_text(mean_map)),
        ("", sides),
        ("warn", absence(heat, mean_map, options.quantity)),
        area_line(area),
        *warning(mean_map.model_key, area),
        ("dim", scaling_text(options, "this model's maps")),
    ]
    drawn = panel(heat, values, limit, options, side, (), scaled=False)
    return HeatmapFigure(
        "", (drawn,),
        tuple(line for line in caption if line[1]),
        None if values is None else Scale(limit, options.signed),
        file_name("heatmap", mean_map.task, mean_map.model, mean_map.class_name, options.quantity,
                  mean_map.stratum, mean_map.level),
    )  # fmt: skip


def two_maps(
    summary: SummaryData,
    pair: tuple[MeanMap, MeanMap],
    active: int,
    options: DisplayOptions,
    side: int,
) -> HeatmapFigure:
    """Two maps, the first less the second, and how alike they are."""
    heat = _of(summary)
    maps = [heat.values(mean_map, options.quantity) for mean_map in pair]
    difference = _difference(*maps)
    limits = _limits([*maps, difference], options)
    panels: list[Panel] = []
    for i, (mean_map, values) in enumerate(zip(pair, maps, strict=True)):
        mark = "▶ " if i == active else ""
        missing = absence(heat, mean_map, options.quantity)
        lines: tuple[TonedLine, ...] = (
            ("bold", f"{mark}{'AB'[i]} {name_of(mean_map, with_model=_models(heat) > 1)}"),
            ("warn", missing) if missing else ("", subtitle(mean_map, options.quantity)),
            ("", heat.count_text(mean_map)),
            area_line(summary.area(mean_map.model_key)),
        )
        panels.append(panel(heat, values, limits[i], options, side, lines))
    missing = (
        "" if difference is not None else "no difference: a map is missing or the grids differ"
    )
    scale, opacity = scaling_text(options, "all three").split("; ")
    lines = (("bold", "A − B"), ("warn", missing), ("dim", scale), ("dim", opacity))
    panels.append(
        panel(heat, difference, limits[2], replace(options, quantity="mean"), side, lines)
    )  # fmt: skip
    names = " and ".join(name_of(mean_map, with_model=True) for mean_map in pair)
    return HeatmapFigure(
        f"{names}: {subtitle(pair[0], options.quantity)}", tuple(panels),
        tuple(_likeness(summary, pair, options, maps)), None,
        file_name(
            "compare", *(p for c in pair for p in (c.task, c.class_name, c.level)), options.quantity
        ),
    )  # fmt: skip


def _likeness(
    summary: SummaryData,
    pair: tuple[MeanMap, MeanMap],
    options: DisplayOptions,
    maps: Sequence[Floats | None],
) -> list[TonedLine]:
    """Pearson's r of the maps shown and of their tasks' magnitudes; associations of the pair."""
    from tui.maps.overlay import pearson

    heat = _of(summary)
    a, b = maps
    shown = pearson(a, b) if a is not None and b is not None else None
    grid = "×".join(map(str, a.shape)) if a is not None else "no"
    large = [_magnitude(heat, mean_map, options) for mean_map in pair]
    sizes = pearson(large[0], large[1]) if large[0] is not None and large[1] is not None else None
    text = f"Pearson's r ({grid} grid): displayed maps {_r(shown)}"
    if options.signed:
        text += f"; all-class magnitude {_r(sizes)}"
    out: list[TonedLine] = [("bold", text)]
    out += [
        w
        for mean_map in dict.fromkeys(pair)
        for w in warning(mean_map.model_key, summary.area(mean_map.model_key))
    ]
    rows = [
        r
        for r in summary.between(*pair)
        if r["value"] is not None and r["subjects"] >= SMALLEST_CELL
    ]
    if not rows:
        out.append(("dim", "no CI: not among the associations"))
    for row in rows:
        what = f"{level_text_of(row['layer_of_evidence'])}: {statistic_text(row['statistic'])}"
        text = f"{what:<34} {number(row['value']):>6} ({interval(row['low'], row['high'])})"
        out.append(("", f"{text}, {row['subjects']:,} patients"))
    return out


def maps_like(heat: MeanHeatmaps, like: MeanMap, query: str) -> list[MeanMap]:
    """The maps of all classes and models in the stratum of `like` that match `query`."""
    wanted, stratum = query.lower().split(), (like.stratum, like.level)
    mean_maps = [c for c in heat.mean_maps if (c.stratum, c.level) == stratum]
    texts = [f"{c.task} {c.model} {c.class_name}".lower() for c in mean_maps]
    return [c for c, text in zip(mean_maps, texts, strict=True) if all(w in text for w in wanted)]


def all_tasks(
    summary: SummaryData, like: MeanMap, options: DisplayOptions, side: int, query: str, part: slice
) -> HeatmapFigure:
    """A map of every class of every model in one stratum: `part` of those that match `query`."""
    heat = _of(summary)
    mean_maps = maps_like(heat, like, query)
    limits = _limits([heat.values(c, options.quantity) for c in mean_maps], options)
    common, panels = options.scaling == "common maximum", []
    for mean_map, limit in list(zip(mean_maps, limits, strict=True))[part]:
        lines: list[TonedLine] = [("bold", mean_map.task), _small(summary, mean_map, options)]
        if _models(heat) > 1:
            lines[0] = ("bold", f"{mean_map.task}/{mean_map.model}")
        values = heat.values(mean_map, options.quantity)
        panels.append(panel(heat, values, limit, options, side, lines, scaled=not common))
    shown = (
        f"{part.start + 1}–{min(part.stop, len(mean_maps))} of {len(mean_maps)}"
        if mean_maps
        else "none"
    )
    more = " (PgUp, PgDn)" if len(panels) < len(mean_maps) else ""
    text = f"{subtitle(like, options.quantity)}: {shown}{more}; {scaling_text(options, 'all')}"
    not_interpreted = dict.fromkeys(
        "/".join(c.model_key) for c in mean_maps if summary.area(c.model_key).not_interpreted
    )
    caption: list[TonedLine] = [("", text)]
    if not_interpreted:
        caption.append(
            (
                "warn",
                f"⚠ maps not interpreted (AUROC not above chance): {', '.join(not_interpreted)}",
            )
        )
    scale = Scale(limits[0], options.signed) if common and mean_maps else None
    title = f"All tasks: {subtitle(like, options.quantity)}"
    name = file_name("heatmaps", options.quantity, like.stratum, like.level)
    return HeatmapFigure(title, tuple(panels), tuple(caption), scale, name)


def _small(summary: SummaryData, mean_map: MeanMap, options: DisplayOptions) -> TonedLine:
    """Counts and class in few letters; the class comes last, since it may be cut."""
    heat = _of(summary)
    if mean_map.is_few:
        return "warn", f"<{SMALLEST_CELL}, {mean_map.class_name}"
    n = (
        f"{mean_map.images:,}"
        if mean_map.images == mean_map.subjects
        else f"{mean_map.images:,}/{mean_map.subjects:,}"
    )
    text = f"n {'n/d' if mean_map.key in heat.counts_to_hide else n}, {mean_map.class_name}"
    if heat.values(mean_map, options.quantity) is None:
        return "warn", f"no map, {mean_map.class_name}"
    return ("warn", f"⚠ {text}") if summary.area(mean_map.model_key).not_interpreted else ("", text)


def _of(summary: SummaryData) -> MeanHeatmaps:
    assert summary.heatmaps is not None
    return summary.heatmaps


def _models(heat: MeanHeatmaps) -> int:
    return len({model for _, model in heat.of_model})


def _limits(maps: Sequence[Floats | None], options: DisplayOptions) -> list[float]:
    import numpy as np

    from tui.maps.overlay import limits

    return limits([np.zeros((1, 1)) if m is None else m for m in maps], options.scaling)


def _difference(a: Floats | None, b: Floats | None) -> Floats | None:
    if a is None or b is None or a.shape != b.shape:
        return None
    return a - b


def _magnitude(heat: MeanHeatmaps, mean_map: MeanMap, options: DisplayOptions) -> Floats | None:
    import numpy as np

    from tui.maps.overlay import magnitude

    names = heat.classes(mean_map.model_key)
    mean_maps = [
        heat.find(mean_map.model_key, name, mean_map.stratum, mean_map.level) for name in names
    ]
    maps = [heat.values(c, options.quantity) for c in mean_maps if c.level == mean_map.level]
    maps_of_classes = [m for m in maps if m is not None]
    return magnitude(np.stack(maps_of_classes)) if len(maps_of_classes) == len(names) else None


def _r(value: float | None) -> str:
    return "—" if value is None else number(value)
