"""One module per collection of radiographs; its file name is the source's name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path

from cxrcore.sources._adapter import Adapter
from data_contracts.errors import UsageError


def names() -> tuple[str, ...]:
    """The available sources, sorted."""
    return tuple(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def adapter(name: str) -> Adapter:
    """The adapter of the source `name`; raise `UsageError` if there is none."""
    if name not in names():
        raise UsageError(f"unknown source '{name}'; choose from {', '.join(names())}")
    found: Adapter = importlib.import_module(f"{__name__}.{name}").ADAPTER
    return found


def locate(name: str, folders: Mapping[str, Path | None]) -> dict[str, Path]:
    """The table files of the source `name`, by a name that does not depend on the host.

    Raises `UsageError` naming the flag of every folder that is needed and not given, and
    `SourceError` naming every file that is missing.
    """
    found = adapter(name)
    given = {folder: path for folder in found.folders if (path := folders.get(folder)) is not None}
    lacking = [
        f"--{folder.replace('_', '-')} DIR ({meaning})"
        for folder, meaning in found.folders.items()
        if folder not in given
    ]
    if lacking:
        raise UsageError(f"--source {name} needs {' and '.join(lacking)}")
    return found.locate(given)
