"""The table of verdicts as a PNG of full resolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.results.verdicts import COLOURS, VerdictCell, Verdicts
from tui.shared.colours import ink_on
from tui.shared.png import (
    DIM,
    INK,
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


def png_of_verdicts(verdicts: Verdicts) -> bytes:
    """The sentence, the table of verdicts and its notes, on white."""
    across, letters = 300, 17
    width = max(WIDTH, 2 * MARGIN + across * len(verdicts.levels))
    room = (width - 2 * MARGIN) // LETTER
    heading, notes = wrapped(verdicts.heading, room), wrapped(verdicts.notes, room)
    rows = [verdicts.row(attribute) for attribute in verdicts.attributes]
    heights = [
        (2 + max(len(cell.lines(letters)) for cell in cells)) * LINE for cells in rows
    ]  # fmt: skip
    top = MARGIN + (len(heading) + 2) * LINE
    end = top + sum(heights)
    picture, draw = new_page(width, end + len(notes) * LINE + MARGIN)
    draw_lines(draw, heading, MARGIN, MARGIN)
    for i, level in enumerate(verdicts.levels):
        draw_text(draw, level, MARGIN + i * across, top - LINE, bold=True)
    y = top
    for attribute, cells, height in zip(verdicts.attributes, rows, heights, strict=True):
        draw_text(draw, attribute, MARGIN, y, bold=True)
        for i, cell in enumerate(cells):
            box = (MARGIN + i * across, y + LINE, across - 12, height - 2 * LINE)
            _verdict(draw, cell, cell.lines(letters), box)
        y += height
    draw_lines(draw, notes, MARGIN, end)
    return as_png(picture)


def _verdict(
    draw: ImageDraw.ImageDraw, cell: VerdictCell, lines: Sequence[str],
    box: tuple[int, int, int, int],
) -> None:  # fmt: skip
    """A cell in a box (x, y, width, height), filled with the colour of its verdict."""
    x, y, width, height = box
    colour = COLOURS.get(cell.verdict)
    draw.rectangle((x, y, x + width, y + height), fill=colour, outline=DIM)
    ink = ink_on(colour) if colour else INK
    for i, text in enumerate(lines):
        draw_text(draw, text, x + 8, y + i * LINE, ink, bold=i == 0)
