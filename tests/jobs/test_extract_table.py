"""`cxr extract --source table`, `--inspect` and splits from a file, by the real command line."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import own_tables
import polars as pl
import pytest

from cxrcore.labels import FROM_65
from cxrcore.sources import names
from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_FLOW
from data_contracts.store import read_table
from jobs._cli import run as cxr
from jobs.extract import Config

HORIZON = ("--horizon", "730")


def extract(folder: Path, workspace: Path, *more: str) -> int:
    places = own_tables.write(folder)
    flags = [f"--{name}={path}" for name, path in places.items()]
    return cxr(["extract", "--source=table", *flags, f"--workspace={workspace}", *more])


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("cxr extract: ")
    return line


def test_every_source_can_be_chosen() -> None:
    assert sorted(get_args(Config.model_fields["source"].annotation)) == sorted(names())


def test_a_table_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places, workspace = own_tables.write(tmp_path), tmp_path / "ws"
    flags = [f"--{name}={path}" for name, path in places.items()]
    command = ["extract", "--source=table", *flags, f"--workspace={workspace}"]
    # Both outcomes need the horizon on record, so no horizon makes the label depend on them.
    assert cxr([*command, *HORIZON]) == 0
    cohort = read_table(COHORT, COHORT.path(workspace))
    assert cohort.header.attributes["mortality_rule"] == "observed-to-horizon"
    assert {i.path for i in cohort.header.inputs} == {"table", "mapping"}
    assert cxr([*command, *HORIZON]) == 0
    assert "up to date" in capsys.readouterr().err
    mapping = places["mapping"]
    mapping.write_text(mapping.read_text().replace("F: [w]", "F: [w, x]"))
    assert cxr([*command, *HORIZON]) == 0
    gender = read_table(COHORT, COHORT.path(workspace)).frame["label_gender"]
    assert gender.null_count() == 0


def test_a_further_label(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = tmp_path / "ws"
    more = ("--label=lying=projection:no=pa|front,yes=ap lying", "--label", "band=years:50,60")
    assert extract(tmp_path, workspace, *more) == 0
    cohort = read_table(COHORT, COHORT.path(workspace))
    assert cohort.frame["label_lying"].to_list() == ["no", "yes", "no"]
    assert cohort.frame["label_band"].to_list() == ["50 to under 60", "60 and over", "60 and over"]
    capsys.readouterr()
    assert extract(tmp_path, workspace, *more) == 0
    assert "up to date" in capsys.readouterr().err
    assert extract(tmp_path, workspace, "--label=lying") == 2
    assert "--label lying: want NAME=COLUMN or NAME=COLUMN:GROUPS" in complaint(capsys)
    assert extract(tmp_path, workspace, "--label=x=file") == 4
    assert "column 'file' names patients, studies or images" in complaint(capsys)


def test_a_label_only_of_those_under_65(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = tmp_path / "ws"
    more = ("--min-age=0", "--min-cell-count=0", "--under65=insurance")
    assert extract(tmp_path, workspace, *more) == 0
    cohort = read_table(COHORT, COHORT.path(workspace)).frame
    assert dict(cohort.select("age", "label_insurance").iter_rows()) == {
        50: "public", 60: "private", 70: None, None: None,
    }  # fmt: skip
    assert cohort["label_smoker"].null_count() == 0
    flow = read_table(COHORT_FLOW, COHORT_FLOW.path(workspace)).frame
    of_task = flow.filter(pl.col("scope") == "insurance")
    assert dict(of_task.select("rule", "excluded_images").iter_rows())[FROM_65] == 2
    assert of_task["excluded_images"].sum() + of_task["images"][-1] == cohort.height
    capsys.readouterr()
    assert extract(tmp_path, workspace, "--under65=payer") == 2
    assert "--under65 payer: the source has no such label; it has " in complaint(capsys)


def test_a_mapping_is_proposed_on_stdout_and_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = own_tables.write(tmp_path)["table"]
    command = ["extract", f"--workspace={tmp_path / 'ws'}", "--inspect", "--min-cell-count=1"]
    assert cxr([*command, "--source=table", f"--table={table}"]) == 0
    shown = capsys.readouterr()
    assert "path: file\nsubject_id: patient\n" in shown.out
    assert shown.err == ""
    assert cxr([*command, "--source=table", f"--table={tmp_path / 'x.xls'}"]) == 4
    assert "save it as .xlsx" in complaint(capsys)
    assert cxr(command) == 2
    assert "--inspect needs --source table and --table FILE" in complaint(capsys)
    assert not (tmp_path / "ws").exists()


def test_two_cohorts_share_a_split_by_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other, file = tmp_path / "one", tmp_path / "other", tmp_path / "split.csv"
    assert extract(tmp_path, one, "--seed", "5") == 0
    capsys.readouterr()
    assert cxr(["export-split", str(file), "--workspace", str(one)]) == 0
    digest = capsys.readouterr().out.strip()
    assert file.read_text().splitlines()[0] == "subject_id,split"
    assert extract(tmp_path, other, "--seed", "9", "--select=all", f"--split-file={file}") == 0
    split, cohort = (read_table(COHORT, COHORT.path(ws)) for ws in (one, other))
    assert cohort.header.attributes["split_digest"] == digest
    assert split.header.attributes["split_digest"] is None
    assert [c.header.attributes["split_by"] for c in (split, cohort)] == ["hash", "file"]
    assert ("source", "split", digest) in {
        (i.contract, i.path, i.digest) for i in cohort.header.inputs
    }
    assert cxr(["export-split", str(tmp_path / "again.csv"), "--workspace", str(other)]) == 0
    assert (tmp_path / "again.csv").read_bytes() == file.read_bytes()
    capsys.readouterr()
    assert cxr(["export-split", str(file), "--workspace", str(one)]) == 2
    assert f"{file} exists; give a new name" in capsys.readouterr().err
    assert cxr(["export-split", str(tmp_path / "x"), "--workspace", str(tmp_path / "no")]) == 3
    assert "run `cxr extract` first" in capsys.readouterr().err
    file.write_text(file.read_text() + "P1,test\nP1,train\n")
    assert extract(tmp_path, other, f"--split-file={file}") == 4
    assert "1 patients are in two splits" in complaint(capsys)
