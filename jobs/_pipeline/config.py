"""The flags of `cxr run`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from pydantic import BeforeValidator, Field

from jobs._config import JobConfig


def _joined(value: object) -> object:
    """A list of a YAML file as the flag has it."""
    return ",".join(map(str, value)) if isinstance(value, list) else _text(value)


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) else value


Words = Annotated[str, BeforeValidator(_joined)]


class PipelineConfig(JobConfig):
    """What to run, and where."""

    config: Path | None = None
    """YAML file with a section of settings for each job, and these flags beside them."""
    tasks: Words = Field(
        default="mortality,gender,race,insurance", pattern=r"^[A-Za-z0-9_]+(,[A-Za-z0-9_]+)*$"
    )
    """Label columns of the cohort to train on, with commas."""
    seeds: Words = Field(default="0", pattern=r"^[0-9]+(,[0-9]+)*$")
    """Seeds of the networks: the first one's models are named main, the others' seed1, …"""
    controls: Words = Field(default="", pattern=r"^([a-z-]+(,[a-z-]+)*)?$")
    """Null models to train as well: permuted-labels, random-init."""
    models: Annotated[dict[str, dict[str, Any]], Parameter(parse=False)] = Field(
        default_factory=dict
    )
    """In the file: models by name, each with what it changes in train-task."""
    shards: int = Field(default=1, ge=1, le=999_999)
    """Parts in which the images are prepared."""
    cores: int | None = Field(default=None, ge=1)
    """Cores to use, by default all; on a cluster: of each job, by default 4."""
    engine: Literal["local", "slurm", "kubernetes"] = "local"
    """Where the jobs run."""
    profile: Path | None = None
    """Folder with a Snakemake profile of your cluster, in place of the one that is shipped."""
    dry_run: bool = False
    """Print what would be done, and why; do nothing."""

    def threads(self) -> int:
        """Cores of this machine that may be used; on a cluster, those of each job."""
        return self.cores or (len(os.sched_getaffinity(0)) if self.engine == "local" else 4)
