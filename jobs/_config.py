"""What the configurations of all jobs share."""

from __future__ import annotations

import os
import re
from contextlib import suppress
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


def require_text(path: Path) -> Path:
    """The same path; raise `UsageError` where it cannot stand in a report, a script or a record."""
    try:
        with suppress(FileNotFoundError):  # the present folder may have been removed
            str(path.absolute()).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path.absolute()).decode(errors="backslashreplace")
        raise UsageError(f"{shown} holds bytes that are no text; rename it") from None
    return path


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
    from data_contracts.yaml_files import load

    content = load(path, f"--config {path}")
    if not isinstance(content, dict):
        raise UsageError(f"--config {path} must hold `field: value` lines")
    return {str(key): value for key, value in content.items()}


class JobConfig(BaseModel):
    """Base of every job's `Config`: flags, YAML keys and form fields, declared once.

    A field with `exclude=True` says how to run (workers, device, where the sources lie); all
    others say what to make, and are kept in the headers of what the job writes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    workspace: Path = Field(default_factory=default_workspace, validate_default=True, exclude=True)
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

    @field_validator("workspace")
    @classmethod
    def _require_text(cls, value: Path) -> Path:
        return require_text(value)

    @classmethod
    def known_names(cls) -> dict[str, tuple[str, ...]]:
        """Names that text fields may have, by field, for forms to offer."""
        return {}

    def settings(self) -> dict[str, Any]:
        """Every field as plain data, for the run record: what is needed to run it again."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """The settings that say what to make, as they are when nobody sets them."""
        return cls.model_construct(_fields_set=set()).model_dump(mode="json", warnings=False)

    def keys(self) -> dict[str, str]:
        """Values for the template_keys in the places of the artifacts."""
        return {name: str(value) for name, value in self.model_dump().items()}
