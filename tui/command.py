"""`cxr dashboard`: starts the dashboard in this terminal, or serves it to a browser."""

from __future__ import annotations

from pathlib import Path

from data_contracts.errors import UsageError
from jobs._config import default_workspace


def dashboard(
    *,
    workspace: Path | None = None,
    graphics: bool = False,
) -> int:
    """See what a workspace holds, launch jobs, compare metrics, look at averaged heatmaps.

    Parameters
    ----------
    workspace
        Folder of all artifacts of one analysis.
    graphics
        Draw pictures by the terminal's own protocol (Kitty, Sixel) instead of half blocks.
    """
    folder = workspace or default_workspace()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--workspace {folder} is not a folder")
    from tui.app import Dashboard
    from tui.settings import read_settings, settings_path
    from tui.themes import THEMES

    themes = [theme.name for theme in THEMES]
    settings = read_settings(settings_path(), themes, Dashboard.action_names())
    Dashboard(folder, settings, graphics=graphics).run()
    return 0
