"""Reads the settings of a pipeline: its own flags, and a section for each job."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from string import Template
from typing import Any

from pydantic import ValidationError

from data_contracts.errors import UsageError
from jobs._config import JobConfig, read_yaml
from jobs._pipeline.config import PipelineConfig
from jobs._registry import find_jobs

Sections = Mapping[str, Mapping[str, Any]]

#: Flags that are not allowed in the settings file.
_NOT_IN_FILE = {"config", "dry_run", "force", "debug"}


def read_settings(flags: PipelineConfig) -> tuple[PipelineConfig, Sections]:
    """The flags, joined with those of the file, and the file's section of each job.

    Flags of the command line win. In a section, `{workspace}` stands for the workspace and
    `${NAME}` for a variable of the environment. Raises `UsageError` that names all unknown keys
    with their nearest.
    """
    content = read_yaml(flags.config) if flags.config else {}
    own = set(PipelineConfig.model_fields) - _NOT_IN_FILE
    jobs = find_jobs()
    faults = [unknown(key, [*jobs, *sorted(own)]) for key in content if key not in {*own, *jobs}]
    for job in jobs:
        if not isinstance(content.get(job, {}), dict | None):
            faults.append(f"{job}: want a section of `field: value` lines")
    if faults:
        raise UsageError(f"--config {flags.config}: {'; '.join(faults)}")
    given = {name: getattr(flags, name) for name in flags.model_fields_set}
    # Seeds and controls are models said in short.
    beaten = {"models"} if {"seeds", "controls"} & set(given) else set()
    of_file = {k: content[k] for k in (own - beaten) & set(content)}
    config = validated(PipelineConfig, of_file | given, "")
    sections = {
        job: {_field(k): _filled(v, config, f"{job}.{k}") for k, v in (content[job] or {}).items()}
        for job in jobs
        if job in content
    }
    return config, sections


def validated(kind: type[Any], values: Mapping[str, Any], section: str) -> Any:
    """An instance of a config; raise `UsageError` that names every faulty key."""
    try:
        return kind(**values)
    except ValidationError as error:
        faults = []
        for fault in error.errors():
            key = ".".join(str(part) for part in fault["loc"])
            if fault["type"] == "extra_forbidden":
                faults.append(unknown(key, list(kind.model_fields), section))
            else:
                faults.append(f"{section}{key}: {fault['msg'].removeprefix('Value error, ')}")
        raise UsageError(f"settings: {'; '.join(faults)}; correct the file of --config") from error


def unknown(key: object, known: list[str], section: str = "") -> str:
    """The error message for an unknown key."""
    near = get_close_matches(str(key), known, n=1, cutoff=0.5)
    hint = f"did you mean {section}{near[0]}?" if near else f"known: {', '.join(known)}"
    return f"unknown key {section}{key}; {hint}"


def _field(key: object) -> str:
    return str(key).replace("-", "_")


def _filled(value: Any, config: JobConfig, key: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        filled = Template(value).substitute(os.environ)
    except KeyError as error:
        raise UsageError(f"settings: {key}: ${error.args[0]} is not set; export it") from None
    except ValueError:
        raise UsageError(
            f"settings: {key}: write $$ for a dollar sign, ${{NAME}} for a variable"
        ) from None
    return filled.replace("{workspace}", str(config.workspace))
