"""Associations, verdicts and orders of made-up tasks, for workspaces that the dashboard shows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

import polars as pl

from cxrcore.associations.verdict import sentence
from data_contracts.associations import ASSOCIATIONS, ORDERS, VERDICTS
from data_contracts.titles import RANKING
from data_contracts.vocabulary import Contract

#: By level the statistic that decides, its adjustment and the smallest value of interest.
HEADLINES = {
    "label": ("cramers_v", "adjusted", 0.1),
    "score": ("score_separation", "within_class", 0.1),
    "representation": ("probe_auroc_gain", "adjusted", 0.05),
    "use": ("erasure_loss", "adjusted", 0.01),
    "attribution": (RANKING, "adjusted", 0.5),
}
#: What is compared of every pair: level, statistic and adjustment.
COMPARED = (
    *((level, statistic, adjustment) for level, (statistic, adjustment, _) in HEADLINES.items()),
    ("label", "cramers_v", "crude"), ("attribution", RANKING, "crude"),
    ("attribution", RANKING, "matched"), ("attribution", "pearson_per_image", "crude"),
)  # fmt: skip
#: The only pair of an attribute and a level that is too small to be shown.
SMALL = ("insurance", "score")
_NUMBERS = ("value", "low", "high", "p", "p_holm", "null_low", "null_high", "smallest_effect",
            "ceiling", "control_value", "rank", "subjects")  # fmt: skip


def frame_of(contract: Contract, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows with the types of the contract."""
    return pl.DataFrame(rows, schema=pl.DataFrame(contract.example()).schema)


def _numbers(attribute: int, level: str) -> dict[str, Any]:
    """The first attribute shares evidence, the last one does not: by place, alike at all levels."""
    value = round(0.8 - 0.5 * attribute + 0.05 * (level == "label"), 3)
    p = 0.0004 if attribute == 0 else 0.2
    return {
        "value": value, "low": value - 0.1, "high": value + 0.1, "p": p, "p_holm": p,
    }  # fmt: skip


def _hidden(row: dict[str, Any]) -> dict[str, Any]:
    if (row["attribute"], row["evidence_level"]) != SMALL:
        return row
    return row | {n: None for n in _NUMBERS if n in row} | {"suppressed": True}


def associations(tasks: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    """Every other task beside the first one, over all images and, of the maps, of one view."""
    example = pl.DataFrame(ASSOCIATIONS.example()).row(0, named=True)
    strata = [(*asked, "all", "all") for asked in COMPARED]
    strata.append(("attribution", RANKING, "adjusted", "view", "PA"))
    rows = []
    for (i, task), (level, statistic, adjustment, stratum, part), name in product(
        enumerate(tasks[1:]), strata, names
    ):
        model = None if level == "label" else name
        row = example | _numbers(i, level) | {
            "reference": tasks[0], "attribute": task, "reference_name": model,
            "attribute_name": model if level == "attribution" else None, "evidence_level": level,
            "statistic": statistic, "adjustment": adjustment, "stratum": stratum, "level": part,
            "primary": model in (None, names[0]),
        }  # fmt: skip
        rows += [_hidden(row)] if _hidden(row) not in rows else []
    return frame_of(ASSOCIATIONS, rows)


def verdicts(tasks: Sequence[str]) -> pl.DataFrame:
    """Of three attributes the first is shared, the second undetermined, the last not shared."""
    example = pl.DataFrame(VERDICTS.example()).row(0, named=True)
    chance = "not beyond chance (p = 0.2 after Holm)"
    said = (("shared", None), ("undetermined", chance), ("not shared", f"{chance}, and below 0.5"))
    rows = []
    for (level, (statistic, adjustment, least)), (i, task) in product(
        HEADLINES.items(), enumerate(tasks[1:])
    ):
        verdict, reason = said[min(i, 2)]
        rows.append(_hidden(example | _numbers(i, level) | {
            "reference": tasks[0], "attribute": task, "evidence_level": level, "verdict": verdict,
            "statistic": statistic, "adjustment": adjustment, "relevant_effect": least,
            "rank": i + 1, "reason": reason,
        }))  # fmt: skip
    return frame_of(VERDICTS, rows)


def orders(tasks: Sequence[str]) -> pl.DataFrame:
    """The first attribute lies above all others, which have no order among them."""
    rows = [
        {"reference": tasks[0], "evidence_level": level, "attribute": one, "other": other,
         "share": 0.99, "above": one == tasks[1]}
        for level, (one, other) in product(HEADLINES, combinations(tasks[1:], 2))
        if SMALL not in ((one, level), (other, level))
    ]  # fmt: skip
    return frame_of(ORDERS, rows)


def sentence_about(tasks: Sequence[str]) -> str:
    """What `aggregate` says of these verdicts."""
    return sentence(verdicts(tasks).to_dicts(), tasks[0])
