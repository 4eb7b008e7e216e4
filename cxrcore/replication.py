"""Verdicts of this workspace beside those of another one, of other patients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from data_contracts.replication import REPLICATION

Row = Mapping[str, Any]
_QUESTION = ("reference", "attribute", "evidence_level")


def replication(here: pl.DataFrame, there: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """REPLICATION: for every verdict here or in a workspace of `there`, by name, the difference.

    `here` and `there` are VERDICTS. Rows follow the order of `here`, then of the other one.
    """
    rows = [row for name, verdicts in there.items() for row in _beside(name, here, verdicts)]
    return pl.DataFrame(rows, schema=pl.DataFrame(REPLICATION.example()).schema)


def _beside(name: str, here: pl.DataFrame, there: pl.DataFrame) -> Iterator[Row]:
    ours, theirs = ({tuple(r[q] for q in _QUESTION): r for r in f.iter_rows(named=True)}
                    for f in (here, there))  # fmt: skip
    for question in dict.fromkeys([*ours, *theirs]):
        our, their = ours.get(question), theirs.get(question)
        asked = our or their or {}
        yield {
            "workspace": name, **dict(zip(_QUESTION, question, strict=True)),
            "statistic": asked["statistic"], "adjustment": asked["adjustment"],
            "verdict": our and our["verdict"], "value": our and our["value"],
            "verdict_there": their and their["verdict"], "value_there": their and their["value"],
            **_difference(our, their),
        }  # fmt: skip


def _difference(our: Row | None, their: Row | None) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(("difference", "low", "high"))
    if our is None or their is None:
        return nothing | {"reason": f"not asked {'here' if our is None else 'there'}"}
    if any(our[k] != their[k] for k in ("statistic", "adjustment")):
        return nothing | {"reason": "another statistic there: run `cxr aggregate` there again"}
    for row, where in ((our, "here"), (their, "there")):
        if row["value"] is None:
            withheld = "few patients" if row["suppressed"] else row["reason"]
            return nothing | {"reason": f"no value {where}: {withheld}"}
        if row["low"] is None or row["high"] is None:
            return nothing | {"reason": f"no interval {where}"}
    return {"difference": our["value"] - their["value"], "reason": None} | interval(our, their)


def interval(our: Row, their: Row) -> dict[str, float]:
    """`low` and `high` of the difference of two independent estimates with 95 % intervals.

    Each end takes the distances of both estimates from the ends of their own intervals that it
    depends on, squared and added (MOVER; Newcombe 1998, doi 10.1002/(SICI)1097-0258(19980430)17:8
    <873::AID-SIM779>3.0.CO;2-I; Zou & Donner 2008, doi 10.1002/sim.3095).
    """
    difference = our["value"] - their["value"]
    down = np.hypot(our["value"] - our["low"], their["high"] - their["value"])
    up = np.hypot(our["high"] - our["value"], their["value"] - their["low"])
    return {"low": float(difference - down), "high": float(difference + up)}
