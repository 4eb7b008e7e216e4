"""Pictures of the page Cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cohorts import write_cohort
from dashboards import dashboard, pictures, see, write_workspace

from tui.shared.preferences import Preferences


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort") / "workspace"
    write_workspace(folder)
    write_cohort(folder)
    return folder


@pictures("flow-140-light", "table-140-dark", "rejects-80-light", "contact-80-dark")
def test_the_parts(
    workspace: Path, snap_compare: Any, size: tuple[int, int], theme: str, shown: str
) -> None:
    app = dashboard("cohort")(workspace, Preferences(theme))
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: see(pilot, shown[0]))
