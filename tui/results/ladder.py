"""The ladder of a level of evidence: each estimate between its null and its ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data_contracts import titles
from data_contracts.associations import ADJUSTMENTS
from data_contracts.disclosure import SUPPRESSED
from tui.results.evidence import Evidence, Row, is_main
from tui.results.explanations import explanation_of
from tui.shared.numbers import level_text


@dataclass(frozen=True)
class Rung:
    """An estimate, and what it is to be read beside. `why`: why there is no value."""

    label: str
    row: Row
    controls: tuple[float, ...] = ()
    """The statistic of null networks."""
    decides: bool = False

    @property
    def why(self) -> str:
        if self.row["suppressed"]:
            return SUPPRESSED
        if self.row["value"] is None:
            return f"– {self.row['reason'] or 'not estimated; aggregate gives no reason'}"
        return ""

    @property
    def numbers(self) -> list[float]:
        """Everything that the axis must hold."""
        names = ("value", "low", "high", "null_low", "null_high", "ceiling")
        found = [] if self.why else [self.row[n] for n in names if self.row[n] is not None]
        return [*found, *self.controls]


@dataclass(frozen=True)
class Ladder:
    """The rungs of one statistic. `relevant`: the smallest value of interest, where it decides."""

    title: str
    explanation: str
    rungs: tuple[Rung, ...]
    relevant: float | None = None


def ladders_of(evidence: Evidence, attribute: str, level: str, *, subgroups: bool) -> list[Ladder]:
    """A ladder for each statistic, the one that decides first; by adjustment, or by subgroup."""
    rows = evidence.of(attribute, level)
    verdict = evidence.verdict(attribute, level)
    decisive = verdict["statistic"] if verdict else ""
    mains = [r for r in rows if is_main(r) and (r["stratum"] != "all") == subgroups]
    names = dict.fromkeys(r["statistic"] for r in mains)
    out = []
    for name in sorted(names, key=lambda name: name != decisive):
        decides = name == decisive
        own = _latest([r for r in mains if r["statistic"] == name])
        rungs = tuple(
            Rung(
                level_text(r["stratum"], r["level"]) if subgroups
                else titles.ADJUSTMENTS[r["adjustment"]],
                r,
                _controls(rows, r),
                bool(verdict and decides and not subgroups
                     and r["adjustment"] == verdict["adjustment"]),
            )
            for r in own
        )  # fmt: skip
        relevant = verdict["relevant_effect"] if verdict and decides else None
        out.append(Ladder(titles.statistic(name), explanation_of(name), rungs, relevant))
    return out


def _latest(rows: Sequence[Row]) -> list[Row]:
    """Of each adjustment and subgroup the row of most trainings, in the order of adjustments."""
    best: dict[tuple[str, str, str], Row] = {}
    for row in sorted(rows, key=lambda r: r["trainings"] or 0):
        best[row["adjustment"], row["stratum"], row["level"]] = row
    kept = [row for row in rows if row in best.values()]
    return sorted(kept, key=lambda r: ADJUSTMENTS.index(r["adjustment"]))


def _controls(rows: Sequence[Row], like: Row) -> tuple[float, ...]:
    """The same statistic of pairs with a null network."""
    same = ("statistic", "adjustment", "stratum", "level")
    return tuple(
        r["value"]
        for r in rows
        if r["control"] not in (None, "none") and r["value"] is not None and not r["suppressed"]
        if all(r[n] == like[n] for n in same)
    )
