"""Whether tables that are joined spell their ids alike, and agree on what both of them say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from cxrcore.sources._tables import Request

if TYPE_CHECKING:
    import polars as pl

#: Of the ids of the shorter table. In MIMIC nearly all are in the other; withheld patients and
#: collections cut down by hand leave fewer.
_MIN_SHARED = 0.1


def join_faults(
    tables: Mapping[str, pl.DataFrame],
    requests: Mapping[str, Request],
    joins: Iterable[tuple[str, str, str]],
) -> list[str]:
    """A fault for each of `joins` (table, table, column) that shares fewer ids than plausible.

    So do ids that are the same number but for zeros at its start. Tables that are not there are
    not judged.
    """
    faults = []
    for one, other, column in joins:
        if one in requests and other in requests:
            fault = _fault(tables[one][column], tables[other][column])
            faults += [f"{requests[one].path}: {fault} {requests[other].path}"] if fault else []
    return faults


def spelling_faults(ids: pl.Series, column: str) -> list[str]:
    """A fault where ids of one `column` are the same number but for zeros at its start, or none.

    They would be two patients, who may fall into two splits.
    """
    alike = _alike_but_for_zeros(ids, ids)
    return [f"column '{column}': {alike:,} ids differ only in leading zeros"] if alike else []


def _fault(one: pl.Series, other: pl.Series) -> str | None:
    one, other = one.drop_nulls(), other.drop_nulls()
    # Hashes of 64 bits are many times as fast as ids, and two that are equal move no share.
    here, there = one.hash(), other.hash()
    if len(one) == len(other) and here.sum() == there.sum():
        return None
    if alike := _alike_but_for_zeros(one, other):
        return f"column '{one.name}': {alike:,} ids differ only in leading zeros, counting those of"
    ours, theirs = here.unique(), there.unique()
    shared, fewer = int(ours.is_in(theirs.implode()).sum()), min(ours.len(), theirs.len())
    if shared < _MIN_SHARED * fewer:
        return f"column '{one.name}' shares {shared:,} of {fewer:,} ids with"
    return None


def _alike_but_for_zeros(one: pl.Series, other: pl.Series) -> int:
    """How many ids there are more than without zeros at their start."""
    import polars as pl

    padded = (ids.filter(ids.str.starts_with("0")) for ids in (one, other))
    if not any(ids.str.contains("^0[0-9]+$").any() for ids in padded):
        return 0
    every = pl.concat([one, other]).unique()
    return every.len() - every.str.replace(r"^0+([0-9]+)$", "$1").n_unique()


def contradictions(
    tables: Mapping[str, pl.DataFrame],
    requests: Mapping[str, Request],
    repeated: Iterable[tuple[str, str, str, str]],
) -> list[str]:
    """A fault for each of `repeated` (table, table, key, column) where the column differs.

    A key may be in several rows of the other table, or in none. Tables and columns that are not
    there are not judged.
    """
    import polars as pl

    faults = []
    for one, other, key, column in repeated:
        if one not in requests or requests[one] is requests.get(other):
            continue
        ours, theirs = (tables[name].select(key, column) for name in (one, other))
        if ours[column].null_count() == ours.height:
            continue
        here, there = ours.hash_rows(), theirs.hash_rows()
        if here.sum() == there.sum():  # The same rows, in whatever order: quick to see.
            continue
        odd = ours.with_row_index("row").filter(~here.is_in(there.implode()))
        odd = odd.join(theirs.unique(), on=key, suffix="_there")
        rows = odd.filter(pl.col(column) != pl.col(f"{column}_there"))["row"].unique().sort()
        if not rows.is_empty():
            faults.append(
                f"{requests[one].path}: column '{column}': {rows.len():,} of {ours.height:,} rows "
                f"have another than {requests[other].path} for the same {key}, first in "
                f"{requests[one].row_name(rows[0])}"
            )
    return faults
