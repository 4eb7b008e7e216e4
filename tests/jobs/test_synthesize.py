"""`cxr synthesize`: the tree and its truth appear together, whole, whatever happens."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import pytest

from cxrcore.synthetic.presets import PresetName
from data_contracts.store import open_arrays, read_table
from data_contracts.synthetic import SYNTHETIC_REGIONS, SYNTHETIC_TRUTH
from jobs._cli import run

COMMAND = [sys.executable, "-c", "from jobs.__main__ import main; main()", "synthesize"]


def _flags(workspace: Path, **fields: object) -> list[str]:
    chosen = {"subjects": 12, "size": 32, "workers": 1, "workspace": workspace} | fields
    return [part for name, value in chosen.items() for part in (f"--{name}", str(value))]


@pytest.mark.parametrize("preset", get_args(PresetName))
def test_writes_a_tree_and_its_truth(tmp_path: Path, preset: str) -> None:
    assert run(["synthesize", *_flags(tmp_path, preset=preset, seed=4)]) == 0
    source = tmp_path / "synthetic" / "source"
    assert len(list(source.rglob("*.dcm"))) >= 12
    truth = read_table(SYNTHETIC_TRUTH, SYNTHETIC_TRUTH.path(tmp_path))
    assert truth.header.attributes == {"preset": preset, "seed": 4}
    with open_arrays(SYNTHETIC_REGIONS, SYNTHETIC_REGIONS.path(tmp_path), verify=True) as regions:
        assert truth.frame["task"].to_list() == regions.read("task").tolist()
        shown = regions.read("region").max(axis=(1, 2)) > 0
    assert shown.tolist() == [region != "none" for region in truth.frame["region"]]
    assert sorted(p.name for p in (tmp_path / "synthetic").iterdir()) == [
        "source",
        "truth.h5",
        "truth.parquet",
    ]


def test_equal_commands_do_the_work_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["synthesize", *_flags(tmp_path)]) == 0
    written = {p: p.stat().st_mtime_ns for p in (tmp_path / "synthetic").rglob("*")}
    assert run(["synthesize", *_flags(tmp_path, workers=2)]) == 0
    assert "up to date" in capsys.readouterr().err
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "synthetic").rglob("*")} == written
    assert run(["synthesize", *_flags(tmp_path, seed=1)]) == 0
    assert not set(written) & set((tmp_path / "synthetic").rglob("*.dcm"))


@pytest.mark.parametrize(
    ("field", "value"), [("preset", "plant"), ("subjects", "3"), ("size", "big"), ("seed", "-1")]
)
def test_a_bad_flag_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str, value: str
) -> None:
    assert run(["synthesize", *_flags(tmp_path, **{field: value})]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert field in lines[0]


def test_messages_name_no_patient(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["synthesize", *_flags(tmp_path)]) == 0
    told = capsys.readouterr().err
    patients = [p.name for p in (tmp_path / "synthetic" / "source" / "mimic-cxr").glob("files/*/*")]
    assert patients
    assert not [p for p in patients if p[1:] in told]


def test_stopped_or_killed_it_leaves_nothing_half_made(tmp_path: Path) -> None:
    folder = tmp_path / "synthetic"
    command = [*COMMAND, *_flags(tmp_path, workers=2, subjects=60, size=512)]

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        while not list(folder.rglob("*.dcm")):
            assert process.poll() is None
            time.sleep(0.02)
        return process

    for number, code in ((signal.SIGTERM, 75), (signal.SIGKILL, -signal.SIGKILL)):
        process = start()
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
        assert process.returncode == code, told
        assert [p.name for p in folder.iterdir() if not p.name.startswith(".")] == []
        if code == 75:
            assert told.strip().splitlines()[-1].endswith("run the same command to resume")
            assert list(folder.iterdir()) == []
    assert run(["synthesize", *_flags(tmp_path)]) == 0
    assert sorted(p.name for p in folder.iterdir()) == ["source", "truth.h5", "truth.parquet"]
