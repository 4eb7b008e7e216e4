"""A request to run a job: its flags, its paths outside the workspace, the engine's options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from data_contracts.errors import UsageError
from jobs import _command_line
from jobs._config import JobConfig, is_url
from jobs._record import new_run_id
from jobs._registry import Spec

#: Where the workspace is mounted in a container.
CONTAINER_WORKSPACE = "/workspace"
#: Where botocore finds the credentials and the address of an object store.
_STORE_VARIABLES = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION",
    "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3",
)  # fmt: skip


class Options(BaseModel):
    """Where to run a job, and with what. Every engine declares which of these it supports."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    engine: Literal["process", "docker", "slurm", "kubernetes"] = "process"
    """What runs the job: a process on this host, a container, or a cluster."""
    dry_run: bool = False
    """Print what would be submitted, and exit."""
    one_at_a_time: bool = False
    """Wait while another run that was started so is at work in this workspace [process]."""
    image: str | None = None
    """Container image, by default cxr [docker, slurm, kubernetes]."""
    container: Literal["none", "apptainer", "docker"] = "none"
    """Container runtime for the job [slurm]."""
    gpus: int = Field(default=0, ge=0, le=64)
    """Number of GPUs."""
    cpus: int | None = Field(default=None, ge=1, le=1024)
    """CPU cores [docker, slurm, kubernetes]."""
    memory: str | None = Field(default=None, pattern=r"^[1-9][0-9]*[MG]$")
    """Memory, such as 16G [docker, slurm, kubernetes]."""
    time_limit: str | None = Field(default=None, pattern=r"^[0-9]{1,3}:[0-5][0-9]:[0-5][0-9]$")
    """Time limit as hours:minutes:seconds [slurm, kubernetes]."""
    after: tuple[str, ...] = ()
    """Start only after this run has succeeded; repeatable [slurm]."""
    partition: str | None = None
    """Partition to submit to [slurm]."""
    account: str | None = None
    """Account to charge [slurm]."""
    shards: int = Field(default=1, ge=1, le=10_000)
    """Split the job into this many shards, submitted as one array [slurm, kubernetes]."""
    claim: str = "cxr-workspace"
    """Persistent volume claim of the workspace [kubernetes]."""
    data_claim: str | None = None
    """Persistent volume claim mounted read-only at /data [kubernetes]."""
    namespace: str | None = None
    """Namespace, by default that of the current context [kubernetes]."""


@dataclass(frozen=True)
class JobRequest:
    """A job for an engine to run. All paths are absolute."""

    job: str
    workspace: Path
    run_ids: tuple[str, ...]
    """One for each shard."""
    settings: Mapping[str, Any]
    """Every field of the config, for the record."""
    flags: Mapping[str, Any]
    """The fields that were given."""
    paths: Mapping[str, Path]
    """The paths that flags name, by flag."""
    options: Options

    @property
    def external_paths(self) -> list[Path]:
        """The paths that do not lie in the workspace."""
        return sorted({p for p in self.paths.values() if not p.is_relative_to(self.workspace)})

    @property
    def needs_network(self) -> bool:
        """Whether a flag names what lies in an object store."""
        return any(is_url(value) for value in self.flags.values())

    @property
    def store_variables(self) -> list[str]:
        """What a container needs of the launcher's environment to reach an object store.

        Names alone, so that no secret stands in a command, a script or a record.
        """
        return [n for n in _STORE_VARIABLES if self.needs_network and n in os.environ]

    @property
    def name(self) -> str:
        """The first run's id without its shard: what an engine calls the whole."""
        return self.run_ids[0].removesuffix("-0") if self.options.shards > 1 else self.run_ids[0]

    @property
    def image(self) -> str:
        return self.options.image or "cxr"


def build_request(spec: Spec, config: JobConfig, options: Options) -> JobRequest:
    """Choose the run ids, and resolve all that depends on the launcher's working directory."""
    if options.shards > 1 and ("shard" not in spec.config.model_fields or "shard" in given(config)):
        raise UsageError(f"--shards: {spec.name} has no --shard, or --shard was given as well")
    run_id = new_run_id(spec.name)
    run_ids = [f"{run_id}-{i}" for i in range(options.shards)] if options.shards > 1 else [run_id]
    flags = given(config)
    paths = {n: Path(v).absolute() for n, v in flags.items() if _is_path(v, spec, config)}
    workspace = config.workspace.absolute()
    settings = config.settings() | {"workspace": str(workspace)}
    settings |= {n: str(p) for n, p in paths.items()}
    return JobRequest(spec.name, workspace, tuple(run_ids), settings, flags, paths, options)


def given(config: JobConfig) -> dict[str, Any]:
    """The fields that were set, but for the workspace."""
    names = sorted(config.model_fields_set - {"workspace"})
    return {n: v for n in names if (v := getattr(config, n)) is not None}


def _is_path(value: Any, spec: Spec, config: JobConfig) -> bool:
    if isinstance(value, Path):
        return True
    # A flag such as --weights takes a name or a file.
    return (
        isinstance(value, str)
        and Path(value).is_file()
        and Path(value) in spec.sources(config).values()
    )


def arguments(request: JobRequest, workspace: str | None = None) -> list[str]:
    """The arguments of `cxr`, with the workspace's path where the job will run."""
    settings = dict(request.flags)
    for name in settings.keys() & request.paths.keys():
        settings[name] = _seen_from(request.paths[name], request.workspace, workspace)
    if request.options.shards > 1:
        settings["shard"] = f"auto/{request.options.shards}"
    return _command_line.arguments(request.job, workspace or request.workspace, settings.items())


def _seen_from(path: Path, here: Path, there: str | None) -> str:
    if there is not None and path.is_relative_to(here):
        return str(Path(there) / path.relative_to(here))
    return str(path)
