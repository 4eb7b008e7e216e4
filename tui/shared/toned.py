"""Lines of text by what they mean; the theme gives their colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from textual.content import Content

from tui.shared.sanitize import escape_markup

#: The meaning of a text's colour.
Tone = Literal["", "good", "bad", "warn", "dim", "live", "bold"]
TonedLine = tuple[Tone, str]

#: Styles of content.
LOOKS: Mapping[Tone, str] = {
    "good": "$text-success", "bad": "$text-error", "warn": "$text-warning",
    "live": "$text-primary", "dim": "$foreground 65%", "bold": "bold",
}  # fmt: skip


def marked_up(lines: Sequence[TonedLine]) -> str:
    """Lines as content markup."""
    return "\n".join(in_tone(tone, text) for tone, text in lines)


def in_tone(tone: Tone, text: str) -> str:
    """A text as content markup."""
    plain = escape_markup(text)
    return f"[{LOOKS[tone]}]{plain}[/]" if tone and text else plain


def as_content(lines: Sequence[Sequence[TonedLine]]) -> Content:
    """Lines of several pieces each."""
    return Content("\n").join(Content("").join(map(_styled, line)) for line in lines)


def _styled(piece: TonedLine) -> Content:
    tone, text = piece
    return Content.styled(text, LOOKS[tone]) if tone else Content(text)


def out_of_date(reason: str) -> tuple[TonedLine, ...]:
    """The warning that a summary is out of date for `reason`; none without one."""
    return (("warn", f"⚠ out of date: {reason}; run aggregate again"),) if reason else ()
