"""What the dashboard asks of a terminal: UTF-8, and styles that a filter of colors can read."""

from __future__ import annotations

import io
import locale

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from data_contracts.errors import UsageError

#: The C locale names ASCII and says nothing of the terminal, which then most likely is UTF-8
#: (PEP 538, PEP 540).
_UNSET = ("ascii", "us-ascii", "ansi_x3.4-1968", "646")


def require_utf8(stream: io.TextIOWrapper, codeset: str | None = None) -> None:
    """Let `stream` write UTF-8, whatever PYTHONIOENCODING says.

    `codeset` is that of the locale unless it is given. Raises `UsageError` for an 8-bit locale.
    """
    codeset = (codeset or locale.getencoding()).lower()
    if codeset.replace("-", "") != "utf8" and codeset not in _UNSET:
        raise UsageError(
            f"the dashboard needs a UTF-8 terminal, and the locale is {codeset}; "
            "set LC_ALL=C.UTF-8, or use --serve for a browser"
        )
    stream.reconfigure(encoding="utf-8")


class StyleAll(LineFilter):
    """Gives what has no style an empty one; Textual's filter of colors fails on none."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        """The same segments, each with a style."""
        return [Segment(text, style or Style.null()) for text, style, _ in segments]
