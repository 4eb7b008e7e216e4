"""`cxr dashboard`: starts the dashboard in this terminal, or serves it to a browser."""

from __future__ import annotations

import gc
import io
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
    color: bool = False,
    serve: bool = False,
    port: int | None = None,
    host: str | None = None,
    token: str | None = None,
) -> int:
    """Show a workspace, launch jobs, and browse metrics and averaged heatmaps.

    Parameters
    ----------
    workspace
        Folder of all artifacts of one analysis.
    graphics
        Draw images with the terminal's graphics protocol (Kitty, Sixel), not half blocks.
    color
        Show colors although NO_COLOR is set; without them maps are digits.
    serve
        Serve the dashboard to a browser and print the URL to open.
    port
        Port to serve on; 8000 by default.
    host
        Address to listen on, 127.0.0.1 by default; one open to other hosts requires --token.
    token
        Access token, also read from CXR_DASHBOARD_TOKEN; random by default.
    """
    require_memory()
    folder = require_text(workspace or default_workspace())
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--workspace {folder} is not a folder")
    if serve:
        from tui.serve import serve as serve_to_browsers

        if graphics:
            raise UsageError("--graphics works in a terminal only; drop it with --serve")
        serve_to_browsers(folder, host or "127.0.0.1", 8000 if port is None else port, token)
    else:
        given = {"port": port, "host": host, "token": token}
        if unused := [name for name, value in given.items() if value is not None]:
            raise UsageError(f"--{unused[0]} requires --serve")
        if color:
            os.environ.pop("NO_COLOR", None)
        return _show(folder, graphics=graphics)
    return 0


def _show(workspace: Path, *, graphics: bool) -> int:
    """In this terminal, with the user's preferences; returns the exit code."""
    from tui.app import Dashboard
    from tui.heap import share_heap
    from tui.preferences import preferences_path, read_preferences
    from tui.shared.views import Views, views_path
    from tui.terminal import require_utf8
    from tui.themes import THEMES

    # Textual draws on the standard error.
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if not all(s.isatty() for s in streams) and "TEXTUAL_DRIVER" not in os.environ:
        raise UsageError("the dashboard needs a terminal; use --serve for a browser")
    if isinstance(sys.__stderr__, io.TextIOWrapper):
        require_utf8(sys.__stderr__)
    if graphics:
        from tui.shared.graphics import require_graphics

        require_graphics()
    # The thread that reads the workspace lets go of the interpreter sooner than by default (5 ms),
    # so that no key waits for it.
    sys.setswitchinterval(0.0005)
    # Looking for garbage holds up the keys as well, and finds little.
    gc.set_threshold(20_000, 20, 100)
    share_heap()
    preferences = read_preferences(preferences_path(), [theme.name for theme in THEMES])
    views = Views(views_path(), workspace)
    app = Dashboard(workspace, preferences, views=views, graphics=graphics)
    app.run()
    if app.return_code == Interrupted.exit_code:
        raise Interrupted("interrupted; run the same command to resume")
    return app.return_code or 0
