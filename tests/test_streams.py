"""Finished work is not failed by where its output goes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from chain import CXR, environment, words
from served import served

from data_contracts.run import read_runs
from jobs._registry import find_jobs

PYTHON = sys.executable
#: What a shell puts behind the command, and what the environment says of characters.
PLAIN: dict[str, str] = {}
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
#: `aggregate` alone prints tables; all other jobs, progress.
ENDS = {
    "all three closed": ("extract", "<&- >&- 2>&-", PLAIN),
    "a full disk": ("extract", ">/dev/full 2>/dev/full", PLAIN),
    "ASCII": ("aggregate", "", ASCII),
}


def shell(line: str, workspace: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], env=environment(workspace) | more, text=True,
        capture_output=True, timeout=240, check=False, encoding="latin-1",
    )  # fmt: skip


def command(step: str, workspace: Path, cxr: Path = CXR) -> str:
    return " ".join([str(cxr), *words(step, workspace)[1:], "--force"])


def succeeded(step: str, workspace: Path) -> bool:
    last = read_runs(workspace)[-1]
    everything = len(find_jobs()[step].writes)
    return (last.state, last.exit_code) == ("succeeded", 0) and len(last.outputs) == everything


@pytest.mark.parametrize("end", ENDS)
def test_a_job_whose_output_goes_nowhere_has_succeeded(end: str, copy: Path) -> None:
    step, redirection, locale = ENDS[end]
    ended = shell(f"{command(step, copy)} {redirection}", copy, **locale)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr
    assert succeeded(step, copy)


def test_a_job_whose_reader_has_gone_has_succeeded(copy: Path, tmp_path: Path) -> None:
    with served(tmp_path) as cxr:
        ended = shell(f"{command('aggregate', copy, cxr)} | true", copy)
    assert ended.returncode == 0
    assert "Broken" not in ended.stderr
    assert succeeded("aggregate", copy)


def test_no_file_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    script = (
        "import os; from jobs import __main__; __main__._open_closed_streams(); "
        "open('told', 'w').write(os.readlink('/proc/self/fd/1'))"
    )
    ended = shell(f'cd {tmp_path} && {PYTHON} -c "{script}" <&- >&- 2>&-', tmp_path)
    assert ended.returncode == 0
    assert (tmp_path / "told").read_text() == "/dev/null"


@pytest.mark.parametrize(("redirection", "code"), [("| true", 0), (">/dev/full", 3), (">&-", 0)])
def test_a_command_that_makes_nothing_but_output(redirection: str, code: int, copy: Path) -> None:
    table = copy / "cohort" / "cohort.parquet"
    ended = shell(f"{CXR} inspect {table} {redirection}", copy)
    assert ended.returncode == code
    want = "cxr: cannot write to stdout (No space left on device)\n" if code else ""
    assert ended.stderr == want
