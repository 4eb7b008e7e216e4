"""Reading, writing and validating table artifacts (Parquet)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts._header import HEADER_KEY, Header, Origin
from data_contracts._vocabulary import Contract, Field
from data_contracts._whole import whole_file
from data_contracts.errors import ArtifactError

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Table:
    """A table that has been read and validated."""

    frame: pl.DataFrame
    header: Header
    path: Path


def polars_dtype(field: Field) -> Any:
    """The polars type of a column; `Enum` without categories is the class `pl.Enum`."""
    import polars as pl

    plain = {
        "string": pl.String, "bool": pl.Boolean, "int8": pl.Int8, "int16": pl.Int16,
        "int32": pl.Int32, "int64": pl.Int64, "uint8": pl.UInt8, "float32": pl.Float32,
        "float64": pl.Float64, "datetime": pl.Datetime("us"), "list[float32]": pl.List(pl.Float32),
    }  # fmt: skip
    if field.dtype == "enum":
        return pl.Enum(field.categories) if field.categories else pl.Enum
    return plain[field.dtype]


def table_faults(contract: Contract, frame: pl.DataFrame) -> list[str]:
    """Everything in which `frame` differs from `contract`, as want/got lines; empty if valid."""
    faults = []
    for field in contract.fields:
        names = [n for n in frame.columns if field.matches(n)]
        if not names and not field.is_pattern:
            faults.append(f"column '{field.name}': want {field.dtype}, got none")
        for name in names:
            dtype, want = frame.schema[name], polars_dtype(field)
            if dtype != want:
                faults.append(f"column '{name}': want {want}, got {dtype}")
            elif not field.nullable and frame[name].null_count():
                faults.append(f"column '{name}': want no nulls, got {frame[name].null_count()}")
    for name in frame.columns:
        if not any(f.matches(name) for f in contract.fields):
            faults.append(f"column '{name}': want none, got {frame.schema[name]}")
    if faults:
        return faults
    if contract.key and frame.select(contract.key).is_duplicated().any():
        faults.append(f"key ({', '.join(contract.key)}): want unique rows, got repeats")
    for check in contract.checks:
        bad = frame.height - int(frame.select(check.holds(frame).fill_null(False).sum()).item())
        if bad:
            faults.append(f"check '{check.name}': want all {frame.height} rows, got {bad} that fail")
    return faults


def table_digest(frame: pl.DataFrame, attributes: Mapping[str, Any]) -> str:
    """SHA-256 of names, types and values, whatever the file's encoding, chunks or compression."""
    digest = hashlib.sha256(json.dumps(attributes, sort_keys=True).encode())
    for series in frame.get_columns():
        digest.update(f"{series.name}|{series.dtype}|{len(series)}".encode())
        _hash_values(digest, series.rechunk())
    return f"sha256:{digest.hexdigest()}"


def _hash_values(digest: Any, series: pl.Series) -> None:
    import polars as pl

    digest.update(series.is_null().to_numpy().tobytes())
    if isinstance(series.dtype, pl.List):
        digest.update(series.list.len().fill_null(0).to_numpy().tobytes())
        _hash_values(digest, series.explode(empty_as_null=False, keep_nulls=False).rechunk())
    elif series.dtype == pl.String:
        text = series.fill_null("")
        digest.update(text.str.len_bytes().to_numpy().tobytes())
        digest.update((text.str.join("").item() or "").encode() if len(text) else b"")
    else:
        if isinstance(series.dtype, pl.Enum | pl.Datetime):
            series = series.to_physical()
        filler = False if series.dtype == pl.Boolean else 0
        digest.update(series.fill_null(filler).to_numpy().tobytes())


def write_table(
    contract: Contract,
    path: Path,
    frame: pl.DataFrame,
    origin: Origin,
    attributes: Mapping[str, Any] | None = None,
) -> Header:
    """Validate `frame`, order its columns as the contract has them, and write it whole.

    Raises `ArtifactError` with all faults when the frame breaks the contract, and
    `StorageError` when the disk refuses.
    """
    from data_contracts._validate import attribute_faults, raise_faults

    facts = dict(attributes or {})
    raise_faults(contract, path, attribute_faults(contract, facts) + table_faults(contract, frame))
    frame = frame.select([n for f in contract.fields for n in frame.columns if f.matches(n)])
    header = Header.new(contract.name, contract.version, origin, facts, table_digest(frame, facts))
    with whole_file(path) as partial:
        frame.write_parquet(partial, compression="zstd", metadata={HEADER_KEY: header.to_json()})
    return header


def read_table_header(path: Path) -> Header:
    """The header alone, without reading rows."""
    import polars as pl

    try:
        metadata = pl.read_parquet_metadata(path)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise _damaged(path) from error
    if HEADER_KEY not in metadata:
        raise ArtifactError(f"{path} has no cxr header: it is not an artifact of this software")
    return Header.from_json(metadata[HEADER_KEY], path)


def read_table(contract: Contract, path: Path) -> Table:
    """Read a table, refuse another version, validate it and recompute its digest.

    Raises `ArtifactError` naming `path` and every fault at once.
    """
    import polars as pl

    from data_contracts._validate import raise_faults, refuse_other_contract

    header = read_table_header(path)
    refuse_other_contract(contract, header, path)
    try:
        frame = pl.read_parquet(path, hive_partitioning=False, missing_columns="raise")
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        raise _damaged(path) from error
    raise_faults(contract, path, table_faults(contract, frame))
    if table_digest(frame, header.attributes) != header.digest:
        raise _damaged(path)
    return Table(frame, header, path)


def _damaged(path: Path) -> ArtifactError:
    return ArtifactError(
        f"{path} is damaged (truncated or altered); delete it and run the job that writes it again"
    )
