"""What needs no container engine: the wheel, its entry point, and what the Dockerfile copies."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest
from chain import CXR, words
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = ("build", "lock", "s3", "cluster", "dev")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = [
    pattern.removesuffix("*")
    for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
]


def pip(*words: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *words], check=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built from a copy of the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "tree").mkdir()
    names = ["pyproject.toml", "README.md", "LICENSE", *ROOMS]
    subprocess.run(["cp", "-r", *(ROOT / n for n in names), folder / "tree"], check=True)
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, folder / "tree")
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_file_of_the_rooms(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    rooms = [p for room in ROOMS for p in (ROOT / room).rglob("*")]
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
    assert {*ROOMS} < {*" ".join(copied).split()}


def test_the_image_runs_as_an_ordinary_user_without_a_shell() -> None:
    text = (ROOT / "Dockerfile").read_text()
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER [1-9]", last, flags=re.MULTILINE)
    assert json.loads(last[last.index("ENTRYPOINT") :].split(" ", 1)[1].splitlines()[0]) == ["cxr"]
    assert "# syntax=" not in text


def lines_of(lock: str) -> list[str]:
    """Each requirement of a lock with its hashes, in one line."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and line[0] != "#"]


def pins_of(*locks: str) -> dict[str, Requirement]:
    wishes = [
        Requirement(line.split(" --hash")[0]) for lock in locks for line in lines_of(lock)
    ]  # fmt: skip
    pinned: dict[str, Requirement] = {canonicalize_name(wish.name): wish for wish in wishes}
    assert all(str(pinned[canonicalize_name(w.name)]) == str(w) for w in wishes), "two pins of one"
    return pinned


@pytest.mark.parametrize("lock", [*LOCKS, "graphics", "weights", "tools", "bench"])
def test_every_line_of_a_lock_is_pinned_and_hashed_and_names_no_host(lock: str) -> None:
    lines = lines_of(lock)
    assert lines
    for line in lines:
        wish, *hashes = line.split(" --hash=")
        assert re.fullmatch(r"[a-z0-9.-]+==[^ *]+( ; .+)?", wish.strip()), wish
        assert hashes, wish
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64} *", digest) for digest in hashes), wish
    assert "://" not in "".join(lines)


def test_the_locks_pin_what_the_project_asks_for() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    asked = {"lock": PROJECT["project"]["dependencies"], **extras}
    assert PROJECT["build-system"]["requires"]
    asked["build"] = PROJECT["build-system"]["requires"]
    for layer, wishes in asked.items():
        # A layer lies on top of the first; only what checks the package needs the others too.
        pinned = pins_of(*(LOCKS if layer == "dev" else ("lock", layer)))
        for wish in map(Requirement, wishes):
            (pin,) = pinned[canonicalize_name(wish.name)].specifier
            assert wish.specifier.contains(pin.version), f"{wish} is pinned to {pin.version}"


def test_the_locks_pin_what_is_installed_and_what_that_needs() -> None:
    pinned = pins_of(*LOCKS)
    for found in distributions():
        pin = pinned.get(canonicalize_name(found.metadata["Name"]))
        if pin is None:
            continue
        assert pin.specifier.contains(found.version), f"{found.metadata['Name']} {found.version}"
        for wish in map(Requirement, found.requires or []):
            if wish.marker is None or wish.marker.evaluate({"extra": ""}):
                assert canonicalize_name(wish.name) in pinned, f"{found.metadata['Name']}: {wish}"


def test_whatever_installs_checks_hashes() -> None:
    for name in ("Makefile", "Dockerfile"):
        text = (
            (ROOT / name).read_text().replace("\\\n", " ").replace("$(HASHED)", "--require-hashes")
        )
        asking = [
            c for line in text.splitlines() for c in line.split("&&") if "--requirement " in c
        ]
        asking = [command for command in asking if "pip" in command or "hashes" in command]
        assert asking
        assert all("--require-hashes" in command for command in asking), name


@pytest.mark.parametrize("command", [(), ("runs",), ("run",), ("submit", "extract")])
def test_help_survives_the_stripping_of_docstrings(command: tuple[str, ...]) -> None:
    def shown(level: str) -> str:
        environment = os.environ | {"PYTHONOPTIMIZE": level}
        call = [str(CXR), *command, "--help"]
        return subprocess.check_output(call, env=environment, text=True)

    plain = shown("0")
    assert plain.count("\n") > 5
    assert shown("2") == plain


def test_jobs_run_without_docstrings_and_asserts(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONOPTIMIZE": "2", "CXR_WORKSPACE": str(tmp_path)}
    for step in ("synthesize", "extract"):
        subprocess.run(words(step, tmp_path), env=environment, capture_output=True, check=True)
    assert (tmp_path / "cohort" / "cohort.parquet").exists()
