"""Older versions of contracts: which are read, and how they become the present one.

A minor version adds what may be missing; a reader fills it in. A major version changes what is
there: the artifact is read through the contract's `Upgrade`, or refused with the command that
makes it again.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.errors import ArtifactError
from data_contracts.header import Header
from data_contracts.vocabulary import Contract, Upgrade, contract_from

if TYPE_CHECKING:
    import polars as pl

SCHEMAS = Path(__file__).parent / "schemas"


def require_contract(contract: Contract, header: Header, path: Path) -> None:
    """Raise `ArtifactError` unless `header` is of this contract, in a version that is read."""
    if header.contract != contract.name:
        raise ArtifactError(
            f"{path}: want the artifact {contract.name}, got {header.contract}; "
            "check the path, or run the job that writes it again"
        )
    if is_readable(contract, header):
        return
    if int(header.major) > int(contract.major):
        remedy = "it was written by a newer version of cxr: update this one"
    else:
        remedy = f"run `cxr {header.job}` again with this version of cxr"
    raise ArtifactError(
        f"{path}: want {contract.name} version {contract.version}, got {header.version}; {remedy}"
    )


def is_readable(contract: Contract, header: Header) -> bool:
    """Whether an artifact of this contract is of a major version that is read."""
    return header.major == contract.major or header.major in contract.upgrades


def upgrade_of(contract: Contract, header: Header) -> Upgrade | None:
    """How an artifact with this header is read; None if it is of the present major version."""
    return contract.upgrades.get(header.major)


def as_written(contract: Contract, header: Header) -> Contract:
    """The contract that the artifact was written under; an older one has no named checks.

    A minor version newer than the present one is taken for the present one.
    """
    minor, present = (int(v.partition(".")[2]) for v in (header.version, contract.version))
    if header.major == contract.major and minor >= present:
        return contract
    return frozen(contract.name, header.version)


@cache
def frozen(name: str, version: str) -> Contract:
    """A contract as it was frozen; raise `ArtifactError` for a version that never was."""
    path = SCHEMAS / f"{name}-{version}.json"
    try:
        return contract_from(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ArtifactError(f"no version {version} of the artifact {name} is known") from None


def upgraded(contract: Contract, header: Header) -> Header:
    """The header with the attributes of the present version."""
    upgrade = upgrade_of(contract, header)
    return replace(header, attributes=upgrade.attributes(header)) if upgrade else header


def upgraded_frame(contract: Contract, header: Header, frame: pl.DataFrame) -> pl.DataFrame:
    """A table as the present version has it, with columns and categories added since."""
    import polars as pl

    from data_contracts._tables import polars_dtype

    if upgrade := upgrade_of(contract, header):
        frame = upgrade.frame(frame)
    enums = [f for f in contract.fields if f.categories and f.name in frame.columns]
    frame = frame.with_columns(pl.col(f.name).cast(polars_dtype(f)) for f in enums)
    return frame.with_columns(_nulls(f.name, polars_dtype(f)) for f in contract.added_to(frame))


def _nulls(name: str, dtype: object) -> pl.Expr:
    import polars as pl

    return pl.lit(None, dtype=dtype).alias(name)  # type: ignore[arg-type]
