"""What the configurations of all jobs share."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, TypeGuard

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails

from data_contracts.errors import UsageError


def default_workspace() -> Path:
    """The folder that the environment names, or `workspace`."""
    return Path(os.environ.get("CXR_WORKSPACE") or "workspace")


def _own_shard(shard: object) -> object:
    """`3/16` for `auto/16` in the element 2 of an array of jobs."""
    place, _, shards = str(shard).partition("/")
    if place != "auto":
        return shard
    index = os.environ.get("CXR_SHARD_INDEX", "")
    if not index.isdecimal():
        raise ValueError("auto needs the element's number, from 0, in CXR_SHARD_INDEX")
    return f"{int(index) + 1}/{shards}"


#: `i/n`, or `auto/n` where the elements of an array of jobs run the same command.
Shard = Annotated[str, BeforeValidator(_own_shard)]

#: Protocol, bucket (or host and port, or the ARN of an access point), prefix.
_URL = re.compile(r"[a-z][a-z0-9+.-]*://(arn:[a-z0-9:-]+|[\w.-]+(:[0-9]{1,5})?)(/[^?]*)?")


def _folder_or_url(value: object, field: ValidationInfo) -> object:
    if not is_url(value):
        return Path(value) if isinstance(value, str) and value else value
    if value.startswith(("file:", "local:")):
        raise UsageError(f"--{field.field_name}: write a folder as its path alone, without file://")
    # Not a ValueError, and without the value: it may hold a password, which nothing may repeat.
    if not _URL.fullmatch(value):
        raise UsageError(
            f"--{field.field_name}: want a folder or a URL such as s3://bucket/prefix, without "
            "user, password, key or query; credentials come from the environment"
        )
    return value.rstrip("/")


def is_url(value: object) -> TypeGuard[str]:
    """Whether a setting names what lies behind the network: its text then stays as it is."""
    return isinstance(value, str) and "://" in value


#: A folder as a `Path`; a URL stays text, since a `Path` would swallow one of its slashes.
FolderOrUrl = Annotated[str | Path, BeforeValidator(_folder_or_url)]


def complaint(fault: ErrorDetails) -> str:
    """What is wrong with a field, in words that can follow its name."""
    if fault["type"] == "missing":
        return "is missing"
    message = fault["msg"].removeprefix("Value error, ").split(", unable to")[0]
    return re.sub("^(Input|String) should", "must", message)


def read_yaml(path: Path) -> dict[str, Any]:
    """The fields of a file of settings; raise `UsageError` that names the fault's line."""
    import yaml

    from jobs._yaml import GivenTwice, Loader

    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader)  # noqa: S506
    except OSError as error:
        reason = (error.strerror or "input/output error").lower()
        raise UsageError(f"--config {path} cannot be read ({reason}); check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        if isinstance(error, GivenTwice):
            raise UsageError(f"--config {path}{line}: {error.problem}; keep one") from error
        raise UsageError(
            f"--config {path}{line} is not YAML; write `field: value` lines"
        ) from error
    if not isinstance(content, dict):
        raise UsageError(f"--config {path} must hold `field: value` lines")
    return {str(key): value for key, value in content.items()}


class JobConfig(BaseModel):
    """Base of every job's `Config`: flags, YAML keys and form fields, declared once.

    A field with `exclude=True` says how to run (workers, device, where the sources lie); all
    others say what to make, and are kept in the headers of what the job writes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    workspace: Path = Field(default_factory=default_workspace, exclude=True)
    """Folder of all artifacts of one analysis."""
    force: bool = Field(default=False, exclude=True)
    """Do the work even if its results are up to date."""
    debug: bool = Field(default=False, exclude=True)
    """Show the traceback of an error."""

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_nothing(cls, value: object) -> object:
        # An unset shell variable must not become the present folder.
        if value == "":
            raise ValueError("must not be empty")
        return value

    def settings(self) -> dict[str, Any]:
        """Every field as plain data, for the run record: what is needed to run it again."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}

    def keys(self) -> dict[str, str]:
        """Values for the placeholders in the places of the artifacts."""
        return {name: str(value) for name, value in self.model_dump().items()}
