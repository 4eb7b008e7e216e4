"""Source files: what was hashed for the lineage is what a job reads."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from data_contracts.errors import Interrupted, SourceError
from data_contracts.header import Input, Provenance
from data_contracts.os_errors import environment_error


def file_digest(path: Path) -> str:
    """Hash of a source file's bytes; raise `SourceError` if it cannot be read."""
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or "out of memory"
        raise environment_error(error, path, SourceError) or SourceError(
            f"{path} cannot be read ({reason}); check the path"
        ) from error


def require_same(sources: Mapping[str, Path], origin: Provenance) -> None:
    """Raise `Interrupted` if a source is not what it was when the lineage was made."""
    for name, path in sources.items():
        if Input("source", name, file_digest(path)) not in origin.inputs:
            raise Interrupted(f"{path} was replaced while it was read; run the same command again")
