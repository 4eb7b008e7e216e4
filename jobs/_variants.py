"""What the runs of one job differ by: tasks, models and the like.

A job's axes are the placeholders in the paths of what it writes: two runs that differ in nothing
else would write the same file. The models of an analysis are data: a name, and what it changes
in the settings of the job that trains.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from data_contracts.errors import UsageError
from jobs._registry import Spec

#: By name of a model what it changes in the settings of the job that trains it.
Variants = Mapping[str, Mapping[str, Any]]


def template_keys(spec: Spec) -> frozenset[str]:
    """The placeholders in the paths of what a job writes."""
    return frozenset(key for contract in spec.writes for key in contract.template_keys)


def axes_of(spec: Spec) -> list[str]:
    """The settings that the runs of a job may differ by, in their order in its `Config`."""
    keys = template_keys(spec)
    return [name for name in spec.config.model_fields if name in keys]


def trains_models(spec: Spec) -> bool:
    """Whether a job makes models: runs of other settings stand side by side, each under a name."""
    return "name" in axes_of(spec) and "seed" in spec.config.model_fields


def combinations(
    spec: Spec, values: Mapping[str, Sequence[Any]], models: Variants
) -> Iterator[dict[str, Any]]:
    """The settings by which the runs of a job differ.

    `values` by axis; `models` stand for the axis `name`, with what they change where the job
    trains them. A model that names a value of another axis, as a task, is of that value alone.
    """
    axes = axes_of(spec)
    choices: list[list[dict[str, Any]]] = []
    for axis in axes:
        if axis == "name":
            kept = None if trains_models(spec) else axes
            choices.append([
                {"name": n, **{k: v for k, v in change.items() if kept is None or k in kept}}
                for n, change in models.items()
            ])  # fmt: skip
        elif axis in values:
            choices.append([{axis: value} for value in values[axis]])
    for parts in product(*choices):
        found: dict[str, Any] = {}
        if all(found.setdefault(k, v) == v for part in parts for k, v in part.items()):
            yield found


def variants(seeds: Sequence[int], controls: Sequence[str] = (), name: str = "main") -> Variants:
    """Models by seed and control: the first seed's is named `name`, the others' by their seed.

    Controls get the first seed and their own name. Models of a name other than main carry it:
    `deep`, `deep-seed1`. Raises `UsageError` for a seed or control given twice.
    """
    prefix = "" if name == "main" else f"{name}-"
    names = [name, *(f"{prefix}seed{seed}" for seed in seeds[1:])]
    found: dict[str, dict[str, Any]] = {}
    trained: list[tuple[str, dict[str, Any]]] = [
        *((n, {"seed": seed}) for n, seed in zip(names, seeds, strict=True)),
        *((f"{prefix}{c}", {"seed": seeds[0], "control": c}) for c in controls),
    ]
    for own, change in trained:
        if own in found or change in found.values():
            raise UsageError(f"the model {own} is named twice; name each seed and control once")
        found[own] = change
    return found
