"""The page Artifact: info, schema, lineage, verifying, copying."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import h5py
import pytest
from dashboards import CREATED, NOW, opened, settled, write_example, write_workspace
from rich.console import Console
from textual.pilot import Pilot
from textual.widgets import ContentSwitcher, Static

from data_contracts.cohort import COHORT
from data_contracts.errors import ArtifactError
from data_contracts.store import Provenance, read_header
from jobs._facts import Schema
from tui import clock
from tui.app import Dashboard
from tui.artifact import page as artifact_page
from tui.artifact.info import ArtifactInfo
from tui.artifact.lineage import Lineage
from tui.artifact.page import READING, ArtifactPage
from tui.artifact.schema_table import SchemaTable
from tui.shared.messages import OpenArtifact, OpenLaunch
from tui.shared.placeholder import Placeholder
from tui.shared.rows import Rows

MODEL = "models/race/main/model.h5"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    write_workspace(folder, tasks=("gender", "race"))
    return folder


async def go(pilot: Pilot[None], place: str) -> ArtifactPage:
    """The page, open on a place, everything read."""
    pilot.app.post_message(OpenArtifact(place))
    await pilot.pause()
    await rest(pilot)
    page = pilot.app.screen
    assert isinstance(page, ArtifactPage)
    return page


async def rest(pilot: Pilot[None]) -> None:
    """Until the cursor has rested and the file has been read."""
    view = pilot.app.screen.query_one(SchemaTable)
    while READING in str(view.query_one(Static).visual):
        await pilot.pause(0.02)
    await settled(pilot)


def text(view: ArtifactInfo | SchemaTable) -> str:
    """What a view says, at a width that breaks no line."""
    console = Console(width=250, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    with console.file:
        for part in view.query(Static):
            content = part.content
            console.print(content if not isinstance(content, str) else part.render())
        return console.export_text()


def tree(page: ArtifactPage) -> list[str]:
    """The lines of the lineage, indented as they are drawn."""
    page.action_tab("lineage")
    lineage = page.query_one(Lineage)
    nodes = [lineage.get_node_at_line(i) for i in range(lineage.last_line + 1)]
    lines = []
    for node in nodes:
        assert node is not None
        depth, above = 0, node.parent
        while above is not None and above.parent is not None:
            depth, above = depth + 1, above.parent
        style = lineage.rich_style
        lines.append("  " * depth + lineage.render_label(node, style, style).plain.strip())
    return lines


async def test_facts_of_the_header_and_what_is_copied(workspace: Path) -> None:
    header = read_header(workspace / MODEL)
    async with opened(workspace, (140, 45), page="artifact") as pilot:
        page = await go(pilot, MODEL)
        shown = text(page.query_one(ArtifactInfo))
        await pilot.press("y")
        assert pilot.app.clipboard == str(workspace / MODEL)
        await pilot.press("Y")
        assert pilot.app.clipboard == header.digest
    for want in ("✓ current", f"model {header.version}", CREATED, "train-task", header.digest,
                 MODEL, "kB", header.package_version, "config", "seed", "attributes",
                 "classes"):  # fmt: skip
        assert want in shown


async def test_schema_with_types_shapes_and_units_and_no_cell(workspace: Path) -> None:
    async with opened(workspace, (140, 45), page="artifact") as pilot:
        page = await go(pilot, "cohort/cohort.parquet")
        shown = [line.split() for line in text(page.query_one(SchemaTable)).splitlines()]
        assert shown[0] == ["name", "type", "nulls", "unit", "description"]
        assert any(line[:4] == ["days_to_death", "Int32", "6", "days"] for line in shown)
        assert "12 rows" in text(page.query_one(ArtifactInfo))
        told = text(page.query_one(SchemaTable)) + text(page.query_one(ArtifactInfo))
        assert not [s for s in COHORT.example()["subject_id"] if str(s) in told]
        await go(pilot, "images/images-1-of-1.h5")
        lines = " ".join(text(page.query_one(SchemaTable)).split())
        assert "pixels uint8 12 × 32 × 32" in lines


async def test_the_lineage_is_a_tree_and_opens_an_artifact(workspace: Path) -> None:
    async with opened(workspace, page="artifact") as pilot:
        page = await go(pilot, MODEL)
        await pilot.press("h", "tab", "j", "enter")
        await rest(pilot)
        row = page.query_one(Rows).current
        assert row is not None
        assert row.key == "cohort/cohort.parquet"
        lines = tree(await go(pilot, MODEL))
    assert lines[:5] == [
        "derived from", "  ✓ cohort/cohort.parquet  ok", "  ✓ images/images-1-of-1.h5  ok",
        "    ✓ cohort/cohort.parquet  ok", "used by",
    ]  # fmt: skip
    assert "  ✓ models/race/main/attributions-gradcam-test.h5  current" in lines
    assert "    ✓ summary/metrics.parquet  current" in lines


async def test_lineage_tells_stale_missing_damaged_and_outside(workspace: Path) -> None:
    changed = replace(COHORT, example_attributes={**COHORT.example_attributes, "split_seed": 9})
    write_example(changed, workspace, {}, Provenance("extract", {}, created=CREATED))
    async with opened(workspace, page="artifact") as pilot:
        lines = tree(await go(pilot, MODEL))
    assert lines[1] == "  ! cohort/cohort.parquet  stale: digest has changed"
    assert lines[2].startswith("  ! images/images-1-of-1.h5  itself stale")
    (workspace / "cohort/cohort.parquet").unlink()
    (workspace / "images/images-1-of-1.h5").write_bytes(b"x")
    async with opened(workspace, page="artifact") as pilot:
        lines = tree(await go(pilot, MODEL))
    assert lines[1] == "  ○ cohort/cohort.parquet  missing"
    assert lines[2] == "  ✗ images/images-1-of-1.h5  damaged"


async def test_keys_turn_the_views(workspace: Path) -> None:
    async with opened(workspace, page="artifact") as pilot:
        page = await go(pilot, MODEL)
        switcher = page.query_one(ContentSwitcher)
        for key, want in {
            "l": "schema",
            "right": "lineage",
            "h": "schema",
            "left": "info",
        }.items():
            await pilot.press(key)
            assert switcher.current == want
        await pilot.press("enter", "l")
        assert pilot.app.focused is page.query_one(SchemaTable)


async def test_the_cursor_chooses_the_filter_narrows_and_any_place_opens(workspace: Path) -> None:
    async with opened(workspace, page="artifact") as pilot:
        await pilot.press("j", "j")
        page = pilot.app.screen
        await rest(pilot)
        assert f" cohort {COHORT.version}" in text(page.query_one(ArtifactInfo))
        await pilot.press("slash", *"race model", "enter")
        await rest(pilot)
        assert [r.key for r in page.query_one(Rows).shown if r.key == MODEL] == [MODEL]
        assert len(page.query_one(Rows).shown) < 10
        nowhere = await go(pilot, "models/age/main/model.h5")
        assert "`cxr train-task` creates it" in text(nowhere.query_one(ArtifactInfo))


async def test_verify_says_that_it_is_whole_and_when(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    async with opened(workspace, page="artifact") as pilot:
        page = await go(pilot, MODEL)
        assert "verified" not in text(page.query_one(ArtifactInfo))
        await pilot.press("v")
        await settled(pilot)
        assert "✓ verified at 12:00:00:" in text(page.query_one(ArtifactInfo))
        await go(pilot, "cohort/cohort.parquet")
        assert "verified" not in text(page.query_one(ArtifactInfo))
        await go(pilot, MODEL)
        assert "verified at" in text(page.query_one(ArtifactInfo))


async def test_verify_finds_what_other_software_has_changed(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[OpenLaunch] = []
    monkeypatch.setattr(Dashboard, "on_open_launch", lambda _, message: got.append(message))
    place = "models/race/main/features.h5"
    with h5py.File(workspace / place, "r+") as file:
        file["features"][0, 0] += 1
    async with opened(workspace, page="artifact") as pilot:
        page = await go(pilot, place)
        await pilot.press("v")
        await settled(pilot)
        shown = text(page.query_one(ArtifactInfo))
        assert "✗ damaged: " in shown
        assert "`cxr train-task` re-creates it: press n" in shown
        assert isinstance(pilot.app, Dashboard)
        assert place in pilot.app.errors[0]
        await pilot.press("n")
        await settled(pilot)
        assert got == [OpenLaunch("train-task", {"seed": 0, "task": "race", "name": "main"})]


async def test_a_damaged_artifact_is_shown_as_such(workspace: Path) -> None:
    (workspace / MODEL).write_bytes(b"x")
    async with opened(workspace, page="artifact") as pilot:
        page = await go(pilot, MODEL)
        shown = text(page.query_one(ArtifactInfo))
        assert "✗ damaged: " in shown
        assert "`cxr train-task` re-creates it" in shown
        assert MODEL in text(page.query_one(SchemaTable))
        assert tree(page)[1] == "  none"


async def test_damage_that_shows_only_when_the_content_is_read(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Schema:
        raise ArtifactError(f"{MODEL} is damaged [in the middle]")

    monkeypatch.setattr(artifact_page, "schema_of", broken)
    async with opened(workspace, page="artifact") as pilot:
        page = await go(pilot, MODEL)
        assert "✗ damaged: " in text(page.query_one(ArtifactInfo))
        assert "[in the middle]" in text(page.query_one(SchemaTable))
        assert isinstance(pilot.app, Dashboard)
        while not pilot.app.errors:
            await pilot.pause(0.01)
        assert MODEL in pilot.app.errors[0]


async def test_an_empty_workspace(tmp_path: Path) -> None:
    async with opened(tmp_path, page="artifact") as pilot:
        await pilot.press("v", "n", "y")
        await settled(pilot)
        assert "No artifacts yet" in str(pilot.app.screen.query_one(Placeholder).render())
