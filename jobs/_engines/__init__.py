"""The engines that run a job: one module each, and what they have in common.

A run's record names its engine and the id that the engine knows it by, so that any process can
ask for its state or cancel it. The launcher writes the record, state `submitted`, before the job
can begin; the job then takes it over.
"""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol, cast

from data_contracts import run as runs
from data_contracts.errors import ArtifactError, CxrError, Unreachable, UsageError
from data_contracts.header import package_version
from data_contracts.run import RunRecord, State
from jobs._config import JobConfig
from jobs._engines._request import JobRequest, Options, build_request
from jobs._registry import Spec

UNFINISHED = ("submitted", "running")
GRACE = 30.0
#: The log of a run; the output of its process, if it ended before it logged anything.
LOG_FILES = ("log.txt", "output.txt")


class Engine(Protocol):
    """What the module of an engine offers."""

    SUPPORTED_OPTIONS: frozenset[str]
    """The fields of `Options` that it uses."""

    def check(self, request: JobRequest) -> None:
        """Raise `CxrError` when the engine cannot take the request; nothing is written yet."""

    def render(self, request: JobRequest) -> str:
        """What would be submitted, for people to read."""

    def launch(self, request: JobRequest, on_submitted: Callable[..., None]) -> None:
        """Submit the request; call `on_submitted` with an engine id per run before any begins."""

    def states(self, records: Sequence[RunRecord]) -> dict[str, State]:
        """State by run id as the engine sees it; `lost` is what it no longer knows."""

    def stop(self, record: RunRecord, grace: float) -> None:
        """End the run: politely, and by force after `grace` seconds. Return when it has ended."""


def engine(name: str) -> Engine:
    """The engine of that name."""
    return cast(Engine, importlib.import_module(f"{__name__}.{name}"))


def plan(spec: Spec, config: JobConfig, options: Options) -> JobRequest:
    """The request for a job; raise `UsageError` for options that its engine does not support."""
    unsupported = (
        options.model_fields_set - engine(options.engine).SUPPORTED_OPTIONS - {"engine", "dry_run"}
    )
    if unsupported:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(unsupported))
        raise UsageError(f"{flags}: not supported by --engine {options.engine}")
    return build_request(spec, config, options)


def submit(request: JobRequest) -> tuple[str, ...]:
    """Start a job and return its run ids, one for each shard.

    Raises `UsageError` when the engine cannot run it as asked, `Unreachable` when the engine does
    not answer, `StorageError` when the workspace cannot be written.
    """
    chosen = engine(request.options.engine)
    chosen.check(request)
    records = [_record(request, shard) for shard in range(len(request.run_ids))]
    for record in records:
        _write(request.workspace, record)

    def on_submitted(*engine_ids: str) -> None:
        for shard, engine_id in enumerate(engine_ids):
            records[shard] = replace(records[shard], engine_id=engine_id)
            runs.write_record(request.workspace, records[shard])

    try:
        chosen.launch(request, on_submitted)
    except CxrError as error:
        for record in records:
            code, text = error.exit_code, str(error)
            failed = replace(record, state="failed", exit_code=code, message=text, ended=runs.now())
            _write(request.workspace, failed)
        raise
    return request.run_ids


def state(workspace: Path, run_id: str) -> RunRecord:
    """The record of a run with its present state; raise `UsageError` if there is no such run."""
    records = {record.run_id: record for record in runs.read_runs(workspace)}
    if run_id not in records:
        near = get_close_matches(run_id, records, n=1)
        hint = f"did you mean {near[0]}?" if near else "`cxr runs` lists them"
        raise UsageError(f"no run {run_id} in {workspace}; {hint}")
    return present(workspace, [records[run_id]])[0]


def present(workspace: Path, records: Iterable[RunRecord]) -> list[RunRecord]:
    """The records with the states that their engines report; each engine is queried once.

    A final state in a record takes precedence. Raises `Unreachable` when an engine does not answer.
    """
    asked: dict[str, list[RunRecord]] = defaultdict(list)
    records = list(records)
    for record in records:
        # A cluster may have put an interrupted or lost run back in its queue.
        unsettled = () if record.engine == "process" else ("interrupted", "lost")
        if record.state in (*UNFINISHED, *unsettled) and record.engine_id:
            asked[record.engine].append(record)
    seen = {i: s for name, some in asked.items() for i, s in engine(name).states(some).items()}
    return [_settled(workspace, r, seen[r.run_id]) if r.run_id in seen else r for r in records]


def _settled(workspace: Path, record: RunRecord, seen: State) -> RunRecord:
    if seen in UNFINISHED:
        return replace(record, state=seen)
    # It may have ended between the reading of its record and the query to the engine.
    last = runs.read_record(runs.run_folder(workspace, record.run_id))
    return replace(last, state=seen) if last.state in UNFINISHED else last


def cancel(workspace: Path, run_id: str, grace: float = GRACE) -> RunRecord:
    """End a run, by force after `grace` seconds, and return its record as it then is.

    A run that came to its own end meanwhile keeps that. Raises `UsageError` when there is no such
    run or it has ended already, `Unreachable` when the engine does not answer.
    """
    record = state(workspace, run_id)
    if record.state not in UNFINISHED:
        raise UsageError(f"run {run_id} already ended ({record.state}); nothing to cancel")
    if record.state == "submitted" and record.engine_id is None:
        raise Unreachable(f"run {run_id} is still being submitted; try again in a moment")
    engine(record.engine).stop(record, grace)
    for other in runs.read_runs(workspace):
        if other.run_id == run_id or _is_shard_beside(other, record):
            _close(workspace, other.run_id)
    return runs.read_record(runs.run_folder(workspace, run_id))


def _is_shard_beside(other: RunRecord, record: RunRecord) -> bool:
    """Whether both are one job to their engine, which may have reused its numbers since."""
    names = (r.run_id.rpartition("-")[0] for r in (other, record))
    ids = ((r.engine, r.engine_id) for r in (other, record))
    return record.engine_id is not None and len({*names}) == len({*ids}) == 1


def _close(workspace: Path, run_id: str) -> None:
    """Write `cancelled` unless the run has come to another end."""
    ended = runs.read_record(runs.run_folder(workspace, run_id))
    if ended.state in (*UNFINISHED, "interrupted"):
        when = ended.ended or runs.now()
        _write(workspace, replace(ended, state="cancelled", ended=when, message="cancelled"))


def log(workspace: Path, run_id: str) -> str:
    """The log of the run; the output of its process if it ended before it logged anything."""
    folder = runs.run_folder(workspace, run_id)
    for name in LOG_FILES:
        try:
            if text := (folder / name).read_text(encoding="utf-8", errors="replace"):
                return text
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ArtifactError(f"{folder / name} cannot be read ({error.strerror})") from error
    return ""


def _record(request: JobRequest, shard: int) -> RunRecord:
    settings = dict(request.settings)
    if len(request.run_ids) > 1:
        settings["shard"] = f"{shard + 1}/{len(request.run_ids)}"
    return RunRecord(
        run_id=request.run_ids[shard], job=request.job, config=settings, state="submitted",
        started=runs.now(), package_version=package_version(), engine=request.options.engine,
        message="waiting for its turn" if request.options.one_at_a_time else "",
    )  # fmt: skip


def _write(workspace: Path, record: RunRecord) -> None:
    """Replace the record, and append its state to the events."""
    runs.write_record(workspace, record)
    folder = runs.run_folder(workspace, record.run_id)
    runs.append_event(folder, "state", state=record.state)
