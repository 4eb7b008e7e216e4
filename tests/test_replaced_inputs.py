"""An input that is replaced after a job has looked at it is noticed before anything is written."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from chain import COMMANDS, words
from refusals import Refuse

from data_contracts.store import Provenance, read_header, verify, write_arrays, write_table
from data_contracts.synthetic import SYNTHETIC_TRUTH
from data_contracts.vocabulary import Contract
from jobs._record import Recorder
from jobs._registry import find_jobs
from jobs._sources import file_digest

STEPS = {step.split()[0]: step for step in COMMANDS}
pytestmark = pytest.mark.usefixtures("undrawn")
READS = [(name, c) for name, spec in find_jobs().items() for c in spec.reads]


def command(job: str, workspace: Path) -> list[str]:
    return [*words(STEPS[job], workspace)[1:], "--force"]


def after_the_look(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Act once the job's lineage has been checked and recorded."""
    update = Recorder.update

    def record(self: Recorder, **facts: Any) -> None:
        update(self, **facts)
        if "inputs" in facts:
            act()

    monkeypatch.setattr(Recorder, "update", record)


def replace(contract: Contract, path: Path) -> None:
    """Put another valid artifact of the same kind and attributes in the place of `path`."""
    header = read_header(path)
    origin = Provenance(header.job, header.config, header.inputs)
    path.unlink()
    if contract.kind == "table":
        frame = pl.DataFrame(contract.example())
        write_table(contract, path, frame, origin, contract.example_attributes)
    else:
        write_arrays(contract, path, contract.example(), origin, contract.example_attributes)


def outputs(job: str, workspace: Path) -> dict[Path, str]:
    spec = find_jobs()[job]
    return {p: verify(p).digest for c in spec.writes for p in c.find(workspace)}


@pytest.mark.parametrize(("job", "contract"), READS, ids=[f"{j} {c.name}" for j, c in READS])
def test_an_artifact_that_is_replaced(
    job: str, contract: Contract, copy: Path, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, (path, *_) = outputs(job, copy), contract.find(copy)
    after_the_look(monkeypatch, lambda: replace(contract, path))
    line = refuse(command(job, copy), 75, copy, state="interrupted")
    assert line.endswith("was replaced while this job was starting; run the same command again")
    assert contract.find(copy)[0].name in line
    assert outputs(job, copy) == before


def _sources(job: str, workspace: Path) -> dict[str, Path]:
    spec = find_jobs()[job]
    flags = {"extract": {"mimic_iv": "mimic-iv", "mimic_cxr": "mimic-cxr"}}.get(job, {})
    source = workspace / "synthetic" / "source"
    own: dict[str, Any] = {name: source / folder for name, folder in flags.items()}
    if job == "train-task":
        own = {"task": "mortality", "weights": str(workspace / "weights.pth")}
    if job == "preprocess":
        own = {"root": source}
    if job == "explain":
        own = {"task": "mortality"}
    return dict(spec.sources(spec.config(workspace=workspace, **own)))


@pytest.mark.parametrize("job", ["extract", "aggregate", "train-task"])
def test_a_source_that_is_replaced(
    job: str, copy: Path, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = _weights(copy)
    words = [str(weights) if w == "none" else w for w in command(job, copy)]
    before = outputs(job, copy)
    for path in _sources(job, copy).values():
        content = path.read_bytes()
        other = _other(path)

        def change(path: Path = path, other: bytes = other) -> None:
            path.unlink()
            path.write_bytes(other)

        digest = file_digest

        def look(
            asked: Path,
            path: Path = path,
            change: Callable[[], None] = change,
            digest: Callable[[Path], str] = digest,
        ) -> str:
            found = digest(asked)
            if asked == path:
                change()
            return found

        with monkeypatch.context() as patched:
            patched.setattr("jobs._execute.file_digest", look)
            line = refuse(words, 75, copy, state="interrupted")
        assert f"{path} was replaced while it was read" in line
        path.unlink()
        path.write_bytes(content)
    assert outputs(job, copy) == before


def test_every_job_with_sources_is_tested(copy: Path) -> None:
    _weights(copy)
    assert {j for j in find_jobs() if _sources(j, copy)} == {"extract", "aggregate", "train-task"}


def _other(path: Path) -> bytes:
    """Other content that can be read as well."""
    if path.suffix == ".parquet":
        beside = path.with_name("other.parquet")
        frame, attributes = pl.DataFrame(SYNTHETIC_TRUTH.example()), read_header(path).attributes
        write_table(SYNTHETIC_TRUTH, beside, frame, Provenance("synthesize", {}), attributes)
        return beside.read_bytes()
    return path.read_bytes() + (gzip.compress(b"") if path.suffix == ".gz" else b"\0")


def _weights(workspace: Path) -> Path:
    import torch
    import torchvision

    path = workspace / "weights.pth"
    torch.save(torchvision.models.squeezenet1_1(weights=None).state_dict(), path)
    return path
