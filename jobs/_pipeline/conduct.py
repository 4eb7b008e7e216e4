"""Runs what a plan has left to do, and shows what a plan is."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from data_contracts import lock
from data_contracts.errors import CxrError, Interrupted, Unreachable, UsageError
from jobs._execute import recorded
from jobs._pipeline.config import PipelineConfig
from jobs._pipeline.folder import FOLDER, Folder, complaint, lay_out
from jobs._pipeline.plan import Step
from jobs._pipeline.resources import check_engine, engine_arguments
from jobs._pipeline.slurm import end_leftovers
from jobs._pipeline.state import reasons_to_run
from jobs._pipeline.watch import Outcome, watch
from jobs._record import Recorder

UP_TO_DATE = "everything is up to date; --force does it again"
_HEAD = ("job", "target", "reason")
#: Rows of a drawn table; a thousand of them take a second.
_MOST_DRAWN = 500


def conduct(config: PipelineConfig, steps: Sequence[Step]) -> int:
    """Run the steps that are not up to date, and return the exit code of the worst of them.

    A step that fails stops only what follows on it. One pipeline at a time works in a workspace.
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
    folder = lay_out(config, steps, reasons, run_id)
    recorder.log(f"{len(reasons)} of {len(steps)} jobs to do; {folder.log} tells more")
    # Each job needs its own time to stop.
    with recorder.stop.after_whole_steps():
        outcome = watch(folder, engine_arguments(config, run_id), recorder)
    recorder.stop_if_asked()
    if fault := _fault(outcome, folder):
        raise fault
    for ticket in folder.tickets:
        sys.stdout.write(ticket.output)
    return "done"


def _fault(outcome: Outcome, folder: Folder) -> CxrError | None:
    """What the pipeline has failed of, with the exit code of the worst job.

    A fault of the program (1) is worse than one that a person can mend (2, 3, 4), and an
    interruption (75) is the least.
    """
    if not outcome.failed:
        why = complaint(folder.log) or "the engine was killed"
        count = f"{len(outcome.not_run)} of {len(folder.tickets)} jobs"
        said = f"{count} did not run: {why}; {folder.log} tells more"
        kind = Unreachable if "Unable to contact slurm" in why else CxrError
        return kind(said) if outcome.not_run else None
    left = f"; {len(outcome.not_run)} more did not run" if outcome.not_run else ""
    again = "run the same command to go on"
    if UsageError.exit_code in outcome.failed.values():
        again = f"correct the settings that the lines above name, then {again}"
    message = f"failed: {', '.join(outcome.failed)}{left}; {again}"
    code = min(outcome.failed.values())
    fault = Interrupted(message) if code == Interrupted.exit_code else CxrError(message)
    fault.exit_code = code
    return fault


def print_plan(steps: Sequence[Step], reasons: Mapping[str, str]) -> None:
    """The steps that must run, with the reason, as a table on stdout."""
    rows = [(s.name, s.outputs[0], reasons[s.name]) for s in steps if s.name in reasons]
    if rows and sys.stdout.isatty() and len(rows) <= _MOST_DRAWN:
        _draw(_HEAD, rows)
    elif rows:
        widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
        for row in (_HEAD, *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print("  ".join(cells).rstrip())
    print(f"{len(reasons)} of {len(steps)} jobs to do" if reasons else UP_TO_DATE)


def _draw(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(*head, box=box.SIMPLE)
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)
