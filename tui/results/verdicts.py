"""The verdict on every attribute by level of evidence: a table's cells, and what explains them."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from data_contracts import titles
from data_contracts.associations import EVIDENCE_LEVELS
from data_contracts.disclosure import SUPPRESSED, explanation
from tui.shared.numbers import holm, interval, number
from tui.shared.toned import TonedLine

#: Light and dark, so that they differ without hue; undetermined has none. Both are colours of
#: the 256.
COLOURS = {"shared": (0xFF, 0xAF, 0x00), "not shared": (0x00, 0x5F, 0xAF)}

_MEANING: tuple[TonedLine, ...] = (
    ("dim", "Below a verdict: the value that decides it, its 95 % CI, p after Holm's correction "
            "over the attributes, the reason, and the patients (n)."),
    ("dim", "shared: p < 0.05, a value of interest, and above the networks with permuted labels "
            "where the level needs them. not shared: the whole CI below the smallest value of "
            "interest, whatever p. undetermined: neither can be said."),
)  # fmt: skip
_ONE_TRAINING: TonedLine = (
    "dim", "One training of each network: its own variation is not in the intervals.",
)  # fmt: skip
_SOME_ONE_TRAINING: TonedLine = (
    "dim", "Some verdicts rest on one training of a network: its own variation is not in their "
           "intervals.",
)  # fmt: skip
_ORDER: TonedLine = ("dim", "A > B: this order is claimed; A ~ B: it is not.")


@dataclass(frozen=True)
class VerdictCell:
    """What may be said of an attribute at a level, and the numbers that decide it."""

    verdict: str = "—"
    numbers: tuple[str, ...] = ()
    reason: str = ""
    count: str = ""

    def lines(self, width: int) -> list[str]:
        """The verdict, then all else in lines of at most `width` letters."""
        numbers = [n if len(n) <= width else n.replace(" to ", "…") for n in self.numbers]
        end = [self.count] if self.count else []
        return [self.verdict, *numbers, *textwrap.wrap(self.reason, width), *end]


@dataclass(frozen=True)
class Verdicts:
    """Rows are attributes, columns levels of evidence."""

    reference: str = ""
    sentence: str = ""
    levels: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    cells: Mapping[tuple[str, str], VerdictCell] = field(default_factory=dict)
    """By attribute and level."""
    notes: tuple[TonedLine, ...] = ()
    """What decides each level, and what the words and signs mean."""
    warning: tuple[TonedLine, ...] = ()

    @property
    def heading(self) -> tuple[TonedLine, ...]:
        """What the levels say together, and what warns of it."""
        return ("bold", self.sentence), *self.warning

    def at(self, row: int, column: int) -> tuple[str, str] | None:
        """The attribute and the level of a cell; None where there is no cell."""
        if not (row < len(self.attributes) and column < len(self.levels)):
            return None
        return self.attributes[row], self.levels[column]

    def row(self, attribute: str) -> list[VerdictCell]:
        """The cells of an attribute, one a level."""
        return [self.cells.get((attribute, level), VerdictCell()) for level in self.levels]


def verdicts_of(
    rows: Sequence[Mapping[str, Any]], orders: Sequence[Mapping[str, Any]], sentence: str,
    query: str = "", least: int = 0,
) -> Verdicts:  # fmt: skip
    """The table of rows of VERDICTS and ORDERS; `least` as in `disclosure`.

    Attributes match every word of `query`.
    """
    if not rows:
        return Verdicts(sentence=sentence)
    found = {r["evidence_level"] for r in rows}
    levels = tuple(level for level in EVIDENCE_LEVELS if level in found)
    attributes = dict.fromkeys(r["attribute"] for r in rows)
    words = query.lower().split()
    shown = tuple(a for a in attributes if all(w in a.lower() for w in words))
    cells = {(r["attribute"], r["evidence_level"]): _cell(r) for r in rows}
    notes = [
        _level_note([r for r in rows if r["evidence_level"] == level], orders) for level in levels
    ]
    notes += _MEANING
    notes += [_ORDER] if orders else []
    trainings = [r["trainings"] for r in rows if r["trainings"] is not None]
    if 1 in trainings:
        notes.append(_ONE_TRAINING if max(trainings) == 1 else _SOME_ONE_TRAINING)
    notes += [("dim", explanation(least))] if any(r["suppressed"] for r in rows) else []
    return Verdicts(rows[0]["reference"], sentence, levels, shown, cells, tuple(notes))


def _cell(row: Mapping[str, Any]) -> VerdictCell:
    if row["suppressed"]:
        return VerdictCell(SUPPRESSED)
    numbers = []
    if row["value"] is not None:
        numbers += [number(row["value"]), interval(row["low"], row["high"])]
    if row["p_holm"] is not None:
        numbers.append(holm(row["p_holm"]))
    count = "" if row["subjects"] is None else f"n {row['subjects']:,}"
    return VerdictCell(row["verdict"], tuple(numbers), row["reason"] or "", count)


def _level_note(
    rows: Sequence[Mapping[str, Any]], orders: Sequence[Mapping[str, Any]]
) -> TonedLine:
    """A level's question, the statistic that answers it, and the order of the attributes."""
    level, decides = rows[0]["evidence_level"], rows[0]
    text = (
        f"{level}: {titles.LEVELS.get(level, '')} {titles.statistic(decides['statistic'])}, "
        f"{titles.ADJUSTMENTS[decides['adjustment']]}"
    )
    order = _order_text(rows, [o for o in orders if o["evidence_level"] == level])
    return "", f"{text}; {order}" if order else text


def _order_text(rows: Sequence[Mapping[str, Any]], orders: Sequence[Mapping[str, Any]]) -> str:
    """The ranked attributes: `>` where that is claimed of neighbours, else `~`."""
    ranked = sorted((r for r in rows if r["rank"] is not None), key=lambda r: r["rank"])
    names = [str(r["attribute"]) for r in ranked]
    if not orders or len(names) < 2:
        return ""
    claimed = {(o["attribute"], o["other"]) for o in orders if o["above"]}
    return names[0] + "".join(
        f" {'>' if pair in claimed else '~'} {pair[1]}" for pair in pairwise(names)
    )
