"""Runs one job from start to end: inputs, lock, up-to-date check, signals, record, exit code."""

from __future__ import annotations

import errno
import hashlib
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from data_contracts import lock
from data_contracts._header import Header, Input, Origin
from data_contracts._vocabulary import Contract
from data_contracts.errors import (
    ArtifactError,
    CxrError,
    Interrupted,
    SourceError,
    StorageError,
)
from data_contracts.run import State
from jobs._config import JobConfig
from jobs._job import Job, existing
from jobs._record import Recorder
from jobs._registry import Spec

UP_TO_DATE = "up to date: same inputs, same config; --force does it again"


def execute(spec: Spec, config: JobConfig) -> int:
    """Run a job, write its run record, and return its exit code. Never raises for a fault."""
    try:
        recorder = Recorder(config.workspace, spec.name, config.settings())
    except CxrError as error:
        print(f"cxr {spec.name}: {error}", file=sys.stderr)
        return error.exit_code
    with signals(recorder):
        try:
            message = _perform(spec, config, recorder)
            recorder.end("succeeded", 0, message)
        except BaseException as error:
            # Nobody's impatience may cut off the report.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            return report(error, recorder, debug=config.debug)
    return 0


def _perform(spec: Spec, config: JobConfig, recorder: Recorder) -> str:
    workspace, keys = config.workspace, config.keys()
    places = [c.place.format(**keys) for c in spec.writes]
    with lock.hold(workspace, places, f"run {recorder.record.run_id} on {recorder.record.host}"):
        origin = origin_of(spec, config)
        recorder.update(inputs=[asdict(i) for i in origin.inputs])
        made = all((workspace / file).exists() for file in spec.files)
        if not config.force and made and is_current(workspace, places, origin):
            recorder.say(UP_TO_DATE)
            return UP_TO_DATE
        job = Job(workspace, keys, origin, recorder)
        spec.run(config, job)
    written = [
        Input(h.contract, p.relative_to(workspace).as_posix(), h.digest) for p, h in job.outputs
    ]
    recorder.update(outputs=[asdict(i) for i in written])
    return "done"


def origin_of(
    spec: Spec, config: JobConfig, digest_of: Callable[[Path], str] | None = None
) -> Origin:
    """The job's inputs as they are now; refuses inputs that do not belong together.

    `digest_of` may keep what `file_digest` says of a file.
    """
    from data_contracts.store import as_input, check_lineage

    workspace, keys = config.workspace, config.keys()
    found = [
        (p, _header_of(c, p, workspace)) for c in spec.reads for p in existing(c, workspace, keys)
    ]
    check_lineage(workspace, found)
    artifacts = [as_input(header, path, workspace) for path, header in found]
    digest_of = digest_of or file_digest
    files = [Input("source", name, digest_of(p)) for name, p in spec.sources(config).items()]
    inputs = tuple(sorted({*artifacts, *files}, key=lambda i: (i.contract, i.path)))
    return Origin(spec.name, config.model_dump(mode="json"), inputs)


def _header_of(contract: Contract, path: Path, workspace: Path) -> Header:
    from data_contracts._validate import refuse_other_contract
    from data_contracts.store import read_header, refuse_other_place

    header = read_header(path)
    refuse_other_contract(contract, header, path)
    refuse_other_place(contract, header, path, workspace)
    return header


def is_current(workspace: Path, places: list[str], origin: Origin) -> bool:
    """Whether every output exists, was made by `origin`, and belongs to the others."""
    from data_contracts.store import check_lineage, read_header

    try:
        outputs = [(workspace / place, read_header(workspace / place)) for place in places]
        check_lineage(workspace, outputs)
    except ArtifactError:
        return False
    return all(header.of_origin(origin, ignoring=places) for _, header in outputs)


def file_digest(path: Path) -> str:
    """Hash of a source file's bytes; raise `SourceError` if it cannot be read."""
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}); check the path") from error


@contextmanager
def signals(recorder: Recorder) -> Iterator[None]:
    """SIGTERM and Ctrl-C ask the job to stop after its step; a second Ctrl-C stops it at once."""

    def ask(number: int, _: FrameType | None) -> None:
        if recorder.stop_requested and number == signal.SIGINT:
            # A third one would break into the clearing up.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            raise KeyboardInterrupt
        recorder.stop_requested = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def report(error: BaseException, recorder: Recorder, *, debug: bool) -> int:
    """Say what went wrong in one line, close the record, and return the exit code."""
    if debug:
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt):
        error = Interrupted("interrupted; run the same command to go on")
    if isinstance(error, CxrError):
        code, message = error.exit_code, " ".join(str(error).splitlines())
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        code = StorageError.exit_code
        message = "no space left on a disk; free some and run the same command again"
    elif isinstance(error, MemoryError):
        code, message = 1, "out of memory; give the job more, or lower --batch-size or --workers"
    else:
        # The text of a foreign exception may hold a patient's value: only its place is told.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        code = 1
        message = f"internal error: {type(error).__name__} at {place}; --debug shows more"
    state: State = "interrupted" if type(error) is Interrupted else "failed"
    # On a full disk the record cannot tell the end either; the one line has said why.
    with suppress(CxrError):
        recorder.say(message)
    with suppress(CxrError):
        recorder.end(state, code, message)
    return code
