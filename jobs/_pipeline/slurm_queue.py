"""Queries the queue of a Slurm cluster, and removes a pipeline's leftovers from it.

The Slurm plugin of Snakemake polls the queue ever more rarely, up to three minutes apart, and
forgets its jobs, and waits without end, once the cluster has not answered five times.
So the engine polls the queue itself.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from data_contracts import run as runs
from data_contracts.errors import ArtifactError, Unreachable
from jobs._engines._call import call, first_line, wait_until
from jobs._engines.slurm.job_names import workspace_prefix
from jobs._record import Recorder

#: In the folder of the pipeline, while the cluster does not answer: its last error message.
UNANSWERED = "unanswered"
#: For the shell of a job: engine and id as the record of its run has them.
OWN_ID = '"slurm ${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}"'
_ENDED = {
    "BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
    "REVOKED", "TIMEOUT",
}  # fmt: skip
_NOTICE = 90.0


def end_leftovers(recorder: Recorder) -> None:
    """Cancel the jobs that a pipeline that was killed, or whose host was, left in the queue.

    Raises `Unreachable` when the cluster does not answer.
    """
    prefix = workspace_prefix(recorder.workspace)

    def left() -> list[str]:
        queue = _queue(f"--user={os.getuid()}", "--format=%i|%j")
        return sorted(job for job, name in queue.items() if name.startswith(prefix))

    if not (jobs := left()):
        return
    recorder.log(f"cancelling jobs left in the queue by an earlier pipeline: {', '.join(jobs)}")
    # Plain `scancel` does not signal the batch process, which may have something to save.
    call(["scancel", "--signal=TERM", "--full", *jobs])
    call(["scancel", *jobs])
    if not wait_until(lambda: not left(), _NOTICE):
        raise Unreachable(f"jobs {', '.join(jobs)} do not stop; see `squeue`")


def follow_queue(workspace: Path) -> None:
    """Make the engine of this process poll the queue every `seconds-between-status-checks`."""
    from snakemake_executor_plugin_slurm import Executor  # type: ignore[import-untyped]

    Path(UNANSWERED).unlink(missing_ok=True)

    async def check_active_jobs(executor: Any, active: list[Any]) -> AsyncIterator[Any]:
        if not active:
            # The engine polls already while it creates its executor, which has no `run_uuid` yet.
            return
        try:
            queue = _queue("--states=all", "--format=%i|%T", f"--name={executor.run_uuid}")
            Path(UNANSWERED).unlink(missing_ok=True)
        except Unreachable as error:
            Path(UNANSWERED).write_text(f"{error}\n", encoding="utf-8")
            for job in active:
                yield job
            return
        for job in active:
            state = queue.get(job.external_jobid) or _forgotten(workspace, job.job.params.run_id)
            if state == "COMPLETED":
                executor.report_job_success(job)
            elif state in _ENDED:
                message = f"Slurm job {job.external_jobid} ended as {state}"
                executor.report_job_error(
                    job, msg=message, aux_logs=[str(job.aux["slurm_logfile"])]
                )
            else:
                yield job

    Executor.check_active_jobs = check_active_jobs


def _forgotten(workspace: Path, run_id: str) -> str:
    """The state of a job that is no longer in the queue, by the record that it wrote."""
    folder = runs.run_folder(workspace, run_id)
    try:
        state = runs.with_present_state(folder, runs.read_record(folder)).state
    except ArtifactError:
        return "CANCELLED"
    return {"succeeded": "COMPLETED", "running": "RUNNING"}.get(state, "FAILED")


def _queue(*flags: str) -> dict[str, str]:
    """The output of `squeue` for each job; raise `Unreachable` when it does not answer."""
    done = call(["squeue", "--array", "--noheader", *flags])
    if done.returncode:
        message = first_line(done.stderr)
        raise Unreachable(f"Slurm does not answer ({message}); run the same command once it does")
    lines = (line.strip().partition("|") for line in done.stdout.splitlines())
    return {job: fact for job, _, fact in lines}
