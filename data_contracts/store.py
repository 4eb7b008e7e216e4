"""Reading, writing and verifying artifacts: the one door to every file of a workspace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from data_contracts._arrays import Arrays, open_arrays, read_arrays_header
from data_contracts._arrays_writer import ArraysWriter, array_writer, write_arrays
from data_contracts._tables import Table, read_table, read_table_header, write_table
from data_contracts._validate import kind_of
from data_contracts._versions import frozen, upgrade_of, upgraded
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
    "check_lineage",
    "open_arrays",
    "read_header",
    "read_table",
    "require_own_path",
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


def verify(path: Path) -> Header:
    """Read everything, validate it and recompute the digest; raise `ArtifactError` if it is wrong.

    Artifacts of every version can be verified, those too that are made again to be read.
    """
    header = read_header(path)
    contract = contract_of(header, path)
    if header.major != contract.major and not upgrade_of(contract, header):
        contract = frozen(contract.name, header.version)
    if contract.kind == "table":
        return read_table(contract, path).header
    with open_arrays(contract, path, verify=True) as arrays:
        return arrays.header


def require_own_path(contract: Contract, header: Header, path: Path, workspace: Path) -> None:
    """Raise `ArtifactError` for an artifact that its attributes place elsewhere in `workspace`.

    A model of one task that lies where another's belongs would be taken for it.
    """
    own = {n: str(header.attributes[n]) for n in contract.template_keys if n in header.attributes}
    if path not in contract.find(workspace, **own):
        facts = ", ".join(f"{name} {value}" for name, value in own.items())
        raise ArtifactError(
            f"{path} holds the {contract.name} of {facts}; "
            "move it to its place and run the job that writes this one"
        )


def as_input(header: Header, path: Path, workspace: Path) -> Input:
    """An artifact as an entry of another one's lineage; `path` is kept relative to `workspace`."""
    return Input(header.contract, path.relative_to(workspace).as_posix(), header.digest)


def check_lineage(workspace: Path, artifacts: Iterable[tuple[Path, Header]]) -> None:
    """Refuse artifacts that do not descend from the same inputs.

    Every artifact's own digest, and every digest it names as an input, must agree wherever
    the same place is named twice. Raises `ArtifactError` naming all disagreements.
    """
    seen: dict[str, tuple[str, Header, str]] = {}
    faults, jobs = [], dict[str, None]()
    for path, header in artifacts:
        place = path.relative_to(workspace).as_posix()
        parents = [(i.path, i.digest) for i in header.inputs if i.contract != "source"]
        for name, digest in [(place, header.digest), *parents]:
            first, other, want = seen.setdefault(name, (place, header, digest))
            if want == digest:
                continue
            kin = [(place, header), (first, other)]
            # The artifact itself is what it is; of two children the elder is out of date.
            (child, stale), (than, _) = sorted(kin, key=lambda k: (k[0] == name, k[1].created))
            rest = "" if than == name else f" than {than}"
            faults.append(f"{child} was made from another {name}{rest}")
            jobs[stale.job] = None
    if faults:
        raise ArtifactError(
            f"{workspace} mixes artifacts of different inputs: {'; '.join(faults)}; "
            f"run {' and '.join(f'`cxr {job}`' for job in jobs)} again"
        )
