"""Workspaces for the dashboard to show, of any size, and the dashboard opened on one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import combinations, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pytest
from evidence_tables import associations, frame_of, orders, sentence_about, verdicts
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from cxrcore.mean_heatmaps import as_arrays
from data_contracts import header
from data_contracts.associations import ASSOCIATIONS, ORDERS, VERDICTS
from data_contracts.cohort import SPLITS
from data_contracts.differences import DIFFERENCES
from data_contracts.mean_heatmaps import MEAN_HEATMAPS
from data_contracts.run import RunRecord, State
from data_contracts.store import Header, Input, Provenance, as_input, write_arrays, write_table
from data_contracts.summary import CURVES, METRICS, MODELS
from data_contracts.vocabulary import Contract
from jobs._job import existing
from jobs._registry import find_jobs
from tui.app import Dashboard

# Pictures show the local time.
os.environ["TZ"] = "UTC"
time.tzset()

#: The present of every dashboard whose clock is frozen.
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CREATED = "2026-11-23T11:00:00+00:00"

CLASSES = {
    "mortality": ("survived", "died"),
    "gender": ("F", "M"),
    "race": ("White", "Black", "Asian"),
    "insurance": ("Other", "Medicaid"),
}
TASKS = tuple(CLASSES)


SIZES = {"80": (80, 24), "140": (140, 45)}


def pictures(*names: str) -> pytest.MarkDecorator:
    """Parameters `shown`, `size` and `theme` from names such as `map-80-dark`."""
    parts = [name.rsplit("-", 2) for name in names]
    cases = [
        pytest.param(shown, SIZES[width], f"cxr-{theme}", id=f"{shown}-{width}-{theme}")
        for shown, width, theme in parts
    ]
    return pytest.mark.parametrize(("shown", "size", "theme"), cases)


def write_workspace(
    workspace: Path, tasks: Sequence[str] = TASKS, names: Sequence[str] = ("main",)
) -> None:
    """All artifacts of a finished analysis, from the contracts' own examples, lineage included."""
    for place, content in _artifacts(tuple(tasks), tuple(names), header.package_version()).items():
        (workspace / place).parent.mkdir(parents=True, exist_ok=True)
        (workspace / place).write_bytes(content)


@cache
def _artifacts(tasks: Sequence[str], names: Sequence[str], _version: str) -> dict[str, bytes]:
    """The files of such a workspace; their headers name the version of the package."""
    with TemporaryDirectory() as folder:
        _make_artifacts(Path(folder), tasks, names)
        files = sorted(p for p in Path(folder).rglob("*") if p.is_file())
        return {str(p.relative_to(folder)): p.read_bytes() for p in files}


def _make_artifacts(workspace: Path, tasks: Sequence[str], names: Sequence[str]) -> None:
    keys = {
        "task": tasks, "name": names, "shard": ("1",), "shards": ("1",), "method": ("gradcam",),
        "split": ("test",),
    }  # fmt: skip
    for spec in find_jobs().values():
        template_keys = sorted({p for c in spec.writes for p in c.template_keys})
        for values in product(*(keys[p] for p in template_keys)):
            own = dict(zip(template_keys, values, strict=True))
            inputs = _inputs(spec.reads, workspace, own)
            origin = Provenance(spec.name, {"seed": 0, **own}, inputs, created=CREATED)
            for contract in spec.writes:
                write_example(contract, workspace, own, origin, tasks, names)


def write_example(
    contract: Contract,
    workspace: Path,
    keys: Mapping[str, str],
    origin: Provenance,
    tasks: Sequence[str] = TASKS,
    names: Sequence[str] = ("main",),
) -> Header:
    """One artifact in its place; the summary covers all of `tasks` and `names`."""
    attributes = dict(contract.example_attributes)
    attributes |= {n: LEAST for n in attributes if n == "min_cell_count"}
    attributes |= {
        k: v for k, v in keys.items() if k in attributes and k not in ("shard", "shards")
    }
    if contract.name == VERDICTS.name:
        attributes["sentence"] = sentence_about(tasks)
    path = contract.path(workspace, **keys)
    makers: dict[str, Callable[[], Any]] = {
        METRICS.name: lambda: metrics(tasks, names),
        ASSOCIATIONS.name: lambda: associations(tasks, names),
        VERDICTS.name: lambda: verdicts(tasks),
        ORDERS.name: lambda: orders(tasks),
        MODELS.name: lambda: models(tasks, names),
        CURVES.name: lambda: curves(tasks, names),
        DIFFERENCES.name: lambda: differences(tasks, names),
        MEAN_HEATMAPS.name: lambda: heatmaps(tasks, names),
    }
    make = makers.get(contract.name) or contract.example
    content: Any = make()
    if contract.kind == "table":
        return write_table(contract, path, pl.DataFrame(content), origin, attributes)
    return write_arrays(contract, path, content, origin, attributes)


def _inputs(reads: Sequence[Contract], workspace: Path, keys: dict[str, str]) -> tuple[Input, ...]:
    from data_contracts.store import read_header

    paths = [p for c in reads for p in existing(c, workspace, keys)]
    return tuple(as_input(read_header(p), p, workspace) for p in paths)


#: Of runs that ended; all others have 1.
EXIT_CODES = {"succeeded": 0, "interrupted": 75, "cancelled": 75}
#: Fewer patients are not disclosed.
LEAST = 11
#: Stratum, level and patients; the last one is too small to be shown.
STRATA = (("all", "all", 120), ("view", "PA", 80), ("view", "AP", 40), ("age_band", "80+", 7))


def metrics(tasks: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    """AUROC, AUPRC and Brier score of every model, whole and by view."""
    rows: list[dict[str, Any]] = []
    for (t, task), (m, name) in product(enumerate(tasks), enumerate(names)):
        for (s, (stratum, level, n)), split in product(enumerate(STRATA), ("val", "test")):
            for metric, base in (("auroc", 0.72), ("auprc", 0.6), ("brier", 0.18)):
                value = base + 0.05 * t - 0.02 * s + 0.001 * (m % 7)
                row: dict[str, Any] = {
                    "task": task, "name": name, "seed": m, "control": "none", "split": split,
                    "stratum": stratum, "level": level, "metric": metric, "suppressed": n < LEAST,
                }  # fmt: skip
                numbers = {
                    "value": value, "low": value - 0.04, "high": value + 0.04, "images": n,
                    "subjects": n, "positives": n // 3,
                }  # fmt: skip
                rows.append(row | (dict.fromkeys(numbers) if n < LEAST else numbers))
    return frame_of(METRICS, rows)


def differences(tasks: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    """Every two models, each later one better by .05; the last pair is too small to be shown."""
    models = list(product(tasks, enumerate(names)))
    rows: list[dict[str, Any]] = []
    for (task, (seed, name)), (other_task, (_, other)) in combinations(models, 2):
        rows.append({
            "task": task, "name": name, "seed": seed, "control": "none", "other_task": other_task,
            "other_name": other, "metric": "auroc", "value": -0.05, "low": -0.11, "high": 0.01,
            "p": 0.09, "subjects": 120, "suppressed": False, "reason": None,
        })  # fmt: skip
    for row in rows[-1:]:
        row |= dict.fromkeys(("value", "low", "high", "p", "subjects")) | {"suppressed": True}
    return frame_of(DIFFERENCES, rows)


def models(tasks: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    """Every model; the first name stands for its task, and all may be interpreted."""
    example = pl.DataFrame(MODELS.example()).row(0, named=True)
    rows = [
        example | {"task": task, "name": name, "seed": m, "primary": m == 0, "group": names[0],
                   "classes": ", ".join(CLASSES.get(task, ("no", "yes")))}
        for task, (m, name) in product(tasks, enumerate(names))
    ]  # fmt: skip
    return frame_of(MODELS, rows)


def curves(tasks: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    """A ROC curve and a calibration curve of every class, of the second one of two."""
    rows = []
    for (t, task), (m, name), split in product(enumerate(tasks), enumerate(names), SPLITS):
        classes = CLASSES.get(task, ("no", "yes"))
        drawn = classes[1:] if len(classes) == 2 else classes
        for (c, of_class), kind, point in product(
            enumerate(drawn), ("roc", "calibration"), range(11)
        ):
            x = point / 10
            y = x ** (1 / (2 + t + c)) if kind == "roc" else x
            rows.append({
                "task": task, "name": name, "seed": m, "control": "none", "split": split,
                "class": of_class, "curve": kind, "point": point, "x": x, "y": y, "low": y,
                "high": y, "at_risk": None,
            })  # fmt: skip
    return frame_of(CURVES, rows)


def heatmaps(tasks: Sequence[str], names: Sequence[str], side: int = 14) -> dict[str, Any]:
    """A bump at a place of its own for each task; one stratum is too small to be shown."""
    rows: list[dict[str, Any]] = []
    y, x = np.mgrid[0:side, 0:side] / (side - 1)
    for (t, task), (m, name) in product(enumerate(tasks), enumerate(names)):
        classes = CLASSES.get(task, ("no", "yes"))
        for k, (stratum, level, n) in product(range(len(classes)), STRATA):
            place = (0.25 + 0.15 * t, 0.7 - 0.15 * t)
            bump = np.exp(-((y - place[0]) ** 2 + (x - place[1]) ** 2) / 0.03) * (1 if k else -1)
            small = n < LEAST
            bump = bump * (np.nan if small else 1)
            count = -1 if small else n
            rows.append({
                "task": task, "name": name, "seed": m, "control": "none", "method": "gradcam",
                "split": "test", "class": classes[k], "stratum": stratum, "level": level,
                "unit": "logit per cell", "grid": (side, side), "mean": bump + 0.3,
                "class_difference": bump, "sd": np.abs(bump) + 0.1, "images": count,
                "subjects": count, "suppressed": small, "interpretable": True, "reason": "",
            })  # fmt: skip
    chest = 60 + 120 * np.abs(np.linspace(-1, 1, 64))[None, :] * np.ones((64, 1))
    return as_arrays(rows, chest.astype(np.float32))


def write_run(
    workspace: Path,
    number: int,
    job: str = "train-task",
    state: State = "succeeded",
    *,
    config: Mapping[str, Any] | None = None,
    events: Sequence[Mapping[str, Any]] = (),
    log: str = "",
    **fields: Any,
) -> str:
    """The record of a run that began `number` minutes before `NOW`; returns its id."""
    begun = NOW - timedelta(minutes=number)
    run_id = f"{begun:%Y%m%dT%H%M%S}-{job}-{number:06x}"
    open_ended = state in ("submitted", "running")
    ended = begun + timedelta(seconds=95)
    settings = {"task": TASKS[number % 4], "name": "main", "seed": 0, "workspace": str(workspace)}
    record = RunRecord(
        run_id=run_id, job=job, config=dict(settings if config is None else config), state=state,
        started=begun.isoformat(timespec="milliseconds"),
        ended=None if open_ended else ended.isoformat(timespec="milliseconds"),
        exit_code=None if open_ended else EXIT_CODES.get(state, 1),
        host=fields.pop("host", "node1"), pid=fields.pop("pid", 1), package_version="0.1.0",
        **fields,
    )  # fmt: skip
    folder = workspace / "runs" / run_id
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(asdict(record)))
    lines = [json.dumps({"time": record.started, **event}) + "\n" for event in events]
    (folder / "events.jsonl").write_text("".join(lines))
    (folder / "log.txt").write_text(log or f"{record.started} cxr {job}: done\n")
    return run_id


@cache
def dashboard(page: str) -> type[Dashboard]:
    """The dashboard, which opens with `page`."""
    return type("Dashboard", (Dashboard,), {"DEFAULT_MODE": page})


@asynccontextmanager
async def opened(
    workspace: Path, size: tuple[int, int] = (100, 30), page: str = "overview", **options: Any
) -> AsyncIterator[Pilot[None]]:
    """The dashboard on a page of `workspace`, after its first snapshot."""
    app = dashboard(page)(workspace, **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        await settled(pilot)
        yield pilot


async def settled(pilot: Pilot[None]) -> None:
    """Wait until everything that was asked to be read has been read and shown."""
    workers = pilot.app.workers
    while True:
        # One that reads again what has grown takes the place of the one before.
        with suppress(WorkerCancelled):
            await workers.wait_for_complete()
        await pilot.pause()
        # What has been read may have something else read.
        if all(worker.is_finished for worker in workers):
            break
    # A layout gives widgets their sizes, after which some are drawn once more.
    await pilot.pause()


async def see(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, each when what the last one asked for is shown."""
    while pilot.app.snapshot is None:  # type: ignore[attr-defined]
        await pilot.pause(0.01)
    for key in keys:
        await settled(pilot)
        await pilot.press(key)
    await settled(pilot)


def screen_text(pilot: Pilot[None]) -> str:
    """Everything on the screen as plain text."""
    lines = pilot.app.screen._compositor.render_strips()
    return "\n".join(line.text.rstrip() for line in lines)
