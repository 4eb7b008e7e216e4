"""Checks that tables and arrays share: version, header attributes, reporting of faults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_contracts._header import Header
from data_contracts._vocabulary import Contract
from data_contracts.errors import ArtifactError

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "bool": (bool,), "int32": (int,), "int64": (int,),
    "float32": (float, int), "float64": (float, int), "any": (object,),
    "list[float32]": (list,), "enum": (str,),
}  # fmt: skip


def raise_faults(contract: Contract, path: Path, faults: list[str]) -> None:
    """Raise one `ArtifactError` that lists all `faults`; nothing when there are none."""
    if faults:
        raise ArtifactError(
            f"{path} breaks the contract {contract.name} {contract.version}: {'; '.join(faults)}"
        )


def refuse_other_contract(contract: Contract, header: Header, path: Path) -> None:
    """Raise `ArtifactError` unless `header` is of this contract and major version."""
    if header.contract != contract.name:
        raise ArtifactError(f"{path}: want the artifact {contract.name}, got {header.contract}")
    if header.version.split(".")[0] != contract.version.split(".")[0]:
        raise ArtifactError(
            f"{path}: want {contract.name} version {contract.version}, got {header.version}; "
            "run the job that writes it again with this version of cxr"
        )


def attribute_faults(contract: Contract, attributes: Mapping[str, Any]) -> list[str]:
    """Want/got lines for the header attributes that `contract` declares."""
    faults = []
    for field in contract.attributes:
        value = attributes.get(field.name)
        if value is None:
            if not field.nullable:
                faults.append(f"attribute '{field.name}': want {field.dtype}, got none")
            continue
        values = value if field.dims else [value]
        if not isinstance(values, list):
            faults.append(f"attribute '{field.name}': want a list, got {type(value).__name__}")
        elif not all(isinstance(v, _PYTHON_TYPES[field.dtype]) for v in values):
            faults.append(f"attribute '{field.name}': want {field.dtype}, got {value!r}")
        elif field.categories and not set(values) <= set(field.categories):
            faults.append(f"attribute '{field.name}': want one of {field.categories}, got {value!r}")
    known = {field.name for field in contract.attributes}
    return faults + [f"attribute '{n}': want none" for n in attributes if n not in known]
