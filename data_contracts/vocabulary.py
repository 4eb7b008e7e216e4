"""The language in which every artifact is described: contracts, fields and checks.

A `Contract` is plain data. Validation, the frozen schema JSON, `docs/contracts.md`,
`cxr inspect` and the tiny valid examples are all derived from it. Importing this module, or
any contract, loads neither polars nor h5py.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Literal

#: Element types. `enum` without categories takes its categories from the data; of two with an or
#: between them the writer of an array chooses one.
Dtype = Literal[
    "string", "enum", "bool", "int8", "int16", "int32", "int64", "uint8", "uint32",
    "float16", "float32", "float64", "datetime", "list[float32]", "any", "uint8 or uint16",
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
    def choices(self) -> tuple[str, ...]:
        """The element types that a dataset may have."""
        return tuple(self.dtype.split(" or "))

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
class Upgrade:
    """How an artifact of an older major version is read as one of the present version.

    Only what costs GPU hours to make has one; everything else is made again.
    """

    attributes: Callable[[Any], dict[str, Any]]
    """From the `Header` as it was written to the attributes of today."""
    frame: Callable[[Any], Any] = lambda frame: frame
    """From a table's frame as it was written to that of today."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Today's name of a dataset to the one in the file."""
    path_template: str = ""
    """Where the older version lies, if elsewhere."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Values of the template keys that the older path did not name."""


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
    upgrades: Mapping[str, Upgrade] = field(default_factory=dict, compare=False)
    """By older major version that is still read."""

    @property
    def major(self) -> str:
        return self.version.split(".")[0]

    @property
    def template_keys(self) -> tuple[str, ...]:
        """The names in braces of `path_template`, such as `task`."""
        return tuple(name for _, name, _, _ in string.Formatter().parse(self.path_template) if name)

    def added_to(self, frame: Any) -> list[Field]:
        """The columns that may be missing and are: an older minor version did not know them."""
        optional = (f for f in self.fields if f.nullable and not f.is_pattern)
        return [f for f in optional if f.name not in frame.columns]

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
        """Every existing artifact of this kind whose path agrees with `keys`, sorted.

        A key may be a pattern (`seed*`). What lies where an older version put it counts, unless
        the present version of the same artifact is there too.
        """
        found = set(workspace.glob(self._pattern(self.path_template, keys)))
        for upgrade in self.upgrades.values():
            if not upgrade.path_template or not self._agree(upgrade.keys, keys):
                continue
            for path in workspace.glob(self._pattern(upgrade.path_template, keys)):
                own = self.keys_of(path.relative_to(workspace).as_posix()) or {}
                if self.path(workspace, **own) not in found:
                    found.add(path)
        return sorted(found)

    def keys_of(self, path: str) -> dict[str, str] | None:
        """The template keys of a path relative to its workspace; None for no path of this kind."""
        if match := template_pattern(self.path_template).fullmatch(path):
            return match.groupdict()
        for upgrade in self.upgrades.values():
            match = template_pattern(upgrade.path_template).fullmatch(path)
            if upgrade.path_template and match:
                return {**match.groupdict(), **upgrade.keys}
        return None

    def _pattern(self, template: str, keys: Mapping[str, str]) -> str:
        return template.format(**{n: keys.get(n, "*") for n in self.template_keys})

    @staticmethod
    def _agree(own: Mapping[str, str], asked: Mapping[str, str]) -> bool:
        return all(fnmatchcase(own[n], asked[n]) for n in own.keys() & asked.keys())

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


@cache
def template_pattern(template: str) -> re.Pattern[str]:
    """The paths that a template stands for, its keys as groups."""
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+?)", re.escape(template)))


def contract_from(description: Mapping[str, Any]) -> Contract:
    """A contract from its frozen form (`describe`), without checks and example."""

    def fields(what: str) -> tuple[Field, ...]:
        names = ("name", "dtype", "unit", "nullable", "checksum_of")
        return tuple(
            Field(
                **{n: f[n] for n in names if n in f},
                description=f["meaning"],
                dims=tuple(f.get("dims", ())),
                categories=tuple(f.get("categories", ())),
            )
            for f in description[what]
        )

    return Contract(
        name=description["contract"],
        version=description["version"],
        kind=description["kind"],
        path_template=description["place"],
        description=description["meaning"],
        fields=fields("fields"),
        key=tuple(description["key"]),
        attributes=fields("attributes"),
    )
