"""The page Artifact: info, schema and lineage of any artifact."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Tree

from data_contracts.catalog import contracts
from data_contracts.errors import CxrError, concerns_content
from jobs._facts import Schema, schema_of
from jobs._registry import find_jobs
from tui import clock
from tui.artifact.info import ArtifactInfo, Verdict
from tui.artifact.lineage import TAB_KEYS, Lineage, Relative
from tui.artifact.schema_table import SchemaTable
from tui.artifact.tabs import ArtifactTabs
from tui.shared.filter_bar import FilterBar
from tui.shared.messages import ErrorMet, OpenArtifact, OpenLaunch
from tui.shared.page import Page
from tui.shared.pipeline import ARTIFACT_COLUMNS, artifact_row, writer_of
from tui.shared.placeholder import Placeholder
from tui.shared.reading import Reading
from tui.shared.rows import Rows
from tui.workspace.next_step import step_again
from tui.workspace.snapshot import Artifact, Identity, Snapshot

READING = "reading …"
#: Seconds for which the cursor must rest on an artifact before its file is read.
_REST = 0.15
_NOTHING = """[b]No artifacts yet.[/]

See Overview ([b $text-accent]1[/]) for what to run first."""


class ArtifactPage(Page):
    """All artifacts, and header, schema and lineage of the one under the cursor."""

    NAME: ClassVar[str] = "artifact"
    HELP: ClassVar[str] = """\
All artifacts of the workspace. The selected one is shown beside the list, in three tabs: info,
schema and lineage. Verify reads the whole file and recomputes its digest. In the lineage, Enter
opens an artifact and Space folds a branch. The Tab key moves between the list and the tabs."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    DEFAULT_CSS = """
    ArtifactPage {
        #both { layout: vertical; }
        Rows { height: 7; padding: 0 1; }
        &.-wide #both { layout: horizontal; }
        &.-wide Rows {
            height: 1fr; width: 44%; min-width: 62; border-right: vkey $panel; padding: 0;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "verify", "Verify", id="artifact.verify"),
        Binding("n", "launch", "Re-run job", id="artifact.launch"),
        Binding("y", "copy('path')", "Copy path", id="artifact.copy-path"),
        Binding("Y", "copy('digest')", "Copy digest", show=False, id="artifact.copy-digest"),
        *TAB_KEYS,
    ]

    def __init__(self) -> None:
        super().__init__()
        self._specs = find_jobs()
        self._place = ""
        self._shown: Artifact | None = None
        self._schema: Schema | None = None
        self._verdicts: dict[Identity, Verdict] = {}
        self._verifying = Reading(self, "verify", self._take_verdict)
        self._reading = Reading(self, "schema", self._take_schema, self._without_schema)
        self._resting: Timer | None = None

    def content(self) -> Iterator[Widget]:
        yield Placeholder("reading the workspace …")
        with Container(id="both"):
            yield Rows(*ARTIFACT_COLUMNS)
            yield ArtifactTabs()

    def open(self, place: str) -> None:
        """Show the artifact at `place`, or that there is none."""
        self.query_one(FilterBar).action_leave()
        self.query_one(Rows).filter("")
        self.query_one(Rows).focus()
        self._place = place
        if self.snapshot is not None:
            self.show(self.snapshot)

    def show(self, snapshot: Snapshot) -> None:
        self.show_placeholder("" if snapshot.artifacts else _NOTHING)
        artifacts = sorted(snapshot.artifacts.values(), key=lambda a: a.place)
        rows = self.query_one(Rows)
        rows.set_rows([artifact_row(a) for a in artifacts])
        if artifacts:
            self._choose(self._place or artifacts[0].place)
            rows.go_to(self._place)

    def on_rows_highlighted(self, message: Rows.Highlighted) -> None:
        if message.key and message.key != self._place:
            self._choose(message.key)

    def on_rows_chosen(self) -> None:
        self.focus_next("ContentSwitcher > *")

    def _choose(self, place: str) -> None:
        snapshot = self.snapshot
        assert snapshot is not None
        before, self._place = self._shown, place
        self._shown = artifact = snapshot.artifacts.get(place)
        if (before is None) != (artifact is None):
            self.refresh_bindings()
        if artifact is None:
            self.query_one(ArtifactInfo).show_missing(place, writer_of(place, self._specs))
            self.query_one(SchemaTable).update_status("no such file")
            self.query_one(Lineage).forget()
            self._reading.forget()
            return
        if before is None or before.identity != artifact.identity:
            self._schema = None
            self._reading.forget()
            status = READING if is_readable(artifact) else artifact.reason
            self.query_one(SchemaTable).update_status(status)
        self._show_info()
        self.query_one(Lineage).show(artifact, snapshot.artifacts)
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(_REST, self._look_closer)

    def _look_closer(self) -> None:
        """Draw and read what takes time, of the artifact on which the cursor rests."""
        self.query_one(Lineage).draw()
        if (artifact := self._shown) is not None and is_readable(artifact):
            contract, path = contracts()[artifact.contract], self.dashboard.workspace / self._place
            self._reading.want(artifact.identity, partial(schema_of, contract, path))

    def _take_schema(self, schema: Schema) -> None:
        self._schema = schema
        self.query_one(SchemaTable).show(schema)
        self._show_info()

    def _without_schema(self, error: CxrError) -> None:
        # What has been removed since is no damage; the next snapshot shows it.
        if self._shown is not None and self._path.exists():
            self.query_one(SchemaTable).update_status(str(error))
            if concerns_content(error):
                self._verdicts[self._shown.identity] = Verdict(str(error), clock.now())
            self.post_message(ErrorMet(self._place, str(error)))
            self._show_info()

    def _show_info(self) -> None:
        if (artifact := self._shown) is not None:
            path, verdict = self._path, self._verdicts.get(artifact.identity)
            job = writer_of(artifact.place, self._specs)
            self.query_one(ArtifactInfo).show(artifact, path, job, self._schema, verdict)

    @property
    def _path(self) -> Path:
        return self.dashboard.workspace.absolute() / self._place

    def action_verify(self) -> None:
        if self._shown is not None:
            self.notify(f"verifying {self._place}", title="verify", timeout=2, markup=False)
            self._verifying.do(partial(self._verify, self._shown))

    def _verify(self, artifact: Artifact) -> tuple[Artifact, Verdict]:
        from data_contracts.store import verify

        fault = ""
        try:
            verify(self.dashboard.workspace / artifact.place)
        except CxrError as error:
            if not concerns_content(error):
                # It may be whole: there is no verdict.
                raise
            fault = str(error)
        return artifact, Verdict(fault, clock.now())

    def _take_verdict(self, verified: tuple[Artifact, Verdict]) -> None:
        artifact, verdict = verified
        self._verdicts[artifact.identity] = verdict
        if verdict.fault:
            self.post_message(ErrorMet("verify", verdict.fault))
            self.dashboard.mark_damaged(artifact, verdict.fault)
        self._show_info()

    def on_tree_node_selected(self, message: Tree.NodeSelected[Relative]) -> None:
        data = message.node.data
        snapshot = self.snapshot
        if data is None or not data.sign or not data.place or snapshot is None:
            return
        if data.place in snapshot.artifacts:
            self.post_message(OpenArtifact(data.place))
        else:
            job = writer_of(data.place, self._specs)
            self.notify(f"{data.place} is missing; `cxr {job}` creates it", markup=False)

    def check_action(self, action: str, _: tuple[object, ...]) -> bool | None:
        if action in ("verify", "copy"):
            return self._shown is not None
        if action == "launch":
            return self._shown is not None and self.writable
        return True

    def action_launch(self) -> None:
        snapshot = self.snapshot
        if snapshot is None or self._shown is None:
            return
        if step := step_again(self._shown, snapshot, self._specs):
            self.post_message(OpenLaunch(step.job, step.settings))

    def action_copy(self, what: str) -> None:
        header = self._shown.header if self._shown else None
        text = str(self._path) if what == "path" else header.digest if header else ""
        if text:
            self.app.copy_to_clipboard(text)
            self.notify(f"{what} copied", timeout=2)

    def action_turn(self, step: int) -> None:
        """Show the tab before or after."""
        self.query_one(ArtifactTabs).turn(step)

    def action_tab(self, name: str) -> None:
        """Show a tab by its name."""
        self.query_one(ArtifactTabs).open_tab(name)


def is_readable(artifact: Artifact) -> bool:
    """Whether its file can be looked into now."""
    return artifact.header is not None and artifact.state != "writing"
