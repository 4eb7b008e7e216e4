"""The scripts that try what is promised about faults still run, and find every promise kept."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.reliability import damage, images
from data_contracts.__main__ import write_example
from data_contracts.catalog import contracts


def test_mutated_images(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["images.py", "--files", "40", "--vast", "0"])
    with pytest.raises(SystemExit) as ended:
        images.main()
    shown = capsys.readouterr().out
    assert ended.value.code == 0, shown
    assert "dicom: rle" in shown
    assert "every promise kept" in shown


def test_damaged_artifacts(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    for name in ("images", "cohort"):
        contract = contracts()[name]
        path = contract.path(workspace, shard="1", shards="1")
        path.parent.mkdir(parents=True)
        write_example(contract, path)
    counts, broken = damage.try_reader(workspace, tmp_path, count=60, seed=0)
    assert broken == []
    assert counts.keys() == {
        "cohort/cohort.parquet", "images/images-1-of-1.h5", "images/images-1-of-1.h5: pixels",
    }  # fmt: skip
    assert all(found["cut found"] for found in counts.values())
