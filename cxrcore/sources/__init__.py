"""One module per collection of radiographs; its file name, with - for _, is the source's name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path

from cxrcore.sources._adapter import Adapter
from data_contracts.errors import UsageError


def names() -> tuple[str, ...]:
    """The available sources, sorted."""
    found = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    return tuple(name.replace("_", "-") for name in found)


def adapter(name: str) -> Adapter:
    """The adapter of the source `name`; raise `UsageError` if there is none."""
    if name not in names():
        raise UsageError(f"unknown source '{name}'; choose from {', '.join(names())}")
    module = name.replace("-", "_")
    found: Adapter = importlib.import_module(f"{__name__}.{module}").ADAPTER
    return found


def locate(name: str, places: Mapping[str, Path | None]) -> dict[str, Path]:
    """The table files of the source `name`, by a name that does not depend on the host.

    `places` are folders and files by the names that the adapter has for them. Raises `UsageError`
    naming the flag of every one that is needed and not given, and `SourceError` naming every file
    that is missing.
    """
    found = adapter(name)
    wanted = {place: ("DIR", content) for place, content in found.folders.items()}
    wanted |= {place: ("FILE", content) for place, content in found.files.items()}
    known = (*wanted, *found.optional_files)
    given = {place: path for place in known if (path := places.get(place)) is not None}
    lacking = [
        f"--{place.replace('_', '-')} {kind} ({content})"
        for place, (kind, content) in wanted.items()
        if place not in given
    ]
    if lacking:
        raise UsageError(f"--source {name} needs {' and '.join(lacking)}")
    return found.locate(given)
