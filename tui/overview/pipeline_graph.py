"""The pipeline as a graph: a cursor moves over the groups of artifacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from jobs._registry import Spec
from tui.overview.pipeline_lines import GraphLine, draw_pipeline
from tui.shared.pipeline import SIGNS, ArtifactGroup, human_size
from tui.shared.sanitize import pad

_COUNT, _SIZE, _STATE = 6, 9, 21
#: The narrowest graph with boxes and a column for who reads a group.
_WIDE = 110


class PipelineGraph(ScrollView, can_focus=True):
    """Jobs, and beside each the groups of artifacts it writes, with count, size and state."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "graph--wire", "graph--job", "graph--reader", "graph--cursor", "graph--good",
        "graph--bad", "graph--warn", "graph--dim", "graph--live",
    }  # fmt: skip
    DEFAULT_CSS = """
    PipelineGraph {
        width: 1fr; height: auto; overflow-x: hidden; scrollbar-size-vertical: 1; padding: 0 1;
        .graph--wire { color: $secondary; }
        .graph--job { text-style: bold; }
        .graph--reader { color: $text-accent; text-style: bold; }
        .graph--cursor { background: $panel; text-style: bold; }
        .graph--good { color: $text-success; }
        .graph--bad { color: $text-error; }
        .graph--warn { color: $text-warning; }
        .graph--live { color: $text-primary; }
        .graph--dim { color: $secondary; }
        &:focus .graph--cursor { background: $primary-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Previous artifact", show=False, id="graph.up"),
        Binding("down,j", "move(1)", "Next artifact", show=False, id="graph.down"),
        Binding("left,h", "job(-1)", "Previous job", show=False, id="graph.job-previous"),
        Binding("right,l", "job(1)", "Next job", show=False, id="graph.job-next"),
        Binding("home,g", "move(-999)", "First artifact", show=False, id="graph.first"),
        Binding("end,G", "move(999)", "Last artifact", show=False, id="graph.last"),
        Binding("enter", "choose", "Open", show=False, id="graph.open"),
    ]

    cursor: reactive[int] = reactive(0)
    """The group's number, from above."""

    @dataclass
    class Highlighted(Message):
        """The cursor is on another group."""

        group: ArtifactGroup

    class Chosen(Highlighted):
        """Enter on a group, or a click on the one under the cursor."""

    def __init__(self, specs: Mapping[str, Spec]) -> None:
        super().__init__()
        self._specs = specs
        self._groups: Sequence[ArtifactGroup] = ()
        self._lines: list[GraphLine] = draw_pipeline(specs, boxed=False)
        self._places = [i for i, line in enumerate(self._lines) if line.group]

    @property
    def current(self) -> ArtifactGroup | None:
        """The group under the cursor."""
        return self._groups[self.cursor] if self.cursor < len(self._groups) else None

    def show(self, groups: Sequence[ArtifactGroup]) -> None:
        """Draw the groups, in the order of the jobs that write them."""
        self._groups = groups
        self.refresh()
        self._post_highlighted()

    def layout_for(self, width: int, height: int) -> None:
        """Boxes where both fit, else lines alone."""
        boxed = draw_pipeline(self._specs, boxed=True)
        fits = width >= _WIDE and height >= len(boxed)
        self._lines = boxed if fits else draw_pipeline(self._specs, boxed=False)
        self._places = [i for i, line in enumerate(self._lines) if line.group]
        self.virtual_size = Size(0, len(self._lines))
        self.styles.height = len(self._lines)
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self._places) - 1))

    def watch_cursor(self) -> None:
        self.scroll_to_region(Region(0, self._places[self.cursor], 1, 1), animate=False, force=True)
        self.refresh()
        self._post_highlighted()

    def _post_highlighted(self) -> None:
        if self.current is not None:
            self.post_message(self.Highlighted(self.current))

    def action_move(self, step: int) -> None:
        self.cursor += step

    def action_job(self, step: int) -> None:
        """To the first group of the job before or after."""
        if self.current is None:
            return
        jobs = list(dict.fromkeys(group.job for group in self._groups))
        at = max(0, min(jobs.index(self.current.job) + step, len(jobs) - 1))
        self.cursor = next(i for i, group in enumerate(self._groups) if group.job == jobs[at])

    def action_choose(self) -> None:
        if self.current is not None:
            self.post_message(self.Chosen(self.current))

    def on_click(self, event: events.Click) -> None:
        line = event.get_content_offset_capture(self).y + int(self.scroll_offset.y)
        if line not in self._places:
            return
        was_current = self.cursor == self._places.index(line)
        self.cursor = self._places.index(line)
        if was_current:
            self.action_choose()

    def render_line(self, y: int) -> Strip:
        number = y + int(self.scroll_offset.y)
        width = self.scrollable_content_region.width
        if number >= len(self._lines) or not self._groups:
            return Strip.blank(width, self.visual_style.rich_style)
        line, base = self._lines[number], self.visual_style.rich_style
        wire = base + self._style("wire")
        reads = self.current is not None and line.job in self.current.readers
        segments = [
            Segment(line.before, wire),
            Segment(line.job, base + self._style("reader" if reads else "job")),
            Segment(line.after, wire),
        ]
        if line.group:
            at = self._places.index(number)
            left = width - sum(cell_len(s.text) for s in segments)
            segments += self._group_segments(self._groups[at], left, at == self.cursor)
        return Strip(segments).adjust_cell_length(width, base)

    def _group_segments(
        self, group: ArtifactGroup, width: int, is_under_cursor: bool
    ) -> list[Segment]:
        base = self.visual_style.rich_style
        if is_under_cursor:
            base += self._style("cursor")
        sign, tone = SIGNS[group.state]
        look = base + self._style(tone)
        name = max(len(k.contract.name) for k in self._groups)
        count = f"{len(group.artifacts):,}" if group.artifacts else ""
        size = human_size(group.size) if group.artifacts else ""
        readers = ", ".join(group.readers)
        rest = width - 2 - name - _COUNT - _SIZE - 2 - _STATE
        cells = [
            Segment(f"{sign} ", look),
            Segment(group.contract.name.ljust(name), look if group.state == "missing" else base),
            Segment(f"{count:>{_COUNT}}{size:>{_SIZE}}  ", base),
            Segment(set_cell_size(group.state_text, _STATE), look),
        ]
        if rest > _STATE:
            reads = f"→ {readers}" if readers else ""
            cells.append(Segment(pad(reads, rest), base + self._style("dim")))
        return cells

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"graph--{name}", partial=True)
