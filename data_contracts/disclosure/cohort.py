"""The cohort's description without small numbers of patients."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from data_contracts.cohort import DIFFERENCE
from data_contracts.disclosure import (
    is_small,
    suppressed_in_all,
    suppressed_parts,
    suppressed_steps,
)
from data_contracts.disclosure.horizons import DIED, horizons

if TYPE_CHECKING:
    import polars as pl

_Cell = tuple[str, str, str]
"""Variable, level and split."""
_SIZES = ("images", "studies", "subjects")


def disclosed_flow(flow: pl.DataFrame, least: int) -> pl.DataFrame:
    """COHORT_FLOW with null for small counts, and for counts whose difference is small."""
    rows: list[dict[str, Any]] = []
    for (scope,), steps in flow.sort("step").group_by("scope", maintain_order=True):
        found = steps.to_dicts()
        rows += _rules(found, least) if scope == "cohort" else _task_rules(found, least)
    return _as(flow, rows)


def _rules(steps: list[dict[str, Any]], least: int) -> list[dict[str, Any]]:
    """The rules that exclude images: what each left, and how many images it took."""
    few = [is_small(s["subjects"], least) for s in steps]
    hide = {
        n: [
            a or b for a, b in zip(few, suppressed_steps([s[n] for s in steps], least), strict=True)
        ]
        for n in _SIZES
    }
    out = []
    for i, step in enumerate(steps):
        row = step | {n: None for n in _SIZES if hide[n][i]}
        taken = step["excluded_images"]
        near = any(hide["images"][max(0, i - 1) : i + 1])
        if is_small(taken, least) or (taken and near):
            row["excluded_images"] = None
        out.append(row)
    return out


def _task_rules(steps: list[dict[str, Any]], least: int) -> list[dict[str, Any]]:
    """The rules of a task: images without a label by reason, which with the usable add up."""
    last = len(steps) - 1
    parts = {i: (s["subjects"],) for i, s in enumerate(steps) if s["excluded_images"] or i == last}
    hide = suppressed_parts(parts, least)
    out = []
    for i, step in enumerate(steps):
        nothing = i in hide or is_small(step["subjects"], least)
        row = step | (dict.fromkeys(_SIZES) if nothing else {})
        if nothing and step["excluded_images"]:
            row["excluded_images"] = None
        out.append(row)
    return out


def disclosed_characteristics(table: pl.DataFrame, least: int) -> pl.DataFrame:
    """COHORT_CHARACTERISTICS with null for small counts and what would reveal them.

    The levels of a variable add up to the split, the splits to 'all', and whoever died within a
    horizon has died within a longer one as well.
    """
    rows = table.to_dicts()
    counted = [r for r in rows if r["level"] not in ("mean", "sd", DIFFERENCE)]
    patients = {(r["variable"], r["level"], r["split"]): r["subjects"] for r in counted}
    sums: dict[tuple[str, ...], list[tuple[str, str, str]]] = {}
    for variable, level, split in patients:
        whole = "subjects", "all", split
        if variable != "subjects":
            sums.setdefault(("split", variable, split), [whole]).append((variable, level, split))
            # How many lack a level may be known from elsewhere: they keep no secret.
            if level != "missing":
                known = sums.setdefault(("known", variable, split), [whole])
                known.append((variable, level, split))
        # Also the sum itself may be what is left over.
        sums.setdefault(("level", variable, level), []).append((variable, level, split))
    between = _between_horizons(patients)
    for later, sooner, cell in between:
        # Who survived the sooner and who died by the later one: all, and those between twice.
        both = [("subjects", "all", cell[2]), cell, (sooner[0], "survived", cell[2]), later]
        sums["nested", *cell] = [*both, *({(later[0], "missing", cell[2])} & patients.keys())]
        sums.setdefault(("level", *cell[:2]), []).append(cell)
        patients[cell] = max(0, patients[later] - patients[sooner])
    hidden = suppressed_in_all(patients, list(sums.values()), least)
    # A difference is of both splits' levels, and of both splits' patients.
    of_variable = {(variable, split) for variable, _, split in hidden}
    of_variable |= {(r["variable"], r["split"]) for r in rows if is_small(r["subjects"], least)}
    for row in rows:
        small = is_small(row["subjects"], least)
        if row["level"] == DIFFERENCE:
            small |= bool(of_variable & {(row["variable"], s) for s in (row["split"], "train")})
        if small or (row["variable"], row["level"], row["split"]) in hidden:
            row |= dict.fromkeys(("images", "subjects", "value"))
    return _as(table, rows)


def _between_horizons(patients: Mapping[_Cell, int]) -> list[tuple[_Cell, _Cell, _Cell]]:
    """Who died within a horizon, within the next shorter one, and a cell for those between."""
    tasks = horizons(key[0] for key in patients)
    died = {key for key in patients if key[0] in tasks and key[1] == DIED}
    whole = [(patients[key], key[0]) for key in died if key[2] == "all"]
    return [
        ((later, level, split), (sooner, level, split), (f"{sooner} to {later}", level, split))
        for (_, sooner), (_, later) in pairwise(sorted(whole))
        for task, level, split in sorted(died)
        if task == later
    ]


def _as(table: pl.DataFrame, rows: list[dict[str, Any]]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(rows, schema=table.schema)
