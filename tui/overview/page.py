"""The page Overview: the pipeline with the state of all it makes, and the newest runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from data_contracts.errors import CxrError
from data_contracts.header import Header
from jobs._registry import find_jobs
from tui.overview.chooser import Chooser
from tui.overview.pipeline_graph import PipelineGraph
from tui.overview.run_list import RunList
from tui.overview.texts import about, answer, next_step_text, welcome
from tui.shared.messages import ErrorMet, OpenArtifact, OpenLaunch, OpenRun
from tui.shared.page import Page
from tui.shared.pipeline import SIGNS, groups_of
from tui.shared.placeholder import Placeholder
from tui.shared.reading import Reading
from tui.shared.rows import Rows
from tui.shared.sanitize import escape_markup
from tui.workspace.next_step import NextStep, next_step
from tui.workspace.snapshot import Snapshot

_LEGEND = "   ".join(f"{sign} {state}" for state, (sign, _) in SIGNS.items())


class OverviewPage(Page):
    """The pipeline as a graph, the newest runs, and what to do next."""

    NAME: ClassVar[str] = "overview"
    HELP: ClassVar[str] = f"""\
The first lines sum up the verdicts of the analysis, once aggregate has written them.

The jobs in pipeline order, each with the artifacts it writes: how many there are, their total size
and their state. Jobs that read the selected artifacts are highlighted.

{_LEGEND}

Stale: an input has changed since. Below are the newest runs; the Tab key moves there."""
    AUTO_FOCUS = "PipelineGraph"
    DEFAULT_CSS = """
    OverviewPage {
        #about, #next {
            height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; text-overflow: ellipsis;
        }
        #about { background: $surface; }
        #answer { height: auto; padding: 0 1; background: $surface; text-style: bold; }
        RunList { min-height: 3; padding: 0 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "launch", "Launch next", id="overview.launch"),
        Binding("d", "demo", "Start the demo", id="overview.demo"),
        Binding("tab", "app.focus_next", "Graph or runs", show=False, id="overview.other"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._specs = find_jobs()
        self._next: NextStep | None = None
        self._tasks: Sequence[str] = ()
        """Those that the cohort can label."""
        self._reading = Reading(self, "cohort", self._take_tasks)
        self._starting = Reading(self, "demo", self._demo_started, self._without_demo)
        self._missing: Path | None = None
        """The workspace's folder, if there was none at the start: its name may be mistyped."""
        self._demo = ""
        """The demonstration's run while it is not known how it ended."""

    def content(self) -> Iterator[Widget]:
        yield Placeholder("reading the workspace …")
        yield Static(id="answer")
        yield PipelineGraph(self._specs)
        yield Static(id="about")
        yield RunList()
        yield Static(id="next")

    def on_mount(self) -> None:
        folder = self.dashboard.workspace
        self._missing = None if folder.exists() else folder
        self.add_class("empty")
        # Ages grow even if nothing changes.
        self.set_interval(30, self._show_runs)

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """Share the height among the verdicts' sentence, the graph and the newest runs."""
        width, height = self.size
        snapshot, sentence = self.snapshot, self.query_one("#answer", Static)
        lines = answer(snapshot, width - 2) if snapshot is not None else []
        sentence.display = bool(lines)
        sentence.update("\n".join(map(escape_markup, lines)))
        graph = self.query_one(PipelineGraph)
        # The lines around the graph, and a few runs.
        rest = height - len(lines) - 4
        graph.layout_for(width, rest - 6)
        graph.styles.max_height = max(3, rest - 3)

    def show(self, snapshot: Snapshot) -> None:
        self.show_placeholder(welcome(snapshot, self._missing) if snapshot.is_empty else "")
        self._lay_out()
        self.query_one(PipelineGraph).show(groups_of(snapshot, self._specs))
        self._show_runs()
        self._read_new_cohort(snapshot)
        self._show_next(snapshot)
        self._follow_demo(snapshot)
        if snapshot.is_empty:
            self.set_focus(None)
        elif self.focused is None:
            self.query_one(PipelineGraph).focus()
        self.refresh_bindings()

    def _show_runs(self) -> None:
        if (snapshot := self.snapshot) is not None:
            self.query_one(RunList).show(snapshot)

    def _read_new_cohort(self, snapshot: Snapshot) -> None:
        headers = [a.header for a in snapshot.of("cohort") if a.header]
        if self._reading.want(headers[0].digest if headers else "", partial(self._read, headers)):
            self._tasks = ()

    def _read(self, headers: Sequence[Header]) -> list[str]:
        from data_contracts.cohort import COHORT, tasks_of
        from data_contracts.store import read_table
        from jobs._pipeline.config import PipelineConfig

        if not headers:
            return []
        frame = read_table(COHORT, COHORT.path(self.dashboard.workspace)).frame
        usual = PipelineConfig().tasks.split(",")
        return [t for t in usual if t in tasks_of(frame.columns)]

    def _take_tasks(self, tasks: Sequence[str]) -> None:
        self._tasks = tasks
        if (snapshot := self.snapshot) is not None:
            self._show_next(snapshot)

    def _show_next(self, snapshot: Snapshot) -> None:
        running = [r.job for r in snapshot.runs if r.state == "running"]
        # A pipeline makes by itself what is due.
        due = None if "run" in running else next_step(snapshot, self._specs, self._tasks)
        self._next = due
        text = next_step_text(running, due, snapshot.writable, len(snapshot.failures))
        self.query_one("#next", Static).update(text)
        self.refresh_bindings()

    def on_pipeline_graph_highlighted(self, message: PipelineGraph.Highlighted) -> None:
        self.query_one("#about", Static).update(about(message.group), layout=False)

    async def on_pipeline_graph_chosen(self, message: PipelineGraph.Chosen) -> None:
        group = message.group
        if len(group.artifacts) == 1:
            self.post_message(OpenArtifact(group.artifacts[0].place))
        elif group.artifacts:
            title = f"{len(group.artifacts):,} {group.contract.name}: {group.contract.description}"
            chooser = Chooser(title, group.artifacts)
            await self.app.push_screen(chooser, self._open)
        else:
            self.notify(f"no {group.contract.name} yet: `cxr {group.job}` creates it", timeout=3)

    def _open(self, place: str | None) -> None:
        if place:
            self.post_message(OpenArtifact(place))

    def on_rows_chosen(self, message: Rows.Chosen) -> None:
        self.post_message(OpenRun(message.key))

    def check_action(self, action: str, _: tuple[object, ...]) -> bool | None:
        snapshot = self.snapshot
        if action == "demo":
            empty = snapshot is not None and snapshot.is_empty and snapshot.writable
            return empty and not self._demo
        if action == "launch":
            return snapshot is not None and snapshot.writable and self._next is not None
        return True

    def action_launch(self) -> None:
        if self._next is not None:
            self.post_message(OpenLaunch(self._next.job, self._next.settings))

    def action_demo(self) -> None:
        self._demo = "starting"
        self.refresh_bindings()
        self._starting.do(self._start_demo)

    def _start_demo(self) -> str:
        from tui.overview.demo import start_demo

        return start_demo(self.dashboard.workspace)

    def _demo_started(self, run_id: str) -> None:
        self._demo = run_id
        self.dashboard.refresh_workspace()
        self.refresh_bindings()

    def _without_demo(self, error: CxrError) -> None:
        self.post_message(ErrorMet("demo", str(error)))
        self._demo_started("")

    def _follow_demo(self, snapshot: Snapshot) -> None:
        """Report a demonstration that failed, such as beside another one."""
        record = snapshot.run(self._demo) if self._demo else None
        if record is not None and record.state not in ("submitted", "running"):
            self._demo = ""
            if record.state != "succeeded":
                self.post_message(ErrorMet("demo", record.message or f"the run is {record.state}"))
