"""The scripts that look after what is installed: pins, licences, advisories, bill of materials."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from requirements import pins as pins_module
from requirements.licences import copyleft
from requirements.pins import pins
from requirements.sbom import keep

ROOT = Path(__file__).parent.parent

# A stand-in for pip-audit: prints what it is told to, for the service it is asked for.
FAKE_AUDIT = """
import os, sys
service = sys.argv[sys.argv.index("--vulnerability-service") + 1]
answer = os.environ["ANSWER_" + service]
print(answer, file=sys.stdout if answer[0] == "{" else sys.stderr)
sys.exit(1)
"""
UNREACHED = "requests.exceptions.ConnectionError: no way out"
UNKNOWN = '{"name": "b", "skip_reason": "not found"}'
CLEAN = '{"name": "a", "version": "1", "vulns": []}'
FLAWED = '{"name": "c", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}'


def answer(*packages: str) -> str:
    return f'{{"dependencies": [{", ".join(packages)}], "fixes": []}}'


def audit(folder: Path, osv: str, pypi: str = UNREACHED) -> subprocess.CompletedProcess[str]:
    (folder / "pip_audit.py").write_text(FAKE_AUDIT)
    return subprocess.run(
        [sys.executable, "-m", "requirements.audit", "requirements/lock.txt"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(folder), "ANSWER_osv": osv, "ANSWER_pypi": pypi},
    )  # fmt: skip


@pytest.mark.parametrize("lock", ["lock", "s3", "weights", "cluster", "dev"])
def test_the_licences_of_everything_locked_are_listed(lock: str) -> None:
    page = (ROOT / "docs" / "licences.md").read_text()
    listed = re.findall(r"^\| ([a-z0-9-]+) \| (\S+) \| ([^|]+) \|", page, flags=re.MULTILINE)
    versions = {name: version for name, version, licence in listed if licence.strip()}
    wanted = pins(lock)
    assert wanted
    assert {name: versions.get(name) for name in wanted} == wanted, "run `make licences`"


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("GNU General Public License v3 (GPLv3)", "whole"),
        ("GPL-3.0-only", "whole"),
        ("AGPL-3.0", "whole"),
        ("Public Domain; BSD License; GNU General Public License (GPL)", "whole"),
        ("GNU Lesser General Public License v3 (LGPLv3)", "itself"),
        ("LGPL-2.1-or-later", "itself"),
        ("MPL-2.0 AND MIT", "itself"),
        ("Apache-2.0 WITH LLVM-exception", ""),
        ("Python Software Foundation License", ""),
    ],
)
def test_copyleft_is_told_by_the_licence(licence: str, kind: str) -> None:
    assert copyleft(licence) == kind


def test_pins_are_those_of_this_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pins_module, "FOLDER", tmp_path)
    (tmp_path / "a.txt").write_text(
        "# a lock\nOne_Name==1.0 \\\n    --hash=sha256:00\nother==2 ; sys_platform == 'nowhere'\n"
    )
    assert pins("a") == {"one-name": "1.0"}
    (tmp_path / "b.txt").write_text("loose>=1\n")
    with pytest.raises(ValueError, match=r"b\.txt: loose>=1 is not pinned"):
        pins("b")


def test_the_bill_holds_the_image_and_nothing_else() -> None:
    bill: dict[str, Any] = {
        "metadata": {"component": {"bom-ref": "root"}},
        "components": [
            {"name": n, "version": "1", "bom-ref": n} for n in ("Kept_One", "kept-two", "pytest")
        ],
        "dependencies": [
            {"ref": "root", "dependsOn": ["Kept_One", "pytest"]},
            {"ref": "Kept_One"},
            {"ref": "pytest", "dependsOn": ["kept-two"]},
        ],
    }
    kept = keep(bill, {"kept-one": "1", "kept-two": "1"})
    assert [c["name"] for c in kept["components"]] == ["Kept_One", "kept-two"]
    assert {d["ref"]: d["dependsOn"] for d in kept["dependencies"]} == {
        "root": ["Kept_One"],
        "Kept_One": [],
    }
    with pytest.raises(LookupError, match="absent==3, kept-two==2"):
        keep(bill, {"kept-two": "2", "absent": "3"})


@pytest.mark.parametrize("pypi", [UNREACHED, answer(UNKNOWN)])
def test_an_audit_without_advisories_says_so_and_ends_well(tmp_path: Path, pypi: str) -> None:
    done = audit(tmp_path, UNREACHED, pypi)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.startswith("audit: not audited")


def test_an_advisory_fails_the_audit(tmp_path: Path) -> None:
    done = audit(tmp_path, UNREACHED, answer(CLEAN, FLAWED, UNKNOWN))
    assert done.returncode == 1
    assert "audit: c 2: CVE-1, fixed in 3" in done.stdout
    assert "audit: b: not audited: not found" in done.stdout
    assert done.stdout.endswith("audit: 1 advisories for 2 of 3 packages (pypi)\n")


def test_an_audit_that_finds_nothing_passes(tmp_path: Path) -> None:
    done = audit(tmp_path, answer(CLEAN))
    assert (done.returncode, done.stdout) == (0, "audit: 0 advisories for 1 of 1 packages (osv)\n")


def test_an_audit_that_breaks_is_not_taken_for_a_clean_one(tmp_path: Path) -> None:
    done = audit(tmp_path, "error: no such option", answer(CLEAN))
    assert done.returncode != 0
    assert "no such option" in done.stderr


def test_the_image_is_labelled_and_built_by_the_client_asked_for() -> None:
    chosen = {"CXR_DOCKER": "/opt/client", "CXR_DOCKER_BUILD": "--network=host", "MAKEFLAGS": ""}
    done = subprocess.run(
        ["make", "--no-print-directory", "-n", "image"],
        cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ | chosen,
    )  # fmt: skip
    words = done.stdout.replace("\\\n", " ").split()
    assert words[:5] == ["DOCKER_BUILDKIT=1", "/opt/client", "build", "--tag", "cxr"]
    assert words[-2:] == ["--network=host", "."]
    values = dict(w.split("=", 1) for w in words if w.startswith(("VERSION=", "REVISION=")))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert values["VERSION"] == project["version"]
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|unknown", values["REVISION"])
