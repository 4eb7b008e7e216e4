"""The flags of `cxr run`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from pydantic import BeforeValidator, Field

from jobs._config import JobConfig


def _joined(value: object) -> object:
    """A list of a YAML file in the flag's form."""
    return ",".join(map(str, value)) if isinstance(value, list) else _text(value)


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) else value


CommaSeparated = Annotated[str, BeforeValidator(_joined)]


class PipelineConfig(JobConfig):
    """What to run, and where."""

    config: Path | None = None
    """YAML file with a section of settings for each job, and any of these flags."""
    tasks: CommaSeparated = Field(
        default="mortality,gender,race,insurance", pattern=r"^[A-Za-z0-9_]+(,[A-Za-z0-9_]+)*$"
    )
    """Label columns of the cohort to train on, comma-separated."""
    seeds: CommaSeparated = Field(default="0", pattern=r"^[0-9]+(,[0-9]+)*$", examples=["0,1,2"])
    """Training seeds, comma-separated: models of the first are named main, of others seed1, …"""
    controls: CommaSeparated = Field(
        default="", pattern=r"^([a-z-]+(,[a-z-]+)*)?$", examples=["permuted-labels,random-init"]
    )
    """Null models to train as well, comma-separated: permuted-labels, random-init, pretrained."""
    models: Annotated[dict[str, dict[str, Any]], Parameter(parse=False)] = Field(
        default_factory=dict
    )
    """In the file: models by name, each with what it changes in train-task."""
    shards: int = Field(default=1, ge=1, le=999_999)
    """Number of shards in which the images are preprocessed."""
    cores: int | None = Field(default=None, ge=1)
    """Cores to use, by default all; on a cluster, cores of each job, by default 4."""
    engine: Literal["local", "slurm", "kubernetes"] = "local"
    """Where the jobs run."""
    profile: Path | None = None
    """Folder with a Snakemake profile for your cluster, instead of the one included."""
    dry_run: bool = False
    """Print what would run, and why, and exit."""

    def threads(self) -> int:
        """Cores of this machine to use; on a cluster, those of each job."""
        return self.cores or (len(os.sched_getaffinity(0)) if self.engine == "local" else 4)
