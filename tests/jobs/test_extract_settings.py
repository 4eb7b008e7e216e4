"""Settings of `cxr extract` that change split and tasks, on tables of a few rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_mimic import PATIENTS, complaint, extract
from small_mimic import source as source

from data_contracts.cohort import COHORT, tasks_of
from data_contracts.cohort_description import COHORT_FLOW
from data_contracts.store import read_table
from jobs._cli import run as cxr


def test_a_split_by_time(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace, by_time = tmp_path / "ws", ("--split-by", "time")
    assert extract(source, workspace, *by_time) == 4
    assert "name 1 periods (anchor_year_group), want 2 or more" in complaint(capsys)
    table = source / PATIENTS
    table.write_text(
        table.read_text().replace("2,M,61,2180,2014 - 2016", "2,M,61,2180,2011 - 2013")
    )
    assert extract(source, workspace, *by_time) == 0
    cohort = read_table(COHORT, COHORT.path(workspace))
    assert cohort.frame.filter(split="test")["subject_id"].unique().to_list() == ["1"]
    facts = cohort.header.attributes
    assert (facts["split_by"], facts["test_period"]) == ("time", "2014 - 2016")
    capsys.readouterr()
    assert extract(source, workspace, *by_time, "--split-file", "split.csv") == 2
    assert "exclude each other" in complaint(capsys)
    other = ["extract", "--source", "nih", "--root", str(source), "--workspace", str(workspace)]
    assert cxr([*other, *by_time]) == 2
    assert "--split-by time: the source nih does not say when" in complaint(capsys)
    assert cxr([*other, "--race-conflict", "latest"]) == 2
    assert "--race-conflict latest: the source nih does not say the race" in complaint(capsys)
    assert cxr([*other, "--omr", "omr.csv.gz", "--mimic-iv", "."]) == 2
    assert "does not read --mimic-iv and --omr; leave it out" in complaint(capsys)
    table.write_text(table.read_text().replace("2011 - 2013", "2011 to 2013"))
    assert extract(source, workspace, *by_time) == 4
    assert "'anchor_year_group': 1 of 3 rows have an unknown category, first" in complaint(capsys)


def test_several_horizons_are_several_tasks(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, also = tmp_path / "ws", ("--further-horizon", "30", "--further-horizon", "60")
    assert extract(source, workspace, *also, "--select", "all", "--min-cell-count", "0") == 0
    frame = read_table(COHORT, COHORT.path(workspace)).frame
    assert tasks_of(frame.columns)[:4] == ["mortality", "mortality_30d", "mortality_60d", "gender"]
    died = frame.filter(subject_id="2")  # 52 days after the study
    assert died["label_mortality_30d"].to_list() == ["survived"]
    assert died["label_mortality_60d"].to_list() == died["label_mortality"].to_list() == ["died"]
    flow = read_table(COHORT_FLOW, COHORT_FLOW.path(workspace)).frame
    for task in ("mortality", "mortality_30d", "mortality_60d"):
        assert flow.filter(scope=task, rule="usable")["images"].item() == 3
        assert flow.filter(scope=task, rule="study not in a stay").height == 1
    capsys.readouterr()
    for flags, want in (
        (("--further-horizon", "365"), "none that is --horizon already"),
        ((*also, "--further-horizon", "30"), "want each horizon once"),
        ((*also, "--further-horizon", "1825"), "--further-horizon 1825: beyond a year only"),
        (("--further-horizon", "0"), "--further-horizon"),
    ):
        assert extract(source, workspace, *flags) == 2
        assert want in complaint(capsys)


def test_a_table_without_a_body_mass_index_is_a_warning(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = "1,2180-01-01,1,{},30\n"
    for name, want in (("Weight (Lbs)", True), ("BMI", False)):
        omr = tmp_path / "omr.csv"
        omr.write_text("subject_id,chartdate,seq_num,result_name,result_value\n" + row.format(name))
        assert extract(source, tmp_path / "ws", "--omr", str(omr)) == 0
        assert ("no image has a body mass index" in capsys.readouterr().err) == want
