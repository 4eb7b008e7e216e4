"""The run record: what every job tells about itself while it works.

`runs/{run_id}/run.json` holds the facts of the run and is replaced whole; `events.jsonl` is
append-only; `log.txt` holds what the job said. Readers need nothing else, so a launcher or a
dashboard may come and go.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from data_contracts.atomic import translate_os_errors, write_text
from data_contracts.errors import ArtifactError, UsageError
from data_contracts.shared_text import loads_shared

RECORD_VERSION = "1.0"
HEARTBEAT_SECONDS = 5.0
LOST_AFTER_SECONDS = 30.0
#: What the clocks of two hosts may differ by: a heartbeat further ahead tells nothing.
CLOCKS_DIFFER_SECONDS = 3600.0

State = Literal[
    "submitted", "running", "succeeded", "failed", "interrupted", "cancelled", "lost"
]  # fmt: skip
EventKind = Literal["state", "progress", "metric", "warning", "heartbeat"]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The content of `run.json`. Times are UTC, ISO 8601."""

    run_id: str
    job: str
    config: dict[str, Any]
    state: State
    started: str
    ended: str | None = None
    exit_code: int | None = None
    message: str = ""
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    package_version: str = ""
    inputs: list[dict[str, str]] = field(default_factory=list)
    outputs: list[dict[str, str]] = field(default_factory=list)
    engine: str = "process"
    engine_id: str | None = None
    version: str = RECORD_VERSION


def now() -> str:
    """The current time as the run record has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def moment(time: object) -> datetime | None:
    """A time of a record; None when it is none."""
    try:
        read = datetime.fromisoformat(str(time))
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def seconds_between(begun: datetime | None, ended: datetime | None) -> float | None:
    """Seconds that passed; None where a time is unknown or the clock was put back in between."""
    if begun is None or ended is None or ended < begun:
        return None
    return (ended - begun).total_seconds()


def run_folder(workspace: Path, run_id: str) -> Path:
    """Where a run keeps its record; raise `UsageError` for an id that could leave the folder."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", run_id):
        raise UsageError(
            "CXR_RUN_ID must be 1 to 100 letters, digits, '.', '_' or '-', "
            "and start with a letter or digit"
        )
    return workspace / "runs" / run_id


def write_record(workspace: Path, record: RunRecord) -> None:
    """Replace `run.json` whole."""
    folder = run_folder(workspace, record.run_id)
    write_text(folder / "run.json", json.dumps(asdict(record), indent=1, sort_keys=True) + "\n")


def read_record(folder: Path) -> RunRecord:
    """Parse `run.json` of a run's folder; raise `ArtifactError` when it cannot be read."""
    try:
        facts = loads_shared((folder / "run.json").read_bytes())
        return RunRecord(**{f.name: facts[f.name] for f in fields(RunRecord) if f.name in facts})
    except OSError as error:
        reason = (error.strerror or "input/output error").lower()
        raise ArtifactError(
            f"{folder / 'run.json'} cannot be read ({reason}); check who may read it"
        ) from error
    except (ValueError, TypeError) as error:
        raise ArtifactError(
            f"{folder / 'run.json'} cannot be read; delete the run's folder"
        ) from error


def append_event(folder: Path, kind: EventKind, **facts: Any) -> None:
    """Add one line to `events.jsonl`, in a single write."""
    path = folder / "events.jsonl"
    line = json.dumps({"time": now(), "event": kind} | facts).encode() + b"\n"
    with translate_os_errors(path), path.open("a+b", buffering=0) as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            # What a crash has cut off must not swallow this line too.
            line = line if file.read(1) == b"\n" else b"\n" + line
        file.write(line)


def read_events(folder: Path, start: int = 0) -> Iterator[dict[str, Any]]:
    """Every whole event line from the byte `start` on; a line cut off by a crash is passed over."""
    path = folder / "events.jsonl"
    if not path.is_file():
        return
    with path.open("rb") as file:
        file.seek(start)
        yield from _parsed(file)


def read_new_events(folder: Path, start: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The events from the byte `start` on, and the byte where the next one will begin.

    A line that is still being written is left for the next time.
    """
    try:
        with (folder / "events.jsonl").open("rb") as file:
            file.seek(start)
            data = file.read()
    except FileNotFoundError:
        return [], start
    except OSError as error:
        raise ArtifactError(
            f"{folder / 'events.jsonl'} cannot be read ({error.strerror})"
        ) from error
    whole = data[: data.rfind(b"\n") + 1]
    return list(_parsed(whole.splitlines())), start + len(whole)


def _parsed(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


def read_last_events(folder: Path, size: int = 8192) -> list[dict[str, Any]]:
    """The events in the last `size` bytes."""
    try:
        length = (folder / "events.jsonl").stat().st_size
        return list(read_events(folder, max(0, length - size)))
    except OSError:
        return []


def read_runs(workspace: Path) -> list[RunRecord]:
    """Every readable run record of a workspace, oldest first, each with its present state."""
    found = []
    for path in (workspace / "runs").glob("*/run.json"):
        try:
            found.append(with_present_state(path.parent, read_record(path.parent)))
        except ArtifactError:
            continue
    return sorted(found, key=lambda r: (r.started, r.run_id))


def with_present_state(folder: Path, record: RunRecord) -> RunRecord:
    """The record, its state set to `lost` when it says running but nothing is alive.

    A run is alive while its events are fresh, or while its process exists on this host. A process
    that has taken over the id of an ended one is told apart by its start.
    """
    if record.state == "submitted" and record.engine_id is None:
        # The launcher has not handed it over yet; if the launcher is gone, nobody ever will.
        given_up = record.host == socket.gethostname() and process_mark(record.pid) is None
        return replace(record, state="lost") if given_up else record
    if record.state != "running":
        return record
    try:
        silence = datetime.now(UTC).timestamp() - (folder / "events.jsonl").stat().st_mtime
    except OSError:
        silence = float("inf")
    if record.host == socket.gethostname():
        alive = process_exists(record)
    else:
        alive = -CLOCKS_DIFFER_SECONDS <= silence <= LOST_AFTER_SECONDS
    return record if alive else replace(record, state="lost")


def process_exists(record: RunRecord) -> bool:
    """Whether the run's process is alive on this host."""
    mark = process_mark(record.pid)
    if record.engine == "process" and record.engine_id:
        return mark == record.engine_id
    return mark is not None


def process_mark(pid: int) -> str | None:
    """`pid@boot-start`, which no other process ever shares; None when `pid` is not alive.

    Start is in clock ticks since boot (`proc(5)`), boot is the kernel's own random name for it.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The command's name stands in brackets and may hold blanks and brackets itself.
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else f"{pid}@{boot[:8]}-{rest[18]}"
