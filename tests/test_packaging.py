"""What needs no container engine: the wheel, its entry point, and what the Dockerfile copies."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = [ROOT / "requirements" / f"{name}.txt" for name in ("lock", "cluster", "dev")]


def pip(*words: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *words], check=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built from a copy of the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "tree").mkdir()
    names = ["pyproject.toml", "README.md", "LICENSE", "data_contracts", "cxrcore", "jobs"]
    subprocess.run(["cp", "-r", *(ROOT / n for n in names), folder / "tree"], check=True)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, folder / "tree")
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_rooms(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    rooms = [p for room in ("data_contracts", "cxrcore", "jobs") for p in (ROOT / room).rglob("*")]
    wanted = {
        p.relative_to(ROOT).as_posix()
        for p in rooms
        if p.is_file() and "__pycache__" not in p.parts
    }
    assert wanted <= inside
    assert not any(name.startswith("tests/") for name in inside)


def test_the_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    python = tmp_path / "env" / "bin" / "python"
    pip("--python", python, "install", "--no-deps", "--no-index", wheel)
    # The dependencies are the tested ones; the package itself can only come from the wheel.
    site = next((tmp_path / "env").glob("lib/python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    where = "import jobs; print(jobs.__file__)"
    place = subprocess.run(
        [python, "-c", where], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert place.stdout.startswith(str(site))
    command = [tmp_path / "env" / "bin" / "cxr"]
    shown = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert "train-task" in shown.stdout
    assert (
        subprocess.run([*command, "no-such-job"], capture_output=True, check=False).returncode == 2
    )


def test_everything_the_dockerfile_copies_exists_and_is_sent() -> None:
    sent = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    text = (ROOT / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, flags=re.MULTILINE)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
        assert name in sent, f"{name} is not sent to the engine"
    assert copied


def test_the_image_runs_as_an_ordinary_user_without_a_shell() -> None:
    text = (ROOT / "Dockerfile").read_text()
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER [1-9]", last, flags=re.MULTILINE)
    assert json.loads(last[last.index("ENTRYPOINT") :].split(" ", 1)[1].splitlines()[0]) == ["cxr"]
    assert "# syntax=" not in text


def test_the_locks_pin_what_is_installed_and_needed() -> None:
    lines = [
        line for lock in LOCKS for line in lock.read_text().splitlines() if line and line[0] != "#"
    ]
    pinned = {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}
    assert len(pinned) == len(lines)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [r for group in project["optional-dependencies"].values() for r in group]
    for wish in map(Requirement, [*project["dependencies"], *extras]):
        (pin,) = pinned[canonicalize_name(wish.name)].specifier
        assert wish.specifier.contains(pin.version), f"{wish} is pinned to {pin.version}"
    for found in distributions():
        pin_of = pinned.get(canonicalize_name(found.metadata["Name"]))
        assert pin_of is None or pin_of.specifier.contains(found.version), (
            f"{found.metadata['Name']}"
        )
