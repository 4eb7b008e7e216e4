"""The scale of a picture's colours, in one line: lowest value, colours, highest value, unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tui.shared.colours import ink_on, sixteen_steps, steps
from tui.shared.numbers import brief_unit

if TYPE_CHECKING:
    from tui.shared.panel import Scale

#: Steps of signed colours and of unsigned ones; distinct in 256 colours too.
SIGNED_STEPS, UNSIGNED_STEPS = 11, 9


class ColourBar(Widget):
    """Shows a scale; blank without one."""

    DEFAULT_CSS = "ColourBar { height: 1; width: 1fr; }"

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.scale: Scale | None = None

    def show(self, scale: Scale | None) -> None:
        """Show another scale, or none."""
        self.scale = scale
        self.refresh()

    def render_line(self, y: int) -> Strip:
        if self.scale is None or y:
            return Strip.blank(self.size.width, self.visual_style.rich_style)
        strip = Strip(self._segments(self.scale))
        margin = max(0, (self.size.width - strip.cell_length) // 2)
        strip = Strip([Segment(" " * margin, self.visual_style.rich_style), *strip])
        return strip.adjust_cell_length(self.size.width, self.visual_style.rich_style)

    def _segments(self, scale: Scale) -> list[Segment]:
        few = self.app.console.color_system == "standard"
        most = SIGNED_STEPS if scale.signed else UNSIGNED_STEPS
        count = len(sixteen_steps(signed=scale.signed)) if few else most
        low, high = scale.ends
        if self.app.no_color:
            text = f"digits: tenths of {high} {brief_unit(scale.unit)}".rstrip()
            return [Segment(text, self.visual_style.rich_style)]
        room = self.size.width - len(low) - len(high) - 2
        # The unit, without its remark where there is less room, or none.
        units = (f" {scale.unit}", f" {scale.unit.partition(' (')[0]}", "")
        unit = next((u for u in units if room - len(u) >= 2 * count), "")
        width = max(1, min(4, (room - len(unit)) // count))
        shades = (
            sixteen_steps(signed=scale.signed)
            if few
            else steps(min(count, max(2, room)), signed=scale.signed)
        )
        segments = [Segment(f"{low} ", self.visual_style.rich_style)]
        for i, colour in enumerate(shades):
            # Zero stands in the middle of signed colours.
            text = "0" if scale.signed and 2 * i == len(shades) - 1 else ""
            style = Style(color=ink_on(colour), bgcolor="#{:02x}{:02x}{:02x}".format(*colour))
            segments.append(Segment(text.center(width), style))
        return [*segments, Segment(f" {high}{unit}", self.visual_style.rich_style)]
