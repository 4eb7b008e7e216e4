"""A tab as a PNG of full resolution, with title, caption, counts and scales."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tui.shared.colours import steps
from tui.shared.png import (
    LETTER,
    LINE,
    MARGIN,
    WIDTH,
    as_png,
    draw_lines,
    draw_text,
    new_page,
    wrapped,
)

if TYPE_CHECKING:
    from PIL import ImageDraw

    from tui.heatmaps.figure import HeatmapFigure
    from tui.shared.panel import Panel, Scale
    from tui.shared.toned import TonedLine

#: The least side of a picture, in pixels.
SIDE = 1024

PATIENT_LEVEL = (
    "This is one patient's radiograph: patient-level data, which the data licence may forbid "
    "sharing. Averaged maps are meant for sharing; this is not.\n\nExport it anyway?"
)


#: What is said of keys, and marks what they change.
_OF_KEYS = ("▶ ", " (PgUp, PgDn)")


def exported(figure: HeatmapFigure, sentence: str) -> tuple[str, bytes]:
    """The name and the content of the file for a tab; the study's `sentence` stands under maps."""
    caption = [(tone, _without_keys(text)) for tone, text in figure.caption]
    if sentence and not figure.patient_level:
        caption.append(("", sentence))
    return f"{figure.name}.png", png_of(replace(figure, caption=tuple(caption)))


def side_for(count: int) -> int:
    """The side of each of `count` pictures, so that a page is no less than 1024 across."""
    return SIDE if count <= 3 else 512


def png_of(figure: HeatmapFigure) -> bytes:
    """The figure's panels in rows, its scales and its caption, black on white."""
    panels = figure.panels
    side = panels[0].image.shape[0] if panels else SIDE
    columns = min(len(panels), 3 if len(panels) <= 3 else 4) or 1
    width = max(WIDTH, columns * (side + MARGIN) + MARGIN)
    letters = (width - 2 * MARGIN) // LETTER
    heading: list[TonedLine] = [("bold", figure.title)] if figure.title else []
    if figure.patient_level:
        heading.append(("warn", "patient-level data"))
    caption = wrapped([*heading, *figure.caption], letters)
    heads = max((len(_heading(t, side)) for t in panels), default=0)
    panel_height = heads * LINE + side + (0 if figure.scale else 2 * LINE)
    rows = -(-len(panels) // columns)
    top = MARGIN + len(caption) * LINE + (2 * LINE if figure.scale else 0)
    picture, draw = new_page(width, top + rows * (panel_height + MARGIN) + MARGIN)
    draw_lines(draw, caption, MARGIN, MARGIN)
    if figure.scale:
        _bar(draw, figure.scale, MARGIN, MARGIN + len(caption) * LINE, SIDE)
    for i, one in enumerate(panels):
        x = MARGIN + i % columns * (side + MARGIN)
        _panel(picture, draw, one, (x, top + i // columns * (panel_height + MARGIN)), heads)
    return as_png(picture)


def _heading(panel: Panel, side: int) -> list[TonedLine]:
    lines = [(tone, _without_keys(text)) for tone, text in panel.lines if text]
    return wrapped(lines, side // LETTER)


def _without_keys(text: str) -> str:
    for part in _OF_KEYS:
        text = text.replace(part, "")
    return text


def _panel(
    picture: Any, draw: ImageDraw.ImageDraw, panel: Panel, at: tuple[int, int], heads: int
) -> None:
    from PIL import Image

    x, y = at
    side = panel.image.shape[0]
    draw_lines(draw, _heading(panel, side), x, y)
    top = y + heads * LINE
    picture.paste(Image.fromarray(panel.image), (x, top))
    draw_text(draw, "R", x + 8, top + 4, "white", bold=True, edge="black")
    draw_text(draw, "L", x + side - 8, top + 4, "white", anchor="ra", bold=True, edge="black")
    if panel.scale:
        _bar(draw, panel.scale, x, top + side + 8, side)


def _bar(draw: ImageDraw.ImageDraw, scale: Scale, x: int, y: int, width: int) -> None:
    """A smooth bar of colours, its values and unit below it."""
    shades = steps(width, signed=scale.signed)
    for i, colour in enumerate(shades):
        draw.line((x + i, y, x + i, y + 20), fill=colour)
    low, high = scale.ends
    middle = "0" if scale.signed else f"{scale.limit / 2:.2g}"
    draw_text(draw, low, x, y + 24)
    draw_text(draw, middle, x + width // 2, y + 24, anchor="ma")
    draw_text(draw, f"{high} {scale.unit}", x + width, y + 24, anchor="ra")
