"""Seeded choices that depend on nothing but the seed and a name.

A hash of (seed, name) takes the place of a random draw, so that neither the order of the rows
nor which other rows were kept can change what a subject or an image gets.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING

from data_contracts.cohort import SPLITS
from data_contracts.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

#: Share of the subjects in each split, in the order of `SPLITS`.
SPLIT_SHARES = (0.6, 0.1, 0.3)


def uniform(seed: int, purpose: str, names: Iterable[str]) -> pl.Series:
    """A number in [0, 1) for each name: 53 bits of BLAKE2b over (seed, purpose, name).

    Different purposes give independent numbers for one name.
    """
    import numpy as np
    import polars as pl

    prefix = blake2b(f"{seed}\0{purpose}\0".encode(), digest_size=8)

    def digest_of(name: str) -> bytes:
        digest = prefix.copy()
        digest.update(name.encode())
        return digest.digest()

    digests = np.frombuffer(b"".join(map(digest_of, names)), dtype=">u8")
    return pl.Series("at", (digests >> 11) / 2**53, dtype=pl.Float64)


def split_of(subjects: pl.Series, seed: int) -> pl.Series:
    """The split of each subject, as `Enum` train, val, test in the shares of `SPLIT_SHARES`."""
    import polars as pl

    train, val, _ = SPLIT_SHARES
    names = subjects.unique()
    numbered = pl.DataFrame({"name": names, "at": uniform(seed, "split", names)})
    split = (
        pl.when(pl.col("at") < train).then(pl.lit(SPLITS[0]))
        .when(pl.col("at") < train + val).then(pl.lit(SPLITS[1]))
        .otherwise(pl.lit(SPLITS[2]))
    )  # fmt: skip
    splits = numbered.select("name", split=split.cast(pl.Enum(SPLITS)))
    rows = pl.DataFrame({"name": subjects})
    return rows.join(splits, on="name", how="left", maintain_order="left")["split"]


def split_by_time(images: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, str]:
    """`subject_id` and `split` of every patient of a known `period`, and the period of test.

    Test are all patients of the latest period; a seeded hash divides the others into train and
    val in the shares that these have in `SPLIT_SHARES`. Periods (as 2014 - 2016) belong to
    patients and sort as text. Raises `SourceError` unless there are two periods or more.
    """
    import polars as pl

    patients = images.select("subject_id", "period").drop_nulls().unique()
    periods = patients["period"].unique().sort()
    if periods.len() < 2:
        raise SourceError(
            f"--split-by time: the patients' tables name {periods.len()} periods "
            "(anchor_year_group), want 2 or more; take --split-by hash"
        )
    train, val, _ = SPLIT_SHARES
    at = uniform(seed, "split", patients["subject_id"])
    split = (
        pl.when(pl.col("period") == periods[-1]).then(pl.lit(SPLITS[2]))
        .when(at * (train + val) < train).then(pl.lit(SPLITS[0]))
        .otherwise(pl.lit(SPLITS[1]))
    )  # fmt: skip
    return patients.select("subject_id", split=split.cast(pl.Enum(SPLITS))), periods[-1]


def choose_one(images: pl.DataFrame, unit: str, seed: int) -> pl.Series:
    """The `image_id` of one image for each value of the column `unit`: a seeded choice.

    Images that come or go leave the choice as it is, unless the chosen one goes.
    """
    at = uniform(seed, "choice", images["image_id"])
    ranked = images.select("image_id", unit).with_columns(at).sort("at", "image_id")
    return ranked.unique(unit, keep="first", maintain_order=True)["image_id"]
