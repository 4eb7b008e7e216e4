"""`cxr dashboard`: starts the dashboard in this terminal, or serves it to a browser."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

from data_contracts.errors import Interrupted, UsageError
from jobs._config import default_workspace, require_text
from jobs._docstrings import documented
from jobs._limits import require_memory


@documented
def dashboard(
    *,
    workspace: Path | None = None,
    graphics: bool = False,
    serve: bool = False,
    port: int | None = None,
    host: str | None = None,
    token: str | None = None,
) -> int:
    """See what a workspace holds, launch jobs, compare metrics, look at averaged heatmaps.

    Parameters
    ----------
    workspace
        Folder of all artifacts of one analysis.
    graphics
        Draw pictures by the terminal's own protocol (Kitty, Sixel) instead of half blocks.
    serve
        Show the dashboard in a browser; the address to open is told.
    port
        Port to serve on; 8000 by default.
    host
        Address to serve on; any but this host's own, 127.0.0.1, needs --token.
    token
        What a browser must give to be let in, also as CXR_DASHBOARD_TOKEN; random by default.
    """
    require_memory()
    folder = require_text(workspace or default_workspace())
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--workspace {folder} is not a folder")
    if serve:
        from tui.serve import serve as serve_to_browsers

        if graphics:
            raise UsageError("--graphics is for terminals; leave it out with --serve")
        serve_to_browsers(folder, host or "127.0.0.1", 8000 if port is None else port, token)
    else:
        given = {"port": port, "host": host, "token": token}
        if idle := [name for name, value in given.items() if value is not None]:
            raise UsageError(f"--{idle[0]} goes with --serve")
        _show(folder, graphics=graphics)
    return 0


def _show(workspace: Path, *, graphics: bool) -> None:
    """In this terminal, with the user's own settings."""
    from tui.app import Dashboard
    from tui.preferences import preferences_path, read_preferences
    from tui.themes import THEMES

    # Textual draws on the standard error.
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if not all(s.isatty() for s in streams) and "TEXTUAL_DRIVER" not in os.environ:
        raise UsageError("the dashboard needs a terminal; for a browser there is --serve")
    if graphics:
        from tui.widgets.graphics import require_graphics

        require_graphics()
    # The thread that reads the workspace lets go of the interpreter sooner than by default (5 ms),
    # so that no key waits for it.
    sys.setswitchinterval(0.0005)
    # Looking for garbage holds up the keys as well, and finds little.
    gc.set_threshold(20_000, 20, 100)
    preferences = read_preferences(preferences_path(), [theme.name for theme in THEMES])
    app = Dashboard(workspace, preferences, graphics=graphics)
    app.run()
    if app.return_code == Interrupted.exit_code:
        raise Interrupted("interrupted; run the same command to go on")
