"""Poor terminals: without colors, without UTF-8, and what a fault of the dashboard leaves there."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from dashboards import opened, screen_text, see, write_run, write_workspace

from data_contracts.errors import UsageError
from tui.app import Dashboard
from tui.command import dashboard
from tui.terminal import require_utf8

EPOCHS = [
    {"event": "metric", "epoch": e, "train_loss": 1 / e, "val_loss": 1 / e, "val_auroc": 0.5}
    for e in (1, 2, 3)
]


async def test_without_colors_curves_are_drawn_and_maps_are_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    write_workspace(tmp_path / "workspace", tasks=("gender", "mortality"))
    write_run(tmp_path / "workspace", 1, events=EPOCHS)
    async with opened(tmp_path / "workspace", page="jobs") as pilot:
        await see(pilot, "v")
        assert "loss by epoch" in screen_text(pilot)
        await see(pilot, "4")
        assert "digits: tenths of 0.99 logit" in screen_text(pilot)


def test_a_locale_of_eight_bits_is_refused_and_any_other_draws_utf8() -> None:
    for codeset in ("UTF-8", "utf8", "ANSI_X3.4-1968"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
        require_utf8(stream, codeset)
        assert stream.encoding == "utf-8"
    with pytest.raises(UsageError, match=r"the locale is iso-8859-1; set LC_ALL=C\.UTF-8"):
        require_utf8(io.TextIOWrapper(io.BytesIO()), "ISO-8859-1")


def test_a_fault_is_one_line_without_values_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Dashboard) -> None:
        subject = "4711"
        raise ValueError(subject)

    driver = "textual.drivers.headless_driver:HeadlessDriver"
    monkeypatch.setenv("TEXTUAL_DRIVER", driver)
    monkeypatch.setattr("textual.constants.DRIVER", driver)
    monkeypatch.setattr("sys.setswitchinterval", lambda _: None)
    monkeypatch.setattr("gc.set_threshold", lambda *_: None)
    monkeypatch.setattr(Dashboard, "on_mount", fail)
    assert dashboard(workspace=tmp_path) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("cxr dashboard: internal error: ValueError at test_terminal.py:")
    assert "4711" not in line
