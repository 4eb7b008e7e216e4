"""What a page shows when it has no content: why, and what to do next."""

from __future__ import annotations

from textual.widgets import Static

from tui.shared.sanitize import escape_markup
from tui.workspace.snapshot import Snapshot


class Placeholder(Static):
    """A message in the middle of the page. Content markup; name the key that helps."""

    DEFAULT_CSS = """
    Placeholder {
        width: 1fr; height: 1fr; content-align: center middle; text-align: center;
        color: $foreground 70%; padding: 0 2;
    }
    """


def damaged_text(problem: str) -> str:
    """That a file is damaged, and why."""
    return f"[$text-error]damaged[/]\n\n{escape_markup(problem)}"


def unreadable_text(snapshot: Snapshot, contract: str, problem: str) -> str:
    """Why an artifact of the summary cannot be read: damaged, or of an older version."""
    text = damaged_text(problem)
    if any(a.state == "stale" for a in snapshot.of(contract)):
        text = f"[$text-warning]out of date[/]\n\n{escape_markup(problem)}"
    return f"{text}\n\n[b]cxr aggregate[/b] re-creates it"
