"""What a page shows when it has no content: why, and what to do next."""

from __future__ import annotations

from textual.widgets import Static


class Placeholder(Static):
    """A message in the middle of the page. Content markup; name the key that helps."""

    DEFAULT_CSS = """
    Placeholder {
        width: 1fr; height: 1fr; content-align: center middle; text-align: center;
        color: $foreground 70%; padding: 0 2;
    }
    """
