"""The figures of averaged maps: one map, two maps, all tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from data_contracts import titles
from data_contracts.associations import ASSOCIATIONS
from data_contracts.disclosure import SUPPRESSED
from tui.heatmaps.data import MeanHeatmaps, MeanMap, SummaryData, count_text
from tui.heatmaps.figure import (
    NAMES,
    DisplayOptions,
    HeatmapFigure,
    absence,
    area_line,
    explained,
    file_name,
    name_of,
    panel,
    scaling_text,
    sides_text,
    subtitle,
    warning,
)
from tui.heatmaps.texts import unit_of
from tui.shared.numbers import holm, interval, level_text, number
from tui.shared.panel import Panel, Scale
from tui.shared.toned import TonedLine

if TYPE_CHECKING:
    from tui.heatmaps.overlay import Floats


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
        ("", count_text(mean_map)),
        ("", sides),
        ("warn", absence(heat, mean_map, options.quantity)),
        area_line(area),
        *warning(mean_map.model_key, area),
        ("dim", scaling_text(options, "this model's maps")),
    ]
    caption += explained(heat, *(text for _, text in caption))
    unit = unit_of([mean_map])
    drawn = panel(heat, values, limit, options, side, (), unit, scaled=False)
    return HeatmapFigure(
        "", (drawn,),
        tuple(line for line in caption if line[1]),
        None if values is None else Scale(limit, options.signed, unit),
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
        why = absence(heat, mean_map, options.quantity)
        lines: tuple[TonedLine, ...] = (
            ("bold", f"{mark}{'AB'[i]} {name_of(mean_map, with_model=heat.has_names)}"),
            ("warn", why) if why else ("", level_text(mean_map.stratum, mean_map.level)),
            ("", count_text(mean_map)),
            area_line(summary.area(mean_map.model_key)),
        )
        panels.append(panel(heat, values, limits[i], options, side, lines, unit_of([mean_map])))
    what: TonedLine = ("", NAMES[options.quantity])
    if difference is None:
        missing = any(values is None for values in maps)
        what = ("warn", "a map is missing" if missing else "the grids differ")
    scale, opacity = scaling_text(options, "all three").split("; ")
    lines = (("bold", "A − B"), what, ("dim", scale), ("dim", opacity))
    panels.append(
        panel(heat, difference, limits[2], replace(options, quantity="mean"), side, lines,
              unit_of(pair))
    )  # fmt: skip
    caption = _associations(summary, pair)
    shown = [text for lines in (caption, *(p.lines for p in panels)) for _, text in lines]
    names = " and ".join(name_of(mean_map, with_model=True) for mean_map in pair)
    return HeatmapFigure(
        f"{names}: {subtitle(pair[0], options.quantity)}", tuple(panels),
        (*caption, *explained(heat, *shown)), None,
        file_name(
            "compare", *(p for c in pair for p in (c.task, c.class_name, c.level)), options.quantity
        ),
    )  # fmt: skip


def _associations(summary: SummaryData, pair: tuple[MeanMap, MeanMap]) -> list[TonedLine]:
    """What warns of the pair, how alike its maps are by adjustment, and what else is known."""
    out = [
        w
        for mean_map in dict.fromkeys(pair)
        for w in warning(mean_map.model_key, summary.area(mean_map.model_key))
    ]
    rows = summary.between(*pair)
    if not rows:
        out.append(("dim", "aggregate did not compare these two maps"))
    shown = [r for r in rows if r["statistic"] == titles.RANKING]
    width = max((len(titles.ADJUSTMENTS[r["adjustment"]]) for r in shown), default=0)
    # One training of each is what the maps show; several say how far that holds.
    for trainings in sorted({r["trainings"] or 1 for r in shown}):
        several = f", {trainings} trainings" if trainings > 1 else ""
        out.append(("", f"{titles.statistic(titles.RANKING)}{several}:"))
        out += [
            ("", f"{titles.ADJUSTMENTS[r['adjustment']]:<{width}} {_association(r)}")
            for r in shown
            if (r["trainings"] or 1) == trainings
        ]
    # All statistics of a pair are more lines than a small terminal has.
    counts = Counter(r["evidence_level"] for r in rows if r["statistic"] != titles.RANKING)
    if counts:
        others = ", ".join(f"{level} ({count})" for level, count in counts.items())
        out.append(("dim", f"more in {ASSOCIATIONS.path_template}: {others}"))
    return out


def _association(row: Mapping[str, Any]) -> str:
    """The value of a statistic, or why there is none."""
    if row["suppressed"]:
        return f"{SUPPRESSED:>6}"
    if row["value"] is None:
        return str(row["reason"] or "no value")
    text = f"{number(row['value']):>6} ({interval(row['low'], row['high'])})"
    if row["p_holm"] is not None:
        text += f", {holm(row['p_holm'])}"
    return f"{text}, n {row['subjects']:,}"


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
        if heat.has_names:
            lines[0] = ("bold", f"{mean_map.task}/{mean_map.model}")
        values = heat.values(mean_map, options.quantity)
        unit = unit_of([mean_map])
        panels.append(panel(heat, values, limit, options, side, lines, unit, scaled=not common))
    shown = (
        f"{part.start + 1}–{min(part.stop, len(mean_maps))} of {len(mean_maps)}"
        if mean_maps
        else "none"
    )
    more = " (PgUp, PgDn)" if len(panels) < len(mean_maps) else ""
    text = f"{subtitle(like, options.quantity)}: {shown}{more}; {scaling_text(options, 'all')}"
    caption: list[TonedLine] = [("", text), *_warnings(summary, mean_maps)]
    caption += explained(heat, *(text for p in panels for _, text in p.lines))
    unit = unit_of(mean_maps)
    scale = Scale(limits[0], options.signed, unit) if common and mean_maps else None
    title = f"All tasks: {subtitle(like, options.quantity)}"
    name = file_name("heatmaps", options.quantity, like.stratum, like.level)
    return HeatmapFigure(title, tuple(panels), tuple(caption), scale, name)


def _warnings(summary: SummaryData, mean_maps: Sequence[MeanMap]) -> list[TonedLine]:
    """Which models' maps may not be interpreted, by reason."""
    models: dict[str, dict[str, None]] = {}
    for mean_map in mean_maps:
        if reason := summary.area(mean_map.model_key).reason:
            models.setdefault(reason, {})["/".join(mean_map.model_key)] = None
    return [
        ("warn", f"⚠ maps not interpreted ({reason}): {', '.join(names)}")
        for reason, names in models.items()
    ]


def _small(summary: SummaryData, mean_map: MeanMap, options: DisplayOptions) -> TonedLine:
    """Counts and class in few letters; the class comes last, since it may be cut."""
    heat = _of(summary)
    if mean_map.suppressed:
        return "warn", f"{SUPPRESSED}, {mean_map.class_name}"
    n = (
        f"{mean_map.images:,}"
        if mean_map.images == mean_map.subjects
        else f"{mean_map.images:,}/{mean_map.subjects:,}"
    )
    text = f"n {n}, {mean_map.class_name}"
    if heat.values(mean_map, options.quantity) is None:
        return "warn", f"no map, {mean_map.class_name}"
    return ("warn", f"⚠ {text}") if summary.area(mean_map.model_key).reason else ("", text)


def _of(summary: SummaryData) -> MeanHeatmaps:
    assert summary.heatmaps is not None
    return summary.heatmaps


def _limits(maps: Sequence[Floats | None], options: DisplayOptions) -> list[float]:
    import numpy as np

    from tui.heatmaps.overlay import limits

    return limits([np.zeros((1, 1)) if m is None else m for m in maps], options.scaling)


def _difference(a: Floats | None, b: Floats | None) -> Floats | None:
    if a is None or b is None or a.shape != b.shape:
        return None
    return a - b
