"""What a job's recipe works with: its artifacts, its progress, its voice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts import run as runs
from data_contracts._header import Header, Input, Origin
from data_contracts._vocabulary import Contract
from data_contracts.errors import ArtifactError
from jobs._record import Recorder

if TYPE_CHECKING:
    import polars as pl

    from data_contracts.store import Arrays, ArraysWriter, Table


class Job:
    """One execution of a job in a workspace.

    The recipe reads and writes artifacts by contract. Places are filled in from the config
    (`task`, `name`, …); what the config does not name stands for every value there is.
    """

    def __init__(
        self, workspace: Path, keys: Mapping[str, str], origin: Origin, recorder: Recorder
    ) -> None:
        self.workspace, self.origin = workspace, origin
        self._keys, self._recorder = keys, recorder
        self.outputs: list[tuple[Path, Header]] = []

    def paths(self, contract: Contract, **keys: str) -> list[Path]:
        """Every existing artifact of `contract`; raise `ArtifactError` when there is none."""
        return existing(contract, self.workspace, {**self._keys, **keys})

    def path(self, contract: Contract, **keys: str) -> Path:
        """Where the artifact of `contract` lives, whether it exists or not."""
        return contract.path(self.workspace, **{**self._keys, **keys})

    def table(self, contract: Contract, **keys: str) -> Table:
        """Read the one table of `contract`."""
        from data_contracts.store import read_table

        (path,) = self.paths(contract, **keys)
        return read_table(contract, path)

    def tables(self, contract: Contract, **keys: str) -> list[Table]:
        """Read every table of `contract`."""
        from data_contracts.store import read_table

        return [read_table(contract, path) for path in self.paths(contract, **keys)]

    def arrays(self, contract: Contract, **keys: str) -> Arrays:
        """Open the one array artifact of `contract`, its digest verified."""
        from data_contracts.store import open_arrays

        (path,) = self.paths(contract, **keys)
        return open_arrays(contract, path, verify=True)

    def write(
        self, contract: Contract, content: pl.DataFrame | Mapping[str, Any], **attributes: Any
    ) -> Header:
        """Write a table (a frame) or arrays (by name) whole, with header and lineage."""
        from data_contracts.store import write_arrays, write_table

        path, origin = self.path(contract), self.lineage()
        if isinstance(content, Mapping):
            header = write_arrays(contract, path, content, origin, attributes)
        else:
            header = write_table(contract, path, content, origin, attributes)
        self.outputs.append((path, header))
        return header

    @contextmanager
    def writer(self, contract: Contract, **attributes: Any) -> Iterator[ArraysWriter]:
        """Write arrays row by row; the artifact appears whole when the block ends.

        Attributes that are known only at the end may be added to `writer.attributes`.
        """
        from data_contracts.store import array_writer

        path = self.path(contract)
        with array_writer(contract, path) as writer:
            writer.attributes.update(attributes)
            yield writer
            header = writer.finish(self.lineage())
        self.outputs.append((path, header))

    def set_aside(self, contract: Contract, arrays: Mapping[str, Any], **attributes: Any) -> None:
        """Write what an interrupted run needs to go on; it is no output of the job."""
        from data_contracts.store import write_arrays

        write_arrays(contract, self.path(contract), arrays, self.origin, attributes)

    def taken_up(self, contract: Contract) -> Arrays | None:
        """What a run with the same config and inputs set aside, or None if there is nothing."""
        from data_contracts.store import open_arrays

        try:
            arrays = open_arrays(contract, self.path(contract), verify=True)
        except ArtifactError:
            return None
        if arrays.header.of_origin(self.origin):
            return arrays
        arrays.file.close()
        return None

    def lineage(self) -> Origin:
        """The origin of the next artifact: the job's inputs and what this run wrote before."""
        own = tuple(
            Input(h.contract, p.relative_to(self.workspace).as_posix(), h.digest)
            for p, h in self.outputs
        )
        return Origin(self.origin.job, self.origin.config, self.origin.inputs + own)

    def progress(
        self, what: str, total: int, unit: str
    ) -> AbstractContextManager[Callable[..., None]]:
        """A context that yields `advance(steps=1, **shown)`; see `Recorder.progress`."""
        return self._recorder.progress(what, total, unit)

    @property
    def stop_requested(self) -> bool:
        """Whether a signal has asked the job to stop; `advance` will then raise."""
        return self._recorder.stop_requested

    def stop_if_asked(self) -> None:
        """Raise `Interrupted` when the job was asked to stop."""
        self._recorder.stop_if_asked()

    def say(self, text: str) -> None:
        """One line of diagnosis, on stderr and in the log. Never a patient-level value."""
        self._recorder.say(text)

    def warn(self, text: str) -> None:
        """As `say`, and kept as a warning in the run record."""
        self._recorder.say(f"warning: {text}")
        runs.append_event(self._recorder.folder, "warning", text=text)

    def metric(self, **values: Any) -> None:
        """Named numbers for whoever watches the run."""
        runs.append_event(self._recorder.folder, "metric", **values)


def existing(contract: Contract, workspace: Path, keys: Mapping[str, str]) -> list[Path]:
    """The artifacts of `contract` that `keys` name; raise `ArtifactError` if there are none."""
    from jobs._registry import writer_of

    found = contract.find(workspace, **keys)
    if not found:
        place = contract.place.format(**{n: keys.get(n, "*") for n in contract.placeholders})
        raise ArtifactError(
            f"{workspace / place} does not exist; run `cxr {writer_of(contract)}` first"
        )
    return found
