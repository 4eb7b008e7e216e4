"""Shows what any artifact says about itself. Never a cell of a table or a value of an array."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from data_contracts._header import Header, Input
from data_contracts._vocabulary import Contract
from data_contracts.errors import ArtifactError

_LONGEST_VALUE = 100


@dataclass(frozen=True)
class _Section:
    """A titled list of rows, as it is drawn; an empty head is not drawn."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def inspect(path: Path, verify: bool = False) -> None:
    """Print header, schema with actual shapes, attributes and lineage of the artifact at `path`.

    `verify` reads everything and recomputes the digest. Raises `ArtifactError` when `path` is
    no artifact of this version, or is damaged.
    """
    from data_contracts.store import contract_of, read_header

    header = read_header(path)
    contract = contract_of(header, path)
    size, schema = _schema(contract, path, verify)
    facts = [
        ("contract", f"{header.contract} {header.version}"), ("meaning", contract.meaning),
        ("created", header.created), ("job", header.job), ("package", header.package_version),
        ("digest", header.digest), *size,
    ]  # fmt: skip
    workspace = workspace_of(contract, path)
    sections = [
        _Section(str(path), (), facts),
        _Section("config", (), [(k, _short(v)) for k, v in header.config.items()]),
        _Section("attributes", (), [(k, _short(v)) for k, v in header.attributes.items()]),
        schema,
        _Section("made from", (), list(_lineage(header, workspace))),
    ]
    show = _show_rich if sys.stdout.isatty() else _show_plain
    show([section for section in sections if section.rows])
    if verify:
        print("digest verified")


def workspace_of(contract: Contract, path: Path) -> Path | None:
    """The workspace in which `path` is the artifact's place, or None if it lies elsewhere."""
    path = path.resolve()
    place = contract.place.format(**dict.fromkeys(contract.placeholders, "*")).split("/")
    tail = path.parts[-len(place) :]
    if len(tail) < len(place) or not all(map(fnmatchcase, tail, place)):
        return None
    return path.parents[len(place) - 1]


def _schema(contract: Contract, path: Path, verify: bool) -> tuple[list[tuple[str, str]], _Section]:
    """What is really in the file: its size in words, and a row for each column or dataset."""
    from data_contracts.store import open_arrays, read_table

    def described(name: str) -> tuple[str, str]:
        field = next(f for f in contract.fields if f.matches(name))
        return field.unit, field.meaning

    if contract.kind == "table":
        frame = read_table(contract, path).frame
        rows = [
            (c.name, _type(c.dtype), str(c.null_count()), *described(c.name))
            for c in frame.iter_columns()
        ]
        return [("rows", str(frame.height))], _Section(
            "columns", ("name", "type", "nulls", "unit", "meaning"), rows
        )
    with open_arrays(contract, path, verify=verify) as arrays:
        rows = [
            (n, arrays.dtype(n), " × ".join(map(str, arrays.shape(n))) or "scalar", *described(n))
            for n in arrays.names()
        ]
    return [], _Section("datasets", ("name", "type", "shape", "unit", "meaning"), rows)


def _type(dtype: object) -> str:
    """A column's type, an Enum by its classes."""
    classes = getattr(dtype, "categories", None)
    return str(dtype) if classes is None else f"Enum({', '.join(classes)})"


def _lineage(
    header: Header, workspace: Path | None, above: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """A row for each input, those of an input indented below it."""
    for item in header.inputs:
        state, parent = _state(item, workspace)
        yield ("   " * len(above) + item.path, item.contract, item.digest[:19], state)
        if parent is not None and item.path not in above:
            yield from _lineage(parent, workspace, (*above, item.path))


def _state(item: Input, workspace: Path | None) -> tuple[str, Header | None]:
    """Whether an input is still what went in, and its header if it can be read."""
    from data_contracts.store import read_header

    if item.contract == "source":
        return "outside the workspace", None
    if workspace is None:
        return "workspace unknown", None
    if not (workspace / item.path).exists():
        return "missing", None
    try:
        parent = read_header(workspace / item.path)
    except ArtifactError:
        return "damaged", None
    return ("ok" if parent.digest == item.digest else "stale: has another digest now"), parent


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _show_plain(sections: list[_Section]) -> None:
    for section in sections:
        rows = [section.head, *section.rows] if section.head else section.rows
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        print(section.title)
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print(f"  {'  '.join(cells)}".rstrip())


def _show_rich(sections: list[_Section]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for section in sections:
        table = Table(
            *section.head, title=Text(section.title, style="bold"), title_justify="left",
            box=None, show_header=bool(section.head), pad_edge=False, padding=(0, 2, 0, 0),
        )  # fmt: skip
        for row in section.rows:
            table.add_row(*map(Text, row))
        console.print(table)
        console.print()
