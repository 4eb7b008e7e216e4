"""The steps of an analysis, and the artifacts that connect them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from data_contracts.errors import ArtifactError, UsageError
from data_contracts.vocabulary import Contract
from jobs import _command_line
from jobs._config import JobConfig
from jobs._job import existing
from jobs._pipeline.config import PipelineConfig
from jobs._pipeline.settings import Sections, unknown, validated
from jobs._registry import Spec, find_jobs
from jobs._variants import (
    Variants,
    axes_of,
    combinations,
    template_keys,
    trains_models,
    variants,
)

#: What the pipeline sets itself, so that a section must not.
_SET_BY = {
    "task": "tasks", "name": "seeds or models", "seed": "seeds", "control": "controls",
    "shard": "shards",
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One command of the pipeline."""

    spec: Spec
    config: JobConfig
    inputs: tuple[str, ...] = ()
    """Places of artifacts that other steps make."""

    @cached_property
    def keys(self) -> dict[str, str]:
        """Values for the template_keys in the places of the artifacts."""
        return self.config.keys()

    @cached_property
    def name(self) -> str:
        """The job and what distinguishes its steps: `train-task gender main`, `preprocess 2/4`."""
        named = self.config.model_fields_set
        unset = {n for n in type(self.config).model_fields if n not in named}
        keys = {k: v for k, v in self.keys.items() if k in template_keys(self.spec) - unset}
        shard, shards = keys.pop("shard", "1"), keys.pop("shards", "1")
        part = [f"{shard}/{shards}"] if shards != "1" else []
        return " ".join([self.spec.name, *keys.values(), *part])

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        return tuple(c.path_template.format(**self.keys) for c in self.spec.writes)

    def args(self, **more: Any) -> list[str]:
        """The arguments of `cxr`; `more` are flags that say how to run it."""
        given = {n: getattr(self.config, n) for n in sorted(self.config.model_fields_set)}
        workspace = given.pop("workspace", self.config.workspace)
        settings = {n: v for n, v in more.items() if n not in given} | given
        return _command_line.arguments(self.spec.name, workspace, settings.items())


def steps_of(config: PipelineConfig, sections: Sections) -> list[Step]:
    """Every step, each after those it reads from.

    A job takes part if it has a section, or if it reads artifacts and needs no setting. What a
    job outside would make must be there: else `ArtifactError`. A section that its job does not
    take is a `UsageError`.
    """
    steps: dict[str, list[Step]] = {}
    for spec in find_jobs().values():
        section = sections.get(spec.name)
        if section is None and not _needs_nothing(spec, config):
            continue
        steps[spec.name] = []
        given = section or {}
        if ours := sorted(set(given) & _set_by_pipeline(spec, given)):
            raise UsageError(f"settings: {spec.name}.{ours[0]} is {_instead(ours[0])}")
        for keys in _combinations(spec, config, given):
            values = {**given, **keys, "workspace": config.workspace}
            own = validated(spec.config, values, f"{spec.name}.")
            steps[spec.name].append(Step(spec, own, _inputs(spec, own, steps)))
    return [step for some in steps.values() for step in some]


def chosen(steps: Sequence[Step], targets: Sequence[str]) -> list[Step]:
    """The steps that make `targets`, jobs or places of artifacts, and all that they need."""
    known = {n for s in steps for n in (s.spec.name, s.name, *s.outputs)}
    if strange := [t for t in targets if t not in known]:
        faults = (unknown(t, sorted(known)).replace("key", "target") for t in strange)
        raise UsageError("; ".join(faults))
    wanted = {place for s in steps if not targets for place in s.outputs}
    found: list[Step] = []
    for step in reversed(steps):
        names = {step.spec.name, step.name, *step.outputs}
        if names & {*targets} or wanted & {*step.outputs}:
            found.append(step)
            wanted |= {*step.inputs}
    return found[::-1]


def _needs_nothing(spec: Spec, config: PipelineConfig) -> bool:
    given = {key for keys in _combinations(spec, config, {}) for key in keys}
    needed = {n for n, f in spec.config.model_fields.items() if f.is_required()}
    return bool(spec.reads) and needed <= given


def _combinations(
    spec: Spec, config: PipelineConfig, section: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """The settings by which the steps of a job differ: a list in its section is an axis too."""
    tasks = config.tasks.split(",")
    if len({*tasks}) < len(tasks):
        raise UsageError(f"--tasks {config.tasks} has duplicates; name each once")
    lists = {axis: section[axis] for axis in axes_of(spec) if isinstance(section.get(axis), list)}
    shards = [f"{i}/{config.shards}" for i in range(1, config.shards + 1)]
    yield from combinations(spec, {"task": tasks, "shard": shards, **lists}, models_of(config))


def models_of(config: PipelineConfig) -> Variants:
    """The models of the pipeline by name: of the file, and what seeds and controls stand for."""
    seeds = [int(seed) for seed in config.seeds.split(",")]
    controls = [control for control in config.controls.split(",") if control]
    if not config.models:
        return variants(seeds, controls)
    if {"seeds", "controls"} & config.model_fields_set:
        raise UsageError("settings: models names the models; leave seeds and controls out")
    for name, change in config.models.items():
        if "task" in change and change["task"] not in config.tasks.split(","):
            raise UsageError(
                f"settings: models.{name} is of the task {change['task']}, which is none of "
                f"--tasks {config.tasks}"
            )
    return config.models


def _set_by_pipeline(spec: Spec, section: Mapping[str, Any]) -> set[str]:
    """The settings that a section must not name."""
    own = {"workspace", "force", "debug", "inspect"} | (
        {"task", "name", "shard"} & {*axes_of(spec)}
    )
    return own | ({"seed", "control"} & {*section} if trains_models(spec) else set())


def _instead(field: str) -> str:
    return f"set by --{_SET_BY[field]}" if field in _SET_BY else f"not a setting; use --{field}"


def _inputs(spec: Spec, config: JobConfig, before: Mapping[str, Sequence[Step]]) -> tuple[str, ...]:
    """Places of what `spec` reads from the steps of the jobs `before` it."""
    places: list[str] = []
    asked = config.keys()
    for contract in spec.reads:
        makers = (some for some in before.values() if some and contract in some[0].spec.writes)
        found = [place for some in makers for place in _agreed(contract, asked, some)]
        if not found:
            existing(contract, config.workspace, asked)
        elif spare := _spare_shards(contract, config.workspace, found):
            raise ArtifactError(
                f"{config.workspace / spare} is not one of this pipeline's shards; delete it, or "
                "run with the --shards that produced it"
            )
        places += found
    folders = [config.workspace / f for f in _paths_of(config)]
    for some in before.values():
        made = [config.workspace / f for step in some[:1] for f in step.spec.files]
        if any(folder.is_relative_to(m) for folder in folders for m in made):
            places += [place for step in some for place in step.outputs]
    return tuple(dict.fromkeys(places))


def _agreed(contract: Contract, asked: Mapping[str, str], writers: Sequence[Step]) -> list[str]:
    """Where the steps of one job put the artifact, without those that nobody has asked for."""
    which = writers[0].spec.writes.index(contract)
    named = [(p, asked[p]) for p in contract.template_keys if p in asked]
    return [
        w.outputs[which] for w in writers if all(fnmatchcase(w.keys[p], want) for p, want in named)
    ]


def _spare_shards(contract: Contract, workspace: Path, places: Sequence[str]) -> str | None:
    if "shards" not in contract.template_keys:
        return None
    there = (p.relative_to(workspace).as_posix() for p in contract.find(workspace))
    ours = {*places}
    return next((place for place in there if place not in ours), None)


def _paths_of(config: JobConfig) -> list[Path]:
    """The paths among the settings, relative to the workspace where they lie in it."""
    values = [getattr(config, n) for n in config.model_fields_set - {"workspace"}]
    paths = [Path(v) for v in values if isinstance(v, Path | str)]
    root = config.workspace
    return [p.relative_to(root) for p in paths if p.is_relative_to(root)]
