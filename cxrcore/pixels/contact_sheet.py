"""Many prepared images at a glance, for a person to look at before training."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_SIDE, _CAPTION, _GAP, _COLUMNS = 144, 16, 6, 8


def contact_sheet(title: str, tiles: Sequence[tuple[NDArray[np.uint8], str]]) -> Image.Image:
    """Squares (s, s) in rows of eight, each over its caption, under a title."""
    columns = min(_COLUMNS, len(tiles))
    width, height = _SIDE + _GAP, _SIDE + _CAPTION + _GAP
    rows = ceil(len(tiles) / columns)
    sheet = Image.new("L", (max(columns, 4) * width + _GAP, rows * height + 30), 255)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    draw.text((_GAP, 6), title, fill=0, font=ImageFont.load_default(14))
    for i, (pixels, caption) in enumerate(tiles):
        left, top = _GAP + i % columns * width, 30 + i // columns * height
        tile = Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        sheet.paste(tile, (left, top))
        draw.text((left, top + _SIDE + 1), caption, fill=0, font=font)
    return sheet
