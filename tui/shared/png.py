"""Pages of text and pictures as PNG files, black on white."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.shared.toned import TonedLine

if TYPE_CHECKING:
    from PIL import ImageDraw

#: The width of a page, its margin, a letter and a line, in pixels.
WIDTH, MARGIN, LETTER, LINE = 1088, 32, 16, 36
_TEXT = 24
_COLUMN = re.compile(r"\S+(?: \S+)*")
INK, WARN, DIM = "#1b2026", "#9a3b00", "#5b6773"


def new_page(width: int, height: int) -> tuple[Any, ImageDraw.ImageDraw]:
    """An empty page, in pixels, and what draws on it."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (width, height), "white")
    return picture, ImageDraw.Draw(picture)


def as_png(picture: Any) -> bytes:
    """The content of the file."""
    out = io.BytesIO()
    picture.save(out, format="PNG")
    return out.getvalue()


def draw_lines(draw: ImageDraw.ImageDraw, lines: Sequence[TonedLine], x: int, y: int) -> None:
    """Lines below each other, by their tones; what follows several spaces makes a column."""
    inks = {"warn": WARN, "dim": DIM}
    for i, (tone, text) in enumerate(lines):
        for part in _COLUMN.finditer(text):
            left, ink = x + part.start() * LETTER, inks.get(tone, INK)
            draw_text(draw, part[0], left, y + i * LINE, ink, bold=tone == "bold")


def draw_text(
    draw: ImageDraw.ImageDraw, text: str, x: float, y: float, ink: str = INK, *,
    anchor: str = "la", bold: bool = False, edge: str | None = None,
) -> None:  # fmt: skip
    """A text at a place; `anchor` as Pillow has it. `edge`: the colour around its letters."""
    width = 2 if edge else 0
    draw.text((x, y), text, fill=ink, font=_face(bold=bold), anchor=anchor,
              stroke_width=width, stroke_fill=edge)  # fmt: skip


def wrapped(lines: Sequence[TonedLine], letters: int) -> list[TonedLine]:
    """Lines of at most so many letters."""
    return [(tone, part) for tone, text in lines for part in textwrap.wrap(text, letters) or [""]]


@cache
def _face(*, bold: bool) -> Any:
    """DejaVu Sans, which has the signs that Pillow's own face lacks, from matplotlib's files."""
    from PIL import ImageFont

    package = find_spec("matplotlib")
    assert package is not None
    assert package.origin is not None
    fonts = Path(package.origin).parent / "mpl-data" / "fonts" / "ttf"
    return ImageFont.truetype(fonts / f"DejaVuSans{'-Bold' if bold else ''}.ttf", _TEXT)
