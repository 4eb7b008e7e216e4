"""The contracts in words, for people: the text of `docs/contracts.md`."""

from __future__ import annotations

from collections.abc import Iterable

from data_contracts.vocabulary import Contract, Field

_INTRODUCTION = """\
# Contracts

Generated from `data_contracts` by `python -m data_contracts`; do not edit.

Every artifact of a workspace is described here: where it lives, what it holds, what must be
true of it. Tables are Parquet files, arrays are HDF5 files. A writer refuses content that breaks
its contract, a reader refuses a file that does; both name every fault at once. Files are
written whole: beside their place, flushed, then renamed.

## Header

Every artifact carries one JSON object: the file metadata key `cxr` of a Parquet file, the root
attribute `cxr` of an HDF5 file.

| key | holds |
|---|---|
| `contract`, `version` | what the artifact is, and in which version of its contract |
| `created` | when it was written, UTC |
| `job`, `config`, `package_version` | what wrote it |
| `inputs` | what went into it: contract, place in the workspace and digest of each |
| `digest` | of the content, see below |
| `attributes` | facts about the whole artifact, listed with each contract |
| `seal` | checksum of the other keys |

`digest` is a SHA-256 of the content: attributes, names, types, shapes and values, and where a
value is missing. It does not depend on compression, chunks, row groups or the order in which
rows were appended to a file in blocks, so a rewritten file with the same content keeps its
digest. Readers recompute it when they open a file. The rows of a dataset that has checksums of
its own (`CRC-32 of each …`) are left out of that and checked when they are read; a file that
lacks those, of an older version or rewritten by other software, is read whole. Damage to the
file is found before that: a checksum of its bytes stands before the footer of a Parquet
file, and HDF5 chunks carry a checksum each.

## Versions

A contract has a version, major and minor. Its schema (`data_contracts/schemas/`) and an example
file (`tests/data/`) are frozen for each.

- A *minor* version adds: columns, datasets and attributes that may be missing, with a meaning for
  their absence, and categories. A reader fills in what an older minor version lacks, and takes a
  newer one as far as it fits.
- A *major* version changes or removes something, or moves the file. An older major version is read
  through the contract's `upgrade` where the artifact costs GPU hours to make: images, model,
  checkpoint, predictions, features, attributions, training history; and the cohort's description.
  What takes seconds to make is refused, with the command that makes it again.
- An artifact of a newer major version is refused: update the package.
- A setting that a job did not have yet counts as its default when artifacts are judged up to date.

`cxr inspect --verify` reads every version.

In the tables below, a name that ends in `*` stands for every name that starts so, and the unit
`1` for a pure number. Axes of the same name have the same length throughout an artifact.
"""


def document(contracts: Iterable[Contract]) -> str:
    """One section per contract, in Markdown, after the explanation of header and digest."""
    found = list(contracts)
    index = "".join(
        f"| [`{c.name}`](#{c.name}) | `{c.path_template}` | {c.description} |\n" for c in found
    )
    overview = f"\n## Artifacts\n\n| artifact | place | meaning |\n|---|---|---|\n{index}"
    return _INTRODUCTION + overview + "".join(map(_section, found))


def _section(contract: Contract) -> str:
    kind = {"table": "Table", "arrays": "Arrays"}[contract.kind]
    parts = [
        f"\n## {contract.name}\n\n{contract.description}.\n\n"
        f"{kind}, version {contract.version}, at `{contract.path_template}`.",
        f" Key: {', '.join(f'`{k}`' for k in contract.key)}." if contract.key else "",
        "\n\n",
        _rows(contract.fields, "column" if contract.kind == "table" else "dataset"),
    ]
    if contract.attributes:
        parts.append("\n" + _rows(contract.attributes, "attribute"))
    if contract.checks:
        parts.append(f"\nChecks: {'; '.join(c.name for c in contract.checks)}.\n")
    return "".join(parts)


def _rows(fields: Iterable[Field], what: str) -> str:
    head = (
        f"| {what} | type | axes | unit | may be missing | meaning |\n|---|---|---|---|---|---|\n"
    )
    return head + "".join(_row(f) for f in fields)


def _row(field: Field) -> str:
    classes = f" One of: {', '.join(field.categories)}." if field.categories else ""
    missing = "yes" if field.nullable else ""
    cells = (
        f"`{field.name}`", field.dtype, ", ".join(field.dims), field.unit, missing,
        f"{field.description}.{classes}",
    )  # fmt: skip
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"
