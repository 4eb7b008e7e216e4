"""Reading, writing and validating table artifacts (Parquet)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_contracts._digest import table_digest
from data_contracts._validate import (
    attribute_errors,
    axis_lengths,
    damaged,
    no_header,
    raise_errors,
    require_kind,
    unreadable,
)
from data_contracts._versions import as_written, require_contract, upgraded, upgraded_frame
from data_contracts.atomic import atomic_write
from data_contracts.header import HEADER_KEY, Header, Provenance
from data_contracts.vocabulary import Contract, Field

if TYPE_CHECKING:
    import polars as pl

_SEAL_MARK = b"cxr-seal"
_SEAL_BYTES = len(_SEAL_MARK) + 32
_END_BYTES = 8


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


def table_errors(
    contract: Contract, frame: pl.DataFrame, attributes: Mapping[str, Any] | None = None
) -> list[str]:
    """Everything in which `frame` differs from `contract`, as want/got lines; empty if valid."""
    lengths = axis_lengths(contract, attributes or {})
    errors = []
    for field in contract.fields:
        names = [n for n in frame.columns if field.matches(n)]
        if not names and not field.is_pattern:
            errors.append(f"column '{field.name}': want {field.dtype}, got none")
        for name in names:
            errors += _column_errors(field, frame[name], lengths)
    for name in frame.columns:
        if not any(f.matches(name) for f in contract.fields):
            errors.append(f"column '{name}': want none, got {frame.schema[name]}")
    if errors:
        return errors
    if contract.key and frame.select(contract.key).is_duplicated().any():
        errors.append(f"key ({', '.join(contract.key)}): want unique rows, got repeats")
    for check in contract.checks:
        bad = frame.height - int(frame.select(check.predicate(frame).fill_null(False).sum()).item())
        if bad:
            errors.append(f"check '{check.name}': want all {frame.height} rows, got {bad} bad")
    return errors


def _column_errors(field: Field, column: pl.Series, lengths: Mapping[str, int]) -> list[str]:
    what, want = f"column '{column.name}'", polars_dtype(field)
    if column.dtype != want:
        return [f"{what}: want {want}, got {column.dtype}"]
    nulls = 0 if field.nullable else column.null_count()
    if not field.dtype.startswith("list"):
        return [f"{what}: want no nulls, got {nulls}"] if nulls else []
    errors = []
    nulls += column.explode(empty_as_null=False, keep_nulls=False).null_count()
    if nulls:
        errors.append(f"{what}: want no nulls, got {nulls}")
    length = lengths.get(field.dims[0]) if field.dims else None
    if length is not None and (bad := int((column.list.len() != length).sum())):
        errors.append(f"{what}: want {field.dims[0]} = {length}, got {bad} rows of other lengths")
    return errors


def write_table(
    contract: Contract,
    path: Path,
    frame: pl.DataFrame,
    origin: Provenance,
    attributes: Mapping[str, Any] | None = None,
) -> Header:
    """Validate `frame`, order its columns as the contract has them, and write it whole.

    Raises `ArtifactError` with all errors when the frame breaks the contract, and
    `StorageError` when the disk refuses.
    """
    facts = dict(attributes or {})
    errors = attribute_errors(contract, facts)
    raise_errors(contract, path, errors + table_errors(contract, frame, facts))
    frame = frame.select([n for f in contract.fields for n in frame.columns if f.matches(n)])
    header = Header.new(contract.name, contract.version, origin, facts, table_digest(frame, facts))
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", metadata={HEADER_KEY: header.to_json()})
    with atomic_write(path) as partial:
        partial.write_bytes(_sealed(buffer.getvalue()))
    return header


def read_table_header(path: Path) -> Header:
    """The header alone; the whole file is checked for damage all the same."""
    return _header(_intact_bytes(path), path)


def read_table(contract: Contract, path: Path) -> Table:
    """Read a table, validate it, recompute its digest, and upgrade an older version.

    Raises `ArtifactError` naming `path` and every error at once, or the job to run again.
    """
    import polars as pl

    require_kind(contract, path)
    data = _intact_bytes(path)
    header = _header(data, path)
    require_contract(contract, header, path)
    with _reading(path):
        frame = pl.read_parquet(io.BytesIO(data))
    written = as_written(contract, header)
    errors = attribute_errors(written, header.attributes)
    raise_errors(written, path, errors + table_errors(written, frame, header.attributes))
    if table_digest(frame, header.attributes) != header.digest:
        raise damaged(path)
    if written is not contract:
        frame, header = upgraded_frame(contract, header, frame), upgraded(contract, header)
        raise_errors(contract, path, table_errors(contract, frame, header.attributes))
    return Table(frame, header, path)


def _header(data: bytes, path: Path) -> Header:
    import polars as pl

    with _reading(path):
        metadata = pl.read_parquet_metadata(io.BytesIO(data))
    if HEADER_KEY not in metadata:
        raise no_header(path)
    return Header.from_json(metadata[HEADER_KEY], path)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what polars raises over a damaged file, panics too, into one `ArtifactError`."""
    import polars as pl

    try:
        yield
    except (
        pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, MemoryError,
    ) as error:  # fmt: skip
        raise unreadable(path, error) from error


def _sealed(data: bytes) -> bytes:
    """`data` with a checksum of its bytes before the footer, where Parquet readers skip it.

    Parquet readers trust what they read: a flipped bit can make them panic or worse.
    """
    start = _footer_start(data)
    seal = _SEAL_MARK + sha256(data).digest()
    return data[:start] + seal + data[start:]


def _intact_bytes(path: Path) -> bytes:
    """The bytes of a Parquet file; raise `ArtifactError` when they are not what was sealed.

    A file that other software has rewritten bears no seal and passes: its digest decides.
    """
    try:
        data = path.read_bytes()
    except (OSError, MemoryError) as error:
        raise unreadable(path, error) from error
    end = _footer_start(data)
    start = end - _SEAL_BYTES
    if end < 4 or data[:4] != b"PAR1" or data[-4:] != b"PAR1":
        raise damaged(path)
    if start > 0 and data[start:end].startswith(_SEAL_MARK):
        rest = sha256(data[:start])
        rest.update(data[end:])
        if rest.digest() != data[end - 32 : end]:
            raise damaged(path)
    return data


def _footer_start(data: bytes) -> int:
    """Where the footer begins: its length stands before the magic at the end."""
    length = int.from_bytes(data[-_END_BYTES:-4], "little")
    return len(data) - _END_BYTES - length
