"""`cxr inspect`: what any artifact says about itself."""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest

from data_contracts.catalog import contracts
from data_contracts.cohort import COHORT
from data_contracts.errors import ArtifactError
from data_contracts.images import IMAGES
from data_contracts.predictions import FEATURES
from data_contracts.store import (
    Input,
    Provenance,
    as_input,
    contract_to_read,
    read_header,
    write_arrays,
    write_table,
)
from jobs._inspect import inspect, workspace_of

GOLDEN_FILES = sorted((Path(__file__).parents[1] / "data").glob("v*/*.*"))


def cells(path: Path) -> set[str]:
    """Every text in an artifact's columns or datasets."""
    content = contracts()[path.stem].example()
    columns = (np.asarray(v) for v in content.values())
    return {str(v) for c in columns if c.dtype.kind in "UO" for v in c.ravel() if v is not None}


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_every_kind_of_artifact(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inspect(path)
    text = capsys.readouterr().out
    contract = contract_to_read(read_header(path), path)
    version = path.parent.name.removeprefix("v")
    for want in (str(path), f"{contract.name} {version}", "sha256:", contract.description):
        assert want in text
    for field in (*contract.fields, *contract.attributes):
        assert field.nullable or field.name.rstrip("*") in text
    assert "digest verified" not in text
    inspect(path, verify=True)
    assert capsys.readouterr().out == f"{text}digest verified\n"


def test_no_cell_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    for path in GOLDEN_FILES:
        if path.stem in ("cohort", "images", "image_rejects", "predictions", "features"):
            inspect(path)
            text = capsys.readouterr().out
            ids = ("image", "subject", "study", "files")
            secret = {cell for cell in cells(path) if cell.startswith(ids)}
            assert secret
            assert not [cell for cell in secret if cell in text]


def test_shapes_rows_and_nulls(capsys: pytest.CaptureFixture[str]) -> None:
    folder = GOLDEN_FILES[0].parent
    inspect(folder / "images.h5")
    assert "pixels uint8 12 × 32 × 32" in " ".join(capsys.readouterr().out.split())
    inspect(folder / "cohort.parquet")
    lines = capsys.readouterr().out.splitlines()
    assert ["rows", "12"] in [line.split() for line in lines]
    assert any(line.split()[:4] == ["days_to_death", "Int32", "6", "days"] for line in lines)
    assert any("Enum(survived, died)" in line for line in lines)


def workspace(root: Path) -> Path:
    """A cohort, images made from it, features made from both and from a source file."""
    frame, path = pl.DataFrame(COHORT.example()), COHORT.path(root)
    source = Input("source", "weights", "sha256:1")
    origin = Provenance("extract", {"seed": 1}, (source,))
    cohort = as_input(
        write_table(COHORT, path, frame, origin, COHORT.example_attributes), path, root
    )
    path = IMAGES.path(root, shard="1", shards="1")
    origin = Provenance("preprocess", {}, (cohort,))
    images = as_input(
        write_arrays(IMAGES, path, IMAGES.example(), origin, IMAGES.example_attributes), path, root
    )
    path = FEATURES.path(root, task="gender", name="main")
    origin = Provenance("train-task", {"seed": 1, "weights": None}, (cohort, images))
    write_arrays(FEATURES, path, FEATURES.example(), origin, FEATURES.example_attributes)
    return path


def lineage(path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    inspect(path)
    lines = capsys.readouterr().out.splitlines()
    return [line[2:] for line in lines[lines.index("made from") + 1 :]]


def test_the_lineage_as_a_tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = workspace(tmp_path)
    rows = lineage(path, capsys)
    # What the cohort was made from stands below it where it first appears.
    assert [row.split()[0] for row in rows] == [
        "cohort/cohort.parquet", "weights", "images/images-1-of-1.h5", "cohort/cohort.parquet",
    ]  # fmt: skip
    indents = [len(row) - len(row.lstrip()) for row in rows]
    assert indents == [0, 3, 0, 3]
    assert [row.split(maxsplit=3)[3] for row in rows[:3]] == ["ok", "external", "ok"]


def test_stale_missing_and_damaged_inputs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = workspace(tmp_path)
    frame, attributes = pl.DataFrame(COHORT.example()), dict(COHORT.example_attributes)
    attributes["split_seed"] = 9
    write_table(COHORT, COHORT.path(tmp_path), frame, Provenance("extract", {}), attributes)
    assert "stale" in lineage(path, capsys)[0]
    IMAGES.path(tmp_path, shard="1", shards="1").write_bytes(b"x")
    assert "damaged" in lineage(path, capsys)[1]
    IMAGES.path(tmp_path, shard="1", shards="1").unlink()
    assert "missing" in lineage(path, capsys)[1]


def test_a_file_away_from_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = workspace(tmp_path / "w")
    copy = tmp_path / "copy.h5"
    copy.write_bytes(path.read_bytes())
    assert all("workspace unknown" in row for row in lineage(copy, capsys))
    assert workspace_of(FEATURES, path) == (tmp_path / "w").resolve()
    assert workspace_of(FEATURES, copy) is None


def test_on_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    inspect(workspace(tmp_path), verify=True)
    text = capsys.readouterr().out
    for want in ("features 2.1", "12 × 8", "cohort/cohort.parquet", "digest verified"):
        assert want in text


def test_not_an_artifact(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    for path in (tmp_path, tmp_path / "x.txt", tmp_path / "none"):
        with pytest.raises(ArtifactError, match=str(path)):
            inspect(path)


def test_only_verifying_finds_a_value_that_other_software_changed(tmp_path: Path) -> None:
    path = workspace(tmp_path)
    with h5py.File(path, "r+") as file:
        file["features"][0, 0] += 1
    inspect(path)
    with pytest.raises(ArtifactError, match="damaged"):
        inspect(path, verify=True)
