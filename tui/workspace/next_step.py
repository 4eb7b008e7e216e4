"""The next sensible command, from what is damaged, stale or missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from data_contracts.header import Header
from jobs._registry import Spec
from tui.workspace.snapshot import Artifact, Snapshot


@dataclass(frozen=True)
class NextStep:
    """What to launch, and why."""

    job: str
    settings: Mapping[str, Any]
    why: str
    keys: Mapping[str, str] = field(default_factory=dict)
    """Which of the job's steps it is, such as a task and a name."""

    @property
    def title(self) -> str:
        """`train-task race main`."""
        shard = [f"{self.keys['shard']}/{self.keys['shards']}"] if "shard" in self.keys else []
        names = [v for k, v in self.keys.items() if k not in ("shard", "shards")]
        return " ".join([self.job, *names, *shard])


def next_step(
    snapshot: Snapshot, specs: Mapping[str, Spec], tasks: Sequence[str]
) -> NextStep | None:
    """The first step in the order of the pipeline that is due, or None if nothing is.

    `tasks` are those that the cohort can label and the analysis is about. What a run is writing
    is not due, nor is what has an input that is due.
    """
    steps = (step for spec in specs.values() for step in _due(snapshot, spec, specs, tasks))
    return next(steps, None)


def step_again(
    artifact: Artifact, snapshot: Snapshot, specs: Mapping[str, Spec]
) -> NextStep | None:
    """The step that makes `artifact` again, with the settings it was made with if known."""
    writes = ((s, c) for s in specs.values() for c in s.writes)
    job = next((s.name for s, c in writes if c.name == artifact.contract), None)
    if job is None:
        return None
    state = "out of date" if artifact.state == "stale" else artifact.state
    why = f"{artifact.place} is {state}"
    settings = _settings(snapshot, job, artifact.keys, artifact.header)
    return NextStep(job, settings, why, artifact.keys)


def _due(
    snapshot: Snapshot, spec: Spec, specs: Mapping[str, Spec], tasks: Sequence[str]
) -> Iterator[NextStep]:
    written = [a for c in spec.writes for a in snapshot.of(c.name)]
    for state in ("damaged", "stale"):
        for artifact in (a for a in written if a.state == state):
            if step := step_again(artifact, snapshot, specs):
                yield step
    read_later = {c.name for other in specs.values() for c in other.reads}
    is_needed = bool(spec.reads) or any(c.name in read_later for c in spec.writes)
    if not is_needed or not all(snapshot.of(c.name) for c in spec.reads):
        return
    wanted = list(_wanted(snapshot, spec, tasks))
    names = tuple(wanted[0]) if wanted else ()
    made = [{tuple(a.keys.get(n) for n in names) for a in snapshot.of(c.name)} for c in spec.writes]
    for keys in wanted:
        if all(tuple(keys.values()) in of_contract for of_contract in made):
            continue
        busy = [
            p for p in snapshot.writing for c in spec.writes
            if (own := c.keys_of(p)) is not None and keys.items() <= own.items()
        ]  # fmt: skip
        if not busy:
            yield NextStep(spec.name, _settings(snapshot, spec.name, keys), "missing", keys)


def _wanted(snapshot: Snapshot, spec: Spec, tasks: Sequence[str]) -> Iterator[dict[str, str]]:
    """The steps that a job should have, as values of the template_keys in its places."""
    template_keys = {p for c in spec.writes for p in c.template_keys}
    if not template_keys:
        yield {}
    elif "shard" in template_keys:
        made = [a.keys for c in spec.writes for a in snapshot.of(c.name)]
        count = max((int(k["shards"]) for k in made if k["shards"].isdecimal()), default=1)
        yield from ({"shard": str(i + 1), "shards": str(count)} for i in range(count))
    elif above := [
        c for c in spec.reads if c.template_keys and template_keys >= {*c.template_keys}
    ]:
        yield from (dict(a.keys) for a in snapshot.of(above[-1].name))
    elif template_keys == {"task", "name"}:
        yield from ({"task": task, "name": "main"} for task in tasks)


def _settings(
    snapshot: Snapshot, job: str, keys: Mapping[str, str], header: Header | None = None
) -> dict[str, Any]:
    """The fields of a job for this step: as it, or else its like, was run last.

    A run's record also knows where the sources lie, which a header does not.
    """
    own: dict[str, Any] = dict(keys)
    if "shard" in own:
        own = {"shard": f"{own['shard']}/{own['shards']}"}
    like = {k: v for k, v in own.items() if k == "name"}
    of_run = ("workspace", "force", "debug")
    for wanted in (own, like):
        for record in snapshot.runs:
            if record.job == job and all(record.config.get(k) == v for k, v in wanted.items()):
                given = {k: v for k, v in record.config.items() if v is not None}
                return {k: v for k, v in given.items() if k not in of_run} | own
        if header is not None:
            return header.config | own
    return own
