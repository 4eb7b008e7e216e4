"""Text that others wrote, as text that does nothing."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

#: A terminal's escape sequences: CSI, OSC, and the short ones.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
#: Control characters, and what changes the direction or the place of the text around it.
_ACTIVE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


def sanitize(text: object) -> str:
    """`text` as one line without control characters.

    Colours and other commands to a terminal are left out. Where a line was drawn over itself, such
    as by a bar of progress, its last state counts.
    """
    line = str(text)
    if line.isascii() and line.isprintable():
        return line
    line = _ESCAPES.sub("", line).rstrip("\r\n").expandtabs(4)
    return _ACTIVE.sub("", line.rpartition("\r")[2])


def escape_markup(text: object) -> str:
    """`text` as one line in which content markup finds nothing to read."""
    return sanitize(text).replace("[", "\\[")


def cut_middle(text: str, width: int) -> str:
    """`text` in at most `width` cells; of a longer one both ends stay, more of its end."""
    if cell_len(text) <= width:
        return text
    head = max(0, (width - 1) // 3)
    tail = max(0, width - 1 - head)
    end = next(text[i:] for i in range(len(text) + 1) if cell_len(text[i:]) <= tail)
    return set_cell_size(text, head) + "…" + end


def cut_name(text: str, width: int) -> str:
    """`task/name` or a path in at most `width` cells: its longest parts lose their middles."""
    parts = text.split("/")
    for longest in range(max(map(cell_len, parts)), 2, -1):
        shown = "/".join(cut_middle(part, longest) for part in parts)
        if cell_len(shown) <= width:
            return shown
    return cut_middle(text, width)


def pad(text: str, width: int, *, right: bool = False, middle: bool = False) -> str:
    """`text` in exactly `width` cells, with an ellipsis where it is cut: its end or its middle."""
    length = cell_len(text)
    if length > width and middle:
        text = cut_name(text, width)
        length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    return " " * (width - length) + text if right else text + " " * (width - length)
