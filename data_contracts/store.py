"""Reading, writing and verifying artifacts: the one door to every file of a workspace."""

from __future__ import annotations

from pathlib import Path

from data_contracts._arrays import Arrays, open_arrays, read_arrays_header
from data_contracts._arrays_writer import ArraysWriter, array_writer, write_arrays
from data_contracts._tables import Table, read_table, read_table_header, write_table
from data_contracts._validate import kind_of
from data_contracts._versions import frozen, is_readable, upgraded
from data_contracts.atomic import atomic_write, translate_os_errors, write_text
from data_contracts.catalog import contracts
from data_contracts.errors import ArtifactError
from data_contracts.header import Header, Input, Provenance
from data_contracts.vocabulary import Contract

__all__ = [
    "Arrays",
    "ArraysWriter",
    "Header",
    "Input",
    "Provenance",
    "Table",
    "array_writer",
    "as_input",
    "atomic_write",
    "is_readable",
    "open_arrays",
    "read_header",
    "read_table",
    "translate_os_errors",
    "verify",
    "write_arrays",
    "write_table",
    "write_text",
]  # fmt: skip


def read_header(path: Path) -> Header:
    """The header of any artifact, with the attributes that the present version has.

    Raises `ArtifactError` if there is none or it is damaged.
    """
    header = read_table_header(path) if kind_of(path) == "table" else read_arrays_header(path)
    contract = contracts().get(header.contract)
    return upgraded(contract, header) if contract else header


def contract_of(header: Header, path: Path) -> Contract:
    """The contract an artifact claims; raise `ArtifactError` for one this version lacks."""
    try:
        return contracts()[header.contract]
    except KeyError:
        raise ArtifactError(
            f"{path} is a '{header.contract}', which this version of cxr does not know; "
            f"it knows {', '.join(contracts())}"
        ) from None


def contract_to_read(header: Header, path: Path) -> Contract:
    """The present contract where the artifact can be read by it, else the one it was written under.

    Raises `ArtifactError` for one that this version lacks.
    """
    contract = contract_of(header, path)
    return contract if is_readable(contract, header) else frozen(contract.name, header.version)


def verify(path: Path) -> Header:
    """Read everything, validate it and recompute the digest; raise `ArtifactError` if it is wrong.

    Artifacts of every version can be verified, those too that are made again to be read.
    """
    header = read_header(path)
    contract = contract_to_read(header, path)
    if contract.kind == "table":
        return read_table(contract, path).header
    with open_arrays(contract, path, verify=True) as arrays:
        return arrays.header


def as_input(header: Header, path: Path, workspace: Path) -> Input:
    """An artifact as an entry of another one's lineage; `path` is kept relative to `workspace`."""
    return Input(header.contract, path.relative_to(workspace).as_posix(), header.digest)
