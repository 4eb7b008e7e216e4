"""The evidence for one verdict: the ladder of its level, and the ways to what lies behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from data_contracts import titles
from data_contracts.associations import EVIDENCE_LEVELS
from tui.results.drawing import drawn
from tui.results.evidence import Evidence, evidence_artifacts
from tui.results.explanations import why_no_verdict
from tui.results.ladder import ladders_of
from tui.shared.messages import OpenCurves, OpenMaps
from tui.shared.page import Page
from tui.shared.reading_pane import ReadingPane
from tui.shared.sanitize import escape_markup
from tui.shared.switch import after
from tui.shared.toned import as_content
from tui.workspace.snapshot import Snapshot, content_key


class LadderPage(Page):
    """One attribute at one level of evidence."""

    NAME: ClassVar[str] = "results"
    HELP: ClassVar[str] = (
        "Every estimate of one attribute at one level of evidence, as aggregate has written it: "
        "value, 95 % CI, p after Holm's correction, and below it the same as a drawing, between "
        "its null and its ceiling. The statistic that decides the verdict comes first.\n\n"
        "[b]g[/b] shows the same by subgroup of patients."
    )
    AUTO_FOCUS = "ReadingPane"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "app.pop_screen", "Back", id="ladder.back"),
        Binding("n", "step_level(1)", "Level", id="ladder.level"),
        Binding("p", "step_level(-1)", "Previous level", False, id="ladder.level-previous"),
        Binding("t", "step_attribute(1)", "Attribute", id="ladder.attribute"),
        # Before the text, for which it would be the way to its top.
        Binding("g", "subgroups", "Subgroups", priority=True, id="ladder.subgroups"),
        Binding("m", "maps", "Maps", id="ladder.maps"),
        Binding("c", "curves", "Curves", id="ladder.curves"),
    ]
    DEFAULT_CSS = """
    LadderPage #question { height: auto; padding: 0 1; background: $panel; }
    LadderPage ReadingPane { height: 1fr; }
    """

    def __init__(
        self, evidence: Evidence, key: tuple[str, ...] | None, attribute: str, level: str
    ) -> None:
        """`key`: that of the artifacts that the evidence was read from."""
        super().__init__()
        self._key, self._is_old = key, False
        self._evidence, self._attribute, self._level = evidence, attribute, level
        self._subgroups = False

    def content(self) -> Iterator[Widget]:
        yield Static(id="question")
        with ReadingPane():
            yield Static()

    def show(self, snapshot: Snapshot) -> None:
        self._is_old = content_key(evidence_artifacts(snapshot)) != self._key
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        row = self._evidence.verdict(self._attribute, self._level)
        verdict = f"{row['verdict']}: {row['reason']}" if row and row["reason"] else ""
        verdict = verdict or (row["verdict"] if row else "no verdict")
        by = ", by subgroup" if self._subgroups else ""
        head = f"[b]{escape_markup(self._attribute)}, {self._level}[/b]{by}"
        question = titles.LEVELS.get(self._level, "")
        old = "\n[$text-warning]⚠ the summary has changed: Esc, then open it again[/]"
        self.query_one("#question", Static).update(
            f"{head}  {question}\n[b]{escape_markup(verdict)}[/b]{old * self._is_old}"
        )
        self.query_one("ReadingPane Static", Static).update(self._text())

    def _text(self) -> Content:
        ladders = ladders_of(
            self._evidence, self._attribute, self._level, subgroups=self._subgroups
        )  # fmt: skip
        if not ladders and self._subgroups:
            return Content("No subgroups at this level: aggregate divides patients at others.")
        if not ladders:
            return Content(f"— {why_no_verdict(self._attribute, self._level)}")
        lines = drawn(ladders, max(40, self.size.width - 3), self._evidence.least)
        return as_content(lines)

    def action_step_level(self, by: int) -> None:
        rows = self._evidence.verdicts
        found = {r["evidence_level"] for r in rows if r["attribute"] == self._attribute}
        levels = [level for level in EVIDENCE_LEVELS if level in found]
        self._level = after(levels, self._level, by) if levels else self._level
        self._changed()

    def action_step_attribute(self, by: int) -> None:
        rows = self._evidence.verdicts
        names = dict.fromkeys(r["attribute"] for r in rows if r["evidence_level"] == self._level)
        self._attribute = after(list(names), self._attribute, by) if names else self._attribute
        self._changed()

    def action_subgroups(self) -> None:
        self._subgroups = not self._subgroups
        self._changed()

    def _changed(self) -> None:
        self._draw()
        self.query_one(ReadingPane).scroll_home(animate=False)

    def action_maps(self) -> None:
        self.post_message(OpenMaps(self._evidence.models(self._attribute)))

    def action_curves(self) -> None:
        if models := self._evidence.models(self._attribute):
            self.post_message(OpenCurves(models, "test"))
        else:
            self.notify("no network takes part in this comparison: labels alone")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return False if action == "filter" else super().check_action(action, parameters)
