"""`cxr extract` by the real command line, on tables of a few rows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from small_mimic import ADMISSIONS, METADATA, PATIENTS, TABLES, complaint, extract
from small_mimic import source as source

from data_contracts.cohort import COHORT, DIFFERENCE
from data_contracts.cohort_description import COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.store import Provenance, read_table, write_table
from data_contracts.synthetic import SYNTHETIC_TRUTH
from jobs._cli import run as cxr


def test_a_small_collection(source: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    settings = ("--select", "all", "--seed", "5", "--min-cell-count", "0")
    assert extract(source, workspace, *settings) == 0
    cohort = read_table(COHORT, COHORT.path(workspace))
    assert cohort.frame["image_id"].to_list() == ["a", "b", "c"]
    assert cohort.frame["label_mortality"].to_list() == ["survived", "survived", "died"]
    assert cohort.frame["label_insurance"].to_list() == ["Medicare", "Medicare", "Medicaid"]
    assert [c for c in cohort.frame.columns if c.startswith("label_")] == [
        "label_mortality", "label_gender", "label_race", "label_insurance",
    ]  # fmt: skip
    assert cohort.header.attributes == {
        "source": "mimic", "select": "all", "split_seed": 5, "mortality_rule": "hospital-stay",
        "pixel_source": "dicom", "split_digest": None, "split_by": "hash", "test_period": None,
    }  # fmt: skip
    read = {i.path for i in cohort.header.inputs}
    assert read == {
        "hosp/patients.csv",
        "hosp/admissions.csv",
        "cxr-record-list.csv",
        "mimic-cxr-2.0.0-metadata.csv",
    }
    flow = read_table(COHORT_FLOW, COHORT_FLOW.path(workspace)).frame
    assert (
        flow.filter(pl.col("rule").str.starts_with("date of death before"))[
            "excluded_images"
        ].item()
        == 1
    )
    table_one = read_table(COHORT_CHARACTERISTICS, COHORT_CHARACTERISTICS.path(workspace)).frame
    linkage = table_one.filter(variable="linkage", split="all").select("level", "images")
    assert dict(linkage.iter_rows()) == {
        "in_admission": 3, "in_ed_stay": 0, "within_24h_before": 0, "within_a_year_after": 0,
        "none": 0, "missing": 0, DIFFERENCE: 3,
    }  # fmt: skip


def test_the_same_tables_elsewhere_are_up_to_date(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = tmp_path / "ws"
    assert extract(source, workspace) == 0
    digest = read_table(COHORT, COHORT.path(workspace)).header.digest
    moved = tmp_path / "moved"
    shutil.move(source, moved)
    capsys.readouterr()
    assert extract(moved, workspace) == 0
    assert "up to date" in capsys.readouterr().err
    assert extract(moved, workspace, "--force") == 0
    assert read_table(COHORT, COHORT.path(workspace)).header.digest == digest
    table = moved / "mimic-iv/hosp/patients.csv"
    table.write_text(table.read_text().replace("1,F", "1,M"))
    capsys.readouterr()
    assert extract(moved, workspace) == 0
    assert "up to date" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("table", "old", "new", "want"),
    [
        (METADATA, "", None, "metadata.csv.gz (or .csv) does not exist"),
        (PATIENTS, "anchor_age", "years", "want the column 'anchor_age'"),
        (PATIENTS, TABLES[PATIENTS], "", "the file is empty"),
        (
            ADMISSIONS,
            "ASIAN",
            "martian",
            "'race': 1 of 3 rows have an unknown category, first in row 3",
        ),
        (ADMISSIONS, "2178-03-09 10:00:00", "yesterday", "'admittime': 1 of 3 rows"),
        (METADATA, ",2180", ",2170", "no image of 4 remains: the rule 'younger than 70 years"),
    ],
    ids=["no file", "no column", "empty", "category", "time", "nothing left"],
)
def test_unusable_tables_end_with_code_4_and_one_line(
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    table: str,
    old: str,
    new: str | None,
    want: str,
) -> None:
    path = source / table
    if new is None:
        path.unlink()
    else:
        path.write_text(path.read_text().replace(old, new))
    assert extract(source, tmp_path / "ws", "--min-age", "70") == 4
    assert want in complaint(capsys)
    assert not COHORT.path(tmp_path / "ws").exists()


def test_missing_flags_are_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cxr(["extract", "--workspace", str(tmp_path / "ws")]) == 2
    line = complaint(capsys)
    assert "--mimic-iv DIR" in line
    assert "--mimic-cxr DIR" in line
    assert cxr(["extract", "--source", "nih", "--workspace", str(tmp_path / "ws")]) == 2
    assert "--root DIR" in complaint(capsys)
    assert cxr(["extract", "--source", "table", "--workspace", str(tmp_path / "ws")]) == 2
    assert "needs --table FILE (one row per image) and --mapping FILE (YAML" in complaint(capsys)


LONG = ("--horizon", "730")


def test_a_label_that_depends_on_the_outcome_is_only_made_when_asked_for(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = tmp_path / "ws"
    assert extract(source, workspace, *LONG) == 2
    line = complaint(capsys)
    for part in ("--horizon 730", "depends on the outcome", "--allow-outcome-dependent-label"):
        assert part in line
    assert not COHORT.path(workspace).exists()
    assert extract(source, workspace, *LONG, "--allow-outcome-dependent-label") == 0
    told = capsys.readouterr().err
    assert "warning: --horizon 730: who has a mortality label depends on the outcome" in told
    assert "warning: no image has a label for mortality; cohort/flow.parquet says why" in told
    cohort = read_table(COHORT, COHORT.path(workspace))
    assert cohort.header.attributes["mortality_rule"] == "hospital-stay-outcome-dependent"
    assert extract(source, workspace, "--allow-outcome-dependent-label") == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert "does this look like MIMIC-CXR with MIMIC-IV? found 4 images (known: 377,110)" in line


def test_the_nih_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "Data_Entry_2017.csv").write_text(
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
        "View Position,\n"
        "00000001_000.png,No Finding,0,1,58,M,PA,\n"
        "00000002_000.png,Mass,0,2,40,F,AP,\n"
    )
    workspace = tmp_path / "ws"
    where = ["--root", str(tmp_path), "--workspace", str(workspace)]
    # Without outcomes the horizon says nothing.
    assert cxr(["extract", "--source", "nih", *where, *LONG]) == 0
    capsys.readouterr()
    assert cxr(["extract", "--source", "nih", *where, "--further-horizon", "90"]) == 2
    assert "--further-horizon 90: the source has no dates of death" in complaint(capsys)
    cohort = read_table(COHORT, COHORT.path(workspace))
    assert cohort.header.attributes["mortality_rule"] is None
    assert cohort.header.attributes["pixel_source"] == "png"
    frame = cohort.frame
    assert frame["path"].to_list() == ["images/00000001_000.png", "images/00000002_000.png"]
    assert [c for c in frame.columns if c.startswith("label_")] == ["label_gender"]


def test_the_job_and_the_search_for_its_tables_load_no_polars(source: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from jobs import extract\n"
        "config = extract.Config(mimic_iv=Path(sys.argv[1]), mimic_cxr=Path(sys.argv[2]))\n"
        "assert len(extract.sources(config)) == 4\n"
        "assert not {'polars', 'torch', 'numpy'} & set(sys.modules)"
    )
    folders = [str(source / "mimic-iv"), str(source / "mimic-cxr")]
    subprocess.run([sys.executable, "-c", code, *folders], check=True, env=os.environ)


def test_few_patients_are_not_disclosed_and_extract_says_so(source: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    assert extract(source, workspace) == 0
    flow = read_table(COHORT_FLOW, COHORT_FLOW.path(workspace))
    assert flow.header.attributes == {"min_cell_count": 11, "synthetic": False}
    assert flow.frame["subjects"].is_in([None, 0], nulls_equal=True).all()
    table = read_table(COHORT_CHARACTERISTICS, COHORT_CHARACTERISTICS.path(workspace)).frame
    assert table.filter(pl.col("subjects") > 0).is_empty()


def test_only_a_drawn_collection_counts_as_synthetic(source: Path, tmp_path: Path) -> None:
    workspace, truth = tmp_path / "ws", source.parent / "truth.parquet"
    truth.write_text("a table of somebody's own")
    assert extract(source, workspace) == 0
    assert not read_table(COHORT_FLOW, COHORT_FLOW.path(workspace)).header.attributes["synthetic"]
    example = pl.DataFrame(SYNTHETIC_TRUTH.example())
    origin = Provenance("synthesize", {})
    write_table(SYNTHETIC_TRUTH, truth, example, origin, SYNTHETIC_TRUTH.example_attributes)
    assert extract(source, workspace, "--force") == 0
    assert read_table(COHORT_FLOW, COHORT_FLOW.path(workspace)).header.attributes["synthetic"]
