"""A tab as a PNG of full resolution, with title, caption, counts and scales."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts import titles
from tui.maps.colours import ink_on, steps
from tui.widgets.similarity import Matrix, notes_of, title_of

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


def exported(figure: HeatmapFigure | Matrix) -> tuple[str, bytes]:
    """The name and the content of the file for a tab."""
    if not isinstance(figure, Matrix):
        return f"{figure.name}.png", png_of(figure)
    content = png_of_matrix(figure, title_of(figure), notes_of(figure))
    return f"similarity-{figure.reference}.png", content


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


def png_of_matrix(matrix: Matrix, title: str, notes: Sequence[TonedLine]) -> bytes:
    """The matrix of similarities, black on white."""
    across, letters = 260, 18
    width = max(WIDTH, 2 * _MARGIN + across * len(matrix.columns))
    lines = max((len(c.lines) for c in (matrix.cells or {}).values()), default=1)
    caption = _wrapped([("bold", title), *notes], (width - 2 * _MARGIN) // (_LETTER))
    height = (lines + 1) * _LINE + 16
    heads = [[layer, *textwrap.wrap(titles.statistic(s), letters)] for layer, s in matrix.columns]
    top = _MARGIN + (len(caption) + max(map(len, heads), default=0)) * _LINE
    picture, draw = _page(width, top + height * len(matrix.rows) + _MARGIN)
    _lines(draw, caption, _MARGIN, _MARGIN)
    for i, head in enumerate(heads):
        x = _MARGIN + i * across
        _lines(draw, [("bold", t) for t in head], x, _MARGIN + len(caption) * _LINE)
        for j, row in enumerate(matrix.rows):
            cell, y = matrix.cell(row, matrix.columns[i]), top + j * height
            if i == 0:
                _lines(draw, [("bold", row)], x, y)
            if cell.colour:
                box = (x, y + _LINE, x + across - 12, y + (lines + 1) * _LINE)
                draw.rectangle(box, fill=cell.colour)
            ink = ink_on(cell.colour) if cell.colour else _DIM
            for k, text in enumerate(cell.lines):
                _text(draw, text, x + 8, y + (k + 1) * _LINE, ink)
    return _bytes(picture)


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
