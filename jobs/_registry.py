"""Finds the jobs by walking a package: a job is a file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import jobs
from data_contracts.vocabulary import Contract
from jobs._config import JobConfig
from jobs._docstrings import docstring


@dataclass(frozen=True)
class Spec:
    """A job as its file declares it."""

    name: str
    help: str
    config: type[JobConfig]
    run: Callable[..., object]
    reads: tuple[Contract, ...]
    writes: tuple[Contract, ...]
    sources: Callable[..., Mapping[str, Path]]
    """Files outside the workspace that the job reads, by a name that means the same anywhere."""
    preview: Callable[..., str | None]
    """A text that the command prints, where its config asks for it, in place of the work."""
    files: tuple[str, ...]
    """Places of files for people that the job writes beside its artifacts."""
    since: str
    """The first version of this package whose results are still up to date; empty: any."""
    checkpoints: tuple[str, ...]
    """Places of what an interrupted run keeps for the next one; nothing else may use them."""


def find_jobs(package: ModuleType = jobs) -> dict[str, Spec]:
    """Every job of `package` by command name, in pipeline order.

    Raises `ImportError` for a module that does not import or lacks a part: a broken job is
    never skipped.
    """
    specs = [
        _spec(importlib.import_module(f"{package.__name__}.{module.name}"))
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_")
    ]
    return {spec.name: spec for spec in _in_pipeline_order(specs)}


def writer_of(contract: Contract, package: ModuleType = jobs) -> str:
    """The command that writes `contract`."""
    return next((s.name for s in find_jobs(package).values() if contract in s.writes), "its job")


def _spec(module: ModuleType) -> Spec:
    name = module.__name__.rpartition(".")[2].replace("_", "-")
    missing = [part for part in ("Config", "run", "READS", "WRITES") if not hasattr(module, part)]
    text = docstring(module)
    if missing or not text:
        lacks = ", ".join([*missing, *([] if text else ["a docstring"])])
        raise ImportError(f"{module.__file__} is not a job: it lacks {lacks}")
    return Spec(
        name=name,
        help=text.splitlines()[0],
        config=module.Config,
        run=module.run,
        reads=module.READS,
        writes=module.WRITES,
        sources=getattr(module, "sources", lambda _: {}),
        preview=getattr(module, "preview", lambda _: None),
        files=getattr(module, "FILES", ()),
        since=getattr(module, "SINCE", ""),
        checkpoints=getattr(module, "CHECKPOINTS", ()),
    )


def _in_pipeline_order(specs: list[Spec]) -> list[Spec]:
    ordered: list[Spec] = []
    waiting = sorted(specs, key=lambda s: s.name)
    while waiting:
        pending = {c.name for s in waiting for c in s.writes}
        ready = [
            s for s in waiting if not any(c.name in pending and c not in s.writes for c in s.reads)
        ]
        ready = ready or waiting
        # Jobs that read nothing come first: they feed the pipeline from outside.
        ordered += sorted(ready, key=lambda s: (bool(s.reads), s.name != "synthesize", s.name))
        waiting = [s for s in waiting if s not in ready]
    return ordered
