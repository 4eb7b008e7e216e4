"""The views of averaged maps, as paintings: one map, two maps, all tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from data_contracts.cohort_description import SMALLEST_CELL
from tui.maps.data import Cell, Heatmaps, Summary, interval, number
from tui.maps.painting import (
    Line,
    Look,
    Painting,
    Scale,
    Tile,
    absence,
    area_line,
    file_name,
    name_of,
    scaling_text,
    sides_text,
    subtitle,
    tile,
    warning,
)
from tui.widgets.similarity import statistic_text

if TYPE_CHECKING:
    from tui.maps.overlay import Floats


def one_map(summary: Summary, cell: Cell, look: Look, side: int) -> Painting:
    """One map, with all that must be known to read it."""
    heat, values = _of(summary), _of(summary).values(cell, look.quantity)
    scaled = heat.of_network[cell.network] if look.scaling == "common maximum" else []
    limit = _limits([values, *(heat.values(c, look.quantity) for c in scaled)], look)[0]
    sides, area = sides_text(heat, cell, look.quantity), summary.area(cell.network)
    facts: list[Line] = [
        ("bold", name_of(cell, with_model=True)),
        ("", subtitle(cell, look.quantity)),
        ("", heat.count_text(cell)),
        ("", sides),
        ("warn", absence(heat, cell, look.quantity)),
        area_line(area),
        *warning(cell.network, area),
        ("dim", scaling_text(look, "this network's maps")),
    ]
    drawn = tile(heat, values, limit, look, side, (), scaled=False)
    return Painting(
        "", (drawn,),
        tuple(line for line in facts if line[1]),
        None if values is None else Scale(limit, look.signed),
        file_name("heatmap", cell.task, cell.model, cell.class_name, look.quantity,
                  cell.stratum, cell.level),
    )  # fmt: skip


def two_maps(
    summary: Summary, pair: tuple[Cell, Cell], active: int, look: Look, side: int
) -> Painting:
    """Two maps, the first less the second, and how alike they are."""
    heat = _of(summary)
    maps = [heat.values(cell, look.quantity) for cell in pair]
    difference = _difference(*maps)
    limits = _limits([*maps, difference], look)
    tiles: list[Tile] = []
    for i, (cell, values) in enumerate(zip(pair, maps, strict=True)):
        mark = "▶ " if i == active else ""
        missing = absence(heat, cell, look.quantity)
        lines: tuple[Line, ...] = (
            ("bold", f"{mark}{'AB'[i]} {name_of(cell, with_model=_models(heat) > 1)}"),
            ("warn", missing) if missing else ("", subtitle(cell, look.quantity)),
            ("", heat.count_text(cell)),
            area_line(summary.area(cell.network)),
        )
        tiles.append(tile(heat, values, limits[i], look, side, lines))
    missing = "" if difference is not None else "no difference: maps or grids do not fit"
    scale, opacity = scaling_text(look, "all three").split("; ")
    lines = (("bold", "A − B"), ("warn", missing), ("dim", scale), ("dim", opacity))
    tiles.append(
        tile(heat, difference, limits[2], replace(look, quantity="mean"), side, lines)
    )  # fmt: skip
    names = " and ".join(name_of(cell, with_model=True) for cell in pair)
    return Painting(
        f"{names}: {subtitle(pair[0], look.quantity)}", tuple(tiles),
        tuple(_likeness(summary, pair, look, maps)), None,
        file_name(
            "compare", *(p for c in pair for p in (c.task, c.class_name, c.level)), look.quantity
        ),
    )  # fmt: skip


def _likeness(
    summary: Summary, pair: tuple[Cell, Cell], look: Look, maps: Sequence[Floats | None]
) -> list[Line]:
    """Pearson's r of the maps shown and of their tasks' magnitudes; associations of the pair."""
    from tui.maps.overlay import pearson

    heat = _of(summary)
    a, b = maps
    shown = pearson(a, b) if a is not None and b is not None else None
    grid = "×".join(map(str, a.shape)) if a is not None else "no"
    large = [_magnitude(heat, cell, look) for cell in pair]
    sizes = pearson(large[0], large[1]) if large[0] is not None and large[1] is not None else None
    text = f"Pearson's r over {grid} cells: shown {_r(shown)}"
    if look.signed:
        text += f", magnitudes of all classes {_r(sizes)}"
    out: list[Line] = [("bold", text)]
    out += [
        w for cell in dict.fromkeys(pair) for w in warning(cell.network, summary.area(cell.network))
    ]
    rows = [
        r
        for r in summary.between(*pair)
        if r["value"] is not None and r["subjects"] >= SMALLEST_CELL
    ]
    if not rows:
        out.append(("dim", "no interval: not among the associations"))
    for row in rows:
        what = f"{row['layer_of_evidence']}: {statistic_text(row['statistic'])}"
        text = f"{what:<34} {number(row['value']):>6} ({interval(row['low'], row['high'])})"
        out.append(("", f"{text}, {row['subjects']:,} subjects"))
    return out


def cells_like(heat: Heatmaps, like: Cell, words: str) -> list[Cell]:
    """The maps of all classes of all networks in the stratum of `like` that hold all `words`."""
    wanted, stratum = words.lower().split(), (like.stratum, like.level)
    cells = [c for c in heat.cells if (c.stratum, c.level) == stratum]
    texts = [f"{c.task} {c.model} {c.class_name}".lower() for c in cells]
    return [c for c, text in zip(cells, texts, strict=True) if all(w in text for w in wanted)]


def all_tasks(
    summary: Summary, like: Cell, look: Look, side: int, words: str, part: slice
) -> Painting:
    """A map of every class of every network in one stratum, `part` of those that hold `words`."""
    heat = _of(summary)
    cells = cells_like(heat, like, words)
    limits = _limits([heat.values(c, look.quantity) for c in cells], look)
    common, tiles = look.scaling == "common maximum", []
    for cell, limit in list(zip(cells, limits, strict=True))[part]:
        lines: list[Line] = [("bold", cell.task), _small(summary, cell, look)]
        if _models(heat) > 1:
            lines[0] = ("bold", f"{cell.task}/{cell.model}")
        values = heat.values(cell, look.quantity)
        tiles.append(tile(heat, values, limit, look, side, lines, scaled=not common))
    shown = f"{part.start + 1}–{min(part.stop, len(cells))} of {len(cells)}" if cells else "none"
    more = " (page up, page down)" if len(tiles) < len(cells) else ""
    text = f"{subtitle(like, look.quantity)}: {shown}{more}; {scaling_text(look, 'all')}"
    unread = dict.fromkeys("/".join(c.network) for c in cells if summary.area(c.network).unread)
    facts: list[Line] = [("", text)]
    if unread:
        facts.append(("warn", f"⚠ not read (no AUROC interval above 0.5): {', '.join(unread)}"))
    scale = Scale(limits[0], look.signed) if common and cells else None
    title = f"All tasks: {subtitle(like, look.quantity)}"
    name = file_name("heatmaps", look.quantity, like.stratum, like.level)
    return Painting(title, tuple(tiles), tuple(facts), scale, name)


def _small(summary: Summary, cell: Cell, look: Look) -> Line:
    """Counts and class in few letters; the class comes last, since it may be cut."""
    heat = _of(summary)
    if cell.is_few:
        return "warn", f"<{SMALLEST_CELL}, {cell.class_name}"
    n = f"{cell.images:,}" if cell.images == cell.subjects else f"{cell.images:,}/{cell.subjects:,}"
    text = f"n {'hidden' if cell.key in heat.counts_to_hide else n}, {cell.class_name}"
    if heat.values(cell, look.quantity) is None:
        return "warn", f"no map, {cell.class_name}"
    return ("warn", f"⚠ {text}") if summary.area(cell.network).unread else ("", text)


def _of(summary: Summary) -> Heatmaps:
    assert summary.heatmaps is not None
    return summary.heatmaps


def _models(heat: Heatmaps) -> int:
    return len({model for _, model in heat.of_network})


def _limits(maps: Sequence[Floats | None], look: Look) -> list[float]:
    import numpy as np

    from tui.maps.overlay import limits

    return limits([np.zeros((1, 1)) if m is None else m for m in maps], look.scaling)


def _difference(a: Floats | None, b: Floats | None) -> Floats | None:
    if a is None or b is None or a.shape != b.shape:
        return None
    return a - b


def _magnitude(heat: Heatmaps, cell: Cell, look: Look) -> Floats | None:
    import numpy as np

    from tui.maps.overlay import magnitude

    names = heat.classes(cell.network)
    cells = [heat.find(cell.network, name, cell.stratum, cell.level) for name in names]
    maps = [heat.values(c, look.quantity) for c in cells if c.level == cell.level]
    known = [m for m in maps if m is not None]
    return magnitude(np.stack(known)) if len(known) == len(names) else None


def _r(value: float | None) -> str:
    return "—" if value is None else number(value)
