"""Digests of content: names, types, shapes and values, whatever the bytes of the file.

Each column or dataset is announced by one JSON line, and every part that follows has a length
that this line or an earlier part fixes, so that different contents never feed the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


def line(*facts: Any) -> bytes:
    """`facts` as one line of canonical JSON."""
    return json.dumps(facts, sort_keys=True).encode() + b"\n"


def feed_array(digest: Any, block: np.ndarray[Any, Any]) -> None:
    """Feed the values of `block` in C order, little-endian."""
    import numpy as np

    little = np.ascontiguousarray(block, dtype=block.dtype.newbyteorder("<"))
    digest.update(little.reshape(-1).view(np.uint8).data)


def feed_strings(digest: Any, values: Iterable[str]) -> None:
    """Feed each string after its length in bytes."""
    for value in values:
        raw = value.encode()
        digest.update(len(raw).to_bytes(8, "little") + raw)


def arrays_digest(
    datasets: Mapping[str, tuple[str, tuple[int, ...], str]], attributes: Mapping[str, Any]
) -> str:
    """The digest of an array artifact, from each dataset's (type, shape, digest of values)."""
    digest = hashlib.sha256(line(attributes))
    for name in sorted(datasets):
        digest.update(line(name, *datasets[name]))
    return f"sha256:{digest.hexdigest()}"


def table_digest(frame: pl.DataFrame, attributes: Mapping[str, Any]) -> str:
    """The digest of a table; columns in their order."""
    digest = hashlib.sha256(line(attributes))
    for series in frame.get_columns():
        digest.update(line(series.name, *_type_facts(series.dtype), len(series)))
        _feed_series(digest, series.rechunk())
    return f"sha256:{digest.hexdigest()}"


def _type_facts(dtype: Any) -> list[str]:
    import polars as pl

    if isinstance(dtype, pl.Enum):
        return ["Enum", *dtype.categories]
    return [str(dtype)]


def _feed_series(digest: Any, series: pl.Series) -> None:
    """Feed where the nulls are, then the values; what lies under a null is not looked at."""
    import polars as pl

    feed_array(digest, series.is_null().to_numpy())
    if isinstance(series.dtype, pl.List):
        feed_array(digest, series.list.len().fill_null(0).cast(pl.Int64).to_numpy())
        _feed_series(digest, series.explode(empty_as_null=False, keep_nulls=False).rechunk())
    elif series.dtype == pl.String:
        text = series.fill_null("")
        feed_array(digest, text.str.len_bytes().cast(pl.Int64).to_numpy())
        digest.update((text.str.join("").item() or "").encode() if len(text) else b"")
    elif series.dtype == pl.Boolean:
        feed_array(digest, series.fill_null(value=False).to_numpy())
    else:
        if isinstance(series.dtype, pl.Enum | pl.Datetime):
            # The width of an Enum's codes depends on how many categories there are.
            series = series.to_physical().cast(pl.Int64)
        feed_array(digest, series.fill_null(0).to_numpy())
