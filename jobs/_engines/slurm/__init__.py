"""A batch job on a Slurm cluster, all shards of a request as one array.

A job is queued on hold and released once its id is in the run record. So none runs that cannot be
cancelled, not even when `sbatch` is interrupted before it prints the id.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from data_contracts.errors import CxrError, Unreachable, UsageError
from data_contracts.run import RunRecord, State, run_folder
from jobs._engines import docker
from jobs._engines._call import call, cxr_command, first_line, require, wait_until
from jobs._engines._request import CONTAINER_WORKSPACE, JobRequest, arguments
from jobs._engines.slurm.command import ask, require_answer
from jobs._engines.slurm.job_names import belongs, submitted_job_name
from jobs._engines.slurm.nodes import FORMAT, NO_NODE, refusal

SUPPORTED_OPTIONS = frozenset({
    "image", "container", "gpus", "cpus", "memory", "time_limit", "after", "partition",
    "account", "shards",
})  # fmt: skip
_WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"}
_RUNNING = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}
#: Seconds that the cluster gets to notice the end of a job.
_NOTICE = 30.0


def check(request: JobRequest) -> None:
    """Raise `UsageError` without Slurm, without a capable node, or for an unknown `--after`."""
    require("sbatch")
    if request.options.image and request.options.container == "none":
        raise UsageError("--image needs --container apptainer or --container docker")
    if request.options.container != "none":
        docker.require_existing_paths(request)
    _dependencies(request)
    _require_capable_node(request)


def render(request: JobRequest) -> str:
    """The command line and the script that it reads."""
    return f"# {shlex.join(_sbatch(request))}\n{_script(request)}"


def launch(request: JobRequest, on_submitted: Callable[..., None]) -> None:
    """Queue the job on hold, report its id, release it."""
    try:
        answer = ask(_sbatch(request), _script(request))
        job = answer.split(";")[0].strip()
        if not job.isdecimal():
            raise UsageError(f"sbatch: expected a job id, got {first_line(answer)}")
        many = len(request.run_ids) > 1
        on_submitted(*(f"{job}_{i}" if many else job for i in range(len(request.run_ids))))
        ask(["scontrol", "release", job])
    except CxrError:
        # A job that was queued unrecorded would stay on hold for ever.
        with suppress(CxrError):
            call(["scancel", f"--name={submitted_job_name(request.name)}"], patience=10.0)
        raise


def _require_capable_node(request: JobRequest) -> None:
    """Raise `UsageError` for a job that would wait on hold and then for ever."""
    # The queue itself refuses all other faults. A trial accepts no dependency that has ended.
    omitted = ("--hold", "--dependency")
    args = [arg for arg in _sbatch(request)[1:] if not arg.startswith(omitted)]
    done = call(["sbatch", "--test-only", *args], text=_script(request))
    require_answer(done.stderr)
    if done.returncode and NO_NODE in done.stderr:
        where = [f"--partition={p}"] if (p := request.options.partition) else []
        nodes = ask(["sinfo", "--noheader", "--exact", f"--format={FORMAT}", *where])
        if reason := refusal(request.options, nodes):
            raise UsageError(reason)


def states(records: Sequence[RunRecord]) -> dict[str, State]:
    """The state of each run in the queue; `lost` when its job is no longer there."""
    jobs = ",".join(sorted({str(r.engine_id).partition("_")[0] for r in records}))
    args = ["squeue", "--array", "--noheader", "--states=all", "--format=%i|%T|%j"]
    done = call([*args, f"--jobs={jobs}"])
    if done.returncode and "Invalid job id" not in done.stderr:
        raise Unreachable(f"Slurm does not answer: {first_line(done.stderr)}")
    lines = (line.strip().split("|", 2) for line in done.stdout.splitlines())
    queue = {line[0]: (line[1], line[2]) for line in lines if len(line) == 3}
    return {r.run_id: _state(r, *queue.get(str(r.engine_id), ("", ""))) for r in records}


def _state(record: RunRecord, state: str, name: str) -> State:
    if not belongs(record, name):
        return "lost"
    return "submitted" if state in _WAITING else "running" if state in _RUNNING else "lost"


def stop(record: RunRecord, grace: float) -> None:
    """SIGTERM to the batch process itself, which plain `scancel` does not signal; then SIGKILL.

    Right before each signal the queue is checked: the job must still be the run's.
    """
    job = str(record.engine_id)

    def seen() -> State:
        return states([record])[record.run_id]

    def gone() -> bool:
        return seen() == "lost"

    state = seen()
    if state == "running":
        _signal("--signal=TERM", "--full", job)
        if wait_until(gone, grace):
            return
        _signal("--signal=KILL", "--full", job)
        state = seen()
    if state == "lost":
        return
    _signal(job)
    if not wait_until(gone, _NOTICE):
        raise Unreachable(f"job {job} does not stop; see `scontrol show job {job}`")


def _signal(*args: str) -> None:
    done = call(["scancel", *args])
    # It may have ended since it was last seen.
    ended = "Invalid job id" in done.stderr or "already completing" in done.stderr
    if done.returncode and not ended:
        raise UsageError(f"scancel: {first_line(done.stderr)}")


def _sbatch(request: JobRequest) -> list[str]:
    options = request.options
    last = len(request.run_ids) - 1
    folder = run_folder(request.workspace, request.run_ids[0]).parent
    # Slurm fills in what follows a percent sign, in the name of the file alone.
    runs = str(folder).replace("%", "%%")
    output = f"{runs}/{request.name}-%a/output.txt" if last else f"{runs}/{request.name}/output.txt"
    args = [
        "sbatch", "--parsable", "--hold", "--requeue",
        f"--job-name={submitted_job_name(request.name)}", f"--output={output}",
        "--open-mode=append", f"--chdir={Path.cwd()}",
    ]  # fmt: skip
    requested = {
        "array": f"0-{last}" if last else None,
        "gres": f"gpu:{options.gpus}" if options.gpus else None,
        "cpus-per-task": options.cpus,
        "mem": options.memory,
        "time": options.time_limit,
        "partition": options.partition,
        "account": options.account,
        "dependency": _dependencies(request),
    }
    return args + [f"--{flag}={value}" for flag, value in requested.items() if value]


def _script(request: JobRequest) -> str:
    """The batch script. Every argument is quoted, so paths may contain any character."""
    if len(request.run_ids) > 1:
        ids = [
            'export CXR_SHARD_INDEX="$SLURM_ARRAY_TASK_ID"',
            f'export CXR_RUN_ID={shlex.quote(request.name)}-"$SLURM_ARRAY_TASK_ID"',
        ]
    else:
        ids = [f"export CXR_RUN_ID={shlex.quote(request.name)}"]
    body = {"none": _bare, "apptainer": _apptainer, "docker": _docker}[request.options.container]
    return "\n".join(["#!/bin/sh", *ids, *body(request)]) + "\n"


def _bare(request: JobRequest) -> list[str]:
    return [f"exec {shlex.join([cxr_command(), *arguments(request)])}"]


def _apptainer(request: JobRequest) -> list[str]:
    binds = [docker.bind(request.workspace, CONTAINER_WORKSPACE)]
    binds += [docker.bind(path, str(path), "ro") for path in request.external_paths]
    args = ["apptainer", "run", "--containall", *(["--nv"] if request.options.gpus else [])]
    args += [f"--mount={b}" for b in binds]
    passed = '--env=CXR_RUN_ID="$CXR_RUN_ID" --env=CXR_SHARD_INDEX="${CXR_SHARD_INDEX:-}"'
    rest = shlex.join([request.image, *arguments(request, CONTAINER_WORKSPACE)])
    # By environment, not by arguments, which every user of the node can read.
    store = [f'export APPTAINERENV_{name}="${name}"' for name in request.store_variables]
    return [*store, f"exec {shlex.join(args)} {passed} {rest}"]


def _docker(request: JobRequest) -> list[str]:
    """Slurm controls neither the container nor its memory: docker gets both, and is cleaned up."""
    command = docker.command("run", request, request.name, "--env=CXR_SHARD_INDEX")
    args = []
    indexed = ("--name=", "--label=", "--env=CXR_RUN_")
    for arg in command:
        quoted = shlex.quote(arg)
        if request.options.shards > 1 and arg.startswith(indexed):
            quoted += '-"$SLURM_ARRAY_TASK_ID"'
        if arg.startswith("--gpus="):
            # The cluster chooses which; docker counts from zero on the whole host.
            quoted = "--gpus='\"device='\"$SLURM_JOB_GPUS\"'\"'"
        args.append(quoted)
    name = next(a for a in args if a.startswith("--name=")).removeprefix("--name=")
    return [
        f"trap 'stopped=1; docker stop -t 20 {name} >/dev/null 2>&1' TERM",
        f"{' '.join(args)} &",
        "wait $!; code=$?",
        # A trapped signal cuts the first wait short.
        '[ -z "$stopped" ] || { wait $!; last=$?; [ $last -eq 127 ] || code=$last; }',
        f"docker rm --force {name} >/dev/null 2>&1",
        "exit $code",
    ]


def _dependencies(request: JobRequest) -> str | None:
    """`afterok` for every run of `--after` that has not succeeded yet."""
    from jobs._engines import UNFINISHED, state

    waited = []
    for run_id in request.options.after:
        record = state(request.workspace, run_id)
        if record.state == "succeeded":
            continue
        if record.state not in UNFINISHED or record.engine != "slurm":
            raise UsageError(
                f"--after {run_id}: the run is {record.state} on engine {record.engine}; "
                "it must have succeeded, or be queued or running on slurm"
            )
        waited.append(str(record.engine_id))
    return "afterok:" + ":".join(waited) if waited else None
