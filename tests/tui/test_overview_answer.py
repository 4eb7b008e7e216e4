"""What the page Overview says first: the sentence of the verdicts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dashboards import CREATED, opened, screen_text, settled, write_example, write_workspace
from textual.pilot import Pilot
from textual.widgets import Static

from data_contracts.associations import VERDICTS
from data_contracts.cohort import COHORT
from data_contracts.store import Provenance


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    write_workspace(folder, tasks=("gender", "race"))
    return folder


def answer_of(pilot: Pilot[None]) -> Static:
    return pilot.app.screen.query_one("#answer", Static)


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_the_verdicts_are_summed_up_first(workspace: Path, size: tuple[int, int]) -> None:
    sentence = (
        "Evidence shared with gender — race: shared at label, score, representation, use and "
        "attribution."
    )
    async with opened(workspace, size) as pilot:
        assert sentence in " ".join(screen_text(pilot).split())
        assert answer_of(pilot).region.y == 1
        VERDICTS.path(workspace).unlink()
        pilot.app.refresh_workspace()  # type: ignore[attr-defined]
        while answer_of(pilot).display:
            await pilot.pause(0.01)


async def test_a_long_sentence_ends_after_three_lines(workspace: Path) -> None:
    write_workspace(workspace)
    async with opened(workspace, (80, 24)) as pilot:
        assert answer_of(pilot).size.height == 3
        assert str(answer_of(pilot).render()).endswith(" … (all of it: 7)")
        await pilot.resize_terminal(140, 45)
        await settled(pilot)
        assert str(answer_of(pilot).render()).endswith("representation, use and attribution.")


async def test_verdicts_of_other_models_are_called_out_of_date(workspace: Path) -> None:
    changed = replace(COHORT, example_attributes={**COHORT.example_attributes, "split_seed": 9})
    write_example(changed, workspace, {}, Provenance("extract", {}, created=CREATED))
    async with opened(workspace) as pilot:
        assert str(answer_of(pilot).render()).startswith("! out of date: Evidence shared")
