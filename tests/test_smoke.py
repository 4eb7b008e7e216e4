"""The smoke run: a tiny synthetic cohort through every job by the real command line."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from chain import COMMANDS, CXR, TASKS, words

from data_contracts.catalog import contracts
from data_contracts.run import read_runs
from jobs._cli import run
from jobs._registry import find_jobs

if TYPE_CHECKING:
    from chain import Chain


@pytest.mark.parametrize("step", COMMANDS)
def test_every_job_succeeds(chain: Chain, step: str) -> None:
    result = chain.results[step]
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr


def test_every_registered_job_took_part() -> None:
    assert {step.split()[0] for step in COMMANDS} == set(find_jobs())


def test_every_artifact_is_there_and_verifies(
    chain: Chain, capfd: pytest.CaptureFixture[str]
) -> None:
    for contract in contracts().values():
        found = contract.find(chain.workspace)
        if contract.name == "checkpoint":
            assert not found
            continue
        assert found, contract.name
        for path in found:
            assert run(["inspect", str(path), "--verify"]) == 0
            shown = capfd.readouterr().out
            assert contract.name in shown
            assert "verified" in shown


def test_inspect_on_the_command_line(chain: Chain) -> None:
    path = chain.workspace / "summary" / "metrics.parquet"
    shown = subprocess.run([CXR, "inspect", path], capture_output=True, text=True, check=True)
    assert "cohort/cohort.parquet" in shown.stdout
    missing = subprocess.run(
        [CXR, "inspect", "nowhere"], capture_output=True, text=True, check=False
    )
    assert missing.returncode == 3
    assert missing.stderr.count("\n") == 1


def test_the_table_and_the_report_reach_the_reader(chain: Chain) -> None:
    shown = chain.results["aggregate"].stdout
    for task in TASKS:
        assert task in shown
    assert "AUROC" in shown
    page = chain.workspace / "report" / "report.html"
    assert str(page) in shown
    text = page.read_text(encoding="utf-8")
    assert "synthetic" in text.lower()
    assert "<img" in text
    assert "In the frame of the lungs" in text
    assert list((chain.workspace / "report" / "figures").glob("*.png"))


def test_every_run_left_its_record(chain: Chain) -> None:
    records = read_runs(chain.workspace)
    assert len(records) == len(COMMANDS)
    assert {r.state for r in records} == {"succeeded"}
    assert all(r.outputs for r in records)


def test_nothing_temporary_stays(chain: Chain) -> None:
    hidden = {p.name for p in chain.workspace.rglob(".*")}
    assert hidden == {".locks"}


@pytest.mark.parametrize("step", COMMANDS)
def test_a_second_run_is_up_to_date(
    chain: Chain, step: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run([*words(step, chain.workspace)[1:], "--workspace", str(chain.workspace)]) == 0
    assert "up to date" in capfd.readouterr().err


def test_no_patient_reaches_a_log(chain: Chain) -> None:
    import polars as pl

    cohort = pl.read_parquet(chain.workspace / "cohort" / "cohort.parquet")
    names = {*cohort["subject_id"], *cohort["study_id"], *cohort["image_id"]}
    for path in (chain.workspace / "runs").rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not any(name in text for name in names), path
    for result in chain.results.values():
        assert not any(name in result.stdout + result.stderr for name in names)
