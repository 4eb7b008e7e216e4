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
from jobs._engines._order import Options, Order, make_order
from jobs._registry import Spec

UNFINISHED = ("submitted", "running")
GRACE = 30.0
#: What a run has said; what its process printed, if it ended before it said anything.
LOG_FILES = ("log.txt", "output.txt")


class Engine(Protocol):
    """What the module of an engine offers."""

    USES: frozenset[str]
    """The fields of `Options` that it heeds."""

    def check(self, order: Order) -> None:
        """Raise `CxrError` when the engine cannot take the order; nothing is written yet."""

    def render(self, order: Order) -> str:
        """What would be submitted, for people to read."""

    def launch(self, order: Order, note: Callable[..., None]) -> None:
        """Hand the order over; call `note` with an engine id for each run before any begins."""

    def states(self, records: Sequence[RunRecord]) -> dict[str, State]:
        """State by run id as the engine sees it; `lost` is what it no longer knows."""

    def stop(self, record: RunRecord, grace: float) -> None:
        """End the run: politely, and by force after `grace` seconds. Return when it has ended."""


def engine(name: str) -> Engine:
    """The engine of that name."""
    return cast(Engine, importlib.import_module(f"{__name__}.{name}"))


def plan(spec: Spec, config: JobConfig, options: Options) -> Order:
    """The order for a job; raise `UsageError` for options that its engine does not heed."""
    idle = options.model_fields_set - engine(options.engine).USES - {"engine", "dry_run"}
    if idle:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(idle))
        raise UsageError(f"{flags}: not for --engine {options.engine}")
    return make_order(spec, config, options)


def submit(order: Order) -> tuple[str, ...]:
    """Start a job and return its run ids, one for each shard.

    Raises `UsageError` when the engine cannot run it as asked, `Unreachable` when the engine does
    not answer, `StorageError` when the workspace cannot be written.
    """
    chosen = engine(order.options.engine)
    chosen.check(order)
    records = [_record(order, shard) for shard in range(len(order.run_ids))]
    for record in records:
        _write(order.workspace, record)

    def note(*engine_ids: str) -> None:
        for shard, engine_id in enumerate(engine_ids):
            records[shard] = replace(records[shard], engine_id=engine_id)
            runs.write_record(order.workspace, records[shard])

    try:
        chosen.launch(order, note)
    except CxrError as error:
        for record in records:
            code, text = error.exit_code, str(error)
            failed = replace(record, state="failed", exit_code=code, message=text, ended=runs.now())
            _write(order.workspace, failed)
        raise
    return order.run_ids


def state(workspace: Path, run_id: str) -> RunRecord:
    """The record of a run with its present state; raise `UsageError` if there is no such run."""
    records = {record.run_id: record for record in runs.read_runs(workspace)}
    if run_id not in records:
        near = get_close_matches(run_id, records, n=1)
        hint = f"did you mean {near[0]}" if near else "`cxr runs` lists them"
        raise UsageError(f"there is no run {run_id} in {workspace}; {hint}")
    return present(workspace, [records[run_id]])[0]


def present(workspace: Path, records: Iterable[RunRecord]) -> list[RunRecord]:
    """The records with the states that their engines know of; one question for each engine.

    What a record says of its own end counts. Raises `Unreachable` when an engine does not answer.
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
    # It may have ended between the reading of its record and the question to the engine.
    last = runs.read_record(runs.run_folder(workspace, record.run_id))
    return replace(last, state=seen) if last.state in UNFINISHED else last


def cancel(workspace: Path, run_id: str, grace: float = GRACE) -> RunRecord:
    """End a run, by force after `grace` seconds, and return its record as it then is.

    A run that came to its own end meanwhile keeps that. Raises `UsageError` when there is no such
    run or it has ended already, `Unreachable` when the engine does not answer.
    """
    record = state(workspace, run_id)
    if record.state not in UNFINISHED:
        raise UsageError(f"run {run_id} is {record.state} already; there is nothing to cancel")
    if record.state == "submitted" and record.engine_id is None:
        raise Unreachable(f"run {run_id} is just being submitted; cancel it in a moment")
    engine(record.engine).stop(record, grace)
    for other in runs.read_runs(workspace):
        if other.run_id == run_id or _is_shard_beside(other, record):
            _close(workspace, other.run_id)
    return runs.read_record(runs.run_folder(workspace, run_id))


def _is_shard_beside(other: RunRecord, record: RunRecord) -> bool:
    """Whether both are one job to their engine, whose numbers may have begun anew since."""
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
    """What the run has said; what its process printed if it ended before it said anything."""
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


def _record(order: Order, shard: int) -> RunRecord:
    settings = dict(order.settings)
    if len(order.run_ids) > 1:
        settings["shard"] = f"{shard + 1}/{len(order.run_ids)}"
    return RunRecord(
        run_id=order.run_ids[shard], job=order.job, config=settings, state="submitted",
        started=runs.now(), package_version=package_version(), engine=order.options.engine,
    )  # fmt: skip


def _write(workspace: Path, record: RunRecord) -> None:
    """Replace the record, and tell of its state to whoever follows the events."""
    runs.write_record(workspace, record)
    folder = runs.run_folder(workspace, record.run_id)
    runs.append_event(folder, "state", state=record.state)
