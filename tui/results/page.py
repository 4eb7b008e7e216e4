"""The page Results: the study's sentence, and the verdict on each attribute by level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from data_contracts import titles
from data_contracts.associations import ASSOCIATIONS, VERDICTS
from tui.results.evidence import Evidence, evidence_artifacts, read_evidence
from tui.results.explanations import explanation_of, why_no_verdict
from tui.results.ladder_page import LadderPage
from tui.results.verdict_table import VerdictTable
from tui.results.verdicts import Verdicts, verdicts_of
from tui.shared.messages import ErrorMet, Export
from tui.shared.page import Page
from tui.shared.placeholder import Placeholder, unreadable_text
from tui.shared.reading import Reading
from tui.shared.sanitize import escape_markup
from tui.shared.toned import marked_up, out_of_date
from tui.workspace.snapshot import Snapshot, content_key


class ResultsPage(Page):
    """The verdicts; Enter opens the evidence for one of them."""

    NAME: ClassVar[str] = "results"
    HELP: ClassVar[str] = (
        "What the study says: whether each attribute shares evidence with the reference, by level "
        "of evidence. [b]Undetermined[/b] means that the data cannot tell, not that nothing is "
        "shared.\n\nThe arrows go from verdict to verdict; the lines below the table explain the "
        "one they are at. Enter opens its ladder: every estimate between its null and its "
        "ceiling, with the ways to maps, curves and subgroups."
    )
    AUTO_FOCUS = "VerdictTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "export", "PNG", tooltip="export the table", id="results.export"),
    ]
    DEFAULT_CSS = """
    ResultsPage {
        #sentence { height: auto; max-height: 40%; padding: 0 1; margin: 0 0 1 0; }
        #about { height: auto; min-height: 2; max-height: 4; padding: 0 1; background: $panel; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._key: tuple[str, ...] | None = None
        self._evidence = Evidence()
        self._query = ""
        self._reading = Reading(self, "evidence", self._take)
        self._exporting = Reading(self, "export", self.post_message)

    def content(self) -> Iterator[Widget]:
        yield Placeholder("reading the workspace …")
        yield Static(id="sentence")
        yield VerdictTable()
        yield Static(id="about", markup=False)

    def on_mount(self) -> None:
        self.add_class("empty")

    def show(self, snapshot: Snapshot) -> None:
        self._key = content_key(evidence_artifacts(snapshot))
        if not self._reading.want(self._key, lambda: self._read(snapshot)):
            self._draw()

    def _read(self, snapshot: Snapshot) -> Evidence:
        return read_evidence(self.dashboard.tables, snapshot)

    def _take(self, evidence: Evidence) -> None:
        self._evidence = evidence
        for contract, problem in evidence.problems.items():
            self.post_message(ErrorMet(contract, problem))
        self._draw()

    def _draw(self) -> None:
        """Show the verdicts, or what is missing for them."""
        if self.snapshot is None:
            return
        text = missing(self.snapshot, self._evidence)
        self.show_placeholder(text)
        if not text:
            verdicts = self._verdicts()
            self.query_one("#sentence", Static).update(marked_up(verdicts.heading))
            self.query_one(VerdictTable).show(verdicts)

    def _verdicts(self) -> Verdicts:
        found = self._evidence
        table = verdicts_of(
            found.verdicts, found.orders, found.sentence, self._query, found.least
        )  # fmt: skip
        stale = self.snapshot.of(VERDICTS.name) if self.snapshot else []
        reason = next((a.reason for a in stale if a.state == "stale"), "")
        return replace(table, warning=out_of_date(reason))

    def on_verdict_table_highlighted(self, message: VerdictTable.Highlighted) -> None:
        about = self.query_one("#about", Static)
        about.update(self._about(*message.cell) if message.cell else "")

    def _about(self, attribute: str, level: str) -> str:
        """The question of a level and how its statistic is read, in two lines."""
        row = self._evidence.verdict(attribute, level)
        head = f"{attribute}, {level}: {titles.LEVELS.get(level, '')}"
        if row is None:
            return f"{head}\n— {why_no_verdict(attribute, level)}"
        name = f"{titles.statistic(row['statistic'])}, {titles.ADJUSTMENTS[row['adjustment']]}"
        return f"{head}\n{name}: {explanation_of(row['statistic'])}"

    def on_verdict_table_chosen(self, message: VerdictTable.Chosen) -> None:
        if message.cell is not None:
            self.app.push_screen(LadderPage(self._evidence, self._key, *message.cell))

    def apply_filter(self, text: str) -> None:
        self._query = text
        self._draw()

    def action_export(self) -> None:
        if self.has_class("empty"):
            self.notify("still reading" if self.is_reading else "nothing to export")
        else:
            self._exporting.do(partial(self._exported, self._verdicts()))

    def _exported(self, verdicts: Verdicts) -> Export:
        from tui.results.export import png_of_verdicts

        return Export(f"verdicts-{verdicts.reference}.png", png_of_verdicts(verdicts))


def missing(snapshot: Snapshot, evidence: Evidence) -> str:
    """Why there are no verdicts to show, and what to do; empty when there are."""
    if evidence.verdicts:
        return ""
    if problem := evidence.problems.get(VERDICTS.name):
        return unreadable_text(snapshot, VERDICTS.name, problem)
    if snapshot.of(VERDICTS.name):
        return (
            f"{escape_markup(evidence.sentence)}\n\nVerdicts need a reference task and at least "
            "one other task:\n[b]cxr aggregate --reference TASK[/b] compares every other task with "
            "TASK."
        )
    if snapshot.of(ASSOCIATIONS.name):
        return (
            "This summary has no verdicts: an older version of cxr wrote it,\nor their file was "
            "removed.\n\n[b]cxr aggregate[/b] re-creates it, with verdicts."
        )
    return (
        "No verdicts yet.\n\n[b]cxr aggregate[/b] compares every task with the reference\n"
        "(press [b]2[/b] to launch jobs)."
    )
