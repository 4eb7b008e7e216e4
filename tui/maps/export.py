"""A tab as a PNG of full resolution, with title, caption, counts and scales."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.maps.colours import ink_on, steps
from tui.results_page.verdicts import COLOURS, VerdictCell, Verdicts

if TYPE_CHECKING:
    from PIL import ImageDraw

    from tui.maps.figure import HeatmapFigure, Panel, Scale, TonedLine

#: The least side of a picture, and the width of a page, in pixels.
SIDE, WIDTH = 1024, 1088
_MARGIN, _TEXT, _LETTER, _LINE = 32, 24, 16, 36
_INK, _WARN, _DIM = "#1b2026", "#9a3b00", "#5b6773"


PATIENT_LEVEL = (
    "This is one patient's radiograph: patient-level data, which the data licence may forbid "
    "sharing. Averaged maps are meant for sharing; this is not.\n\nExport it anyway?"
)


def exported(figure: HeatmapFigure) -> tuple[str, bytes]:
    """The name and the content of the file for a tab."""
    return f"{figure.name}.png", png_of(figure)


def side_for(count: int) -> int:
    """The side of each of `count` pictures, so that a page is no less than 1024 across."""
    return SIDE if count <= 3 else 512


def png_of(figure: HeatmapFigure) -> bytes:
    """The figure's panels in rows, its scales and its caption, black on white."""
    panels = figure.panels
    side = panels[0].image.shape[0] if panels else SIDE
    columns = min(len(panels), 3 if len(panels) <= 3 else 4) or 1
    width = max(WIDTH, columns * (side + _MARGIN) + _MARGIN)
    letters = (width - 2 * _MARGIN) // (_LETTER)
    heading: list[TonedLine] = [("bold", figure.title)] if figure.title else []
    if figure.patient_level:
        heading.append(("warn", "patient-level data"))
    caption = _wrapped([*heading, *figure.caption], letters)
    heads = max((len(_heading(t, side)) for t in panels), default=0)
    panel_height = heads * _LINE + side + (0 if figure.scale else 2 * _LINE)
    rows = -(-len(panels) // columns)
    top = _MARGIN + len(caption) * _LINE + (2 * _LINE if figure.scale else 0)
    picture, draw = _page(width, top + rows * (panel_height + _MARGIN) + _MARGIN)
    _lines(draw, caption, _MARGIN, _MARGIN)
    if figure.scale:
        _bar(draw, figure.scale, _MARGIN, _MARGIN + len(caption) * _LINE, SIDE)
    for i, one in enumerate(panels):
        x = _MARGIN + i % columns * (side + _MARGIN)
        _panel(picture, draw, one, (x, top + i // columns * (panel_height + _MARGIN)), heads)
    return _bytes(picture)


def png_of_verdicts(verdicts: Verdicts) -> bytes:
    """The sentence, the table of verdicts and its notes, on white."""
    across, letters = 300, 17
    width = max(WIDTH, 2 * _MARGIN + across * len(verdicts.levels))
    room = (width - 2 * _MARGIN) // _LETTER
    heading, notes = _wrapped(verdicts.heading, room), _wrapped(verdicts.notes, room)
    rows = [verdicts.row(attribute) for attribute in verdicts.attributes]
    heights = [
        (2 + max(len(cell.lines(letters)) for cell in cells)) * _LINE for cells in rows
    ]  # fmt: skip
    top = _MARGIN + (len(heading) + 2) * _LINE
    end = top + sum(heights)
    picture, draw = _page(width, end + len(notes) * _LINE + _MARGIN)
    _lines(draw, heading, _MARGIN, _MARGIN)
    for i, level in enumerate(verdicts.levels):
        _text(draw, level, _MARGIN + i * across, top - _LINE, bold=True)
    y = top
    for attribute, cells, height in zip(verdicts.attributes, rows, heights, strict=True):
        _text(draw, attribute, _MARGIN, y, bold=True)
        for i, cell in enumerate(cells):
            box = (_MARGIN + i * across, y + _LINE, across - 12, height - 2 * _LINE)
            _verdict(draw, cell, cell.lines(letters), box)
        y += height
    _lines(draw, notes, _MARGIN, end)
    return _bytes(picture)


def _verdict(
    draw: ImageDraw.ImageDraw, cell: VerdictCell, lines: Sequence[str],
    box: tuple[int, int, int, int],
) -> None:  # fmt: skip
    """A cell in a box (x, y, width, height), filled with the colour of its verdict."""
    x, y, width, height = box
    colour = COLOURS.get(cell.verdict)
    draw.rectangle((x, y, x + width, y + height), fill=colour, outline=_DIM)
    ink = ink_on(colour) if colour else _INK
    for i, text in enumerate(lines):
        _text(draw, text, x + 8, y + i * _LINE, ink, bold=i == 0)


def _page(width: int, height: int) -> tuple[Any, ImageDraw.ImageDraw]:
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (width, height), "white")
    return picture, ImageDraw.Draw(picture)


def _bytes(picture: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, format="PNG")
    return out.getvalue()


def _heading(panel: Panel, side: int) -> list[TonedLine]:
    return _wrapped([line for line in panel.lines if line[1]], side // (_LETTER))


def _panel(
    picture: Any, draw: ImageDraw.ImageDraw, panel: Panel, at: tuple[int, int], heads: int
) -> None:
    from PIL import Image

    x, y = at
    side = panel.image.shape[0]
    _lines(draw, _heading(panel, side), x, y)
    picture.paste(Image.fromarray(panel.image), (x, y + heads * _LINE))
    if panel.scale:
        _bar(draw, panel.scale, x, y + heads * _LINE + side + 8, side)


def _bar(draw: ImageDraw.ImageDraw, scale: Scale, x: int, y: int, width: int) -> None:
    """A smooth bar of colours, its values and unit below it."""
    shades = steps(width, signed=scale.signed)
    for i, colour in enumerate(shades):
        draw.line((x + i, y, x + i, y + 20), fill=colour)
    low, high = scale.ends
    middle = "0" if scale.signed else f"{scale.limit / 2:.2g}"
    _text(draw, low, x, y + 24)
    _text(draw, middle, x + width // 2, y + 24, anchor="ma")
    _text(draw, f"{high} {scale.unit}", x + width, y + 24, anchor="ra")


def _lines(draw: ImageDraw.ImageDraw, lines: Sequence[TonedLine], x: int, y: int) -> None:
    inks = {"warn": _WARN, "dim": _DIM}
    for i, (tone, text) in enumerate(lines):
        _text(draw, text, x, y + i * _LINE, inks.get(tone, _INK), bold=tone == "bold")


def _text(
    draw: ImageDraw.ImageDraw, text: str, x: float, y: float, ink: str = _INK, *,
    anchor: str = "la", bold: bool = False,
) -> None:  # fmt: skip
    draw.text((x, y), text, fill=ink, font=_face(bold=bold), anchor=anchor)


@cache
def _face(*, bold: bool) -> Any:
    """DejaVu Sans, which has the signs that Pillow's own face lacks, from matplotlib's files."""
    from PIL import ImageFont

    package = find_spec("matplotlib")
    assert package is not None
    assert package.origin is not None
    fonts = Path(package.origin).parent / "mpl-data" / "fonts" / "ttf"
    return ImageFont.truetype(fonts / f"DejaVuSans{'-Bold' if bold else ''}.ttf", _TEXT)


def _wrapped(lines: Sequence[TonedLine], letters: int) -> list[TonedLine]:
    return [(tone, part) for tone, text in lines for part in textwrap.wrap(text, letters) or [""]]
