"""The page Cohort: flow, characteristics by split, rejected images, and contact sheets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_FLOW, MIN_CELL_COUNT
from data_contracts.disclosure import SUPPRESSED
from data_contracts.errors import CxrError
from tui.cohort.parts import PARTS
from tui.cohort.sheet_pane import SheetPane
from tui.cohort.sheets import read_sheet
from tui.cohort.table import (
    TableContent,
    flow_content,
    flow_sentence,
    reject_content,
    table_content,
)
from tui.shared.disclosure import Disclosure
from tui.shared.messages import ErrorMet, OpenLaunch
from tui.shared.page import ZOOM_KEYS, Page
from tui.shared.placeholder import Placeholder
from tui.shared.reading import Reading
from tui.shared.rows import Rows
from tui.shared.sanitize import escape_markup
from tui.shared.tab_bar import TabBar
from tui.workspace.snapshot import Artifact, Snapshot


class CohortPage(Page):
    """Flow, Table 1, rejects and contact sheets, one at a time."""

    NAME: ClassVar[str] = "cohort"
    HELP: ClassVar[str] = (
        "[b]Flow[/b]: the images and patients that remain after each rule of the cohort. Below\n"
        "it, for each task, the images without a label, by reason, and the usable ones.\n"
        "[b]Table 1[/b]: the study cohort, by split. Standardised differences are from train.\n"
        "[b]Rejects[/b]: images of the cohort that could not be read, over all shards.\n"
        "[b]Contact sheet[/b]: stored images drawn at random, each with its view and how its\n"
        "grey values were made, to look at before a training. [b]Polarity[/b]: those whose\n"
        "border is brighter than their centre; dark and bright may be swapped. The arrows go\n"
        "from image to image; z shows one over the page, and magnifies it; Esc returns.\n"
        "[b]n/d[/b]: not disclosed. Counts of few patients are suppressed, and with them\n"
        "complementary cells, from which they could be worked out."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(part.key, f"tab('{name}')", part.title, show=False, id=f"cohort.{name}")
            for name, part in PARTS.items()
        ),
        *ZOOM_KEYS,
        Binding("right,l", "turn(1)", "Next tab", show=False, id="cohort.next"),
        Binding("left,h", "turn(-1)", "Previous tab", show=False, id="cohort.previous"),
        Binding("n", "launch", "Launch missing job", show=False, id="cohort.launch"),
    ]
    DEFAULT_CSS = """
    CohortPage {
        #detail { height: 1; padding: 0 1; background: $panel; display: none; }
        #detail.shown { display: block; }
        Rows { padding-right: 1; }
        &.empty > TabBar { display: block; }
        SheetPane { display: none; }
        &.sheet SheetPane { display: block; }
        &.sheet Rows { display: none; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._part = self._shown = "flow"
        self._content: Any = None
        self._reading = Reading(self, "cohort", self._take)

    def content(self) -> Iterator[Widget]:
        yield TabBar({name: (part.key, part.title) for name, part in PARTS.items()})
        yield Static(id="note")
        yield Disclosure()
        yield Rows()
        yield SheetPane(graphics=self.dashboard.graphics)
        yield Static(id="detail", markup=False)
        yield Placeholder("reading the workspace …")

    def show(self, _: Snapshot) -> None:
        self._ask()

    def on_resize(self) -> None:
        self._fill()

    def _ask(self) -> None:
        """Have the part read, if it is not what is shown."""
        self._update_tabs()
        if self.snapshot is not None:
            part, artifacts = self._part, self.snapshot.of(PARTS[self._part].contract.name)
            if PARTS[part].sheet and artifacts:
                artifacts = [*artifacts, *self.snapshot.of(COHORT.name)]
            key = part, [(a.state, a.reason, a.header) for a in artifacts]
            self._reading.want(key, lambda: self._read(part, artifacts))

    def _read(self, part: str, artifacts: Sequence[Artifact]) -> tuple[str, Any, str]:
        """The part, its content, and why there is none."""
        if not artifacts:
            return part, None, PARTS[part].missing
        try:
            return part, self._content_of(part, artifacts), ""
        except CxrError as error:
            self.post_message(ErrorMet("cohort", str(error)))
            return part, None, f"{PARTS[part].title} cannot be shown: {error}"

    def _content_of(self, part: str, artifacts: Sequence[Artifact]) -> Any:
        if name := PARTS[part].sheet:
            return read_sheet(name, self.dashboard.workspace, artifacts)

        import polars as pl

        from data_contracts.cohort_tables import flow_table, reject_table, table_one

        content = pl.concat([self.dashboard.tables.read(artifact) for artifact in artifacts])
        if part == "rejects":
            return reject_table(content, self._least)
        return flow_table(content) if part == "flow" else table_one(content)

    @property
    def _least(self) -> int:
        """Fewer patients are not disclosed, as `extract` has decided for this cohort."""
        flow = self.snapshot.artifacts.get(COHORT_FLOW.path_template) if self.snapshot else None
        return MIN_CELL_COUNT if flow is None or flow.least is None else flow.least

    def _take(self, read: tuple[str, Any, str]) -> None:
        self._shown, self._content, why = read
        self.show_note(self._note())
        part = PARTS[self._shown]
        if self._content is None:
            why = f"{escape_markup(why)}\nPress [b]n[/b] to launch {part.job}."
        elif self._content == [] or (part.sheet and not self._content.squares):
            why = part.nothing
        self.set_class(bool(part.sheet), "sheet")
        self.show_placeholder(why)
        self._fill()

    def _fill(self) -> None:
        if not self._content:
            return
        if PARTS[self._shown].sheet:
            self.query_one(Disclosure).explain(None)
            self._update_detail()
            self.query_one(SheetPane).show(self._content)
            return
        makers: dict[str, Callable[[Any, int], TableContent]] = {
            "flow": flow_content, "table": table_content, "rejects": reject_content,
        }  # fmt: skip
        # The margin takes a cell, and so does the scrollbar.
        lines = makers[self._shown](self._content, self.size.width - 2)
        rows = self.query_one(Rows)
        rows.gap = lines.gap
        rows.set_columns(*lines.columns)
        rows.set_rows(lines.rows)
        self._update_detail()
        suppressed = any(SUPPRESSED in row.cells for row in lines.rows)
        self.query_one(Disclosure).explain(self._least if suppressed else None)

    def _update_tabs(self) -> None:
        self.query_one(TabBar).mark(self._part)
        self.show_note(self._note())

    def _note(self) -> str:
        """What is stale, or which shards are not here yet."""
        part = PARTS[self._part]
        artifacts = self.snapshot.of(part.contract.name) if self.snapshot else []
        notes = []
        if stale := next((a for a in artifacts if a.state == "stale"), None):
            rerun = f"press [b]n[/b] to run {part.job} again"
            notes.append(f"{stale.place} is out of date ({escape_markup(stale.reason)}); {rerun}")
        if artifacts and (shards := int(artifacts[0].keys.get("shards", 1))) > len(artifacts):
            notes.append(f"{len(artifacts)} of {shards} shards available")
        return "\n".join(notes)

    def on_rows_highlighted(self) -> None:
        self._update_detail()

    def _update_detail(self) -> None:
        """What the numbers are; of the flow the rule under the cursor: its column may cut it."""
        detail, row = self.query_one("#detail", Static), self.query_one(Rows).current
        text = PARTS[self._shown].caption
        if self._shown == "flow" and self._content and row is not None:
            text = flow_sentence(self._content[int(row.key)])
        detail.set_class(bool(text and self._content), "shown")
        detail.update(text)

    def action_tab(self, part: str) -> None:
        self.minimize()
        self._part = part
        self.set_focus(None if PARTS[part].sheet else self.query_one(Rows))
        self._ask()

    def apply_filter(self, text: str) -> None:
        super().apply_filter(text)
        self.query_one(SheetPane).filter(text)

    def zoom_target(self) -> Widget | None:
        return self.query_one(SheetPane).box if self.has_class("sheet") else None

    def watch_maximized(self) -> None:
        """Draw the squares finer, or as before."""
        self.query_one(SheetPane).draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "zoom":
            return bool(PARTS[self._part].sheet)
        return super().check_action(action, parameters)

    def action_turn(self, step: int) -> None:
        self.action_tab(self.query_one(TabBar).after(step))

    def action_launch(self) -> None:
        self.post_message(OpenLaunch(PARTS[self._part].job))
