"""A picture as it stands among others: with lines of text, a scale, and what it is coloured by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.shared.toned import TonedLine

if TYPE_CHECKING:
    from tui.shared.colours import Image
    from tui.shared.readout import MapValues

#: What R and L at the sides of every radiograph mean.
SIDES_TEXT = "the patient's right (R) is on the left"


@dataclass(frozen=True)
class Scale:
    """The colours' range: −limit to limit when `signed`, else from 0."""

    limit: float
    signed: bool
    unit: str = ""

    @property
    def ends(self) -> tuple[str, str]:
        high = f"{self.limit:.2f}" if self.limit >= 0.1 else f"{self.limit:.2g}"
        return (f"−{high}" if self.signed else "0"), high


@dataclass(frozen=True)
class Panel:
    """A picture with lines above it and, unless all panels share one, a scale below it."""

    lines: tuple[TonedLine, ...]
    image: Image
    scale: Scale | None = None
    values: MapValues | None = None
    """What its colours stand for; None: it has no map."""
