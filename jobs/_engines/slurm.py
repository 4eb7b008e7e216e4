"""A batch job on a Slurm cluster, all shards of an order as one array.

A job is queued on hold and released once its id stands in the run record. So none runs that
cannot be cancelled, not even when `sbatch` is cut off before it tells the id.
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
from jobs._engines._order import INSIDE, Order, arguments
from jobs._engines._slurm_call import ask, refuse_silence
from jobs._engines._slurm_names import belongs, order_name
from jobs._engines._slurm_nodes import FORMAT, NO_NODE, refusal

USES = frozenset({
    "image", "container", "gpus", "cpus", "memory", "time_limit", "after", "partition",
    "account", "shards",
})  # fmt: skip
_WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT"}
_RUNNING = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}
#: Seconds that the cluster gets to notice the end of a job.
_NOTICE = 30.0


def check(order: Order) -> None:
    """Raise `UsageError` where there is no Slurm, no such node, or no such run of `--after`."""
    require("sbatch")
    if order.options.image and order.options.container == "none":
        raise UsageError("--image: say by --container what runs it: apptainer or docker")
    if order.options.container != "none":
        docker.refuse_missing(order)
    _dependencies(order)
    _refuse_what_no_node_has(order)


def render(order: Order) -> str:
    """The command line and the script that it reads."""
    return f"# {shlex.join(_sbatch(order))}\n{_script(order)}"


def launch(order: Order, note: Callable[..., None]) -> None:
    """Queue the job on hold, note its id, release it."""
    try:
        said = ask(_sbatch(order), _script(order))
        job = said.split(";")[0].strip()
        if not job.isdecimal():
            raise UsageError(f"sbatch: expected a job id, got {first_line(said)}")
        many = len(order.run_ids) > 1
        note(*(f"{job}_{i}" if many else job for i in range(len(order.run_ids))))
        ask(["scontrol", "release", job])
    except CxrError:
        # What was queued unnoticed stays on hold; better if it does not stay at all.
        with suppress(CxrError):
            call(["scancel", f"--name={order_name(order.name)}"], patience=10.0)
        raise


def _refuse_what_no_node_has(order: Order) -> None:
    """Raise `UsageError` for what would wait on hold and then for ever."""
    # Whatever else is wrong, the queue itself refuses. A trial takes no dependency that has ended.
    spared = ("--hold", "--dependency")
    words = [word for word in _sbatch(order)[1:] if not word.startswith(spared)]
    done = call(["sbatch", "--test-only", *words], text=_script(order))
    refuse_silence(done.stderr)
    if done.returncode and NO_NODE in done.stderr:
        where = [f"--partition={p}"] if (p := order.options.partition) else []
        nodes = ask(["sinfo", "--noheader", "--exact", f"--format={FORMAT}", *where])
        if said := refusal(order.options, nodes):
            raise UsageError(said)


def states(records: Sequence[RunRecord]) -> dict[str, State]:
    """Of each run, what the queue says; `lost` when its job is no longer there."""
    jobs = ",".join(sorted({str(r.engine_id).partition("_")[0] for r in records}))
    words = ["squeue", "--array", "--noheader", "--states=all", "--format=%i|%T|%j"]
    done = call([*words, f"--jobs={jobs}"])
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
    """SIGTERM to the batch process itself, which `scancel` alone spares; then SIGKILL.

    Right before each signal the queue is asked whether the job is still the run's.
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
        raise Unreachable(f"job {job} does not end; look at `scontrol show job {job}`")


def _signal(*words: str) -> None:
    done = call(["scancel", *words])
    # It may have ended since it was last seen.
    ended = "Invalid job id" in done.stderr or "already completing" in done.stderr
    if done.returncode and not ended:
        raise UsageError(f"scancel: {first_line(done.stderr)}")


def _sbatch(order: Order) -> list[str]:
    options = order.options
    last = len(order.run_ids) - 1
    folder = run_folder(order.workspace, order.run_ids[0]).parent
    # Slurm fills in what follows a percent sign, in the name of the file alone.
    runs = str(folder).replace("%", "%%")
    output = f"{runs}/{order.name}-%a/output.txt" if last else f"{runs}/{order.name}/output.txt"
    words = [
        "sbatch", "--parsable", "--hold", "--requeue", f"--job-name={order_name(order.name)}",
        f"--output={output}", "--open-mode=append", f"--chdir={Path.cwd()}",
    ]  # fmt: skip
    wishes = {
        "array": f"0-{last}" if last else None,
        "gres": f"gpu:{options.gpus}" if options.gpus else None,
        "cpus-per-task": options.cpus,
        "mem": options.memory,
        "time": options.time_limit,
        "partition": options.partition,
        "account": options.account,
        "dependency": _dependencies(order),
    }
    return words + [f"--{flag}={value}" for flag, value in wishes.items() if value]


def _script(order: Order) -> str:
    """The batch script. Every word is quoted, so paths may hold blanks and any letters."""
    if len(order.run_ids) > 1:
        ids = [
            'export CXR_SHARD_INDEX="$SLURM_ARRAY_TASK_ID"',
            f'export CXR_RUN_ID={shlex.quote(order.name)}-"$SLURM_ARRAY_TASK_ID"',
        ]
    else:
        ids = [f"export CXR_RUN_ID={shlex.quote(order.name)}"]
    body = {"none": _bare, "apptainer": _apptainer, "docker": _docker}[order.options.container]
    return "\n".join(["#!/bin/sh", *ids, *body(order)]) + "\n"


def _bare(order: Order) -> list[str]:
    return [f"exec {shlex.join([cxr_command(), *arguments(order)])}"]


def _apptainer(order: Order) -> list[str]:
    binds = [docker.bind(order.workspace, INSIDE)]
    binds += [docker.bind(path, str(path), "ro") for path in order.outside]
    words = ["apptainer", "run", "--containall", *(["--nv"] if order.options.gpus else [])]
    words += [f"--mount={b}" for b in binds]
    passed = '--env=CXR_RUN_ID="$CXR_RUN_ID" --env=CXR_SHARD_INDEX="${CXR_SHARD_INDEX:-}"'
    rest = shlex.join([order.image, *arguments(order, INSIDE)])
    # By its environment and not by its words, which every user of the node can read.
    store = [f'export APPTAINERENV_{name}="${name}"' for name in order.store_variables]
    return [*store, f"exec {shlex.join(words)} {passed} {rest}"]


def _docker(order: Order) -> list[str]:
    """Slurm sees neither the container nor its memory: tell docker both, and clean up after."""
    command = docker.command("run", order, order.name, "--env=CXR_SHARD_INDEX")
    words = []
    for word in command:
        quoted = shlex.quote(word)
        if order.options.shards > 1 and word.startswith(("--name=", "--label=", "--env=CXR_RUN_")):
            quoted += '-"$SLURM_ARRAY_TASK_ID"'
        if word.startswith("--gpus="):
            # The cluster chooses which; docker counts from zero on the whole host.
            quoted = "--gpus='\"device='\"$SLURM_JOB_GPUS\"'\"'"
        words.append(quoted)
    name = next(w for w in words if w.startswith("--name=")).removeprefix("--name=")
    return [
        f"trap 'stopped=1; docker stop -t 20 {name} >/dev/null 2>&1' TERM",
        f"{' '.join(words)} &",
        "wait $!; code=$?",
        # A trapped signal cuts the first wait short.
        '[ -z "$stopped" ] || { wait $!; last=$?; [ $last -eq 127 ] || code=$last; }',
        f"docker rm --force {name} >/dev/null 2>&1",
        "exit $code",
    ]


def _dependencies(order: Order) -> str | None:
    """`afterok` for every run of `--after` that has not succeeded yet."""
    from jobs._engines import UNFINISHED, state

    waited = []
    for run_id in order.options.after:
        record = state(order.workspace, run_id)
        if record.state == "succeeded":
            continue
        if record.state not in UNFINISHED or record.engine != "slurm":
            raise UsageError(
                f"--after {run_id}: it is {record.state} on engine {record.engine}; "
                "it must have succeeded, or be on its way on slurm"
            )
        waited.append(str(record.engine_id))
    return "afterok:" + ":".join(waited) if waited else None
