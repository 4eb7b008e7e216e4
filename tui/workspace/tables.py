"""Tables of the workspace, each read again only when its content has changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import ArtifactError
from tui.workspace.snapshot import Artifact

if TYPE_CHECKING:
    import polars as pl


class Tables:
    """Keeps what it has read. For workers: reading takes time."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self._kept: dict[str, tuple[str, pl.DataFrame]] = {}

    def read(self, artifact: Artifact) -> pl.DataFrame:
        """The content of a table artifact; raise `ArtifactError` if it is damaged."""
        from data_contracts.catalog import contracts
        from data_contracts.store import read_table

        if artifact.header is None:
            raise ArtifactError(artifact.reason)
        digest, frame = self._kept.get(artifact.place, ("", None))
        if frame is None or digest != artifact.header.digest:
            table = read_table(contracts()[artifact.contract], self.workspace / artifact.place)
            # The file may have been written anew since the snapshot.
            self._kept[artifact.place] = table.header.digest, table.frame
            frame = table.frame
        return frame
