"""A workspace that version 0.2 has written is read by this one, and nothing is trained again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.errors import ArtifactError
from data_contracts.model import MODEL
from data_contracts.predictions import PREDICTIONS
from data_contracts.region_evidence import REGION_EVIDENCE
from data_contracts.store import open_arrays, read_header, read_table, verify
from data_contracts.summary import METRICS, MODELS
from jobs._cli import run

OLD = Path(__file__).parent / "data" / "workspace-0.2"
ARTIFACTS = sorted(p for p in OLD.rglob("*.*") if p.is_file())


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD, tmp_path / "workspace"))


@pytest.mark.parametrize("path", ARTIFACTS, ids=lambda p: str(p.relative_to(OLD)))
def test_every_artifact_can_be_inspected_and_verified(path: Path) -> None:
    assert verify(path).package_version == "0.2.0"
    assert run(["inspect", str(path), "--verify"]) == 0


@pytest.mark.usefixtures("undrawn")
def test_explain_and_aggregate_go_on_from_the_old_models(
    workspace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    digests = {p: read_header(p).digest for p in MODEL.find(workspace)}
    where = ["--workspace", str(workspace)]
    aggregate = ["aggregate", "--replicates=100", "--surrogates=99", "--permutations=99", *where]
    assert run(aggregate) == 0
    before = read_table(METRICS, METRICS.path(workspace)).frame
    # Its version did not look for lungs.
    assert read_table(REGION_EVIDENCE, REGION_EVIDENCE.path(workspace)).frame.is_empty()
    page = (workspace / "report" / "report.html").read_text(encoding="utf-8")
    assert "No maps are aligned" in page
    for task in ("mortality", "insurance"):
        assert run(["explain", "--task", task, "--device", "cpu", *where]) == 0
    assert run(aggregate) == 0
    assert read_table(METRICS, METRICS.path(workspace)).frame.equals(before)
    regions = read_table(REGION_EVIDENCE, REGION_EVIDENCE.path(workspace)).frame
    assert set(regions["task"]) == {"mortality", "insurance"}
    models = read_table(MODELS, MODELS.path(workspace)).frame
    assert models.select("task", "name", "seed", "control", "has_maps").rows() == [
        ("mortality", "main", 0, "none", True), ("insurance", "main", 0, "none", True),
    ]  # fmt: skip
    assert {p: read_header(p).digest for p in MODEL.find(workspace)} == digests
    assert "Traceback" not in capfd.readouterr().err


def test_maps_made_now_equal_those_of_the_older_version(workspace: Path) -> None:
    keys = {"task": "mortality", "name": "main"}
    (old,) = ATTRIBUTIONS.find(workspace, **keys)
    assert old.name == "attributions.h5"
    with open_arrays(ATTRIBUTIONS, old) as arrays:
        assert arrays.names() == ["image_id", "maps", "mean_image", "outputs"]
        assert arrays.header.attributes["unit"] == "logit per cell"
        before = arrays.read("maps"), arrays.read("outputs")
    command = ["explain", "--task", "mortality", "--device", "cpu", "--workspace", str(workspace)]
    assert run(command) == 0
    (new,) = ATTRIBUTIONS.find(workspace, **keys)
    assert new.name == "attributions-gradcam-test.h5"
    with open_arrays(ATTRIBUTIONS, new) as arrays:
        np.testing.assert_allclose(arrays.read("outputs"), before[1], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(arrays.read("maps"), before[0], rtol=1e-2, atol=1e-3)
        assert {"lung_box", "aligned_mean_image"} <= {*arrays.names()}


def test_what_was_not_known_then_is_filled_in(workspace: Path) -> None:
    table = read_table(PREDICTIONS, *PREDICTIONS.find(workspace, task="mortality"))
    assert table.frame["predicted_value"].null_count() == table.frame.height
    facts = table.header.attributes
    assert (facts["seed"], facts["control"], facts["target_kind"]) == (0, "none", "classes")


def test_what_costs_seconds_is_refused_with_the_command_that_makes_it(workspace: Path) -> None:
    with pytest.raises(ArtifactError, match=r"got 1\.0; run `cxr aggregate` again"):
        read_table(METRICS, METRICS.path(workspace))
