"""Splits as files: one row per patient, or more, with `subject_id` and `split`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cxrcore.labels import normalised, unknown_categories
from cxrcore.sources._tables import Request, read_tables
from data_contracts.cohort import SPLITS
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

#: What other collections call the splits; `mimic-cxr-2.0.0-split.csv.gz` has VALIDATE.
_NAMES = {
    "TRAIN": "train", "TRAINING": "train", "VAL": "val", "VALID": "val", "VALIDATE": "val",
    "VALIDATION": "val", "TEST": "test", "TESTING": "test",
}  # fmt: skip


def read_split_file(path: Path) -> pl.DataFrame:
    """`subject_id` and `split` (Enum), one row per patient, of a table.

    It is CSV, also with gzip, Excel or Parquet; other columns do not count. Raises `SourceError`
    where the table cannot be used, a split has an unknown name, or a patient is in two.
    """
    import polars as pl

    request = Request(path, {"subject_id": "id", "split": "text"})
    table = read_tables({"split": request}, "correct the split file")["split"]
    faults = unknown_categories(table, "split", tuple(_NAMES), request.row_name)
    if empty := table["split"].is_null().arg_true().to_list():
        faults.append(f"column 'split': {len(empty):,} of {table.height:,} rows are empty, "
                      f"first in {request.row_name(empty[0])}")  # fmt: skip
    if faults:
        raise SourceError(f"{path}: {'; '.join(faults)}; want {', '.join(SPLITS)}")
    split = normalised("split").replace_strict(_NAMES, return_dtype=pl.Enum(SPLITS))
    table = table.select("subject_id", split=split)
    others = table.select(pl.col("split") != pl.col("split").first().over("subject_id")).to_series()
    if not (rows := others.arg_true()).is_empty():
        twice = table["subject_id"].filter(others).n_unique()
        raise SourceError(
            f"{path}: {twice:,} patients are in two splits or more, the first again in "
            f"{request.row_name(rows[0])}; each belongs into one: correct the split file"
        )
    return table.unique()


def split_file_text(cohort: pl.DataFrame) -> str:
    """The split of a cohort's patients as CSV, in the order of their ids: nothing else of them."""
    return cohort.select("subject_id", "split").unique().sort("subject_id").write_csv()
