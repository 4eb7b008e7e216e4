"""What the configurations of all jobs share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def _default_workspace() -> Path:
    return Path(os.environ.get("CXR_WORKSPACE", "workspace"))


class JobConfig(BaseModel):
    """Base of every job's `Config`: flags, YAML keys and form fields, declared once.

    A field with `exclude=True` says how to run (workers, device, where the sources lie); all
    others say what to make, and are kept in the headers of what the job writes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    workspace: Path = Field(default_factory=_default_workspace, exclude=True)
    """Folder of all artifacts of one analysis."""
    force: bool = Field(default=False, exclude=True)
    """Do the work even if its results are up to date."""
    debug: bool = Field(default=False, exclude=True)
    """Show the traceback of an error."""

    def settings(self) -> dict[str, Any]:
        """Every field as plain data, for the run record: what is needed to run it again."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}

    def keys(self) -> dict[str, str]:
        """Values for the placeholders in the places of the artifacts."""
        return {name: str(value) for name, value in self.model_dump().items()}
