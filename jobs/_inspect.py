"""Shows what any artifact says about itself. Never a cell of a table or a value of an array."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_contracts.header import Header
from data_contracts.vocabulary import Contract
from jobs._config import require_text
from jobs._facts import schema_of, short
from jobs._limits import require_memory

_STATUSES = {
    "stale": "stale: has another digest now",
    "unreadable": "cannot be read for now",
    "external": "external",
}


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
    from data_contracts.store import contract_to_read, read_header

    require_memory()
    header = read_header(require_text(path))
    contract = contract_to_read(header, path)
    found = schema_of(contract, path, verify=verify)
    size = [] if found.rows is None else [("rows", str(found.rows))]
    title, extent = ("datasets", "shape") if found.rows is None else ("columns", "nulls")
    members = [(m.name, m.type, m.extent, m.unit, m.description) for m in found.members]
    schema = _Section(title, ("name", "type", extent, "unit", "meaning"), members)
    facts = [
        ("contract", f"{header.contract} {header.version}"), ("meaning", contract.description),
        ("created", header.created), ("job", header.job), ("package", header.package_version),
        ("digest", header.digest), *size,
    ]  # fmt: skip
    workspace = workspace_of(contract, path)
    sections = [
        _Section(str(path), (), facts),
        _Section("config", (), [(k, short(v)) for k, v in header.config.items()]),
        _Section("attributes", (), [(k, short(v)) for k, v in header.attributes.items()]),
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
    is_own = (contract.keys_of(path.relative_to(f).as_posix()) is not None for f in path.parents)
    return next((f for f, own in zip(path.parents, is_own, strict=True) if own), None)


def _lineage(header: Header, workspace: Path | None) -> Iterator[tuple[str, ...]]:
    """A row for each input, those of an input indented below it."""
    from data_contracts.lineage import ancestors
    from data_contracts.store import read_header

    def look(place: str) -> Header | None:
        path = workspace and workspace / place
        return read_header(path) if path and path.exists() else None

    for depth, item, state in ancestors(header, look):
        words = _STATUSES.get(state, state)
        if workspace is None and state == "missing":
            words = "workspace unknown"
        yield "   " * depth + item.path, item.contract, item.digest[:19], words


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
