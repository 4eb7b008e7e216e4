from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.cohort import COHORT, COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.images import IMAGE_REJECTS
from data_contracts.model import PREDICTIONS, TRAINING_HISTORY
from data_contracts.store import Origin, as_input, open_arrays, read_table, write_arrays, write_table
from data_contracts.summary import ASSOCIATIONS, MEAN_HEATMAPS, METRICS
from data_contracts.synthetic import SYNTHETIC_TRUTH
from jobs._execute import execute
from jobs._registry import find_jobs

TASKS = {
    "mortality": ("survived", "died"),
    "gender": ("F", "M"),
    "race": ("White", "Black", "Asian"),
    "insurance": ("Medicaid", "Medicare", "Other"),
}
# Row and column of each task's sign on a 9 by 9 grid: insurance with mortality, race near.
PLACES = {"mortality": (6, 2), "insurance": (6, 2), "race": (5, 3), "gender": (1, 7)}
GRID = 9


def blob(place: tuple[int, int], grid: int = GRID) -> np.ndarray:
    row, column = np.mgrid[:grid, :grid]
    return np.exp(-((row - place[0]) ** 2 + (column - place[1]) ** 2) / 3.0)


def build(
    workspace: Path, tasks: tuple[str, ...] = tuple(TASKS), n: int = 400, grids: dict[str, int] | None = None
) -> Path:
    """A workspace as the jobs before aggregate leave it, half of it test, signs planted."""
    rng = np.random.default_rng(7)
    ids = [f"image{i:04d}" for i in range(n)]
    splits = np.array(["train", "test", "val", "test"])[np.arange(n) % 4]
    targets = {t: rng.integers(0, len(c), n) for t, c in TASKS.items()}
    missing = rng.random(n) < 0.08
    cohort = pl.DataFrame({
        **{k: ids for k in ("image_id", "study_id", "path")},
        "subject_id": [f"subject{i - 2 if i % 20 == 3 else i:04d}" for i in range(n)],
        "source": ["mimic"] * n, "admission_match": [None] * n, "study_time": [None] * n,
        "view": rng.choice(["PA", "AP"], n).tolist(), "age": rng.uniform(20, 90, n).astype(np.float32),
        "split": splits.tolist(), "days_to_death": [None] * n, "follow_up_days": [None] * n,
        "no_finding": [None] * n,
        **{f"label_{t}": [None if missing[i] and t == "race" else TASKS[t][y[i]] for i in range(n)]
           for t, y in targets.items() if t in tasks},
    }).with_columns(*[pl.col(f"label_{t}").cast(pl.Enum(TASKS[t])) for t in tasks])  # fmt: skip
    example = COHORT.example()
    typed = pl.DataFrame(example).schema
    cohort = cohort.with_columns(
        pl.col(c).cast(typed[c]) for c in cohort.columns if not c.startswith("label_")
    )
    origin = Origin("extract", {})
    place = COHORT.path(workspace)
    header = write_table(COHORT, place, cohort, origin, {**COHORT.example_attributes, "source": "mimic"})
    after = Origin("train-task", {}, (as_input(header, place, workspace),))
    for contract in (COHORT_FLOW, COHORT_CHARACTERISTICS):
        write_table(contract, contract.path(workspace), pl.DataFrame(contract.example()), origin)
    write_table(IMAGE_REJECTS, IMAGE_REJECTS.path(workspace, shard="1", shards="1"),
                pl.DataFrame(IMAGE_REJECTS.example()), after)  # fmt: skip
    for task in tasks:
        grid = (grids or {}).get(task, GRID)
        _model(workspace, task, cohort, targets[task], after, rng, grid)
    return workspace


def _model(
    workspace: Path, task: str, cohort: pl.DataFrame, target: np.ndarray, origin: Origin,
    rng: np.random.Generator, grid: int,
) -> None:  # fmt: skip
    classes, n = TASKS[task], cohort.height
    k = len(classes)
    facts = {"task": task, "name": "main", "classes": list(classes)}
    logits = (rng.normal(size=(n, k)) + 2 * np.eye(k)[target]).astype(np.float32)
    p = np.exp(logits.astype(np.float64))
    known = cohort[f"label_{task}"].is_not_null().to_numpy()
    predictions = cohort.select("image_id", "subject_id", "split").with_columns(
        pl.Series("target", [int(t) if ok else None for t, ok in zip(target, known, strict=True)], dtype=pl.Int8),
        pl.Series("logits", logits.tolist(), dtype=pl.List(pl.Float32)),
        pl.Series("probabilities", (p / p.sum(axis=1, keepdims=True)).tolist(), dtype=pl.List(pl.Float32)),
    )
    keys = {"task": task, "name": "main"}
    write_table(PREDICTIONS, PREDICTIONS.path(workspace, **keys), predictions, origin, facts)
    history = pl.DataFrame(TRAINING_HISTORY.example())
    write_table(TRAINING_HISTORY, TRAINING_HISTORY.path(workspace, **keys), history, origin, facts)
    test = np.flatnonzero((cohort["split"] == "test").to_numpy())
    # Shared anatomy, a sign where the true class speaks, and noise.
    sign = blob(PLACES[task], grid) if grid == GRID else np.ones((grid, grid))
    anatomy = blob((4, 4), grid)
    speaks = np.eye(k)[target[test]] - 1 / k
    cam = 3 * anatomy + speaks[:, :, None, None] * sign + 0.3 * rng.normal(size=(len(test), k, grid, grid))
    arrays: dict[str, Any] = {
        "image_id": cohort["image_id"].gather(test).to_list(), "cam": cam.astype(np.float16),
        "logits": logits[test], "mean_image": 120 + 80 * blob((16, 16), 32),
    }  # fmt: skip
    attributes = {**ATTRIBUTIONS.example_attributes, **facts}
    write_arrays(ATTRIBUTIONS, ATTRIBUTIONS.path(workspace, **keys), arrays, origin, attributes)


def aggregate(workspace: Path, **settings: Any) -> int:
    spec = find_jobs()["aggregate"]
    return execute(spec, spec.config(workspace=workspace, **{"replicates": 200, "debug": True, **settings}))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = build(tmp_path_factory.mktemp("planted"))
    truth = pl.DataFrame({
        "task": ["mortality", "insurance", "race", "gender"], "region": ["a", "a", "b", "c <i>"],
        "strength": [1.0] * 4, "overlap_with_mortality": [1.0, 1.0, 0.3, 0.0],
        "rank": pl.Series([0, 1, 2, 3], dtype=pl.Int32), "label_association": [1.0, 0.0, 0.0, 0.0],
    })  # fmt: skip
    write_table(SYNTHETIC_TRUTH, SYNTHETIC_TRUTH.path(workspace), truth, Origin("synthesize", {}),
                SYNTHETIC_TRUTH.example_attributes)  # fmt: skip
    assert aggregate(workspace) == 0
    return workspace


def test_contrast_maps_rank_the_attributes_as_planted(done: Path) -> None:
    found = read_table(ASSOCIATIONS, ASSOCIATIONS.path(done)).frame
    contrast = found.filter(statistic="pearson_of_contrast_maps").sort("value", descending=True)
    assert contrast["attribute"].to_list() == ["insurance", "race", "gender"]
    assert contrast["value"][0] > 0.9
    assert (contrast["low"] <= contrast["high"]).all()
    assert contrast["p"].null_count() == 0
    assert (contrast["p_holm"] >= contrast["p"]).all()
    assert contrast["p_holm"][0] < 0.05 < contrast["p_holm"][2]
    # Shared anatomy alone makes every plain mean look alike.
    assert found.filter(statistic="pearson_of_means")["value"].min() > 0.6
    signed = found.filter(statistic="signed_pearson_of_contrast_maps")
    assert signed["attribute"].to_list() == ["gender"]
    assert set(found.filter(layer_of_evidence="label")["attribute"]) == {"gender", "race", "insurance"}


def test_metrics_cover_tasks_splits_and_strata_with_intervals(done: Path) -> None:
    metrics = read_table(METRICS, METRICS.path(done)).frame
    assert metrics["task"].unique(maintain_order=True).to_list() == list(TASKS)
    whole = metrics.filter(stratum="all", split="test", task="mortality")
    assert whole["metric"].to_list() == [
        "auroc", "auprc", "calibration_slope", "brier", "sensitivity", "specificity",
    ]  # fmt: skip
    assert whole["value"].is_between(whole["low"], whole["high"]).all()
    assert metrics.filter(task="race", stratum="all", split="test")["images"][0] < 200
    strata = set(metrics.filter(task="race")["stratum"])
    assert strata == {"all", "view", "age_band", "mortality", "gender", "insurance"}
    assert set(metrics.filter(pl.col("stratum") != "all")["split"]) == {"test"}
    assert "auroc:Black" in set(metrics.filter(task="race")["metric"])


def test_heatmaps_hold_the_planted_places(done: Path) -> None:
    with open_arrays(MEAN_HEATMAPS, MEAN_HEATMAPS.path(done)) as maps:
        names = list(zip(*(maps.read(n).tolist() for n in ("task", "class", "stratum")), strict=True))
        contrast = maps.read("contrast")
        images = maps.read("images")
    for task, classes in TASKS.items():
        row = names.index((task, classes[-1], "all"))
        assert np.unravel_index(contrast[row].argmax(), (GRID, GRID)) == PLACES[task]
        assert images[row] == (200 if task != "race" else images[row])
    strata = {s for t, _, s in names if t == "gender"}
    assert strata == {"all", "true_class", "outcome", "view", "age_band"}
    assert "outcome" not in {s for t, _, s in names if t == "race"}


def test_report_stands_alone_and_names_no_patient(done: Path) -> None:
    page = (done / "report" / "report.html").read_text()
    assert "Synthetic patients" in page
    assert "Planted against found" in page
    assert "insurance &gt; race &gt; gender" in page
    assert "c &lt;i&gt;" in page
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert not re.search(r"subject\d|image\d{4}", page)
    drawn = {p.stem for p in (done / "report" / "figures").glob("*.png")}
    assert drawn == {"roc", "training", "magnitudes", "similarity", *(f"heatmaps-{t}" for t in TASKS)}
    assert {p.stem for p in (done / "report" / "figures").glob("*.svg")} == drawn


def test_the_same_inputs_give_the_same_bytes_and_the_table_is_printed(
    done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def prints() -> dict[str, str]:
        files = sorted((done / "report").rglob("*.*")) + [METRICS.path(done), ASSOCIATIONS.path(done)]
        return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files if p.suffix != ".parquet"}

    before = prints()
    digests = [read_table(c, c.path(done)).header.digest for c in (METRICS, ASSOCIATIONS)]
    assert aggregate(done, force=True) == 0
    assert prints() == before
    assert [read_table(c, c.path(done)).header.digest for c in (METRICS, ASSOCIATIONS)] == digests
    out = capsys.readouterr().out
    assert re.search(r"mortality +0\.\d{3}", out)
    assert out.index("insurance", out.index("rank")) < out.index("gender", out.index("rank"))
    assert out.rstrip().endswith("report.html")


def test_one_task_alone_gives_metrics_and_heatmaps_and_the_report_says_why_no_more(tmp_path: Path) -> None:
    build(tmp_path, tasks=("gender",), n=120)
    assert aggregate(tmp_path, replicates=100) == 0
    assert read_table(ASSOCIATIONS, ASSOCIATIONS.path(tmp_path)).frame.height == 0
    assert read_table(METRICS, METRICS.path(tmp_path)).frame.height
    page = (tmp_path / "report" / "report.html").read_text()
    assert "no attribution maps of the reference task" in page
    assert "Synthetic patients" not in page


def test_a_tiny_cohort_gets_no_values_but_goes_through(tmp_path: Path) -> None:
    build(tmp_path, tasks=("mortality", "gender"), n=16)
    assert aggregate(tmp_path, replicates=100) == 0
    metrics = read_table(METRICS, METRICS.path(tmp_path)).frame
    assert metrics["value"].null_count() == metrics.height
    assert read_table(ASSOCIATIONS, ASSOCIATIONS.path(tmp_path)).frame.filter(
        layer_of_evidence="attention"
    )["value"].null_count()
    page = (tmp_path / "report" / "report.html").read_text()
    assert "&lt;11" in page


def test_different_grids_are_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build(tmp_path, tasks=("mortality", "gender"), n=60, grids={"gender": 5})
    assert aggregate(tmp_path, replicates=100) == 3
    error = capsys.readouterr().err
    assert "mortality 9×9" in error
    assert "gender 5×5" in error
    assert not METRICS.path(tmp_path).exists()


def test_maps_of_other_images_or_another_split_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path, tasks=("gender",), n=60)
    path = ATTRIBUTIONS.path(tmp_path, task="gender", name="main")
    with open_arrays(ATTRIBUTIONS, path) as old:
        arrays = {n: old.read(n) for n in old.names()}
        facts, inputs = old.header.attributes, old.header.inputs
    arrays["image_id"] = [f"other{i}" for i in range(len(arrays["image_id"]))]
    write_arrays(ATTRIBUTIONS, path, arrays, Origin("explain", {}, inputs), facts)
    assert aggregate(tmp_path, replicates=100) == 3
    assert "do not fit its predictions" in capsys.readouterr().err
    write_arrays(ATTRIBUTIONS, path, arrays, Origin("explain", {}, inputs), {**facts, "split": "val"})
    assert aggregate(tmp_path, replicates=100) == 3
    assert "explains the val split" in capsys.readouterr().err
