"""The digest of a table depends on the content and on nothing else."""

from __future__ import annotations

import datetime as dt
import io
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts._digest import table_digest
from data_contracts.store import (
    Provenance,
    read_table,
    write_table,
)
from data_contracts.vocabulary import Contract, Field

CLASSES = ("F", "M", "ü")
FIELDS = (
    Field("text", "string", "x", nullable=True),
    Field("class", "enum", "x", nullable=True, categories=CLASSES),
    Field("flag", "bool", "x", nullable=True),
    Field("count", "int32", "x", nullable=True),
    Field("value", "float32", "x", nullable=True),
    Field("time", "datetime", "x", nullable=True),
    Field("list", "list[float32]", "x", nullable=True),
)
TABLE = Contract("t", "1.0", "table", "t.parquet", "x", FIELDS)
ORIGIN = Provenance("test", {})
TYPES: Mapping[str, Any] = {
    "text": pl.String, "class": pl.Enum(CLASSES), "flag": pl.Boolean, "count": pl.Int32,
    "value": pl.Float32, "time": pl.Datetime("us"), "list": pl.List(pl.Float32),
}  # fmt: skip
FLOATS = st.floats(width=32)
VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "text": st.text(st.characters(codec="utf-8"), max_size=6),
    "class": st.sampled_from(CLASSES),
    "flag": st.booleans(),
    "count": st.integers(-(2**31), 2**31 - 1),
    "value": FLOATS,
    "time": st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2300, 1, 1)),
    "list": st.lists(FLOATS, max_size=3),
}


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    height = draw(st.integers(0, 6))
    return pl.DataFrame(
        {
            name: pl.Series(
                draw(st.lists(st.none() | values, min_size=height, max_size=height)),
                dtype=TYPES[name],
            )
            for name, values in VALUES.items()
        }
    )


@settings(max_examples=40)
@given(frames())
def test_tables_come_back_with_their_digest(frame: pl.DataFrame) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.parquet"
        header = write_table(TABLE, path, frame, ORIGIN)
        table = read_table(TABLE, path)
    assert table.header == header
    assert table.frame.equals(frame, null_equal=True)


@settings(max_examples=40)
@given(frames(), st.integers(1, 4), st.sampled_from(["uncompressed", "snappy", "zstd"]))
def test_table_digest_does_not_see_the_encoding(
    frame: pl.DataFrame, rows: int, compression: Any
) -> None:
    want = table_digest(frame, {})
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression=compression, row_group_size=rows, statistics=False)
    buffer.seek(0)
    assert table_digest(pl.read_parquet(buffer), {}) == want
    if frame.height:
        pieces = [frame.slice(i, rows) for i in range(0, frame.height, rows)]
        assert table_digest(pl.concat(pieces, rechunk=False), {}) == want


@settings(max_examples=40)
@given(frames(), frames())
def test_tables_with_one_digest_are_one_table(one: pl.DataFrame, other: pl.DataFrame) -> None:
    same = repr(one.to_dict(as_series=False)) == repr(other.to_dict(as_series=False))
    assert (table_digest(one, {}) == table_digest(other, {})) == same


def series_digest(*values: Any, dtype: Any, name: str = "a") -> str:
    return table_digest(pl.DataFrame({name: pl.Series(values, dtype=dtype)}), {})


def test_table_digest_sees_every_change() -> None:
    lists, letters = pl.List(pl.Float32), pl.Enum(["a", "b"])
    digests = [
        series_digest("ab", "c", dtype=pl.String),
        series_digest("a", "bc", dtype=pl.String),
        series_digest("abc", "", dtype=pl.String),
        series_digest("abc", None, dtype=pl.String),
        series_digest(None, "abc", dtype=pl.String),
        series_digest("ab", "c", dtype=pl.String, name="b"),
        series_digest("a", "b", dtype=pl.String),
        series_digest("a", "b", dtype=letters),
        series_digest("a", "b", dtype=pl.Enum(["b", "a"])),
        series_digest("a", "b", dtype=pl.Enum(["a", "b", "c"])),
        series_digest("a", None, dtype=letters),
        series_digest(0, 1, dtype=pl.Int8),
        series_digest(0, 1, dtype=pl.UInt8),
        series_digest(0, 1, dtype=pl.Int16),
        series_digest(None, 1, dtype=pl.Int8),
        series_digest(False, True, dtype=pl.Boolean),
        series_digest(None, True, dtype=pl.Boolean),
        series_digest(0.0, 1.0, dtype=pl.Float32),
        series_digest(float("nan"), 1.0, dtype=pl.Float32),
        series_digest(None, 1.0, dtype=pl.Float32),
        series_digest([], [1.0], dtype=lists),
        series_digest([1.0], [], dtype=lists),
        series_digest(None, [1.0], dtype=lists),
        series_digest([None], [1.0], dtype=lists),
        series_digest([0.0], [1.0], dtype=lists),
        series_digest([], [None], dtype=lists),
        series_digest([], [1.0, None], dtype=lists),
        series_digest(dtype=pl.Int8),
        series_digest(dtype=pl.Float32),
        table_digest(pl.DataFrame({"a": ["x"], "b": ["y"]}), {}),
        table_digest(pl.DataFrame({"b": ["y"], "a": ["x"]}), {}),
        table_digest(pl.DataFrame({"a": ["y"], "b": ["x"]}), {}),
    ]
    assert len(set(digests)) == len(digests)


def test_what_lies_under_a_null_does_not_count() -> None:
    frame = pl.DataFrame({"a": [1, 2, 3], "b": [[1.0], [2.0, 3.0], [4.0]], "keep": [1, 0, 1]})
    masked = frame.select(
        pl.when(pl.col("keep") == 1).then(pl.col("a")),
        pl.when(pl.col("keep") == 1).then(pl.col("b")),
    )
    plain = pl.DataFrame({"a": [1, None, 3], "b": [[1.0], None, [4.0]]}, schema=masked.schema)
    assert table_digest(masked, {}) == table_digest(plain, {})


def test_attributes_count_but_not_their_order() -> None:
    frame = pl.DataFrame({"a": [1]})
    want = table_digest(frame, {"x": 1, "y": ["a", "b"]})
    assert table_digest(frame, {"y": ["a", "b"], "x": 1}) == want
    others = [{}, {"x": 2, "y": ["a", "b"]}, {"x": 1, "y": ["b", "a"]}, {"x": 1, "y": "ab"}]
    assert len({want, *(table_digest(frame, o) for o in others)}) == 5
