"""Runs the steps of a plan that are out of date, or prints them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from data_contracts import lock
from data_contracts.errors import CxrError, Interrupted, Unreachable, UsageError
from jobs._execute import recorded
from jobs._pipeline.config import PipelineConfig
from jobs._pipeline.folder import FOLDER, Folder, complaint, write_plan
from jobs._pipeline.plan import Step
from jobs._pipeline.resources import check_engine, engine_arguments
from jobs._pipeline.slurm_queue import end_leftovers
from jobs._pipeline.state import reasons_to_run
from jobs._pipeline.watch import Outcome, watch
from jobs._record import Recorder

UP_TO_DATE = "everything is up to date; --force runs it again"
_HEAD = ("job", "target", "reason")
#: Rows of a formatted table; a thousand of them take a second.
_MAX_FORMATTED = 500


def run_plan(config: PipelineConfig, steps: Sequence[Step]) -> int:
    """Run the steps that are not up to date, and return the exit code of the worst of them.

    A failed step stops only the steps that depend on it. A workspace runs one pipeline at a time.
    """
    check_engine(config)

    def work(recorder: Recorder) -> str:
        holder = f"`cxr run` {recorder.record.run_id} on {recorder.record.host}"
        with lock.hold(config.workspace, [FOLDER], holder):
            return _perform(config, steps, recorder)

    return recorded("run", config, work)


def _perform(config: PipelineConfig, steps: Sequence[Step], recorder: Recorder) -> str:
    reasons = reasons_to_run(steps, force=config.force)
    if not reasons:
        recorder.log(UP_TO_DATE)
        return UP_TO_DATE
    if config.engine == "slurm":
        end_leftovers(recorder)
    run_id = recorder.record.run_id
    folder = write_plan(config, steps, reasons, run_id)
    recorder.log(f"{len(reasons)} of {len(steps)} jobs to run; details: {folder.log}")
    # Each job needs its own time to stop.
    with recorder.stop.after_whole_steps():
        outcome = watch(folder, engine_arguments(config, run_id), recorder)
    recorder.stop_if_asked()
    if fault := _fault(outcome, folder):
        raise fault
    for step in folder.scheduled:
        sys.stdout.write(step.stdout)
    return "done"


def _fault(outcome: Outcome, folder: Folder) -> CxrError | None:
    """Why the pipeline failed, with the exit code of the worst job.

    An internal error (1) is worse than one that a user can fix (2, 3, 4), and an interruption (75)
    is the least.
    """
    if not outcome.failed:
        why = complaint(folder.log) or "the engine was killed"
        count = f"{len(outcome.not_run)} of {len(folder.scheduled)} jobs"
        message = f"{count} did not run: {why}; details: {folder.log}"
        kind = Unreachable if "Unable to contact slurm" in why else CxrError
        return kind(message) if outcome.not_run else None
    left = f"; {len(outcome.not_run)} more did not run" if outcome.not_run else ""
    again = "run the same command to resume"
    if UsageError.exit_code in outcome.failed.values():
        again = f"correct the settings named above, then {again}"
    message = f"failed: {', '.join(outcome.failed)}{left}; {again}"
    code = min(outcome.failed.values())
    fault = Interrupted(message) if code == Interrupted.exit_code else CxrError(message)
    fault.exit_code = code
    return fault


def print_plan(steps: Sequence[Step], reasons: Mapping[str, str]) -> None:
    """Print the steps that must run, each with the reason, as a table on stdout."""
    rows = [(s.name, s.outputs[0], reasons[s.name]) for s in steps if s.name in reasons]
    if rows and sys.stdout.isatty() and len(rows) <= _MAX_FORMATTED:
        _print_table(_HEAD, rows)
    elif rows:
        widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
        for row in (_HEAD, *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print("  ".join(cells).rstrip())
    print(f"{len(reasons)} of {len(steps)} jobs to run" if reasons else UP_TO_DATE)


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(*head, box=box.SIMPLE)
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)
