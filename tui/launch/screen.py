"""The launch screen: a job, its settings, the equal commands, and the runs that it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from data_contracts.cohort import COHORT, tasks_of
from data_contracts.errors import CxrError
from jobs._registry import Spec
from tui.launch.command_box import CommandBox
from tui.launch.form import entries_of, raw_of, used_entries
from tui.launch.form_field import FormField
from tui.launch.launch_form import LaunchForm
from tui.launch.request import LaunchRequest, read_form
from tui.launch.submission import Commands, equivalent_commands, launch
from tui.shared.dashboard import DashboardApp
from tui.shared.key_footer import KeyFooter
from tui.shared.launchable import launchable
from tui.shared.messages import ErrorMet
from tui.shared.reading import Reading
from tui.shared.rows import Rows
from tui.shared.table import Column, Row


class LaunchScreen(ModalScreen[bool]):
    """Chooses a job unless one is named, and launches it; closes with whether it did.

    `settings`: what the fields begin with, as a run record keeps it. What is entered is kept for
    the next time.
    """

    DEFAULT_CSS = """
    LaunchScreen { background: $background; }
    #title, #foot { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    LaunchScreen #title { padding: 0 1; background: $panel; }
    LaunchScreen #help { height: 2; padding: 0 1; color: $foreground 75%; background: $surface; }
    LaunchScreen #state {
        width: 1fr; padding: 0 1; color: $text-warning; text-wrap: nowrap; text-overflow: ellipsis;
    }
    LaunchScreen.-wide #help { display: none; }
    LaunchScreen.choosing #help { display: block; }
    LaunchScreen.-wide FormField { grid-size: 3; grid-columns: 16 46 1fr; }
    LaunchScreen.-wide FormField .hint { display: block; column-span: 1; padding: 0 0 0 1; }
    LaunchScreen.-tall CommandBox VerticalScroll { max-height: 8; }
    LaunchScreen Rows, LaunchScreen.choosing .form { display: none; }
    LaunchScreen.choosing Rows { display: block; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (36, "-tall")]  # noqa: RUF012
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+l", "launch", "Launch", id="launch.go"),
        Binding("ctrl+g", "launch(True)", "One at a time", id="launch.one-at-a-time"),
        Binding("ctrl+y", "copy('shell')", "Copy shell", id="launch.copy-shell"),
        Binding("ctrl+r", "copy('docker')", "Copy docker", id="launch.copy-docker"),
        Binding("ctrl+o", "choose", "Other job", id="launch.other"),
        Binding("escape", "dismiss(False)", "Cancel", id="launch.leave"),
        # Before the field has them, so that what follows in one burst goes to the next field.
        Binding("up,shift+tab", "go(-1)", "Previous field", False, priority=True, id="launch.up"),
        Binding("down,tab", "go(1)", "Next field", show=False, priority=True, id="launch.down"),
    ]

    def __init__(self, job: str | None, settings: Mapping[str, Any]) -> None:
        super().__init__()
        self._specs = launchable()
        self._job, self._settings, self._lacking = job, settings, ""
        self._request: LaunchRequest | None = None
        self._cohort = Reading(self, "cohort", self._fill, self._without_tasks)
        self._plan = Reading(self, "plan", self._take_commands)

    @property
    def dashboard(self) -> DashboardApp:
        return cast("DashboardApp", self.app)

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        rows = Rows(Column("job", 14), Column("what it does"))
        rows.set_rows([Row(s.name, (s.name, s.help)) for s in self._specs.values()])
        yield rows
        yield LaunchForm(classes="form")
        yield Static(id="help", markup=False)
        with Horizontal(id="foot", classes="form"):
            yield Button("Launch", variant="primary", compact=True, disabled=True)
            yield Button("One at a time", id="queue", compact=True)
            yield Static(id="state", markup=False)
        yield CommandBox("shell", classes="form")
        yield CommandBox("docker", classes="form")
        yield KeyFooter()

    def on_mount(self) -> None:
        if self._job in self._specs:
            self._open(self._specs[self._job])
        else:
            self.action_choose()

    def action_choose(self) -> None:
        """Choose another job."""
        self.add_class("choosing")
        self.refresh_bindings()
        self.query_one("#title", Static).update("[b]Launch[/b]  choose a job")
        self.query_one(Rows).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # What is done with a form needs one.
        formed = self._request is not None and not self.has_class("choosing")
        if action == "launch" and parameters and self._request:
            return formed and self._request.may_queue
        return formed or action not in ("launch", "copy", "choose", "go")

    def on_rows_highlighted(self, event: Rows.Highlighted) -> None:
        self.query_one("#help", Static).update(self._specs[event.key].help, layout=False)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self._settings = {}
        self._open(self._specs[event.key])

    def _open(self, spec: Spec) -> None:
        self.query_one(Rows).go_to(spec.name)
        self.query_one("#title", Static).update(f"[b]Launch {spec.name}[/b]  {spec.help}")
        self._opening = spec
        self._cohort.want(spec, partial(self._tasks, spec), again=True)

    def _tasks(self, spec: Spec) -> Sequence[str] | None:
        """The tasks to choose from; None without a cohort to list them."""
        from data_contracts.store import read_table

        path = COHORT.path(self.dashboard.workspace)
        if "task" not in spec.config.model_fields or not path.exists():
            return None
        return tasks_of(read_table(COHORT, path).frame.columns)

    async def _without_tasks(self, error: CxrError) -> None:
        self.post_message(ErrorMet("cohort", str(error)))
        await self._fill(None)

    async def _fill(self, tasks: Sequence[str] | None) -> None:
        spec = self._opening
        self._job = spec.name
        own = entries_of(spec, tasks, self._models())
        kept, self._lacking = raw_of(own, self._settings)
        raw = kept if self._settings else self.dashboard.drafts.get(spec.name, {})
        self.remove_class("choosing")
        await self.query_one(LaunchForm).fill(spec, own, raw)
        self._check()
        self.refresh_bindings()

    def _models(self) -> set[tuple[str, str]]:
        snapshot = self.dashboard.snapshot
        models = snapshot.of("model") if snapshot else []
        return {(a.keys["task"], a.keys["name"]) for a in models}

    def on_form_field_changed(self) -> None:
        self.dashboard.drafts[str(self._job)] = dict(self.query_one(LaunchForm).raw)
        self._check()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        field = next((a for a in event.widget.ancestors if isinstance(a, FormField)), None)
        job = event.widget.current if isinstance(event.widget, Rows) else None
        text = field.entry.help if field else job.cells[1] if job else ""
        self.query_one("#help", Static).update(text, layout=False)

    def _check(self) -> LaunchRequest:
        """Let the models judge what is entered; the commands follow."""
        form, spec = self.query_one(LaunchForm), self._specs[str(self._job)]
        request = read_form(spec, form.entries, form.raw, self.dashboard.workspace, self._models())
        self._request = request
        self._show(request, Commands())
        if request.faults:
            self._plan.forget()
        else:
            self._plan.want(request, partial(self._commands, request), again=True)
        return request

    def _commands(self, request: LaunchRequest) -> tuple[LaunchRequest, Commands]:
        snapshot = self.dashboard.snapshot
        return request, equivalent_commands(request, snapshot.runs if snapshot else ())

    def _take_commands(self, planned: tuple[LaunchRequest, Commands]) -> None:
        self._show(*planned)
        self.query_one("#shell", CommandBox).show(planned[1].shell)
        self.query_one("#docker", CommandBox).show(planned[1].docker)

    def _show(self, request: LaunchRequest, planned: Commands) -> None:
        form = self.query_one(LaunchForm)
        used = used_entries(request.spec, form.raw)
        form.update_status(used, request.faults, {**planned.notes, **request.notes})
        if request.faults:
            for box in self.query(CommandBox):
                box.show(())
        runs = len(request.configs)
        button, queue = self.query(Button)
        button.label = "Launch" if request.faults else f"Launch {runs} run{'s' * (runs != 1)}"
        button.disabled = bool(request.faults or planned.fault) or self._read_only
        queue.display, queue.disabled = request.may_queue, button.disabled
        self.refresh_bindings()
        self.query_one("#state", Static).update(self._state(request, planned), layout=False)

    @property
    def _read_only(self) -> bool:
        snapshot = self.dashboard.snapshot
        return snapshot is not None and not snapshot.writable

    def _state(self, request: LaunchRequest, planned: Commands) -> str:
        """Why it cannot be launched, or what should be known first."""
        if self._read_only:
            return "read-only workspace: launching disabled; copy a command instead"
        if request.faults:
            return self.query_one(LaunchForm).faults_text(request.faults)
        if planned.fault:
            return planned.fault
        lacking = f"ignored, not in this version: {self._lacking}" if self._lacking else ""
        return lacking or planned.time

    def action_copy(self, kind: Literal["shell", "docker"]) -> None:
        if lines := self.query_one(f"#{kind}", CommandBox).lines:
            self.app.copy_to_clipboard("\n".join(lines))
            self.notify(f"copied {len(lines)} command{'s' * (len(lines) != 1)}", timeout=2)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.action_launch(event.button.id == "queue")

    def action_go(self, step: int) -> None:
        (self.focus_next if step > 0 else self.focus_previous)()

    def action_launch(self, one_at_a_time: bool = False) -> None:
        """Start the runs, unless something is wrong; the page below shows what becomes of them."""
        # Keys that were pressed before this one may still be on their way.
        self.call_after_refresh(self._launch, one_at_a_time)

    def _launch(self, one_at_a_time: bool) -> None:
        self.query_one(LaunchForm).touch()
        request, app = self._check(), self.dashboard
        if self.query_one(Button).disabled or not self.is_current:
            return
        if one_at_a_time:
            request = request.one_at_a_time()
        start = partial(launch, request, app.post_message, app.refresh_workspace)
        # The app's worker, since this screen is gone before the last run has been started.
        app.run_worker(start, thread=True, group="launch", name="launch")
        self.dismiss(True)
