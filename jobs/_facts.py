"""What any artifact says about itself, gathered for whoever shows it. Never a cell or a value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_contracts.vocabulary import Contract

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Member:
    """A column or a dataset as it really is in the file."""

    name: str
    type: str
    extent: str
    """Nulls of a column, shape of a dataset."""
    unit: str
    description: str


@dataclass(frozen=True)
class Schema:
    """What is in a file: `rows` of a table, None for arrays."""

    rows: int | None
    members: Sequence[Member]


def schema_of(contract: Contract, path: Path, *, verify: bool = False) -> Schema:
    """What is really in the artifact at `path`; `verify` recomputes the digest of arrays.

    Raises `ArtifactError` when it is no artifact of this contract, or is damaged.
    """
    from data_contracts.store import open_arrays, read_table

    def member(name: str, kind: str, extent: str) -> Member:
        field = next(f for f in contract.fields if f.matches(name))
        return Member(name, kind, extent, field.unit, field.description)

    if contract.kind == "table":
        frame = read_table(contract, path).frame
        columns = frame.iter_columns()
        return Schema(
            frame.height, [member(c.name, _type(c.dtype), str(c.null_count())) for c in columns]
        )
    with open_arrays(contract, path, verify=verify) as arrays:
        return Schema(
            None, [member(n, arrays.dtype(n), _shape(arrays.shape(n))) for n in arrays.names()]
        )


def _type(dtype: object) -> str:
    """A column's type, an Enum by its classes."""
    classes = getattr(dtype, "categories", None)
    return str(dtype) if classes is None else f"Enum({', '.join(classes)})"


def _shape(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape)) or "scalar"


def short(value: object, longest: int = 100) -> str:
    """A setting or an attribute as text of at most so many characters."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"
