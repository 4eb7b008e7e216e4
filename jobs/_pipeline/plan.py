"""The steps of an analysis, and the artifacts that connect them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

from data_contracts.errors import ArtifactError, UsageError
from data_contracts.vocabulary import Contract
from jobs._config import JobConfig
from jobs._job import existing
from jobs._pipeline.config import PipelineConfig
from jobs._pipeline.settings import Sections, unknown, validated
from jobs._registry import Spec, find_jobs

#: What the pipeline sets itself, so that a section must not.
_SET_BY = {"task": "tasks", "name": "seeds", "seed": "seeds", "shard": "shards"}


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
        keys = {p: self.keys[p] for c in self.spec.writes for p in c.template_keys}
        shard, shards = keys.pop("shard", "1"), keys.pop("shards", "1")
        part = [f"{shard}/{shards}"] if shards != "1" else []
        return " ".join([self.spec.name, *keys.values(), *part])

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        return tuple(c.path_template.format(**self.keys) for c in self.spec.writes)

    def args(self, **more: Any) -> list[str]:
        """The arguments of `cxr`; `more` are flags that say how to run it."""
        args = [self.spec.name, f"--workspace={self.config.workspace}"]
        given = {n: getattr(self.config, n) for n in sorted(self.config.model_fields_set)}
        for name, value in ({n: v for n, v in more.items() if n not in given} | given).items():
            flag = f"--{name.replace('_', '-')}"
            if isinstance(value, bool):
                args.append(flag if value else flag.replace("--", "--no-", 1))
            elif value is not None and name != "workspace":
                many = value if isinstance(value, list | tuple) else [value]
                args += [f"{flag}={one}" for one in many]
        return args


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
        for keys in _combinations(spec, config):
            values = dict(section or {}) | keys | {"workspace": config.workspace}
            if ours := sorted(set(section or {}) & {*keys, "workspace", "force", "debug"}):
                raise UsageError(f"settings: {spec.name}.{ours[0]} is {_instead(ours[0])}")
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
    given = {key for keys in _combinations(spec, config) for key in keys}
    needed = {n for n, f in spec.config.model_fields.items() if f.is_required()}
    return bool(spec.reads) and needed <= given


def _combinations(spec: Spec, config: PipelineConfig) -> Iterator[dict[str, Any]]:
    """The settings by which the steps of a job differ."""
    names = {p for c in spec.writes for p in c.template_keys}
    shards, seeds = config.shards, [int(s) for s in config.seeds.split(",")]
    models = models_of(seeds)
    tasks = config.tasks.split(",")
    for flag, values in (("tasks", tasks), ("seeds", seeds)):
        if len({*values}) < len(values):
            raise UsageError(f"--{flag} {getattr(config, flag)} has duplicates; name each once")
    axes: list[Sequence[Mapping[str, Any]]] = [
        [{"task": task} for task in tasks] if "task" in names else [{}],
        models if "name" in names else [{}],
        [{"shard": f"{i}/{shards}"} for i in range(1, shards + 1)] if "shard" in names else [{}],
    ]
    for parts in product(*axes):
        merged = {k: v for part in parts for k, v in part.items()}
        yield {k: v for k, v in merged.items() if k in spec.config.model_fields}


def models_of(seeds: Sequence[int], name: str = "main") -> list[dict[str, Any]]:
    """Name and seed of each model of a task: the first has the name itself, the others its seed.

    A control's models stay the control's: `permuted`, `permuted-seed1`.
    """
    prefix = "" if name == "main" else f"{name}-"
    names = [name, *(f"{prefix}seed{seed}" for seed in seeds[1:])]
    return [{"name": n, "seed": s} for n, s in zip(names, seeds, strict=True)]


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
    return [w.outputs[which] for w in writers if all(w.keys[p] == value for p, value in named)]


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
