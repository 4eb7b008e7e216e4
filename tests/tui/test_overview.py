"""The page Overview: the graph, its states, the newest runs, and what to do next."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import fake_jobs
import pytest
from dashboards import CREATED, TASKS, opened, settled, write_example, write_run, write_workspace
from textual.pilot import Pilot

from data_contracts.cohort import COHORT
from data_contracts.images import IMAGES
from data_contracts.model import MODEL
from data_contracts.store import Provenance
from jobs._registry import find_jobs
from tui.app import Dashboard
from tui.artifact.page import ArtifactPage
from tui.jobs.page import JobsPage
from tui.overview.chooser import Chooser
from tui.overview.pipeline_graph import PipelineGraph
from tui.overview.pipeline_lines import draw_pipeline
from tui.overview.run_list import RunList
from tui.shared.messages import OpenLaunch
from tui.shared.pipeline import edges_of, human_size
from tui.shared.placeholder import Placeholder
from tui.shared.rows import Rows


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    write_workspace(folder, tasks=("gender", "race"))
    return folder


def app_of(pilot: Pilot[None]) -> Dashboard:
    assert isinstance(pilot.app, Dashboard)
    return pilot.app


def seen(pilot: Pilot[None]) -> list[str]:
    """The graph's lines as they are drawn."""
    graph = pilot.app.screen.query_one(PipelineGraph)
    return [graph.render_line(y).text.rstrip() for y in range(graph.size.height)]


def line_of(pilot: Pilot[None], kind: str) -> str:
    return next(line for line in seen(pilot) if f" {kind} " in f"{line} ")


def next_line(pilot: Pilot[None]) -> str:
    return str(pilot.app.screen.query_one("#next").render())


async def arrived(pilot: Pilot[None], page: str) -> None:
    """Wait until a page is the one that is seen."""
    while pilot.app.current_mode != page or isinstance(pilot.app.screen, Chooser):
        await pilot.pause(0.01)
    await settled(pilot)


async def look(pilot: Pilot[None]) -> None:
    """Have the workspace read anew, and wait until that is shown."""
    app = app_of(pilot)
    number = app.snapshot.number if app.snapshot else 0
    app.refresh_workspace()
    while app.snapshot is None or app.snapshot.number == number:
        await pilot.pause(0.01)
    await settled(pilot)


def fresh(workspace: Path, seed: int) -> None:
    """Another cohort in the place of the present one."""
    changed = replace(COHORT, example_attributes={**COHORT.example_attributes, "split_seed": seed})
    write_example(changed, workspace, {}, Provenance("extract", {}, created=CREATED))


def test_every_job_and_group_is_drawn_whatever_jobs_there_are() -> None:
    for package in (None, fake_jobs):
        specs = find_jobs(package) if isinstance(package, ModuleType) else find_jobs()
        for boxed in (False, True):
            lines = draw_pipeline(specs, boxed=boxed)
            assert [line.job for line in lines if line.job] == list(specs)
            groups = [c.name for spec in specs.values() for c in spec.writes]
            assert [line.group for line in lines if line.group] == groups


def test_edges_are_those_that_do_not_follow_from_others() -> None:
    edges = edges_of(find_jobs())
    assert edges[0].outside
    assert [(edges[0].first, edges[0].then)] == [("synthesize", "extract")]
    chain = ("extract", "preprocess", "train-task", "explain", "aggregate")
    assert [(e.first, e.then) for e in edges[1:]] == list(pairwise(chain))


def test_an_edge_that_passes_over_a_job_has_a_lane_of_its_own() -> None:
    specs = find_jobs()
    # Something that nobody but `aggregate` reads, right before it.
    alone = replace(specs["extract"], name="measure", reads=(MODEL,), writes=(IMAGES,))
    specs = {n: specs[n] for n in ("train-task",)} | {
        "other": replace(specs["explain"], name="other", reads=(COHORT,)),
        "measure": alone,
    }
    drawing = [f"{line.before}{line.job}" for line in draw_pipeline(specs, boxed=False)]
    assert drawing[0].startswith("╭─● train-task")
    assert drawing[1].startswith("│ ")
    assert drawing[4].startswith("│ ● other")
    assert drawing[5].startswith("╰▸● measure")


@pytest.mark.parametrize("size", [(80, 36), (140, 45)])
async def test_the_whole_graph_is_seen(workspace: Path, size: tuple[int, int]) -> None:
    async with opened(workspace, size) as pilot:
        for spec in find_jobs().values():
            assert any(spec.name in line for line in seen(pilot))
            for contract in spec.writes:
                assert "✓" in line_of(pilot, contract.name)
                assert "current" in line_of(pilot, contract.name)
        assert (" → train-task, explain" in line_of(pilot, "images")) == (size[0] == 140)
        assert any("╭" in line for line in seen(pilot)[:1]) == (size[0] == 140)


async def test_the_graph_scrolls_where_it_does_not_fit(workspace: Path) -> None:
    async with opened(workspace, (80, 24)) as pilot:
        above = "\n".join(seen(pilot))
        await pilot.press("G")
        await settled(pilot)
        both = "\n".join((above, *seen(pilot)))
        groups = [contract.name for spec in find_jobs().values() for contract in spec.writes]
        assert [name for name in groups if f" {name} " not in both] == []
        assert pilot.app.screen.query_one(RunList).size.height >= 3, "runs stay in sight"


async def test_states_by_sign_and_word(workspace: Path) -> None:
    shutil.rmtree(workspace / "summary")
    (workspace / "models/race/main/features.h5").write_bytes(b"x")
    fresh(workspace, 9)
    progress = [{"event": "progress", "what": "p", "done": 1, "total": 4, "unit": "images"}]
    async with opened(workspace) as pilot:
        assert "○ metrics" in line_of(pilot, "metrics")
        assert "missing" in line_of(pilot, "metrics")
        assert "! model" in line_of(pilot, "model")
        assert "2 of 2 stale" in line_of(pilot, "model")
        assert "✗ features" in line_of(pilot, "features")
        assert "1 of 2 damaged" in line_of(pilot, "features")
        write_run(
            workspace, 1, "preprocess", "running", config={"root": "x"}, events=progress,
            host="elsewhere",
        )  # fmt: skip
        await look(pilot)
        assert "▸ images" in line_of(pilot, "images")
        assert "being written 25%" in line_of(pilot, "images")


async def test_counts_and_sizes(workspace: Path) -> None:
    paths = list(workspace.glob("models/*/*/model.h5"))
    async with opened(workspace) as pilot:
        line = line_of(pilot, "model")
        assert line.split("model")[1].split()[0] == "2"
        assert human_size(sum(p.stat().st_size for p in paths)) in line


def test_sizes_for_people() -> None:
    sizes = {0: "0 B", 999: "999 B", 1000: "1.0 kB", 9_960: "10 kB", 12_345: "12 kB",
             1_400_000: "1.4 MB", 999_700: "1.0 MB", 3_000_000_000_000: "3.0 TB"}  # fmt: skip
    assert {size: human_size(size) for size in sizes} == sizes


async def test_the_cursor_moves_by_kind_and_by_job(workspace: Path) -> None:
    async with opened(workspace) as pilot:
        graph = pilot.app.screen.query_one(PipelineGraph)

        def kind() -> str:
            assert graph.current is not None
            return graph.current.contract.name

        steps = {"j": "synthetic_regions", "l": "cohort", "down": "cohort_flow", "right": "images",
                 "h": "cohort", "k": "synthetic_regions", "G": "region_evidence",
                 "g": "synthetic_truth"}  # fmt: skip
        for key, want in steps.items():
            await pilot.press(key)
            assert kind() == want
        await pilot.press("l")
        await pilot.pause()
        about = str(pilot.app.screen.query_one("#about").render())
        assert "cohort  → preprocess, train-task, explain, aggregate" in about


async def test_enter_opens_the_only_artifact(workspace: Path) -> None:
    async with opened(workspace) as pilot:
        await pilot.press("l", "enter")
        await arrived(pilot, "artifact")
        page = pilot.app.screen
        assert isinstance(page, ArtifactPage)
        row = page.query_one(Rows).current
        assert row is not None
        assert row.key == "cohort/cohort.parquet"


async def test_enter_on_many_lets_choose_by_filter(workspace: Path) -> None:
    async with opened(workspace) as pilot:
        await pilot.press(*"lll", "enter")
        chooser = pilot.app.screen
        assert isinstance(chooser, Chooser)
        rows = chooser.query_one(Rows)
        assert [r.cells[:2] for r in rows.shown] == [
            ("✓ current", f"models/{t}/main/model.h5") for t in ("gender", "race")
        ]
        await pilot.press("slash", *"race", "enter")
        while pilot.app.focused is not rows:
            await pilot.pause(0.01)
        assert [r.key for r in rows.shown] == ["models/race/main/model.h5"]
        await pilot.press("enter")
        await arrived(pilot, "artifact")
        row = pilot.app.screen.query_one(Rows).current
        assert isinstance(pilot.app.screen, ArtifactPage)
        assert row is not None
        assert row.key == "models/race/main/model.h5"


async def test_a_click_chooses_and_a_second_one_opens(workspace: Path) -> None:
    async with opened(workspace, (140, 45)) as pilot:
        graph = pilot.app.screen.query_one(PipelineGraph)
        y = next(i for i, line in enumerate(seen(pilot)) if " images " in line)
        await pilot.click(PipelineGraph, offset=(30, y))
        assert graph.current is not None
        assert graph.current.contract.name == "images"
        await pilot.click(PipelineGraph, offset=(30, y))
        await arrived(pilot, "artifact")


async def test_runs_newest_first_open_on_their_page(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[str] = []
    monkeypatch.setattr(JobsPage, "open", lambda _, run_id: got.append(run_id))
    ids = [write_run(workspace, n, state="failed" if n == 2 else "succeeded") for n in (3, 2, 1)]
    async with opened(workspace) as pilot:
        rows = pilot.app.screen.query_one(RunList)
        assert [r.key for r in rows.shown] == ids[::-1]
        assert rows.shown[1].cells[:2] == ("✗ failed", "train-task")
        assert rows.shown[0].cells[4] == "took 1:35"
        await pilot.press("tab", "down", "enter")
        await arrived(pilot, "jobs")
        assert got == [ids[1]]


async def test_the_newest_run_is_seen_when_it_comes(workspace: Path) -> None:
    for number in range(1, 30):
        write_run(workspace, number)
    async with opened(workspace, (80, 24)) as pilot:
        newest = write_run(workspace, 0)
        await look(pilot)
        rows = pilot.app.screen.query_one(RunList)
        assert rows.scroll_offset.y == 0
        assert rows.current is not None
        assert rows.current.key == newest


async def test_the_filter_is_for_the_runs(workspace: Path) -> None:
    for number in range(4):
        write_run(workspace, number)
    async with opened(workspace) as pilot:
        await pilot.press("slash", *"race", "enter")
        shown = pilot.app.screen.query_one(RunList).shown
        assert [r.cells[2] for r in shown] == ["race/main"]
        assert TASKS[2] == "race"


async def test_an_empty_workspace_offers_the_demo_and_the_first_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[OpenLaunch] = []
    monkeypatch.setattr(Dashboard, "on_open_launch", lambda _, message: got.append(message))
    async with opened(tmp_path / "none") as pilot:
        text = str(pilot.app.screen.query_one(Placeholder).render())
        assert f"Folder {tmp_path / 'none'} does not exist yet." in text
        assert "d  start the demo" in text
        assert not pilot.app.screen.query_one(PipelineGraph).display
        await pilot.press("n")
        await settled(pilot)
        assert got == [OpenLaunch("extract")]
    assert not (tmp_path / "none").exists()


async def test_a_workspace_that_cannot_be_read_is_not_called_empty(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    # Whoever runs the tests may be allowed everything.
    monkeypatch.setattr("tui.workspace.scan.os.scandir", refused)
    async with opened(workspace) as pilot:
        shown = str(pilot.app.screen.query_one(Placeholder).render())
        assert "This workspace cannot be read" in shown
        assert f"{workspace / 'cohort'} cannot be read (permission denied)" in shown


async def test_a_read_only_workspace_offers_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.workspace.scan._writable", lambda _: False)
    async with opened(tmp_path) as pilot:
        assert "empty and read-only" in str(pilot.app.screen.query_one(Placeholder).render())
        await pilot.press("d", "n")
        await settled(pilot)
        assert pilot.app.current_mode == "overview"
        assert not list(tmp_path.iterdir())
