"""One module per collection of radiographs; its file name, with - for _, is the source's name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.sources._adapter import Adapter
from cxrcore.sources._further_labels import named, parse_labels, with_labels
from cxrcore.sources._label_rules import LabelRules, horizon_tasks
from data_contracts.cohort import tasks_of
from data_contracts.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["LabelRules", "adapter", "locate", "names", "parse_labels", "read"]

#: Columns of the cohort that a further label may name, whatever the tables have.
_OF_COHORT = ("age", "view")


def names() -> tuple[str, ...]:
    """The available sources, sorted."""
    found = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    return tuple(name.replace("_", "-") for name in found)


def adapter(name: str) -> Adapter:
    """The adapter of the source `name`; raise `UsageError` if there is none."""
    if name not in names():
        raise UsageError(f"unknown source '{name}'; choose from {', '.join(names())}")
    module = name.replace("-", "_")
    found: Adapter = importlib.import_module(f"{__name__}.{module}").ADAPTER
    return found


def locate(name: str, places: Mapping[str, Path | None]) -> dict[str, Path]:
    """The table files of the source `name`, by a name that does not depend on the host.

    `places` are folders and files by the names that the adapter has for them. Raises `UsageError`
    naming the flag of every one that is needed and not given, or given and never read, and
    `SourceError` naming every file that is missing.
    """
    found = adapter(name)
    wanted = {place: ("DIR", content) for place, content in found.folders.items()}
    wanted |= {place: ("FILE", content) for place, content in found.files.items()}
    known = (*wanted, *found.optional_files)
    given = {place: path for place in known if (path := places.get(place)) is not None}
    lacking = [
        f"--{place.replace('_', '-')} {kind} ({content})"
        for place, (kind, content) in wanted.items()
        if place not in given
    ]
    if lacking:
        raise UsageError(f"--source {name} needs {' and '.join(lacking)}")
    others = [f"--{p.replace('_', '-')}" for p, path in places.items() if path and p not in known]
    if others:
        raise UsageError(f"--source {name} does not read {' and '.join(others)}; leave it out")
    return found.locate(given)


def read(name: str, files: Mapping[str, Path], rules: LabelRules) -> pl.DataFrame:
    """Every image of the source `name` with the labels asked for; see `Adapter` and `locate`.

    A label may name a column of the tables, or the cohort's `age`, `view` and `bmi`. Raises
    `SourceError`, and `UsageError` for a further horizon of a source without dates of death.
    """
    import polars as pl

    columns = (*_OF_COHORT, *(("bmi",) if "omr" in files else ()))
    of_cohort = {task: of for task, of in rules.further.items() if of.column in columns}
    others = {task: of for task, of in rules.further.items() if task not in of_cohort}
    images = adapter(name).read(files, replace(rules, further=others))
    tasks = tasks_of(images.columns)
    for task, days in list(horizon_tasks(rules.horizons).items())[1:]:
        if task not in tasks:
            raise UsageError(
                f"--further-horizon {days}: the source has no dates of death to label it by"
            )
    values = [named(task, of, pl.col(of.column)) for task, of in of_cohort.items()]
    return with_labels(images.with_columns(values), of_cohort, (), tasks)
