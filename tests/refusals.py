"""What every refused command must have in common."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from data_contracts.run import read_record, read_runs
from jobs._cli import run

PROGRESS = re.compile(
    r"cxr [a-z-]+: ([\w ]+: \d+/\d+ \w+(, .*)?|kept epoch .*|going on with .*|warning: .*)"
)
#: Names of people, studies and images in what `synthesize` draws.
PERSON = re.compile(r"\b[ps]?[15]\d{7}\b|[0-9a-f]{8}-[0-9a-f]{8}-")

Refuse = Callable[..., str]


@pytest.fixture
def refuse(capfd: pytest.CaptureFixture[str]) -> Refuse:
    """Runs `cxr words` in this process and gives the one line with which it refuses.

    `code` is the exit code it must have. With a `workspace` its record must tell the same end,
    and nothing temporary may stay in it.
    """

    def check(words: list[str], code: int, workspace: Path | None = None) -> str:
        if workspace:
            words = [*words, "--workspace", str(workspace)]
        capfd.readouterr()
        ended = run(words)
        out, err = capfd.readouterr()
        assert ended == code, err
        assert out == ""
        lines = [line for line in err.splitlines() if not PROGRESS.fullmatch(line)]
        assert len(lines) == 1, err
        (line,) = lines
        assert line.startswith(f"cxr {words[0]}: ")
        assert "internal error" not in line
        assert not PERSON.search(line), "the line names a person"
        if workspace and (workspace / "runs").is_dir() and (runs := read_runs(workspace)):
            end = runs[-1]
            assert (end.state, end.exit_code) == ("failed", code)
            assert line == f"cxr {words[0]}: {end.message}"
            assert read_record(workspace / "runs" / end.run_id).ended
            assert not [p for p in workspace.rglob("*.partial") if "runs" not in p.parts]
        return line.removeprefix(f"cxr {words[0]}: ")

    return check


def replace(path: Path, content: bytes) -> None:
    """Put `content` at `path` without writing into the file that is there: it may be a link."""
    path.unlink()
    path.write_bytes(content)


def bring(source: Path, target: Path) -> None:
    """Put a copy of `source` in the place of `target`."""
    replace(target, source.read_bytes())


def tables_of(source: Path, target: Path) -> Path:
    """Copy the tables of a drawn collection, without its images."""
    for table in source.rglob("*.csv*"):
        place = target / table.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(table, place)
    return target
