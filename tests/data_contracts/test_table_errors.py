"""Tables: every fault at once, before anything is written."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from data_contracts.catalog import contracts
from data_contracts.cohort import COHORT
from data_contracts.errors import ArtifactError
from data_contracts.predictions import PREDICTIONS
from data_contracts.store import Provenance, read_header, read_table, write_table
from data_contracts.vocabulary import Contract

TABLES = [c for c in contracts().values() if c.kind == "table"]


def faults(contract: Contract, frame: pl.DataFrame, path: Path, **attributes: object) -> str:
    with pytest.raises(ArtifactError) as caught:
        write_table(
            contract,
            path,
            frame,
            Provenance("test", {}),
            {**contract.example_attributes, **attributes},
        )
    assert not path.exists()
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("contract", TABLES, ids=lambda c: c.name)
def test_wrong_type_missing_and_further_column_in_one_message(
    contract: Contract, tmp_path: Path
) -> None:
    frame = pl.DataFrame(contract.example())
    wrong, missing = contract.fields[0].name, contract.fields[1].name
    frame = frame.with_columns(pl.lit(1.5).alias(wrong), pl.lit(1).alias("extra")).drop(missing)
    message = faults(contract, frame, tmp_path / "x.parquet")
    assert f"column '{wrong}': want " in message
    assert ", got Float64" in message
    assert f"column '{missing}': want {contract.fields[1].dtype}, got none" in message
    assert "column 'extra': want none, got Int32" in message


@pytest.mark.parametrize("contract", TABLES, ids=lambda c: c.name)
def test_nulls_where_there_may_be_none(contract: Contract, tmp_path: Path) -> None:
    frame = pl.DataFrame(contract.example())
    emptied = frame.with_columns(pl.lit(None, frame.schema[n]).alias(n) for n in frame.columns)
    message = faults(contract, emptied, tmp_path / "x.parquet")
    for field in contract.fields:
        if not field.is_pattern:
            stated = f"column '{field.name}': want no nulls, got {frame.height}" in message
            assert stated != field.nullable


@pytest.mark.parametrize("contract", TABLES, ids=lambda c: c.name)
def test_repeated_keys(contract: Contract, tmp_path: Path) -> None:
    frame = pl.DataFrame(contract.example())
    message = faults(contract, pl.concat([frame, frame]), tmp_path / "x.parquet")
    assert f"key ({', '.join(contract.key)}): want unique rows" in message


@pytest.mark.parametrize("contract", TABLES, ids=lambda c: c.name)
def test_an_empty_table_is_valid(contract: Contract, tmp_path: Path) -> None:
    frame = pl.DataFrame(contract.example()).clear()
    path = tmp_path / "x.parquet"
    write_table(contract, path, frame, Provenance("test", {}), contract.example_attributes)
    assert read_table(contract, path).frame.equals(frame)


def test_the_checks_of_the_cohort(tmp_path: Path) -> None:
    frame = pl.DataFrame(COHORT.example())
    changes = {
        "one split per subject": pl.lit("one").alias("subject_id"),
        "sorted by image_id": pl.col("image_id").reverse(),
        "path stays inside the source": pl.lit("a/../../b").alias("path"),
        "age is within 0 to 120": pl.lit(130, pl.Float32).alias("age"),
    }
    for name, change in changes.items():
        message = faults(COHORT, frame.with_columns(change), tmp_path / "x.parquet")
        assert f"check '{name}': want all 12 rows" in message


def test_lists_have_one_value_per_class(tmp_path: Path) -> None:
    frame, path = pl.DataFrame(PREDICTIONS.example()), tmp_path / "x.parquet"
    longer = pl.concat_list("logits", pl.lit(0.5, pl.Float32))
    message = faults(PREDICTIONS, frame.with_columns(longer), path)
    assert "column 'logits': want class = 2, got 12 rows of other lengths" in message
    hollow = pl.lit([None, 1.0], pl.List(pl.Float32)).alias("probabilities")
    message = faults(PREDICTIONS, frame.with_columns(hollow), path)
    assert "column 'probabilities': want no nulls, got 12" in message


def test_no_fault_shows_a_cell(tmp_path: Path) -> None:
    frame = pl.DataFrame(COHORT.example())
    broken = frame.with_columns(age=pl.lit(987.0, pl.Float32), subject_id=pl.lit("SECRET"))
    message = faults(COHORT, broken, tmp_path / "x.parquet")
    assert "SECRET" not in message
    assert "987" not in message


def test_columns_are_written_in_the_contracts_order(tmp_path: Path) -> None:
    frame, path = pl.DataFrame(COHORT.example()), tmp_path / "a[1]*" / "x.parquet"
    path.parent.mkdir()
    origin, attributes = Provenance("test", {}), COHORT.example_attributes
    shuffled = frame.select(*frame.columns[1::2], *frame.columns[::2])
    header = write_table(COHORT, path, shuffled, origin, attributes)
    labels = [n for n in shuffled.columns if n.startswith("label_")]
    assert read_table(COHORT, path).frame.columns == frame.columns[:-2] + labels
    assert read_header(path) == header
