"""Writes the split of a cohort's patients, for others who hold the same patients."""

from __future__ import annotations

from pathlib import Path

from data_contracts.atomic import write_text
from data_contracts.cohort import COHORT
from data_contracts.errors import UsageError
from jobs._config import default_workspace, require_text
from jobs._docstrings import documented
from jobs._job import existing
from jobs._sources import file_digest


@documented
def export_split(path: Path, /, *, workspace: Path | None = None) -> int:
    """Write patients and their splits to a CSV file, and print its digest.

    Parameters
    ----------
    path
        The file; it must not exist. `cxr extract --split-file` reads it.
    workspace
        Folder of all artifacts of one analysis.
    """
    from cxrcore.split_files import split_file_text
    from data_contracts.store import read_table

    if require_text(path).exists():
        raise UsageError(f"{path} exists; give a new name")
    (cohort,) = existing(COHORT, require_text(workspace or default_workspace()), {})
    write_text(path, split_file_text(read_table(COHORT, cohort).frame))
    print(file_digest(path))
    return 0
