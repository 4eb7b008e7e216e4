"""Checks that tables and arrays share: file, version, header attributes, reporting of faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from data_contracts.errors import ArtifactError, CxrError
from data_contracts.os_errors import environment_error
from data_contracts.vocabulary import Contract, Field

_MAGIC: Mapping[bytes, Literal["table", "arrays"]] = {b"PAR1": "table", b"\x89HDF": "arrays"}

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "bool": (bool,), "int32": (int,), "int64": (int,),
    "float32": (float, int), "float64": (float, int), "any": (object,),
    "list[float32]": (list,), "enum": (str,),
}  # fmt: skip


def damaged(path: Path) -> ArtifactError:
    """The fault of a file whose content is not what was written."""
    return ArtifactError(
        f"{path} is damaged (truncated or altered); delete it and run the job that writes it again"
    )


def unreadable(path: Path, error: BaseException) -> CxrError:
    """The fault of a file that cannot be read: of the surroundings, or damaged."""
    if isinstance(error, FileNotFoundError):
        return missing(path)
    return environment_error(error, path) or damaged(path)


def missing(path: Path) -> ArtifactError:
    """The fault of a path where nothing is."""
    return ArtifactError(f"{path} does not exist; run the job that writes it, or check the path")


def no_header(path: Path) -> ArtifactError:
    """The fault of a readable file that no job wrote."""
    return ArtifactError(
        f"{path} has no cxr header: it is not an artifact of this software; "
        "check the path, or run the job that writes it"
    )


def kind_of(path: Path) -> Literal["table", "arrays"]:
    """Which kind of artifact the first bytes say; raise `ArtifactError` if none."""
    try:
        if not path.exists():
            raise missing(path)
        if not path.is_file():
            raise ArtifactError(f"{path} is not a file: want an artifact, check the path")
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        reason = (error.strerror or "input/output error").lower()
        raise environment_error(error, path) or ArtifactError(
            f"{path} cannot be read ({reason}); check the path"
        ) from error
    if not start:
        raise damaged(path)
    if start not in _MAGIC:
        raise ArtifactError(
            f"{path} is not an artifact: want a Parquet or HDF5 file, got neither; check the path"
        )
    return _MAGIC[start]


def require_kind(contract: Contract, path: Path) -> None:
    """Raise `ArtifactError` unless `path` is a file of the contract's kind."""
    if (got := kind_of(path)) != contract.kind:
        raise ArtifactError(
            f"{path}: want the artifact {contract.name} ({contract.kind}), got {got}; "
            "check the path, or run the job that writes it again"
        )


def raise_errors(contract: Contract, path: Path, faults: list[str]) -> None:
    """Raise one `ArtifactError` that lists all `faults`; nothing when there are none."""
    if faults:
        raise ArtifactError(
            f"{path} breaks the contract {contract.name} {contract.version}: {'; '.join(faults)}"
        )


def attribute_errors(contract: Contract, attributes: Mapping[str, Any]) -> list[str]:
    """Want/got lines for the header attributes that `contract` declares."""
    faults = []
    for field in contract.attributes:
        value = attributes.get(field.name)
        if value is not None:
            faults += _value_errors(field, value)
        elif not field.nullable:
            faults.append(f"attribute '{field.name}': want {field.dtype}, got none")
    known = {field.name for field in contract.attributes}
    return faults + [f"attribute '{n}': want none" for n in attributes if n not in known]


def axis_lengths(contract: Contract, attributes: Mapping[str, Any]) -> dict[str, int]:
    """Lengths of the named axes that valid list attributes fix."""
    return {
        field.dims[0]: len(attributes[field.name])
        for field in contract.attributes
        if field.dims and isinstance(attributes.get(field.name), list)
    }


def _value_errors(field: Field, value: Any) -> list[str]:
    what = f"attribute '{field.name}'"
    values = value if field.dims else [value]
    if not isinstance(values, list):
        return [f"{what}: want a list of {field.dtype}, got {type(value).__name__}"]
    types = _PYTHON_TYPES[field.dtype]
    # A bool is an int to Python, not to a reader of the artifact.
    wrong = [
        v
        for v in values
        if not isinstance(v, types) or (isinstance(v, bool) and field.dtype not in ("bool", "any"))
    ]
    if wrong:
        return [f"{what}: want {field.dtype}, got {type(wrong[0]).__name__} {wrong[0]!r}"]
    if field.categories and not set(values) <= set(field.categories):
        return [f"{what}: want one of {field.categories}, got {value!r}"]
    try:
        json.dumps(values)
    except (TypeError, ValueError):
        return [f"{what}: want plain JSON data, got {type(value).__name__}"]
    return []
