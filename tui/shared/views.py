"""What users have chosen on each page, kept from start to start: filters and sort orders."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from data_contracts.atomic import write_text
from data_contracts.errors import CxrError


@dataclass(frozen=True)
class View:
    """Of one page."""

    filter: str = ""
    column: str = ""
    """The title of the column that it is sorted by; empty: as it comes."""
    reverse: bool = False


class Views:
    """The views of one workspace. Without a `path` nothing outlasts the dashboard."""

    def __init__(self, path: Path | None = None, workspace: Path = Path()) -> None:
        self._path, self._key = path, str(workspace.absolute())
        own = self._read().get(self._key)
        self._kept = own if isinstance(own, dict) else {}
        self._views = {page: _view(entry) for page, entry in self._kept.items()}

    def of(self, page: str) -> View:
        """How a page was left."""
        return self._views.get(page, View())

    def change(self, page: str, **choice: Any) -> None:
        """Keep a choice on a page."""
        self._views[page] = replace(self.of(page), **choice)

    def write(self) -> None:
        """Keep the views for the next start."""
        own = {page: asdict(view) for page, view in self._views.items() if view != View()}
        if self._path is None or own == self._kept:
            return
        # Nobody misses a sort order so much that it would be worth an error.
        with suppress(OSError, CxrError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_text(self._path, json.dumps({**self._read(), self._key: own}, indent=1))

    def _read(self) -> dict[str, dict[str, Any]]:
        """The views of all workspaces; none where the file is not what `write` writes."""
        try:
            content = json.loads(self._path.read_text(encoding="utf-8")) if self._path else {}
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def views_path() -> Path:
    """`cxr/dashboard.json` in the XDG state folder."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "cxr" / "dashboard.json"


def _view(entry: Any) -> View:
    """What is kept of a page, as far as it can be read."""
    if not isinstance(entry, dict):
        return View()
    return View(
        str(entry.get("filter", "")), str(entry.get("column", "")), bool(entry.get("reverse"))
    )
