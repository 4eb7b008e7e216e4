"""What users note about runs: a star, tags and a text, in one file of the workspace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data_contracts.atomic import write_text
from data_contracts.errors import ArtifactError
from data_contracts.lock import hold

PLACE = "run-notes.json"
_VERSION = 1


@dataclass(frozen=True)
class RunNote:
    """Of one run."""

    star: bool = False
    tags: tuple[str, ...] = ()
    text: str = ""


NO_NOTE = RunNote()


def read_notes(workspace: Path) -> dict[str, RunNote]:
    """The notes by run id; none without the file.

    Raises `ArtifactError` when it cannot be read or is not what `change_note` writes.
    """
    path = workspace / PLACE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            raise ValueError
        return {str(run_id): _note(entry) for run_id, entry in content["runs"].items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{path} is damaged; restore or remove it") from error


def change_note(workspace: Path, run_id: str, note: RunNote) -> None:
    """Keep what is noted about a run; what others have noted about other runs stays.

    Raises `Busy` while another dashboard writes, `ArtifactError` as `read_notes`, and
    `StorageError` where the file cannot be written.
    """
    with hold(workspace, [PLACE], "another dashboard"):
        notes = {**read_notes(workspace), run_id: note}
        kept = {i: asdict(n) for i, n in sorted(notes.items()) if n != NO_NOTE}
        text = json.dumps({"version": _VERSION, "runs": kept}, indent=1, ensure_ascii=False)
        write_text(workspace / PLACE, text + "\n")


def _note(entry: Mapping[str, Any]) -> RunNote:
    return RunNote(bool(entry["star"]), tuple(map(str, entry["tags"])), str(entry["text"]))
