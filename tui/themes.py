"""The themes: dark, light and high contrast. Textual's own are in the palette as well."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="cxr-dark", primary="#6cb2eb", secondary="#8795a1", accent="#f2b15d",
    success="#69c98a", warning="#f2b15d", error="#f0716b",
    foreground="#dde3ea", background="#10141a", surface="#171c24", panel="#202733", dark=True,
)  # fmt: skip
LIGHT = Theme(
    name="cxr-light", primary="#1c64a8", secondary="#5b6773", accent="#9a5b00",
    success="#1b7a3d", warning="#9a5b00", error="#b3261e",
    foreground="#1b2026", background="#fbfbfa", surface="#f1f2f3", panel="#e2e5e8", dark=False,
)  # fmt: skip
HIGH_CONTRAST = Theme(
    name="cxr-high-contrast", primary="#00d7ff", secondary="#ffffff", accent="#ffff00",
    success="#00ff5f", warning="#ffff00", error="#ff8787",
    foreground="#ffffff", background="#000000", surface="#000000", panel="#262626", dark=True,
    text_alpha=1.0,
)  # fmt: skip

THEMES = (DARK, LIGHT, HIGH_CONTRAST)
