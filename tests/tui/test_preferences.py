"""The file of preferences: theme and keys of the person who uses the dashboard."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dashboards import opened, write_workspace

from data_contracts.errors import UsageError
from tui.keys import action_names
from tui.preferences import preferences_path, read_preferences
from tui.shared.preferences import Preferences

THEMES = ("cxr-dark", "cxr-light")


def read(path: Path, text: str) -> Preferences:
    path.write_text(text)
    return read_preferences(path, THEMES)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read_preferences(tmp_path / "none.yaml", THEMES) == Preferences()
    assert read(tmp_path / "empty.yaml", "") == Preferences()


def test_a_file_sets_theme_and_keys(tmp_path: Path) -> None:
    got = read(tmp_path / "s.yaml", "theme: cxr-light\nkeys:\n  page.jobs: f2\n")
    assert got == Preferences("cxr-light", {"page.jobs": "f2"})


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("them: cxr-light", "did you mean theme?"),
        ("theme: cxr-lite", "did you mean cxr-light?"),
        ("keys:\n  page.job: f2", "did you mean page.jobs?"),
        ("keys: f2", "want `action: key` lines"),
        ("keys:\n  page.jobs:", "page.jobs: no key given"),
        ("keys:\n  page.jobs: f2,", "page.jobs: no key given"),
        ("keys:\n  page.jobs: bogus+key", "page.jobs: bogus+key is not a key"),
        ("keys:\n  page.jobs: nokey", "page.jobs: nokey is not a key"),
        ("keys:\n  page.jobs: q", "app.quit and page.jobs would both be bound to q"),
        ("keys:\n  metrics.export: c", "metrics.curves and metrics.export would both be bound to"),
        ("keys:\n  jobs.new: j", "jobs.new and rows.down would both be bound to j"),
        ("keys:\n  app.quit: x\n  app.quit: f9", "app.quit is given a second time, after line 2"),
        ("- a", "must contain"),
        ("theme: [", "s.yaml, line 1 is not YAML"),
        ("theme: " + "[" * 5000, "s.yaml is not YAML"),
        ("theme: x\nkeys: &a [*a]", "s.yaml, line 2: *a stands within the value that it names"),
        ("theme: 2026-13-45", "s.yaml, line 1: '2026-13-45' is no timestamp"),
    ],
)
def test_a_fault_is_named_with_its_nearest(tmp_path: Path, text: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(tmp_path / "s.yaml", text)
    assert hint in str(raised.value)
    assert "s.yaml" in str(raised.value)


def test_all_faults_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"size.*; .*cxr-drk"):
        read(tmp_path / "s.yaml", "size: 3\ntheme: cxr-drk")


@pytest.mark.parametrize("key", ["f2", "ctrl+q", "slash", "x", "alt+shift+left", "Z", "space"])
def test_keys_are_named_as_textual_names_them(tmp_path: Path, key: str) -> None:
    assert (
        read(tmp_path / "s.yaml", f"keys:\n  jobs.log: {key}\n  page.filter: f9\n").keys["jobs.log"]
        == key
    )


def test_two_actions_may_change_their_keys(tmp_path: Path) -> None:
    text = "keys:\n  page.jobs: 3\n  page.metrics: 2\n"
    assert read(tmp_path / "s.yaml", text).keys == {"page.jobs": "3", "page.metrics": "2"}


def test_where_the_file_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CXR_DASHBOARD", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/config")
    assert preferences_path() == Path("/config/cxr/dashboard.yaml")
    own = tmp_path / "own.yaml"
    monkeypatch.setenv("CXR_DASHBOARD", str(own))
    with pytest.raises(UsageError, match=r"no such file: .*own\.yaml"):
        preferences_path()
    own.touch()
    assert preferences_path() == own
    monkeypatch.setenv("CXR_DASHBOARD", os.devnull)
    assert read_preferences(preferences_path(), THEMES) == Preferences()


async def test_another_key_opens_the_page(tmp_path: Path) -> None:
    write_workspace(tmp_path / "workspace", tasks=("gender",))
    preferences = Preferences("cxr-light", {"page.jobs": "f2"})
    async with opened(tmp_path / "workspace", preferences=preferences) as pilot:
        await pilot.press("2")
        assert pilot.app.current_mode == "overview"
        await pilot.press("f2")
        assert pilot.app.current_mode == "jobs"
        assert pilot.app.theme == "cxr-light"


def test_every_key_of_the_dashboard_has_a_name_of_its_own() -> None:
    names = action_names()
    assert {"page.jobs", "app.quit", "rows.down", "page.filter"} <= set(names)
