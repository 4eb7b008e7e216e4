"""The language in which every artifact is described: contracts, fields and checks.

A `Contract` is plain data. Validation, the frozen schema JSON, `docs/contracts.md`,
`cxr inspect` and the tiny valid examples are all derived from it. Importing this module, or
any contract, loads neither polars nor h5py.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

#: Element types. `enum` without categories takes its categories from the data.
Dtype = Literal[
    "string", "enum", "bool", "int8", "int16", "int32", "int64", "uint8", "uint32",
    "float16", "float32", "float64", "datetime", "list[float32]", "any",
]  # fmt: skip


@dataclass(frozen=True)
class Field:
    """One column, dataset or header attribute.

    `name` may end in `*`: every column or dataset that starts so. `unit` is `1` for a pure
    number, empty for text and the like. `dims` names the axes of a dataset or a list (a number:
    that length; `...`: any shape); axes of the same name have the same length throughout an
    artifact, its attributes included.
    """

    name: str
    dtype: Dtype
    description: str
    unit: str = ""
    nullable: bool = False
    dims: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    chunk_per_row: bool = False
    """Each row is a chunk of its own, so that rows can be read in any order."""
    checksum_of: str = ""
    """Holds the CRC-32 of every row of that dataset: written with it, checked when it is read."""

    @property
    def is_pattern(self) -> bool:
        return self.name.endswith("*")

    def matches(self, name: str) -> bool:
        """Whether a column or dataset called `name` is described by this field."""
        return name.startswith(self.name[:-1]) if self.is_pattern else name == self.name


@dataclass(frozen=True)
class Check:
    """A named invariant.

    For a table `predicate` takes the frame and gives a boolean polars expression, true for every
    good row (null counts as a failure). For arrays it takes the open datasets by name and
    gives a bool.
    """

    name: str
    predicate: Callable[[Any], Any]


@dataclass(frozen=True)
class Contract:
    """What one artifact is: where it lives, what it holds and what must be true of it."""

    name: str
    version: str
    kind: Literal["table", "arrays"]
    path_template: str
    description: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    attributes: tuple[Field, ...] = ()
    checks: tuple[Check, ...] = ()
    example: Callable[[], Mapping[str, Any]] = field(default=dict, compare=False)
    """Content of a tiny valid instance, deterministic: columns or arrays by name."""
    example_attributes: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def template_keys(self) -> tuple[str, ...]:
        """The names in braces of `path_template`, such as `task`."""
        return tuple(name for _, name, _, _ in string.Formatter().parse(self.path_template) if name)

    def checksum_of(self, name: str) -> str:
        """The dataset with the checksums of the rows of `name`; empty when there is none."""
        return next((f.name for f in self.fields if f.checksum_of == name), "")

    def is_checksum(self, name: str) -> bool:
        """Whether `name` holds checksums, which are written by themselves."""
        return any(f.name == name and f.checksum_of for f in self.fields)

    def path(self, workspace: Path, **keys: str) -> Path:
        """Where this artifact lives in `workspace`."""
        return workspace / self.path_template.format(**keys)

    def find(self, workspace: Path, **keys: str) -> list[Path]:
        """Every existing artifact of this kind whose place agrees with `keys`, sorted."""
        pattern = self.path_template.format(**{n: keys.get(n, "*") for n in self.template_keys})
        return sorted(workspace.glob(pattern))

    def describe(self) -> dict[str, Any]:
        """The schema as plain JSON data; frozen per version in `schemas/`."""

        def plain(f: Field) -> dict[str, Any]:
            facts = {"name": f.name, "dtype": f.dtype, "nullable": f.nullable}
            extras = {
                "unit": f.unit, "dims": list(f.dims), "categories": list(f.categories),
                "checksum_of": f.checksum_of,
            }  # fmt: skip
            return facts | {k: v for k, v in extras.items() if v} | {"meaning": f.description}

        return {
            "contract": self.name,
            "version": self.version,
            "kind": self.kind,
            "place": self.path_template,
            "meaning": self.description,
            "key": list(self.key),
            "fields": [plain(f) for f in self.fields],
            "attributes": [plain(f) for f in self.attributes],
            "checks": [c.name for c in self.checks],
        }
