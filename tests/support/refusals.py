"""What every refused command must have in common."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from data_contracts.run import read_runs
from jobs._cli import run

PROGRESS = re.compile(
    r"cxr [a-z-]+: ([\w ]+: \d+/\d+ [\w%]+(, .*)?|kept epoch .*|resuming at .*|warning: .*)"
)
#: Names of people, studies and images in what `synthesize` draws.
PERSON = re.compile(r"\b[ps]?[15]\d{7}\b|[0-9a-f]{8}-[0-9a-f]{8}-")

Refuse = Callable[..., str]


@pytest.fixture
def refuse(capfd: pytest.CaptureFixture[str]) -> Refuse:
    """Runs `cxr words` in this process and gives the one line with which it refuses.

    `code` is the exit code it must have. Nothing temporary may stay in the `workspace`, and the
    run's record, where there is one, must tell the same end, unless it need not be `recorded`.
    """

    def check(
        words: list[str],
        code: int,
        workspace: Path | None = None,
        *,
        recorded: bool = True,
        state: str = "failed",
    ) -> str:
        if workspace:
            words = [*words, "--workspace", str(workspace)]
        capfd.readouterr()
        earlier = len(read_runs(workspace)) if workspace else 0
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
        if workspace and recorded and len(runs := read_runs(workspace)) > earlier:
            end = runs[-1]
            assert (end.state, end.exit_code) == (state, code)
            assert line == f"cxr {words[0]}: {end.message}"
            assert end.ended
        if workspace:
            assert not list(workspace.rglob("*.partial"))
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
