"""From what was entered in a launch form to the configs of runs, judged by the job's own model."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from data_contracts.errors import UsageError
from jobs._config import JobConfig
from jobs._engines._request import Options
from jobs._registry import Spec
from jobs._variants import trains_models, variants
from tui.launch.complaints import REQUIRED, complaint_of
from tui.launch.form import Entry, Models, Raw, supported_options, used_entries, words
from tui.shared.launchable import chooses_engine, without_defaults

MOST_RUNS = 1000
_TOO_MANY = f"creates more than {MOST_RUNS:,} runs"

_Config = TypeVar("_Config", bound=BaseModel)


@dataclass(frozen=True)
class LaunchRequest:
    """Runs that differ in task and model, or why there are none."""

    spec: Spec
    configs: tuple[JobConfig, ...]
    options: Options
    faults: Mapping[str, str]
    """By entry; empty when it can be launched."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What is good to know of an entry."""

    @property
    def may_queue(self) -> bool:
        """Whether it is several runs, on an engine that runs them one at a time if asked to."""
        several = len(self.configs) > 1 and not self.faults and not chooses_engine(self.spec)
        return several and "one_at_a_time" in supported_options(self.options.engine)

    def one_at_a_time(self) -> LaunchRequest:
        """The same runs, one after the other."""
        return replace(self, options=self.options.model_copy(update={"one_at_a_time": True}))


def read_form(
    spec: Spec,
    entries: Sequence[Entry],
    raw: Mapping[str, Raw],
    workspace: Path,
    models: Models = (),
) -> LaunchRequest:
    """What was entered, as the models of job and engine take it, or their own complaints."""
    used, mine = used_entries(spec, raw), set(spec.config.model_fields)
    theirs = _given([e for e in entries if e.name in used - mine], raw)
    options, faults = checked(Options, theirs, entries)
    own = _given([e for e in entries if e.name in mine], raw)
    own["workspace"] = workspace
    axes, wrong = _axes(spec, own)
    combined = [own | {k: v for part in parts for k, v in part.items()} for parts in product(*axes)]
    if len(combined) > MOST_RUNS:
        combined, wrong = (
            combined[:1],
            wrong | {"seed" if trains_models(spec) else "task": _TOO_MANY},
        )
    kept = [c for c in combined if _exists(c, spec, models)]
    left = ", ".join(f"{c['task']} {c['name']}" for c in combined if c not in kept)
    if not kept:
        wrong |= {"name": f"no such model: {left}"}
    configs = []
    for values in kept or combined[:1]:
        config, wrong_here = checked(spec.config, values, entries)
        faults = wrong_here | faults
        configs += [config] if config else []
    notes = {"name": f"skipped, no such model: {left}"} if left else {}
    if trains_models(spec) and (there := [c for c in combined if _key(c) in models]):
        names = ", ".join("/".join(_key(c)) for c in there[:3]) + ", …" * (len(there) > 3)
        several = len(there) > 1
        verbs = ("exist; they", "exists; it")
        notes = {"name": f"{names} {verbs[not several]} will be replaced if settings differ"}
    return LaunchRequest(spec, tuple(configs), options or Options(), faults | wrong, notes)


def checked(
    kind: type[_Config], values: Mapping[str, Any], entries: Sequence[Entry]
) -> tuple[_Config | None, dict[str, str]]:
    """The model with only those fields set that are not as by default; or faults by field."""
    try:
        return without_defaults(kind, values), {}
    except ValidationError as error:
        by_name = {e.name: e for e in entries}
        by_field = {str(f["loc"][0]): f for f in reversed(error.errors())}
        return None, {n: complaint_of(f, by_name[n]) for n, f in by_field.items()}
    except UsageError as error:
        # Some errors do not show their value; they come as the command line words them.
        flag, _, text = str(error).removeprefix("--").partition(": ")
        return None, {flag.replace("-", "_"): text}


def _given(entries: Sequence[Entry], raw: Mapping[str, Raw]) -> dict[str, Any]:
    """The values that were entered; `~` is the home, as in a shell."""
    given: dict[str, Any] = {}
    for entry in entries:
        value = raw.get(entry.name, entry.blank)
        if not isinstance(value, str):
            given[entry.name] = value
        elif text := value.strip():
            text = str(Path(text).expanduser()) if re.match("~(/|$)", text) else text
            given[entry.name] = words(text) if entry.kind == "list" else text
    return given


def _axes(spec: Spec, own: dict[str, Any]) -> tuple[list[list[dict[str, Any]]], dict[str, str]]:
    """By what the runs differ, taken out of `own`, and what is wrong with that."""
    ticked = {name: own.pop(name) for name in [n for n, v in own.items() if isinstance(v, tuple)]}
    axes = [[{name: one} for one in values] or [{}] for name, values in ticked.items()]
    faults = {name: REQUIRED for name, values in ticked.items() if not values}
    if trains_models(spec) and (text := own.pop("seed", "")):
        try:
            models = variants(_seeds(text), name=own.pop("name", "main"))
            axes.append([{"name": name, **change} for name, change in models.items()])
        except ValueError as error:
            faults["seed"] = str(error)
    return axes, faults


def _seeds(text: str) -> list[int]:
    """The seeds of `0-4`, `0,1,2`, or both; raise `ValueError` for what is neither."""
    seeds: list[int] = []
    for part in text.replace(" ", "").split(","):
        match = re.fullmatch(r"([0-9]{1,12})(?:-([0-9]{1,12}))?", part)
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if low > high:
            raise ValueError("must be seeds such as 0-4 or 0,1,2")
        if high - low >= MOST_RUNS:
            raise ValueError(_TOO_MANY)
        seeds += range(low, high + 1)
    if len(set(seeds)) < len(seeds):
        raise ValueError("lists a seed twice; list each once")
    return seeds


def _exists(values: Mapping[str, Any], spec: Spec, models: Collection[tuple[str, str]]) -> bool:
    """Whether a job that needs a model finds it; whoever types a name may know better."""
    if trains_models(spec) or not models or not {"task", "name"} <= set(values):
        return True
    return _key(values) in models


def _key(values: Mapping[str, Any]) -> tuple[str, str]:
    """Task and name of a model, where both are known."""
    return str(values.get("task", "")), str(values.get("name", ""))
