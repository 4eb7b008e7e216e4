"""What any artifact says about itself, gathered for whoever shows it. Never a cell or a value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from data_contracts.errors import CxrError, concerns_content
from data_contracts.header import Header, Input
from data_contracts.vocabulary import Contract

if TYPE_CHECKING:
    from pathlib import Path

Standing = Literal["ok", "stale", "missing", "damaged", "unreadable", "outside"]


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


def standing(item: Input, look: Callable[[str], Header | None]) -> tuple[Standing, Header | None]:
    """Whether an input is still what went in, and its header if it can be read.

    `look` gives the header at a place, None if nothing is there, and raises `CxrError` if what
    is there is damaged or cannot be read.
    """
    if item.contract == "source":
        return "outside", None
    try:
        parent = look(item.path)
    except CxrError as error:
        return ("damaged" if concerns_content(error) else "unreadable"), None
    if parent is None:
        return "missing", None
    return ("ok" if parent.digest == item.digest else "stale"), parent


def ancestors(
    header: Header, look: Callable[[str], Header | None], above: tuple[str, ...] = ()
) -> Iterator[tuple[int, Input, Standing]]:
    """Depth, input and standing of all that `header` was made from, each below its child."""
    for item in header.inputs:
        state, parent = standing(item, look)
        yield len(above), item, state
        if parent is not None and item.path not in above:
            yield from ancestors(parent, look, (*above, item.path))


def short(value: object, longest: int = 100) -> str:
    """A setting or an attribute as text of at most so many characters."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"
