"""What may be said of an attribute at a level of evidence: shared, not shared, undetermined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from cxrcore.associations.estimate import Adjustment, Estimate
from cxrcore.associations.evidence import LEAST_TRAININGS, Evidence, Row, joined

#: A claim is wrong at most this often where its null holds.
ALPHA = 0.05
_SURE = 1 - ALPHA / 2
NOT_BEYOND_CHANCE = "not beyond chance"


@dataclass(frozen=True)
class Headline:
    """The statistic of a level that decides."""

    statistic: str
    adjustment: Adjustment
    relevant_effect: float
    """The smallest value of interest; its source stands where the headline does."""
    needs_control: bool = True
    """Whether the value must exceed that of permuted-label networks."""


def decide(row: Mapping[str, Any], headline: Headline, control: float | None) -> tuple[str, str]:
    """The verdict on a row of ASSOCIATIONS, and why it is not 'shared' (else empty).

    'shared' needs interpretable networks, p after Holm below 0.05, a value of interest and one
    above the permuted-label networks'; 'not shared' an interval wholly below the smallest value of
    interest, whatever p: an association of that size is of none. All else is undetermined: too
    few patients or trainings to say.
    """
    if row["value"] is None or not row["interpretable"]:
        return "undetermined", row["reason"] or "no value"
    if row["p_holm"] is None or row["high"] is None:
        return "undetermined", "no test, or no interval"
    if row["high"] < headline.relevant_effect:
        return "not shared", f"below {headline.relevant_effect:g}, the smallest value of interest"
    if row["p_holm"] >= ALPHA:
        return "undetermined", _not_beyond_chance(row)
    if row["value"] < headline.relevant_effect:
        return (
            "undetermined",
            f"less than {headline.relevant_effect:g}, the smallest value of interest, so far",
        )
    if headline.needs_control and control is None:
        return "undetermined", "no permuted-label network to compare with"
    if headline.needs_control and row["value"] <= (control or 0.0):
        return "undetermined", "not above the permuted-label network's"
    return "shared", ""


def _not_beyond_chance(row: Mapping[str, Any]) -> str:
    """Why a large p decides nothing: what is smaller than the null gives would not be seen."""
    seen = row["smallest_effect"]
    if seen is None or row["value"] >= seen:
        return NOT_BEYOND_CHANCE
    return f"{NOT_BEYOND_CHANCE}; smallest detectable: {seen:.2g}".replace("-", "−")


def verdict_rows(rows: Sequence[Row], headlines: Mapping[str, Headline]) -> list[Row]:
    """Rows of VERDICTS: every attribute at every level with a headline, ranked by its value."""
    out: list[Row] = []
    for level, headline in headlines.items():
        decisive = [r for r in rows if _asks(r, level, headline)]
        chosen = [r for r in decisive if r["primary"] and r["attribute"] != r["reference"]]
        ranked = [r for r in chosen if r["interpretable"] and r["value"] is not None]
        values = sorted((r["value"] for r in ranked), reverse=True)
        for row in chosen:
            controls = [
                r["value"]
                for r in decisive
                if r["attribute"] == row["attribute"]
                and r["control"] == "permuted-labels" and r["value"] is not None
            ]  # fmt: skip
            control = max(controls) if controls else None
            verdict, reason = decide(row, headline, control)
            kept = ("reference", "attribute", "evidence_level", "statistic", "adjustment", "value",
                    "low", "high", "p_holm", "null", "smallest_effect", "subjects",
                    "trainings", "suppressed")  # fmt: skip
            out.append({name: row[name] for name in kept} | {
                "verdict": verdict, "relevant_effect": headline.relevant_effect,
                "control_value": control if headline.needs_control else None,
                "rank": 1 + values.index(row["value"]) if row in ranked else None,
                "reason": reason or None,
            })  # fmt: skip
    return out


def _asks(row: Row, level: str, headline: Headline) -> bool:
    asked = level, headline.statistic, headline.adjustment, "all"
    return (row["evidence_level"], row["statistic"], row["adjustment"], row["stratum"]) == asked


def order_rows(
    found: Sequence[Evidence], verdicts: Sequence[Row], headlines: Mapping[str, Headline],
) -> list[Row]:  # fmt: skip
    """Rows of ORDERS: each two attributes at each level, and whether their order is claimed.

    `found` is what stands for each pair of tasks. That A lies above B is claimed where A is
    shared, A is the larger one in 97.5 % of the patient resamples, and either B is not shared or,
    with at least three trainings, the interval of the difference over patients and trainings lies
    above 0: another training of two networks moves their order as well.
    """
    named = {(r["evidence_level"], r["attribute"]): r["verdict"] for r in verdicts}
    out = []
    for level, headline in headlines.items():
        asked = level, headline.statistic, headline.adjustment, "all", "all"
        of_level = [e for e in found if e.question == asked and np.isfinite(e.estimate.value)]
        of_level = [e for e in of_level if (level, e.attribute) in named]
        of_level.sort(key=lambda e: (-e.estimate.value, e.attribute))
        for a, b in combinations(of_level, 2):
            share = _share_above(a.estimate, b.estimate)
            verdict, other = named[level, a.attribute], named[level, b.attribute]
            settled = other == "not shared" or not a.models or _is_above_in_trainings(a, b)
            out.append({
                "reference": verdicts[0]["reference"], "evidence_level": level,
                "attribute": a.attribute, "other": b.attribute, "share": share,
                "above": verdict == "shared" and settled and share is not None and share >= _SURE,
            })  # fmt: skip
    return out


def _share_above(a: Estimate, b: Estimate) -> float | None:
    if a.resampled is None or b.resampled is None:
        return None
    both = np.isfinite(a.resampled) & np.isfinite(b.resampled)
    return float((a.resampled[both] > b.resampled[both]).mean()) if both.any() else None


def _is_above_in_trainings(a: Evidence, b: Evidence) -> bool:
    if min(a.trainings, b.trainings) < LEAST_TRAININGS or a.trainings != b.trainings:
        return False
    differences = []
    for one, other in zip(*([e.estimate for e in x.each] for x in (a, b)), strict=True):
        if one.resampled is None or other.resampled is None:
            return False
        drawn = one.resampled - other.resampled
        low, high = np.nanpercentile(drawn, [2.5, 97.5])
        value = one.value - other.value
        differences.append(Estimate("difference", value, one.subjects, "crude", low, high))
    low_end = joined(differences).low
    return low_end is not None and low_end > 0


def sentence(verdicts: Sequence[Row], reference: str) -> str:
    """What the levels say together, in words of a fixed set; none of them is causal."""
    parts = []
    for attribute in dict.fromkeys(r["attribute"] for r in verdicts):
        of_one = [r for r in verdicts if r["attribute"] == attribute]
        levels = {
            word: [r["evidence_level"] for r in of_one if r["verdict"] == word]
            for word in ("shared", "not shared", "undetermined")
        }
        said = [f"{word} at {_listed(names)}" for word, names in levels.items() if names]
        parts.append(f"{attribute}: {', '.join(said)}")
    if not parts:
        return f"No attribute could be compared with {reference}."
    return f"Evidence shared with {reference} — " + "; ".join(parts) + "."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
