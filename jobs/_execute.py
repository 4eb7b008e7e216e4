"""Runs one job from start to end: inputs, lock, up-to-date check, signals, record, exit code."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from data_contracts import lock
from data_contracts.errors import CxrError, Interrupted, StorageError
from data_contracts.header import Header, Input, Provenance
from data_contracts.os_errors import environment_error, is_out_of_memory
from data_contracts.run import State
from data_contracts.vocabulary import Contract
from jobs._config import JobConfig
from jobs._job import Job, existing
from jobs._leftovers import begin_anew, remove_leftovers
from jobs._limits import require_memory
from jobs._record import Recorder
from jobs._registry import Spec
from jobs._signals import signals
from jobs._sources import file_digest

UP_TO_DATE = "up to date: same inputs, same config; --force runs it again"


def execute(spec: Spec, config: JobConfig) -> int:
    """Run a job, write its run record, and return its exit code."""
    return recorded(spec.name, config, lambda recorder: _perform(spec, config, recorder))


def recorded(name: str, config: JobConfig, work: Callable[[Recorder], str]) -> int:
    """Record `work` as a run of `name`, up to its end whatever it is; return the exit code.

    `work` returns its last words. Raises `CxrError` only where no record can be begun.
    """
    with signals() as stop:
        with stop.after_whole_steps():
            recorder = Recorder(config.workspace, name, config.settings(), stop)
        try:
            message = work(recorder)
            stop.calm()
            recorder.end("succeeded", 0, message)
        except BaseException as error:
            stop.calm()
            return report(error, recorder, debug=config.debug)
    return 0


def _perform(spec: Spec, config: JobConfig, recorder: Recorder) -> str:
    from data_contracts.lineage import is_current

    require_memory(torch="device" in type(config).model_fields)
    workspace, keys = config.workspace, config.keys()
    places = [c.path_template.format(**keys) for c in spec.writes]
    with lock.hold(workspace, places, f"run {recorder.record.run_id} on {recorder.record.host}"):
        if config.force and not recorder.resumed:
            begin_anew(workspace, spec, keys)
        sources = spec.sources(config)
        origin = origin_of(spec, config, sources)
        recorder.stop_if_asked()
        recorder.update(inputs=[asdict(i) for i in origin.inputs])
        made = all((workspace / file).exists() for file in spec.files)
        if not config.force and made and is_current(workspace, places, origin):
            message = UP_TO_DATE
            recorder.log(message)
        else:
            message = "done"
            job = Job(workspace, keys, origin, sources, recorder)
            spec.run(config, job)
            recorder.update(outputs=[asdict(i) for i in job.written()])
        remove_leftovers(workspace, spec, keys)
    return message


def origin_of(
    spec: Spec,
    config: JobConfig,
    sources: Mapping[str, Path],
    digest_of: Callable[[Path], str] | None = None,
) -> Provenance:
    """The job's inputs as they are now; refuses inputs that do not belong together.

    `sources` are those of the job; `digest_of` may keep what `file_digest` says of a file.
    """
    from data_contracts.lineage import check_lineage
    from data_contracts.store import as_input

    workspace, keys = config.workspace, config.keys()
    found = [
        (p, _header_of(c, p, workspace)) for c in spec.reads for p in existing(c, workspace, keys)
    ]
    check_lineage(workspace, found)
    artifacts = [as_input(header, path, workspace) for path, header in found]
    digest_of = digest_of or file_digest
    files = [Input("source", name, digest_of(p)) for name, p in sources.items()]
    inputs = tuple(sorted({*artifacts, *files}, key=lambda i: (i.contract, i.path)))
    return Provenance(
        spec.name, config.model_dump(mode="json"), inputs, defaults=config.defaults(),
        since=spec.since,
    )  # fmt: skip


def _header_of(contract: Contract, path: Path, workspace: Path) -> Header:
    from data_contracts._versions import require_contract
    from data_contracts.lineage import require_own_path
    from data_contracts.store import read_header

    header = read_header(path)
    require_contract(contract, header, path)
    require_own_path(contract, header, path, workspace)
    return header


def report(error: BaseException, recorder: Recorder, *, debug: bool) -> int:
    """Say what went wrong in one line, close the record, and return the exit code."""
    if debug:
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt) or (
        recorder.stop_requested and not isinstance(error, CxrError)
    ):
        # Whatever the breaking off has become on its way up.
        error = Interrupted("interrupted; run the same command to resume")
    elif is_out_of_memory(error):
        error = Interrupted(
            "out of memory; give the job more, or lower --batch-size or --workers, "
            "then run the same command to resume"
        )
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        error = StorageError("no space left on a disk; free some and run the same command again")
    elif fault := environment_error(error, "a file"):
        error = fault
    if isinstance(error, CxrError):
        code, message = error.exit_code, " ".join(str(error).splitlines())
    else:
        # The text of a foreign exception may hold a patient's value: only its place is told.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        code = 1
        message = f"internal error: {type(error).__name__} at {place}; --debug shows more"
    state: State = "interrupted" if type(error) is Interrupted else "failed"
    # On a full disk the record cannot tell the end either; the one line has said why.
    with suppress(CxrError):
        recorder.log(message)
    with suppress(CxrError):
        recorder.end(state, code, message)
    return code
