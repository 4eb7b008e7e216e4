"""The pipeline as the dashboard shows it: what each job writes, and what there is of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from data_contracts.vocabulary import Contract
from jobs._registry import Spec
from tui.shared.table import Column, Row
from tui.shared.toned import Tone
from tui.workspace.snapshot import Artifact, ArtifactState, Snapshot

GroupState = Literal["missing"] | ArtifactState

#: A state is shown by a sign and by its colour, never by the colour alone.
SIGNS: Mapping[GroupState, tuple[str, Tone]] = {
    "missing": ("○", "dim"), "current": ("✓", "good"), "stale": ("!", "warn"),
    "writing": ("▸", "live"), "damaged": ("✗", "bad"), "unreadable": ("?", "bad"),
}  # fmt: skip

#: The columns of `artifact_row`.
ARTIFACT_COLUMNS = (
    Column("State", 10),
    Column("Path", name=True, counts=True),
    Column("Size", 7, right=True),
)

#: What counts for the whole group if one artifact is in this state, the first before the others.
_WORST: tuple[ArtifactState, ...] = ("writing", "damaged", "unreadable", "stale")


@dataclass(frozen=True)
class ArtifactGroup:
    """All artifacts of one contract."""

    contract: Contract
    job: str
    """The job that writes them."""
    readers: tuple[str, ...]
    artifacts: tuple[Artifact, ...] = ()
    state: GroupState = "missing"
    state_text: str = "missing"
    """The state, with how many are in it or how far it is."""
    reason: str = ""
    size: int = 0
    """Bytes of all together."""


def groups_of(snapshot: Snapshot, specs: Mapping[str, Spec]) -> list[ArtifactGroup]:
    """Every group of artifact that a job writes, in the order of the pipeline."""
    by_contract: dict[str, list[Artifact]] = {}
    for _, artifact in sorted(snapshot.artifacts.items()):
        by_contract.setdefault(artifact.contract, []).append(artifact)
    return [
        _with_state(
            ArtifactGroup(c, spec.name, readers_of(c, specs), tuple(by_contract.get(c.name, ()))),
            snapshot,
        )
        for spec in specs.values()
        for c in spec.writes
    ]


def readers_of(contract: Contract, specs: Mapping[str, Spec]) -> tuple[str, ...]:
    """The jobs that read a contract."""
    return tuple(spec.name for spec in specs.values() if contract in spec.reads)


def _with_state(group: ArtifactGroup, snapshot: Snapshot) -> ArtifactGroup:
    runs = sorted({r for p, r in snapshot.writing.items() if group.contract.keys_of(p) is not None})
    states = [a.state for a in group.artifacts]
    worst = next((s for s in _WORST if s in states or (s == "writing" and runs)), None)
    state: GroupState = worst or ("current" if states else "missing")
    state_text: str = state
    if state == "writing":
        state_text = "being written" + _share(snapshot, runs)
    elif worst and len(states) > 1:
        state_text = f"{states.count(worst)} of {len(states)} {worst}"
    reason = next((a.reason for a in group.artifacts if a.state == worst), "")
    size = sum(a.size for a in group.artifacts)
    return replace(group, state=state, state_text=state_text, reason=reason, size=size)


def writer_of(place: str, specs: Mapping[str, Spec]) -> str:
    """The job that writes the artifact at a place, or a phrase if there is none."""
    writes = ((spec.name, c) for spec in specs.values() for c in spec.writes)
    found = (name for name, c in writes if c.keys_of(place) is not None)
    return next(found, "the job that needs it")


def _share(snapshot: Snapshot, runs: Sequence[str]) -> str:
    reported = [p for r in runs if (p := snapshot.progress.get(r)) and p.total]
    if not reported:
        return ""
    return f" {round(100 * sum(p.done / p.total for p in reported) / len(reported))}%"


@dataclass(frozen=True)
class Edge:
    """One job follows on another: on its artifacts, or on its files if `outside`."""

    first: str
    then: str
    outside: bool = False


def edges_of(specs: Mapping[str, Spec]) -> list[Edge]:
    """Who follows on whom, without what follows from the other edges.

    A job that reads no artifact may read the files that the one before it leaves for people.
    """
    writer = {c.name: s.name for s in specs.values() for c in s.writes}
    needs = {
        s.name: {writer[c.name] for c in s.reads if c.name in writer} - {s.name}
        for s in specs.values()
    }
    above: dict[str, set[str]] = {}
    for name in specs:  # in pipeline order: what a job needs has been seen before it
        above[name] = needs[name].union(*(above.get(n, set()) for n in needs[name]))
    edges = [
        Edge(first, then)
        for then in specs
        for first in specs
        if first in needs[then] and not any(first in above.get(o, set()) for o in needs[then])
    ]
    roots = [s for s in specs.values() if not s.reads]
    outside = [Edge(a.name, b.name, outside=True) for a, b in pairwise(roots) if a.files]
    return outside + edges


def human_size(size: int) -> str:
    """Bytes in the unit that fits: 12 kB, 1.4 MB."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}" if unit != "B" and value < 9.95 else f"{value:.0f} {unit}"


def artifact_row(artifact: Artifact) -> Row:
    """An artifact's state with its sign, its place and its size."""
    sign, tone = SIGNS[artifact.state]
    size = human_size(artifact.size)
    return Row(
        artifact.place,
        (f"{sign} {artifact.state}", artifact.place, size),
        (artifact.state, artifact.place, artifact.size),
        (tone, "", "dim"),
    )
