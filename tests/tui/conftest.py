"""What all tests of the dashboard have in common: they leave no traces, nor show where they ran."""

from __future__ import annotations

from pathlib import Path

import pytest
from dashboards import NOW

from jobs import _engines
from jobs._engines._request import JobRequest
from tui import clock
from tui.jobs.host_meters import HostMeters
from tui.jobs.host_use import CpuTimes, Use
from tui.shared.sanitize import cut_middle


@pytest.fixture(autouse=True)
def no_state_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def all_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever terminal the tests run in."""
    monkeypatch.setenv("COLORTERM", "truecolor")


@pytest.fixture(autouse=True)
def same_place_and_time(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.path.stem.endswith("_snapshots"):
        place = "node1:/data/study/workspace"
        monkeypatch.setattr(clock, "now", lambda: NOW)
        uses = tuple(Use(*use) for use in (("CPU", 0.93, "of 8"), ("memory", 0.4, "of 16 GiB")))

        def look_once(meters: HostMeters) -> None:
            if not meters._uses:
                meters._take((CpuTimes(), uses))

        monkeypatch.setattr(HostMeters, "ask", look_once)
        monkeypatch.setattr(
            "tui.shared.status_header.place_of",
            lambda _, room: cut_middle(place if room >= 24 else "workspace", room),
        )


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace, at a fixed time."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[JobRequest]:
    """The orders that would have been submitted."""
    orders: list[JobRequest] = []

    def submit(order: JobRequest) -> tuple[str, ...]:
        orders.append(order)
        return order.run_ids

    monkeypatch.setattr(_engines, "submit", submit)
    return orders
