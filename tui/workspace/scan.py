"""Reads a workspace again and again, and each time only what has changed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from data_contracts import run as runs
from data_contracts.catalog import contracts
from data_contracts.errors import ArtifactError, CxrError, concerns_content
from data_contracts.run import RunRecord
from jobs import _engines
from jobs._registry import find_jobs
from tui.workspace.notes import PLACE, RunNote, read_notes
from tui.workspace.progress import progress_of, seconds_left
from tui.workspace.snapshot import (
    Artifact,
    ArtifactState,
    Identity,
    Progress,
    Snapshot,
    with_states,
)

#: Seconds between questions to the engines of a cluster.
ASK_ENGINES_EVERY = 5.0

_ENDED = ("succeeded", "failed", "cancelled")
_Signature = tuple[int, int, int]


class Scanner:
    """Keeps what it has read. One per workspace, used by one thread.

    A scan lists the folders, asks for the times of artifacts and of runs that have not ended, and
    opens only what is new: a file is touched at most once a scan.
    """

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self._folders = sorted({c.path_template.split("/")[0] for c in contracts().values()})
        self._jobs = find_jobs()
        self._artifacts: dict[str, tuple[_Signature, Artifact]] = {}
        self._with_states: dict[str, Artifact] = {}
        self._writing: dict[str, str] = {}
        self._runs: dict[str, tuple[_Signature, RunRecord]] = {}
        self._notes: tuple[_Signature, dict[str, RunNote]] = ((0, 0, 0), {})
        self._asked = 0.0
        self._answers: dict[str, tuple[RunRecord, RunRecord]] = {}
        self._no_answer = ""
        self._unreadable: list[str] = []
        self._marked_damaged: dict[Identity, Artifact] = {}
        self._last: Snapshot | None = None

    def mark_damaged(self, artifact: Artifact, fault: str) -> None:
        """Take an artifact for damaged, as reading all of it has shown, until its file changes."""
        damaged = replace(artifact, state="damaged", reason=fault)
        self._marked_damaged[artifact.identity] = damaged

    def scan(self) -> Snapshot:
        """The workspace as it is now; the same object as last time if nothing has changed."""
        self._unreadable = []
        records = self._read_runs()
        progress = self._progress(records)
        writing = {p: r.run_id for r in records if r.state == "running" for p in self._outputs(r)}
        current, notes = self._read_artifacts(), self._read_notes()
        if (current, writing) != (self._artifacts, self._writing):
            self._artifacts, self._writing = current, writing
            self._with_states = with_states(
                {place: a for place, (_, a) in current.items()}, writing
            )
        last = self._last
        number = 0 if last is None else last.number
        new = Snapshot(
            number, self._with_states, records, progress, writing, _writable(self.workspace),
            self._no_answer, tuple(self._unreadable), notes,
        )  # fmt: skip
        if last is None or new != last:
            self._last = last = replace(new, number=number + 1)
        return last

    def _read_artifacts(self) -> dict[str, tuple[_Signature, Artifact]]:
        """Every artifact by place; what has the same signature as before is not opened again."""
        current: dict[str, tuple[_Signature, Artifact]] = {}
        for entry, place in self._files():
            cached = self._artifacts.get(place)
            bare = cached[1] if cached else self._bare(place)
            if bare is None:
                continue
            try:
                status = entry.stat()
            except OSError:
                continue
            signature = (status.st_mtime_ns, status.st_size, status.st_ino)
            if cached is None or cached[0] != signature or cached[1].state == "unreadable":
                sized = replace(bare, size=status.st_size, modified=status.st_mtime)
                cached = signature, _with_header(sized, Path(entry.path))
            current[place] = cached[0], self._marked_damaged.get(cached[1].identity, cached[1])
        return current

    def _bare(self, place: str) -> Artifact | None:
        """The artifact that belongs at a place, before it is looked at; None for other files."""
        for contract in contracts().values():
            if (keys := contract.keys_of(place)) is not None:
                return Artifact(place, contract.name, keys, 0, 0.0, None)
        return None

    def _files(self) -> Iterator[tuple[os.DirEntry[str], str]]:
        """Every file below the folders of artifacts, with its place; also what is none there."""
        waiting = [(self.workspace / folder, f"{folder}/") for folder in self._folders]
        while waiting:
            folder, prefix = waiting.pop()
            for entry in self._entries(folder):
                place = prefix + entry.name
                if entry.is_dir(follow_symlinks=False) and self._bare(place) is None:
                    waiting.append((Path(entry.path), f"{place}/"))
                else:
                    yield entry, place

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return list(entries)
        except FileNotFoundError:
            return []
        except OSError as error:
            place = folder if os.access(self.workspace, os.X_OK) else self.workspace
            reason = (error.strerror or "input/output error").lower()
            fault = f"{place} cannot be read ({reason}); check its permissions"
            self._unreadable += [] if fault in self._unreadable else [fault]
            return []

    def _read_runs(self) -> tuple[RunRecord, ...]:
        current: dict[str, tuple[_Signature, RunRecord]] = {}
        for entry in self._entries(self.workspace / "runs"):
            cached = self._runs.get(entry.name)
            if cached is None or cached[1].state not in _ENDED:
                try:
                    status = os.stat(os.path.join(entry.path, "run.json"))  # noqa: PTH116, PTH118
                    signature = (status.st_mtime_ns, status.st_size, status.st_ino)
                    if cached is None or cached[0] != signature:
                        cached = signature, runs.read_record(Path(entry.path))
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except (OSError, ArtifactError) as error:
                    self._unreadable.append(str(error))
                    continue
            current[entry.name] = cached
        self._runs = current
        records = [self._present(record) for _, record in current.values()]
        return tuple(sorted(self._asked_of_engines(records), key=_newest_first, reverse=True))

    def _read_notes(self) -> dict[str, RunNote]:
        try:
            status = (self.workspace / PLACE).stat()
        except OSError:
            return {}
        signature = (status.st_mtime_ns, status.st_size, status.st_ino)
        if signature != self._notes[0]:
            try:
                self._notes = signature, read_notes(self.workspace)
            except ArtifactError as error:
                self._unreadable.append(str(error))
                return {}
        return self._notes[1]

    def _present(self, record: RunRecord) -> RunRecord:
        if record.state in _ENDED:
            return record
        return runs.with_present_state(self.workspace / "runs" / record.run_id, record)

    def _asked_of_engines(self, records: list[RunRecord]) -> list[RunRecord]:
        """The records, corrected by the engines that run elsewhere, asked every few seconds."""
        elsewhere = [r for r in records if r.engine != "process" and r.state not in _ENDED]
        if elsewhere and time.monotonic() - self._asked >= ASK_ENGINES_EVERY:
            self._asked = time.monotonic()
            try:
                answers = _engines.present(self.workspace, elsewhere)
                self._answers = {r.run_id: (r, a) for r, a in zip(elsewhere, answers, strict=True)}
                self._no_answer = ""
            except CxrError as error:
                self._no_answer = f"run states may be out of date: {error}"
        return [self._answered(record) for record in records] if elsewhere else records

    def _answered(self, record: RunRecord) -> RunRecord:
        """The engine's answer for this very record, if it was asked."""
        asked, answer = self._answers.get(record.run_id, (None, record))
        return answer if asked == record else record

    def _progress(self, records: Sequence[RunRecord]) -> dict[str, Progress]:
        """By run id: how far the running ones are."""
        running = [r for r in records if r.state == "running"]
        folders = {r.run_id: runs.run_folder(self.workspace, r.run_id) for r in running}
        found = {i: p for i, f in folders.items() if (p := progress_of(runs.read_last_events(f)))}
        for record in running:
            if record.job == "run" and record.run_id in found:
                seconds = seconds_left(self.workspace, record, records, found)
                done = found[record.run_id]
                found[record.run_id] = replace(done, rate=None, seconds_left=seconds)
        return found

    def _outputs(self, record: RunRecord) -> list[str]:
        """The places that a run writes."""
        spec = self._jobs.get(record.job)
        if spec is None:
            return []
        try:
            keys = spec.config(**record.config).keys()
            return [c.path_template.format(**keys) for c in spec.writes]
        except (ValidationError, CxrError, KeyError, TypeError):
            return []


def _with_header(artifact: Artifact, path: Path) -> Artifact:
    from data_contracts.store import contract_of, is_readable, read_header

    try:
        header = read_header(path)
        contract = contract_of(header, path)
        if header.contract != artifact.contract:
            raise ArtifactError(f"{path} contains a {header.contract}, not a {artifact.contract}")
    except CxrError as error:
        state: ArtifactState = "damaged" if concerns_content(error) else "unreadable"
        return replace(artifact, header=None, state=state, reason=str(error))
    if not is_readable(contract, header):
        reason = f"version {header.version}, not {contract.version}"
        return replace(artifact, header=header, state="stale", reason=reason)
    return replace(artifact, header=header, state="current", reason="")


def _newest_first(record: RunRecord) -> tuple[str, str]:
    return record.started, record.run_id


def _writable(workspace: Path) -> bool:
    """Whether files can be made in the workspace, or the workspace itself."""
    folder = next(p for p in (workspace, *workspace.absolute().parents) if p.exists())
    try:
        read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK) and not read_only
