"""The launch screen by keys and mouse: every job's form, its faults, its commands, its runs."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from dashboards import opened, settled, write_workspace
from textual import events
from textual.binding import Binding
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from data_contracts.cohort import COHORT
from data_contracts.errors import UsageError
from jobs import _engines
from jobs._engines._request import JobRequest
from jobs._registry import Spec, find_jobs
from tui.app import Dashboard
from tui.keys import action_names
from tui.launch.choices import Choices
from tui.launch.command_box import CommandBox
from tui.launch.form_field import FormField
from tui.launch.launch_form import LaunchForm
from tui.launch.screen import LaunchScreen

JOBS = find_jobs()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All artifacts of a finished analysis; its cohort has the tasks mortality and gender."""
    folder = tmp_path_factory.mktemp("launch") / "workspace"
    write_workspace(folder, ("mortality", "gender"), ("main", "seed1"))
    return folder


async def done(pilot: Pilot[None]) -> None:
    """Wait until the form is there and its commands are shown."""
    await settled(pilot)


@asynccontextmanager
async def form(
    workspace: Path,
    job: str | None,
    settings: Mapping[str, Any] | None = None,
    size: tuple[int, int] = (100, 40),
) -> AsyncIterator[Pilot[None]]:
    """The dashboard with the launch screen open."""
    async with opened(workspace, size, page="jobs") as pilot:
        await pilot.app.push_screen(LaunchScreen(job, settings or {}))
        await done(pilot)
        yield pilot


async def enter(pilot: Pilot[None], field: str, text: str) -> None:
    """Go to a field and paste a text at its end."""
    pilot.app.screen.query_one(f"#field-{field}", FormField).focus_control()
    await pilot.pause()
    pilot.app.post_message(events.Paste(text))
    await done(pilot)


def hint(pilot: Pilot[None], field: str) -> str:
    """What stands under a field."""
    found = pilot.app.screen.query_one(f"#field-{field} .hint", Static)
    return str(found.render()) if found.display else ""


def state(pilot: Pilot[None]) -> str:
    return str(pilot.app.screen.query_one("#state", Static).render())


def button(pilot: Pilot[None]) -> Button:
    return pilot.app.screen.query_one(Button)


def shown(pilot: Pilot[None], kind: str = "shell") -> tuple[str, ...]:
    return pilot.app.screen.query_one(f"#{kind}", CommandBox).lines


async def test_every_jobs_form_opens_with_all_its_fields(workspace: Path) -> None:
    async with opened(workspace, (80, 24), page="jobs") as pilot:
        for spec in JOBS.values():
            await pilot.app.push_screen(LaunchScreen(spec.name, {}))
            await done(pilot)
            await check_fields(pilot, spec)
            await pilot.press("escape")


async def check_fields(pilot: Pilot[None], spec: Spec) -> None:
    """Every setting of a job has a field, to which the keys go."""
    fields = [f for f in pilot.app.screen.query(FormField) if f.display]
    own = set(spec.config.model_fields) - {"workspace", "debug", "inspect"}
    assert {f.entry.name for f in fields} == own | {"engine", "gpus", "one_at_a_time"}
    fields[0].focus_control()
    await pilot.pause()
    focused = [pilot.app.focused]

    def note(control: Widget | None) -> None:
        focused.append(control)

    pilot.app.watch(pilot.app.screen, "focused", note, init=False)
    for _ in fields[1:]:
        pilot.app.post_message(events.Key("down", None))
    await done(pilot)
    assert all(isinstance(control, Input | Choices) for control in focused)
    assert [control.parent for control in focused if control] == fields
    assert [f for f in fields if f.has_class("here")] == fields[-1:]


async def test_arrows_and_tab_move_between_fields_and_keep_them_in_sight(workspace: Path) -> None:
    async with form(workspace, "train-task", size=(80, 24)) as pilot:
        seen = []
        for key in ("down", "tab", "down", "up", "shift+tab"):
            await pilot.press(key)
            assert pilot.app.focused is not None
            seen.append(next(a.id for a in pilot.app.focused.ancestors if isinstance(a, FormField)))
        names = ["name", "architecture", "weights", "architecture", "name"]
        assert seen == [f"field-{name}" for name in names]
        last = pilot.app.screen.query_one("#field-one_at_a_time", FormField)
        last.focus_control()
        while not pilot.app.screen.query_one(LaunchForm).region.contains_region(last.region):
            await pilot.pause(0.02)


async def test_a_wrong_value_says_why_and_cannot_be_launched(
    workspace: Path, submitted: list[JobRequest]
) -> None:
    async with form(workspace, "synthesize") as pilot:
        assert not button(pilot).disabled
        await enter(pilot, "subjects", "3")
        assert hint(pilot, "subjects") == "must be greater than or equal to 4"
        await enter(pilot, "size", "big")
        assert state(pilot) == "fix: subjects, size"
        assert button(pilot).disabled
        assert shown(pilot) == shown(pilot, "docker") == ()
        await pilot.press("ctrl+l")
        await done(pilot)
        assert isinstance(pilot.app.screen, LaunchScreen)
        assert submitted == []
        await pilot.press(*["backspace"] * 3)
        await enter(pilot, "subjects", "0")
        assert hint(pilot, "subjects") == ""
        assert str(button(pilot).label) == "Launch 1 run"
        assert not button(pilot).disabled


async def test_two_tasks_and_two_seeds_are_four_runs(
    workspace: Path, submitted: list[JobRequest]
) -> None:
    async with form(workspace, "train-task") as pilot:
        assert (hint(pilot, "task"), state(pilot)) == ("", "required: task")
        await pilot.press("ctrl+l")
        await done(pilot)
        assert (hint(pilot, "task"), state(pilot)) == ("required", "fix: task")
        await pilot.press("space", "right", "space")
        await enter(pilot, "seed", "0-1")
        assert str(button(pilot).label) == "Launch 4 runs"
        assert len(shown(pilot)) == 4
        await pilot.press("ctrl+l")
        await done(pilot)
        assert not isinstance(pilot.app.screen, LaunchScreen)
        found = [tuple(o.settings[n] for n in ("task", "name", "seed")) for o in submitted]
        assert found == [("mortality", "main", 0), ("mortality", "seed1", 1),
                         ("gender", "main", 0), ("gender", "seed1", 1)]  # fmt: skip
        assert {o.workspace for o in submitted} == {workspace}
        assert submitted[0].flags == {"task": "mortality"}


@pytest.mark.parametrize("by", ["ctrl+g", "#queue"])
async def test_several_runs_are_launched_one_at_a_time(
    workspace: Path, submitted: list[JobRequest], by: str
) -> None:
    async with form(workspace, "train-task") as pilot:
        await pilot.press("space", "ctrl+g")
        await done(pilot)
        assert submitted == [], "a single run has no queue"
        assert not pilot.app.screen.query_one("#queue").display
        await pilot.press("right", "space")
        await done(pilot)
        await (pilot.click(by) if by.startswith("#") else pilot.press(by))
        await done(pilot)
        assert len(submitted) == 2
        assert all("one_at_a_time" in o.options.model_fields_set for o in submitted)


async def test_keys_that_come_in_one_burst_go_where_they_were_meant(
    workspace: Path, submitted: list[JobRequest]
) -> None:
    async with form(workspace, "synthesize") as pilot:
        # As a slow line delivers them: nothing waits for the key before.
        for key in [
            "down",
            "4",
            "2",
            "down",
            "6",
            "4",
            "tab",
            "9",
            "down",
            "1",
            "ctrl+l",
            "ctrl+l",
        ]:
            pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await done(pilot)
        assert [o.flags for o in submitted] == [
            {"subjects": 42, "size": 64, "seed": 9, "workers": 1}
        ]


async def test_names_complete_what_is_typed_and_others_are_refused(workspace: Path) -> None:
    async with form(workspace, "train-task") as pilot:
        await enter(pilot, "architecture", "densnet121")
        assert "did you mean densenet121" in hint(pilot, "architecture")
        assert button(pilot).disabled
        await pilot.press("ctrl+u", *"densenet20")
        await done(pilot)
        await pilot.press("right")
        await done(pilot)
        assert hint(pilot, "architecture") == ""
        field = pilot.app.screen.query_one("#field-architecture", FormField)
        assert field.value == "densenet201"


async def test_what_one_run_fails_of_keeps_no_other(
    workspace: Path, submitted: list[JobRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = _engines.submit

    def refusing(order: JobRequest) -> tuple[str, ...]:
        if order.settings["task"] == "mortality":
            raise UsageError("no room [here]")
        return submit(order)

    monkeypatch.setattr(_engines, "submit", refusing)
    async with form(workspace, "train-task") as pilot:
        await pilot.press("space", "right", "space", "ctrl+l")
        await done(pilot)
        assert isinstance(pilot.app, Dashboard)
        (error,) = pilot.app.errors
        assert "launch train-task mortality main" in error
        assert [o.settings["task"] for o in submitted] == ["gender"]


async def test_keys_launch_a_real_job_that_goes_on_alone(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    async with form(tmp_path / "workspace", None) as pilot:
        await pilot.press("enter")
        await done(pilot)
        for field, value in (("subjects", "4"), ("size", "32"), ("workers", "1")):
            await enter(pilot, field, value)
        await pilot.press("ctrl+l")
        app = pilot.app
        assert isinstance(app, Dashboard)
        while not (app.snapshot and app.snapshot.runs and app.snapshot.runs[0].ended):
            await pilot.pause(0.05)
        (record,) = app.snapshot.runs
        assert (record.job, record.state, record.engine) == ("synthesize", "succeeded", "process")
        assert {record.config[n] for n in ("subjects", "size", "workers")} == {4, 32, 1}
        assert app.errors == []


async def test_commands_are_copied_whole(workspace: Path) -> None:
    async with form(workspace, "train-task", size=(80, 24)) as pilot:
        await pilot.press("ctrl+y")
        assert pilot.app.clipboard == ""
        await pilot.press("space", "right", "space")
        await done(pilot)
        await pilot.press("ctrl+y")
        lines = pilot.app.clipboard.splitlines()
        assert [shlex.split(line)[-1] for line in lines] == ["--task=mortality", "--task=gender"]
        assert lines[0].startswith("cxr submit train-task --workspace=")
        await pilot.press("ctrl+r")
        lines = pilot.app.clipboard.splitlines()
        assert [line.split()[:2] for line in lines] == [["docker", "run"]] * 2
        # They stay in sight, whatever the form holds.
        for box in pilot.app.screen.query(CommandBox):
            assert 1 <= box.region.height <= 3
            assert pilot.app.screen.region.contains_region(box.region)


async def test_an_engine_brings_its_own_fields(workspace: Path) -> None:
    async with form(workspace, "preprocess", {"root": "/images"}) as pilot:
        assert hint(pilot, "root") == "does not exist on this host"
        partition = pilot.app.screen.query_one("#field-partition")
        assert not partition.display
        assert not partition.children, "made when it is asked for"
        pilot.app.screen.query_one("#field-engine", FormField).focus_control()
        await pilot.press("right", "right")
        await done(pilot)
        assert partition.display
        await enter(pilot, "partition", "gpu")
        assert shown(pilot)[0].endswith("--root=/images --engine=slurm --partition=gpu")
        await enter(pilot, "shard", "1/2")
        await enter(pilot, "shards", "2")
        assert "or --shard was given as well" in state(pilot)
        assert button(pilot).disabled


async def test_a_read_only_workspace_cannot_be_launched_in(
    workspace: Path, submitted: list[JobRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.workspace.scan._writable", lambda _: False)
    async with form(workspace, "aggregate") as pilot:
        assert "read-only" in state(pilot)
        assert button(pilot).disabled
        await pilot.press("ctrl+l")
        await done(pilot)
        assert isinstance(pilot.app.screen, LaunchScreen)
        assert submitted == []
        await pilot.press("ctrl+y")
        assert "cxr submit aggregate" in pilot.app.clipboard


async def test_what_was_entered_is_there_the_next_time(workspace: Path) -> None:
    async with form(workspace, "train-task") as pilot:
        await pilot.press("space")
        await enter(pilot, "epochs", "7")
        before = shown(pilot)
        await pilot.press("escape")
        await pilot.app.push_screen(LaunchScreen("train-task", {}))
        await done(pilot)
        assert shown(pilot) == before
        assert "--epochs=7" in before[0]
        # Preferences of a run come before what was entered.
        await pilot.press("escape")
        await pilot.app.push_screen(LaunchScreen("train-task", {"task": "gender", "epochs": 3}))
        await done(pilot)
        assert shown(pilot)[0].endswith("--epochs=3 --task=gender")


async def test_a_clone_of_an_older_run_names_what_is_no_longer(workspace: Path) -> None:
    settings = {"task": "smoking", "name": "seed2", "seed": 2, "epochs": 10, "colour": "red",
                "workspace": "/elsewhere", "debug": False, "augment": False}  # fmt: skip
    async with form(workspace, "train-task", settings) as pilot:
        assert "colour" in state(pilot)
        (line,) = shown(pilot)
        flags = "--no-augment --name=seed2 --seed=2 --task=smoking"
        assert line == f"cxr submit train-task {shlex.quote(f'--workspace={workspace}')} {flags}"


async def test_a_key_before_the_form_does_nothing_and_then_the_button_launches(
    workspace: Path, submitted: list[JobRequest]
) -> None:
    async with opened(workspace) as pilot:
        pilot.app.push_screen(LaunchScreen("aggregate", {}))
        for key in ("ctrl+l", "ctrl+y", "down"):
            pilot.app.post_message(events.Key(key, None))
        await done(pilot)
        assert isinstance(pilot.app.screen, LaunchScreen)
        assert submitted == []
        await pilot.click(Button)
        await done(pilot)
        assert [o.job for o in submitted] == ["aggregate"]


async def test_a_job_is_chosen_from_all_and_another_one_after(workspace: Path) -> None:
    async with form(workspace, None) as pilot:
        title = pilot.app.screen.query_one("#title", Static)
        await pilot.press("down", "enter")
        await done(pilot)
        assert list(JOBS)[1] in str(title.render())
        await pilot.press("ctrl+o", "down", "enter")
        await done(pilot)
        assert list(JOBS)[2] in str(title.render())


async def test_a_pipeline_with_seeds_and_controls_is_launched(
    workspace: Path, tmp_path: Path, submitted: list[JobRequest]
) -> None:
    async with form(workspace, "run") as pilot:
        assert {f.entry.name for f in pilot.app.screen.query(FormField)} == {
            "config", "tasks", "seeds", "controls", "shards", "cores", "engine", "profile", "force",
        }  # fmt: skip
        (file := tmp_path / "study.yaml").write_text("train-tusk: {}\n")
        await enter(pilot, "config", str(file))
        assert "did you mean train-task" in state(pilot)
        assert button(pilot).disabled
        file.write_text("train-task: {epochs: 2}\n")
        await enter(pilot, "tasks", "mortality,gender")
        await enter(pilot, "seeds", "0,")
        assert hint(pilot, "seeds") == "must have the form of 0,1,2"
        await enter(pilot, "seeds", "1")
        await enter(pilot, "controls", "permuted-labels")
        (command,) = shown(pilot)
        assert shlex.split(command)[:2] == ["cxr", "run"]
        assert shown(pilot, "docker") == ()
        assert state(pilot) == "13 jobs, less what is up to date"
        await pilot.press("ctrl+l")
        await done(pilot)
    (request,) = submitted
    assert (request.job, request.options.engine) == ("run", "process")
    assert request.flags == {
        "config": file, "controls": "permuted-labels", "seeds": "0,1", "tasks": "mortality,gender",
    }  # fmt: skip


async def test_without_a_cohort_a_task_is_typed(tmp_path: Path) -> None:
    async with form(tmp_path, "train-task") as pilot:
        await enter(pilot, "task", "gender")
        assert shown(pilot)[0].endswith("--task=gender")


async def test_a_damaged_cohort_is_told_and_does_not_close_the_form(
    tmp_path: Path, workspace: Path
) -> None:
    path = COHORT.path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(COHORT.path(workspace).read_bytes()[:-100])
    async with form(tmp_path, "train-task") as pilot:
        assert isinstance(pilot.app, Dashboard)
        assert any("cohort.parquet" in error for error in pilot.app.errors)
        await enter(pilot, "task", "gender")
        assert str(button(pilot).label) == "Launch 1 run"


async def test_the_mouse_chooses(workspace: Path) -> None:
    async with form(workspace, "explain") as pilot:
        await pilot.click("#field-task Choices", offset=(14, 0))
        await pilot.click("#field-split Choices", offset=(1, 0))
        await done(pilot)
        assert shown(pilot)[0].endswith("--split=train --task=gender")
        await pilot.click("#field-task Choices", offset=(14, 0))
        await done(pilot)
        assert hint(pilot, "task") == "required"


async def test_a_wide_screen_shows_the_help_beside_the_field(workspace: Path) -> None:
    async with form(workspace, "synthesize", size=(140, 45)) as pilot:
        assert hint(pilot, "subjects").startswith("Number of patients. From 4")
        assert not pilot.app.screen.query_one("#help").display
        await pilot.resize_terminal(80, 24)
        await done(pilot)
        assert hint(pilot, "subjects") == ""
        await enter(pilot, "subjects", "")
        assert "Number of patients" in str(pilot.app.screen.query_one("#help", Static).render())


async def test_words_that_do_not_fit_go_to_the_next_line(tmp_path: Path) -> None:
    words = [f"finding{i}" for i in range(14)]
    choices = Choices(words, words[:1], many=True)
    lines = choices._lines(61)
    assert [at for line in lines for at in line] == list(range(14))
    assert all(sum(len(words[at]) + 2 for at in line) + 2 * (len(line) - 1) <= 61 for line in lines)
    assert len(lines) == 3


def test_every_key_has_a_name_and_none_is_taken_from_tmux() -> None:
    taken = {"ctrl+a", "ctrl+b", "ctrl+s", "ctrl+z"}
    for kind in (LaunchScreen, LaunchForm, Choices):
        for binding in kind.BINDINGS:
            assert isinstance(binding, Binding)
            assert not taken & set(binding.key.split(","))
            assert binding.id in action_names()
