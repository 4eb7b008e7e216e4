"""Whether tables that are joined spell their ids alike: else they join nothing, unnoticed."""

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


def _fault(one: pl.Series, other: pl.Series) -> str | None:
    one, other = one.drop_nulls(), other.drop_nulls()
    if alike := _alike_but_for_zeros(one, other):
        return f"column '{one.name}': {alike:,} ids differ only in leading zeros, counting those of"
    # Hashes of 64 bits are many times as fast as ids, and two that are equal move no share.
    ours, theirs = one.hash().unique(), other.hash().unique()
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
