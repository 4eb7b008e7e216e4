"""`docs/examples/kubernetes`: what the program renders, and claims that a cluster accepts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from jobs._cli import run

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "kubernetes"
VERSIONS = ["1.31", "1.34", "1.37"]
JOBS = ["preprocess.yaml", "train-task.yaml"]


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def command(name: str) -> list[str]:
    """The words after `cxr` in the comment at the head of a file."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    told = [line.removeprefix("#").strip(" \\") for line in lines if line.startswith("#")]
    words = " ".join(told).split()
    return words[words.index("cxr") + 1 :]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", [*JOBS, "volumes.yaml"])
def test_every_file_is_valid(name: str, version: str) -> None:
    for manifest in documents(name):
        assert kubernetes_validate.validate(manifest, version, strict=True) == version
        assert "namespace" not in manifest["metadata"]
        manifest["spec"]["acessModes"] = []
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("name", JOBS)
def test_a_job_is_what_the_command_at_its_head_renders(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # As root the pods get the user of the image, as in the files.
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(os, "getgid", lambda: 0)
    assert run(command(name)) == 0
    rendered = capfd.readouterr().out
    run_id = yaml.safe_load(rendered)["metadata"]["labels"]["cxr/run"]
    same = rendered.replace(run_id, f"example-{Path(name).stem}")
    same = same.replace(run_id.lower(), f"example-{Path(name).stem}")
    assert documents(name) == [yaml.safe_load(same)]


@pytest.mark.parametrize("name", JOBS)
def test_the_claims_of_a_job_are_there(name: str) -> None:
    (job,) = documents(name)
    volumes = job["spec"]["template"]["spec"]["volumes"]
    wanted = {v["persistentVolumeClaim"]["claimName"] for v in volumes if "emptyDir" not in v}
    assert wanted <= {claim["metadata"]["name"] for claim in documents("volumes.yaml")}
