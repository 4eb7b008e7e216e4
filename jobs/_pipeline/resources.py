"""The threads and GPUs of each step, and what the engine needs."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from data_contracts.errors import UsageError
from jobs._engines.slurm.job_names import pipeline_prefix
from jobs._pipeline.config import PipelineConfig
from jobs._pipeline.gpu import visible
from jobs._pipeline.plan import Step

HERE = Path(__file__).parent
#: The plugin puts paths between double quotes of a shell; Slurm fills in what follows a percent.
_NOT_FOR_SLURM = "$`\"'\\%\n"


@dataclass(frozen=True)
class Resources:
    """What one step may use."""

    threads: int
    gpus: int


def resources_of(config: PipelineConfig, steps: Sequence[Step]) -> dict[str, Resources]:
    """The threads and GPUs of each step, by its name.

    The steps of one job run in parallel and share the cores, or as many of them as there are
    GPUs to train on: two trainings of one thread each are faster than one of two threads.
    """
    counts = Counter(step.spec.name for step in steps)
    gpus, found = len(visible()), {}
    for step in steps:
        threads, wants_gpu = config.threads(), _wants_gpu(step)
        if config.engine == "local":
            wants_gpu = wants_gpu and gpus > 0
            beside = counts[step.spec.name]
            threads = max(1, threads // (min(beside, gpus) if wants_gpu else beside))
        found[step.name] = Resources(threads, int(wants_gpu))
    return found


def _wants_gpu(step: Step) -> bool:
    return getattr(step.config, "device", "cpu") != "cpu"


def check_engine(config: PipelineConfig) -> None:
    """Raise `UsageError` that says how to get what the engine needs."""
    if config.engine == "local":
        return
    if find_spec(f"snakemake_executor_plugin_{config.engine}") is None:
        raise UsageError(
            f"--engine {config.engine} is not installed; run: pip install 'cxr[cluster]'"
        )
    if config.engine == "slurm" and shutil.which("sbatch") is None:
        raise UsageError(
            "`sbatch` is not installed here; run this on a login node of the cluster, "
            "or use --engine local"
        )
    path = str(config.workspace.resolve())
    if config.engine == "slurm" and (strange := [c for c in path if c in _NOT_FOR_SLURM]):
        raise UsageError(
            f"--workspace {path}: Snakemake's Slurm plugin does not support {strange[0]!r} in a "
            "path; rename the folder"
        )
    if config.profile and not (config.profile / "config.yaml").is_file():
        raise UsageError(f"--profile {config.profile} has no config.yaml; name a folder with one")


def engine_arguments(config: PipelineConfig, run_id: str) -> list[str]:
    """Snakemake's arguments for the pipeline that is the run `run_id`."""
    args = [
        "all", "--snakefile", str(HERE / "Snakefile"), "--nolock", "--keep-going",
        "--rerun-incomplete", "--rerun-triggers", "mtime", "--scheduler", "greedy",
        "--workflow-profile", "none", "--nocolor",
    ]  # fmt: skip
    if config.engine == "local":
        gpus = str(len(visible()))
        return [*args, "--cores", str(config.threads()), "--resources", f"gpu={gpus}"]
    profile = config.profile or HERE / "profiles" / config.engine
    args += ["--executor", config.engine, "--profile", str(profile.absolute())]
    if config.engine == "slurm":
        args.append(f"--slurm-jobname-prefix={pipeline_prefix(config.workspace, run_id)}")
    return args
