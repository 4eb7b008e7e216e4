"""What a job's recipe works with: its artifacts, its progress, its voice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts import run as runs
from data_contracts.errors import ArtifactError, CxrError, Interrupted, concerns_content
from data_contracts.header import Header, Input, Provenance
from data_contracts.vocabulary import Contract
from jobs._record import Recorder
from jobs._sources import require_same

if TYPE_CHECKING:
    import polars as pl

    from data_contracts.store import Arrays, ArraysWriter, Table


class Job:
    """One execution of a job in a workspace. `sources` are the files that it names as such.

    The recipe reads and writes artifacts by contract. Places are filled in from the config
    (`task`, `name`, …); what the config does not name stands for every value there is.
    """

    def __init__(
        self, workspace: Path, keys: Mapping[str, str], origin: Provenance,
        sources: Mapping[str, Path], recorder: Recorder,
    ) -> None:  # fmt: skip
        self.workspace, self.origin = workspace, origin
        self.sources = sources
        self._keys, self._recorder = keys, recorder
        self.outputs: list[tuple[Path, Header]] = []

    def path(self, contract: Contract) -> Path:
        """Where the artifact of `contract` that the job writes lives."""
        return contract.path(self.workspace, **self._keys)

    def table(self, contract: Contract) -> Table:
        """Read the one input table of `contract`."""
        (table,) = self.tables(contract)
        return table

    def tables(self, contract: Contract) -> list[Table]:
        """Read every input table of `contract`; raise `Interrupted` if one was replaced."""
        from data_contracts.store import read_table

        tables = [read_table(contract, path) for path, _ in self._inputs(contract)]
        for table, (path, digest) in zip(tables, self._inputs(contract), strict=True):
            _require_same(path, table.header, digest)
        return tables

    @contextmanager
    def opened(self, contract: Contract) -> Iterator[list[Arrays]]:
        """Every input of `contract`, arrays, open until the block ends.

        Raises `Interrupted` if one was replaced since the job looked at it.
        """
        from data_contracts.store import open_arrays

        with ExitStack() as stack:
            found = []
            for path, digest in self._inputs(contract):
                found.append(stack.enter_context(open_arrays(contract, path)))
                _require_same(path, found[-1].header, digest)
            yield found

    def _inputs(self, contract: Contract) -> list[tuple[Path, str]]:
        """Path and digest of each input, as they were when the job's lineage was checked."""
        return [
            (self.workspace / i.path, i.digest)
            for i in self.origin.inputs
            if i.contract == contract.name
        ]

    def require_same_sources(self) -> None:
        """Raise `Interrupted` if a source file is not what it was when the job began.

        A job calls this once it has read its sources, before it writes anything.
        """
        require_same(self.sources, self.origin)

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

    def save_checkpoint(
        self, contract: Contract, arrays: Mapping[str, Any], **attributes: Any
    ) -> None:
        """Write what an interrupted run needs to resume; it is no output of the job."""
        from data_contracts.store import write_arrays

        with self.whole_steps():
            write_arrays(contract, self.path(contract), arrays, self.origin, attributes)

    def load_checkpoint(self, contract: Contract, since: str) -> Arrays | None:
        """The checkpoint of a run with the same settings and inputs, or None.

        `since` is the first version of this package whose checkpoints may be used.
        """
        from data_contracts.lineage import as_numbers, was_made_by
        from data_contracts.store import open_arrays

        try:
            arrays = open_arrays(contract, self.path(contract), verify=True)
        except CxrError as error:
            if not concerns_content(error):
                raise
            return None
        known = as_numbers(since) <= as_numbers(arrays.header.package_version)
        if known and was_made_by(arrays.header, self.origin):
            return arrays
        arrays.file.close()
        return None

    def lineage(self) -> Provenance:
        """The origin of the next artifact: the job's inputs and what this run wrote before."""
        return Provenance(self.origin.job, self.origin.config, self.origin.inputs + self.written())

    def written(self) -> tuple[Input, ...]:
        """What this run wrote, as entries of a lineage."""
        from data_contracts.store import as_input

        return tuple(as_input(header, path, self.workspace) for path, header in self.outputs)

    def progress(
        self, what: str, total: int, unit: str
    ) -> AbstractContextManager[Callable[..., None]]:
        """A context that yields `advance(steps=1, **shown)`; see `Recorder.progress`."""
        return self._recorder.progress(what, total, unit)

    def whole_steps(self) -> AbstractContextManager[None]:
        """A block in which a signal waits for the end of a step, however long that takes."""
        return self._recorder.stop.after_whole_steps()

    @property
    def stop_requested(self) -> bool:
        """Whether a signal has asked the job to stop; `advance` will then raise."""
        return self._recorder.stop_requested

    def stop_if_asked(self) -> None:
        """Raise `Interrupted` when the job was asked to stop."""
        self._recorder.stop_if_asked()

    def log(self, text: str) -> None:
        """One line of diagnosis, on stderr and in the log. Never a patient-level value."""
        self._recorder.log(text)

    def warn(self, text: str) -> None:
        """As `say`, and kept as a warning in the run record."""
        self._recorder.log(f"warning: {text}")
        runs.append_event(self._recorder.folder, "warning", text=text)

    def metric(self, **values: Any) -> None:
        """Named numbers for whoever watches the run."""
        runs.append_event(self._recorder.folder, "metric", **values)


def _require_same(path: Path, header: Header, digest: str) -> None:
    if header.digest != digest:
        raise Interrupted(
            f"{path} was replaced while this job was starting; run the same command again"
        )


def existing(contract: Contract, workspace: Path, keys: Mapping[str, str]) -> list[Path]:
    """The artifacts of `contract` that `keys` name; raise `ArtifactError` if there are none."""
    from jobs._registry import writer_of

    found = contract.find(workspace, **keys)
    if not found:
        place = contract.path_template.format(
            **{n: keys.get(n, "*") for n in contract.template_keys}
        )
        raise ArtifactError(
            f"{workspace / place} does not exist; run `cxr {writer_of(contract)}` first"
        )
    return found
