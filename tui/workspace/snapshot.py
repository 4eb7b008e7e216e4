"""The content of a workspace at one moment: its artifacts, their states, and its runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from data_contracts.associations import VERDICTS
from data_contracts.header import Header
from data_contracts.lineage import Unusable, stale_reasons
from data_contracts.run import RunRecord
from tui.workspace.notes import RunNote
from tui.workspace.records import open_failures

ArtifactState = Literal["current", "stale", "writing", "damaged", "unreadable"]
Identity = tuple[str, int, float]


@dataclass(frozen=True)
class Artifact:
    """A file of the workspace that is, or should be, an artifact."""

    place: str
    contract: str
    keys: Mapping[str, str]
    """The values of the template_keys in its place, such as task and name."""
    size: int
    """Bytes."""
    modified: float
    """Seconds since the epoch."""
    header: Header | None
    """None when it cannot be read."""
    state: ArtifactState = "current"
    reason: str = ""
    """Why it is stale, damaged or unreadable for now, or which run is writing it."""

    @property
    def identity(self) -> Identity:
        """What changes when the file does."""
        return self.place, self.size, self.modified

    @property
    def least(self) -> int | None:
        """Fewer patients are not disclosed in it; None where that is not known."""
        found = self.header.attributes.get("min_cell_count") if self.header else None
        return None if found is None else int(found)


@dataclass(frozen=True)
class Progress:
    """The latest progress of a running job."""

    what: str
    done: int
    total: int
    unit: str
    rate: float | None = None
    """Units a second of late; None before there are two moments to compute it from."""
    seconds_left: float | None = None
    """Of a pipeline, whose jobs differ; None before there is a basis for it."""


@dataclass(frozen=True)
class Snapshot:
    """Artifacts by place, runs with the newest first; `number` grows with each change."""

    number: int
    artifacts: Mapping[str, Artifact]
    runs: tuple[RunRecord, ...]
    progress: Mapping[str, Progress]
    """By run id."""
    writing: Mapping[str, str]
    """Run ids by the place that they are writing."""
    writable: bool
    """Whether jobs can be launched: they write to the workspace."""
    silent: str = ""
    """Why the states of runs may be old: an engine that does not answer."""
    unreadable: tuple[str, ...] = ()
    """Folders, run records and notes that cannot be read."""
    notes: Mapping[str, RunNote] = field(default_factory=dict)
    """By run id."""

    def of(self, contract: str, **keys: str) -> list[Artifact]:
        """The artifacts of a contract whose keys agree, by place."""
        found = self._by_contract.get(contract, [])
        return [a for a in found if all(a.keys.get(k) == v for k, v in keys.items())]

    @cached_property
    def _by_contract(self) -> Mapping[str, list[Artifact]]:
        found: dict[str, list[Artifact]] = {}
        for _, artifact in sorted(self.artifacts.items()):
            found.setdefault(artifact.contract, []).append(artifact)
        return found

    def run(self, run_id: str) -> RunRecord | None:
        """A run by its id."""
        return next((r for r in self.runs if r.run_id == run_id), None)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the workspace now: what cannot be read, what is damaged."""
        wrong = ("damaged", "unreadable")
        return (*self.unreadable, *(a.reason for a in self.artifacts.values() if a.state in wrong))

    @cached_property
    def failures(self) -> tuple[RunRecord, ...]:
        """The failed runs that no later run has made good."""
        return open_failures(self.runs)

    @property
    def sentence(self) -> str:
        """What the verdicts say together, if they are there; it stands in their header."""
        headers = [a.header for a in self.of(VERDICTS.name) if a.header]
        return str(headers[0].attributes.get("sentence", "")) if headers else ""

    @property
    def dated_sentence(self) -> str:
        """The sentence, with a warning where the verdicts are out of date."""
        is_stale = any(a.state == "stale" for a in self.of(VERDICTS.name))
        return f"! out of date: {self.sentence}" if self.sentence and is_stale else self.sentence

    @property
    def is_empty(self) -> bool:
        return not self.artifacts and not self.runs


def content_key(artifacts: Iterable[Artifact]) -> tuple[str, ...]:
    """Changes with the content of any of `artifacts`."""
    return tuple(f"{a.place} {a.header.digest if a.header else a.reason}" for a in artifacts)


def with_states(
    artifacts: Mapping[str, Artifact], writing: Mapping[str, str]
) -> dict[str, Artifact]:
    """The artifacts with their states: what is stale makes stale all that was made from it."""
    known: dict[str, Header | Unusable] = {}
    for place, artifact in artifacts.items():
        damaged = artifact.header is None or artifact.state == "damaged"
        unusable: Unusable = "unreadable" if artifact.state == "unreadable" else "damaged"
        known[place] = artifact.header if artifact.header and not damaged else unusable
    reasons, out = stale_reasons(known), {}
    for place, artifact in artifacts.items():
        if isinstance(known[place], Header):
            # One of a version that is no longer read is stale whatever it was made from.
            reason = artifact.reason if artifact.state == "stale" else reasons[place]
            state: ArtifactState = "stale" if reason else "current"
            artifact = replace(artifact, state=state, reason=reason)
        if run_id := writing.get(place):
            artifact = replace(artifact, state="writing", reason=f"by run {run_id}")
        out[place] = artifact
    return out
