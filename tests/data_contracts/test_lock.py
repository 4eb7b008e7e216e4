"""One writer per artifact."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from data_contracts.errors import Busy, StorageError
from data_contracts.lock import hold

PLACES = ["models/a/main/model.h5", "models/a/main/predictions.parquet"]


def refusal(workspace: Path, places: list[str]) -> str:
    with pytest.raises(Busy) as caught, hold(workspace, places, "run second"):
        pass
    assert caught.value.exit_code == 75
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_second_is_told_who_was_first(tmp_path: Path) -> None:
    with hold(tmp_path, PLACES, "train-task, run first"):
        message = refusal(tmp_path, ["cohort/cohort.parquet", PLACES[1]])
        assert "train-task, run first" in message
        assert str(tmp_path / PLACES[1]) in message
        with hold(tmp_path, ["cohort/cohort.parquet"], "run third"):
            pass
    with hold(tmp_path, PLACES, "run fourth"):
        assert "run fourth" in refusal(tmp_path, PLACES)


def test_a_refused_holder_keeps_nothing(tmp_path: Path) -> None:
    with hold(tmp_path, [PLACES[1]], "run first"):
        refusal(tmp_path, PLACES)
        with hold(tmp_path, [PLACES[0]], "run third"):
            pass


def test_the_lock_of_a_killed_run_is_free(tmp_path: Path) -> None:
    script = f"""
        from pathlib import Path
        from data_contracts.lock import hold
        with hold(Path({str(tmp_path)!r}), {PLACES!r}, "run killed"):
            print("held", flush=True)
            input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert "run killed" in refusal(tmp_path, PLACES)
        process.kill()
        process.wait()
        with hold(tmp_path, PLACES, "run next"):
            pass


def test_a_workspace_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="--workspace"), hold(tmp_path / "file", PLACES, "x"):
        pass
