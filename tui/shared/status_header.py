"""The first line of every page: the pages, what is wrong and at work, where this is, the time."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from tui import clock
from tui.shared.sanitize import cut_middle, escape_markup, sanitize

#: Cells: from this width on the names of the pages stand apart; of a place that names the host;
#: of the least that a place may be cut to.
_WIDE, _WITH_HOST, _SHORTEST = 100, 24, 12
_CLOCK_EVERY = 5.0


@dataclass(frozen=True)
class Status:
    """What stands at the right."""

    workspace: Path
    errors: int = 0
    running: int = 0
    failed: int = 0
    writable: bool = True


class StatusHeader(Horizontal):
    """Names the pages with their keys; a click opens one."""

    DEFAULT_CSS = """
    StatusHeader Static {
        link-style: none; link-style-hover: bold; link-background-hover: $primary 40%;
    }
    StatusHeader { height: 1; background: $panel; dock: top; }
    StatusHeader #tabs { width: auto; }
    StatusHeader #place {
        width: 1fr; text-align: right; color: $foreground 60%; padding: 0 1;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self._page = page
        self._status: Status | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="tabs")
        yield Static(id="place")

    def on_mount(self) -> None:
        self.set_interval(_CLOCK_EVERY, self._show)

    def on_resize(self) -> None:
        self._show()

    def update_status(self, status: Status) -> None:
        """Show another status."""
        self._status = status
        self._show()

    def _show(self) -> None:
        gap = " " if self.size.width >= _WIDE else ""
        pages = list(enumerate(self.app.MODES, 1))
        tabs = [self._tab(i, page, gap) for i, page in pages]
        self.query_one("#tabs", Static).update("".join(tabs))
        if self._status is not None:
            taken = sum(len(f" {i} {page}{gap}") for i, page in pages)
            room = self.size.width - taken - 2
            self.query_one("#place", Static).update(place_text(self._status, room))

    def _tab(self, number: int, page: str, gap: str) -> str:
        look = "reverse bold" if page == self._page else "dim"
        name = f" {number} {page.capitalize()}{gap}"
        return f"[@click=app.switch_mode('{page}')][{look}]{name}[/][/]"


def place_text(status: Status, room: int) -> str:
    """As much as fits into `room` cells, as content markup: errors first, then counts and place."""
    parts: list[tuple[str, str]] = []
    if status.errors:
        text = f"✗ {status.errors} (E)"
        parts.append((text, f"[@click=app.errors][$text-error]{text}[/][/]"))
    if not status.writable:
        parts.append(("read-only", "[$text-warning]read-only[/]"))
    counts = [f"{n} {what}" for n, what in ((status.running, "running"), (status.failed, "failed"))
              if n]  # fmt: skip
    rest = room - sum(len(text) + 2 for text, _ in parts)
    time = f"{clock.local(clock.now()):%H:%M}"
    extra = [", ".join(counts), time]
    kept = []
    for text in extra:
        if text and rest - len(text) - 2 >= _SHORTEST:
            kept.append(text)
            rest -= len(text) + 2
    parts += [(text, text) for text in kept if text != time]
    if (place := place_of(status.workspace, rest)) and rest > 1:
        parts.append((place, escape_markup(place)))
    parts += [(text, text) for text in kept if text == time]
    return "  ".join(markup for _, markup in parts)


def place_of(workspace: Path, room: int) -> str:
    """Host and path with the middle cut out, or the folder's name where there is less room."""
    path = sanitize(workspace.absolute())
    home = sanitize(Path.home())
    path = f"~{path.removeprefix(home)}" if path.startswith(f"{home}/") else path
    full = f"{socket.gethostname()}:{path}"
    if cell_len(full) <= room or room >= _WITH_HOST:
        return cut_middle(full, room)
    return cut_middle(sanitize(workspace.name), room)
