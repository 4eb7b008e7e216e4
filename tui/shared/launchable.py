"""What can be launched: every job, and the pipeline of them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from data_contracts.run import RunRecord
from jobs._pipeline.command import pipeline
from jobs._pipeline.config import PipelineConfig
from jobs._registry import Spec, find_jobs
from tui.workspace.records import config_of

_Model = TypeVar("_Model", bound=BaseModel)

PIPELINE = Spec(
    name="run", help=str(pipeline.__doc__).partition("\n")[0], config=PipelineConfig, run=pipeline,
    reads=(), writes=(), sources=lambda _: {}, preview=lambda _: None, files=(), since="",
    checkpoints=(),
)  # fmt: skip


def launchable() -> dict[str, Spec]:
    """By name, the jobs in pipeline order, then the pipeline."""
    return {**find_jobs(), PIPELINE.name: PIPELINE}


def chooses_engine(spec: Spec) -> bool:
    """Whether `spec` itself says where its work is done, so that no engine is chosen for it."""
    return "engine" in spec.config.model_fields


def settings_of(record: RunRecord) -> dict[str, Any]:
    """The settings to run it again with: those recorded, but for the workspace, which is this one.

    Of a pipeline, models come again from its file; seeds and controls would replace them.
    """
    settings = {k: v for k, v in config_of(record).items() if k != "workspace"}
    if record.job == PIPELINE.name and settings.pop("models", None):
        settings = {k: v for k, v in settings.items() if k not in ("seeds", "controls")}
    return settings


def without_defaults(kind: type[_Model], values: Mapping[str, Any]) -> _Model:
    """The model in which only what is no default, and the workspace, counts as given.

    Raises `ValidationError`, and `UsageError` as the model does.
    """
    full, fields = kind(**values), kind.model_fields
    other = {
        name: value
        for name, value in values.items()
        if name == "workspace"
        or getattr(full, name) != fields[name].get_default(call_default_factory=True)
    }
    return kind(**other)
