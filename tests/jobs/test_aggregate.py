from __future__ import annotations

import hashlib
import os
import re
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from chain import words
from PIL import Image
from planted_maps import GRID, PLACES, TASKS, build
from refusals import Refuse

from cxrcore.reporting import figures
from data_contracts.associations import ASSOCIATIONS, ORDERS, VERDICTS
from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.mean_heatmaps import ALIGNED_HEATMAPS, MEAN_HEATMAPS
from data_contracts.predictions import FEATURES, PREDICTIONS
from data_contracts.region_evidence import REGION_EVIDENCE, REGIONS
from data_contracts.replication import REPLICATION
from data_contracts.store import Provenance, open_arrays, read_table, write_arrays, write_table
from data_contracts.summary import CURVES, METRICS, MODELS
from data_contracts.synthetic import SYNTHETIC_TRUTH
from jobs._cli import run
from jobs._execute import execute
from jobs._registry import find_jobs


def aggregate(workspace: Path, **settings: Any) -> int:
    spec = find_jobs()["aggregate"]
    draws = {"replicates": 200, "surrogates": 199, "permutations": 99}
    return execute(spec, spec.config(workspace=workspace, **{"debug": True, **draws, **settings}))


@pytest.fixture
def unsaved_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report's figures are drawn but not saved, which takes most of their time."""

    def save(_: object, folder: Path, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("L", (1, 1)).save(folder / f"{name}.png")
        return folder / f"{name}.png"

    monkeypatch.setattr(figures, "save", save)


undrawn = pytest.mark.usefixtures("undrawn")
unsaved = pytest.mark.usefixtures("unsaved_figures")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = build(tmp_path_factory.mktemp("planted"), models=("main", "permuted-labels"))
    truth = pl.DataFrame({
        "task": ["mortality", "insurance", "race", "gender"], "region": ["a", "a", "b", "c <i>"],
        "strength": [1.0] * 4, "agreement": [1.0] * 4,
        "overlap_with_mortality": [1.0, 1.0, 0.3, 0.0],
        "rank": pl.Series([0, 1, 2, 3], dtype=pl.Int32), "label_association": [1.0, 0.0, 0.0, 0.0],
        "age_association": [0.0] * 4,
    })  # fmt: skip
    origin = Provenance("synthesize", {})
    write_table(SYNTHETIC_TRUTH, SYNTHETIC_TRUTH.path(workspace), truth, origin,
                SYNTHETIC_TRUTH.example_attributes)  # fmt: skip
    assert aggregate(workspace, author="Dr <b>") == 0
    return workspace


def test_verdicts_are_those_that_were_planted(done: Path) -> None:
    table = read_table(VERDICTS, VERDICTS.path(done))
    by_level = {
        level: dict(rows.select("attribute", "verdict").iter_rows())
        for (level,), rows in table.frame.group_by("evidence_level")
    }
    assert set(by_level) == {"label", "score", "representation", "use", "attribution"}
    # The labels are independent, and only in the maps do two networks have a sign in common.
    assert by_level.pop("attribution") == {
        "gender": "not shared", "race": "undetermined", "insurance": "shared",
    }  # fmt: skip
    assert all("shared" not in found.values() for found in by_level.values())
    assert "insurance: shared at attribution" in table.header.attributes["sentence"]
    orders = read_table(ORDERS, ORDERS.path(done)).frame
    assert orders.filter("above").select("attribute", "other").rows() == [("insurance", "gender")]


def test_every_claim_stands_beside_its_null(done: Path) -> None:
    found = read_table(ASSOCIATIONS, ASSOCIATIONS.path(done)).frame
    tested = found.filter(pl.col("p").is_not_null(), pl.col("value").is_not_null())
    assert tested["null"].null_count() == 0
    whole = found.filter("primary", stratum="all", statistic="pearson_of_class_differences")
    assert set(whole["adjustment"]) == {"crude", "adjusted", "matched"}
    place = whole.filter(attribute="insurance", adjustment="adjusted").row(0, named=True)
    assert place["value"] == pytest.approx(0.97, abs=0.03)
    assert place["null_low"] < 0 < place["null_high"] < place["low"] <= place["high"]
    assert place["p"] <= place["p_holm"] < 0.05
    assert place["trainings"] == 1
    for level in ("label", "score", "representation", "use", "attribution"):
        assert set(found.filter(evidence_level=level)["stratum"]) == {"all", "age_band", "view"}
    survival = found.filter(evidence_level="prognosis")
    assert survival.height == 0, "these patients have no follow-up"


def test_metrics_cover_tasks_splits_and_strata_with_intervals(done: Path) -> None:
    metrics = read_table(METRICS, METRICS.path(done)).frame
    assert metrics["task"].unique(maintain_order=True).to_list() == list(TASKS)
    whole = metrics.filter(stratum="all", split="test", task="mortality", name="main")
    assert whole["metric"].to_list() == [
        "auroc", "auprc", "calibration_slope", "calibration_intercept", "brier",
        "sensitivity", "specificity",
    ]  # fmt: skip
    assert whole["value"].is_between(whole["low"], whole["high"]).all()
    assert metrics.filter(task="race", stratum="all", split="test")["images"][0] < 200
    strata = set(metrics.filter(task="race")["stratum"])
    assert strata == {"all", "view", "age_band", "mortality", "gender", "insurance"}
    assert set(metrics.filter(pl.col("stratum") != "all")["split"]) == {"test"}
    assert "auroc:Black" in set(metrics.filter(task="race")["metric"])


def test_aligned_maps_and_regions_hold_the_planted_places(done: Path) -> None:
    with open_arrays(ALIGNED_HEATMAPS, ALIGNED_HEATMAPS.path(done)) as maps:
        keys = [maps.read(n).tolist() for n in ("task", "name", "class")]
        found = dict(zip(zip(*keys, strict=True), maps.read("class_difference"), strict=True))
        counts = [maps.read(n) for n in ("images", "without_box")]
        assert np.isfinite(maps.read("mean_image")).all()
    assert len(found) == 2 * sum(map(len, TASKS.values()))
    for task, classes in TASKS.items():
        peak = int(np.argmax(found[task, "main", classes[-1]]))
        assert divmod(peak, GRID) == PLACES[task]
    assert set((counts[0] + counts[1])[:4]) == {200}
    regions = read_table(REGION_EVIDENCE, REGION_EVIDENCE.path(done)).frame
    assert regions.height == 2 * len(TASKS) * len(REGIONS)
    main = regions.filter(name="main")
    sums = main.group_by("task").agg(pl.col("share", "area").sum())
    np.testing.assert_allclose(sums["area"], 1)
    np.testing.assert_allclose(sums["share"], 1, atol=0.03)
    assert (main["low"] <= main["share"]).all()
    assert main["interpretable"].all()
    assert not regions.filter(name="permuted-labels")["interpretable"].any()
    places = {"mortality": "right lower zone", "insurance": "right lower zone",
              "race": "right lower zone", "gender": "left upper zone"}  # fmt: skip
    for task, region in places.items():
        row = main.filter(task=task, region=region).row(0, named=True)
        assert row["low"] > 2 * row["area"], task
        # Of two patients without any box the label of race is known.
        assert row["without_box"] == (None if task == "race" else 20)


def test_heatmaps_hold_the_planted_places(done: Path) -> None:
    with open_arrays(MEAN_HEATMAPS, MEAN_HEATMAPS.path(done)) as maps:
        names = list(
            zip(*(maps.read(n).tolist() for n in ("task", "class", "stratum")), strict=True)
        )
        difference = maps.read("class_difference")
        images = maps.read("images")
    metrics = read_table(METRICS, METRICS.path(done)).frame
    for task, classes in TASKS.items():
        row = names.index((task, classes[-1], "all"))
        assert np.unravel_index(difference[row].argmax(), (GRID, GRID)) == PLACES[task]
        labelled = metrics.filter(task=task, split="test", stratum="all")["images"][0]
        assert images[row] == labelled
    strata = {s for t, _, s in names if t == "gender"}
    others = {"mortality", "race", "insurance"}
    assert strata == {"all", "true_class", "outcome", "view", "age_band", *others}
    assert "outcome" not in {s for t, _, s in names if t == "race"}


def test_report_stands_alone_and_names_no_patient(done: Path) -> None:
    page = (done / "report" / "report.html").read_text()
    assert "Synthetic patients" in page
    assert "Planted vs recovered" in page
    assert re.search("By value: insurance ~ .{1,12} race ~ .{1,12} gender[.]", page)
    assert "One training of each network" in page
    assert "Pairs of images of one study that show nearly the same, all kept: n/d." in page
    assert "c &lt;i&gt;" in page
    assert "No survival curves: the cohort has no follow-up." in page
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    places = re.findall('<section id="([a-z-]+)"', page)
    links = re.findall('href="#([a-z-]+)"', page)
    assert links[: len(places)] == places
    assert set(links) == set(places)
    answered = yaml.safe_load((done / "report" / "checklists.yaml").read_text())
    assert [len(guideline["items"]) for guideline in answered] == [52, 44]
    assert "Dr &lt;b&gt;" in page
    assert not re.search(r"subject\d|image\d{4}", page)
    drawn = {p.stem for p in (done / "report" / "figures").glob("*.png")}
    assert drawn == {
        "flow",
        "roc",
        "precision-recall",
        "calibration",
        "training",
        "rms-of-differences",
        "aligned-differences",
        "regions",
        "ladder",
        *(f"{kind}-{t}" for kind in ("heatmaps", "forest") for t in TASKS),
    }
    assert {p.stem for p in (done / "report" / "figures").glob("*.svg")} == drawn
    told = pl.read_csv(done / "report" / "tables" / "verdicts.csv")
    assert told["verdict"].to_list() == read_table(VERDICTS, VERDICTS.path(done)).frame[
        "verdict"
    ].cast(pl.String).to_list()  # fmt: skip
    written = {p.stem for p in (done / "report" / "tables").glob("*.csv")}
    assert {"flow", "characteristics", "training", "curves", "orders", "associations",
            "region_evidence"} <= written  # fmt: skip
    assert "180 of 200 images of mortality" in page
    assert "No maps are aligned" not in page


@unsaved
def test_networks_no_better_than_chance_are_not_ranked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path, n=200, blind=tuple(TASKS))
    assert aggregate(tmp_path, replicates=100) == 0
    found = read_table(ASSOCIATIONS, ASSOCIATIONS.path(tmp_path)).frame
    maps = found.filter(statistic="pearson_of_class_differences", stratum="all")
    assert maps["value"].null_count() == 0
    verdicts = read_table(VERDICTS, VERDICTS.path(tmp_path)).frame
    of_networks = verdicts.filter(pl.col("evidence_level") != "label")
    assert set(of_networks["verdict"]) == {"undetermined"}
    assert not read_table(ORDERS, ORDERS.path(tmp_path)).frame["above"].any()
    page = (tmp_path / "report" / "report.html").read_text()
    assert "&gt; race" not in page
    assert page.count("AUROC not above chance (mortality)") >= 3
    assert "undetermined" in capsys.readouterr().out


@undrawn
def test_the_report_is_made_again_when_the_planted_truth_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path, tasks=("gender",), n=60)
    truth = pl.DataFrame(SYNTHETIC_TRUTH.example())
    page = tmp_path / "report" / "report.html"
    assert aggregate(tmp_path, replicates=100) == 0
    assert "Synthetic patients" not in page.read_text()
    for strength, said in ((1.0, "and markers planted"), (0.0, "without markers")):
        write_table(SYNTHETIC_TRUTH, SYNTHETIC_TRUTH.path(tmp_path),
                    truth.with_columns(strength=pl.lit(strength)), Provenance("synthesize", {}),
                    SYNTHETIC_TRUTH.example_attributes)  # fmt: skip
        assert aggregate(tmp_path, replicates=100) == 0
        assert said in page.read_text()
    capsys.readouterr()
    assert aggregate(tmp_path, replicates=100) == 0
    assert "up to date" in capsys.readouterr().err


def fingerprints(workspace: Path) -> dict[str, str]:
    """Of the report's bytes, and of the artifacts' contents."""
    files = sorted((workspace / "report").rglob("*.*"))
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    tables = {
        c.name: read_table(c, c.path(workspace)).header
        for c in (METRICS, ASSOCIATIONS, REGION_EVIDENCE)
    }
    return found | {name: header.digest for name, header in tables.items()}


def test_one_task_alone_goes_through_says_why_no_more_and_repeats_to_the_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path, tasks=("gender",), n=120)
    assert aggregate(tmp_path, replicates=100) == 0
    before = fingerprints(tmp_path)
    assert aggregate(tmp_path, replicates=100, force=True) == 0
    assert fingerprints(tmp_path) == before
    out, said = capsys.readouterr()
    assert "--reference mortality is none of the tasks here (gender)" in said
    assert re.search(r"gender +0\.\d{3} +0\.\d{3} to ", out)
    assert out.rstrip().endswith("report.html")
    assert read_table(ASSOCIATIONS, ASSOCIATIONS.path(tmp_path)).frame.height == 0
    assert read_table(METRICS, METRICS.path(tmp_path)).frame.height
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("There is no network of the reference task mortality to compare with.") == 2
    assert "is claimed only where" not in page
    assert "Synthetic patients" not in page


@unsaved
def test_a_tiny_cohort_gets_no_values_but_goes_through(tmp_path: Path) -> None:
    build(tmp_path, tasks=("mortality", "gender"), n=16)
    assert aggregate(tmp_path, replicates=100) == 0
    metrics = read_table(METRICS, METRICS.path(tmp_path)).frame
    assert metrics["value"].null_count() == metrics.height
    found = read_table(ASSOCIATIONS, ASSOCIATIONS.path(tmp_path)).frame
    of_networks = found.filter(pl.col("evidence_level") != "label")
    assert (
        of_networks.height == of_networks["value"].null_count() == of_networks["suppressed"].sum()
    )
    told = read_table(VERDICTS, VERDICTS.path(tmp_path))
    assert told.header.attributes["sentence"].endswith("gender: undetermined at label.")
    assert told.frame.filter("suppressed")["reason"].null_count() == 4
    page = (tmp_path / "report" / "report.html").read_text()
    assert "fewer than 11 patients" in page


@unsaved
def test_survival_stands_in_the_report_where_patients_are_followed(tmp_path: Path) -> None:
    build(tmp_path, tasks=("mortality", "gender"), n=200, followed=True)
    assert aggregate(tmp_path, replicates=100, min_cell_count=0) == 0
    curves = read_table(CURVES, CURVES.path(tmp_path)).frame.filter(curve="survival")
    assert curves["at_risk"].null_count() == 0
    assert curves.filter(x=0.0)["at_risk"].sum() == 90  # patients of 100 images
    page = (tmp_path / "report" / "report.html").read_text()
    assert "Survival by quarter" in page
    assert "C-index" in page
    assert "No survival curves" not in page
    assert not withholds(tmp_path), "it was asked for them"


@unsaved
def test_different_grids_are_not_compared_and_nothing_else_is_lost(tmp_path: Path) -> None:
    build(tmp_path, tasks=("mortality", "gender", "race"), n=80, grids={"gender": 5})
    assert aggregate(tmp_path, replicates=100) == 0
    found = read_table(ASSOCIATIONS, ASSOCIATIONS.path(tmp_path)).frame
    found = found.filter(evidence_level="attribution")
    of_maps = found.filter(statistic="pearson_of_class_differences")
    gender = of_maps.filter(attribute="gender").row(0, named=True)
    assert (gender["value"], gender["interpretable"]) == (None, False)
    assert gender["reason"] == "maps have different grids (9×9 and 5×5)"
    race = of_maps.filter(attribute="race", stratum="all")
    assert race["value"].null_count() == 0
    with open_arrays(MEAN_HEATMAPS, MEAN_HEATMAPS.path(tmp_path)) as maps:
        grids = dict(zip(maps.read("task").tolist(), maps.read("grid").tolist(), strict=True))
    assert grids == {"mortality": [9, 9], "gender": [5, 5], "race": [9, 9]}


@unsaved
def test_every_model_is_in_the_summary_by_task_and_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("main", "seed1", "permuted-labels")
    build(tmp_path, tasks=("mortality", "gender"), n=120, models=names)
    assert aggregate(tmp_path, replicates=100) == 0
    models = read_table(MODELS, MODELS.path(tmp_path)).frame
    assert models.select("task", "name").rows() == list(product(("mortality", "gender"), names))
    assert models["group"].to_list() == ["main", "main", "permuted-labels"] * 2
    assert models["primary"].to_list() == [True, False, False] * 2
    assert models["interpretable"].to_list() == [True, True, False] * 2
    metrics = read_table(METRICS, METRICS.path(tmp_path)).frame
    keys = metrics.select("task", "name", "seed", "control").unique(maintain_order=True).rows()
    assert [k[1:] for k in keys[:3]] == [
        ("main", 0, "none"), ("seed1", 1, "none"), ("permuted-labels", 0, "permuted-labels"),
    ]  # fmt: skip
    found = read_table(ASSOCIATIONS, ASSOCIATIONS.path(tmp_path)).frame
    pairs = found.select("attribute", "reference_name", "attribute_name").rows()
    stands = [a == "gender" and {r, n} <= {"main", None} for a, r, n in pairs]
    assert found["primary"].to_list() == stands
    assert set(stands) == {True, False}
    found = found.filter(statistic="pearson_of_class_differences", adjustment="adjusted",
                         stratum="all")  # fmt: skip
    assert found.select("attribute", "reference_name", "attribute_name", "control").rows() == [
        ("gender", "main", "main", "none"), ("gender", "seed1", "seed1", "none"),
        ("gender", "main", "permuted-labels", "permuted-labels"),
        ("gender", "permuted-labels", "main", "permuted-labels"),
        ("mortality", "main", "seed1", "none"),
        ("mortality", "main", "permuted-labels", "permuted-labels"),
    ]  # fmt: skip
    page = (tmp_path / "report" / "report.html").read_text()
    assert "permuted-labels" in page
    assert capsys.readouterr().out.count("gender ") >= 4


@undrawn
def test_a_pattern_chooses_the_models(tmp_path: Path) -> None:
    build(tmp_path, tasks=("mortality",), n=60, models=("main", "seed1"))
    assert aggregate(tmp_path, replicates=100, models="seed*") == 0
    models = read_table(MODELS, MODELS.path(tmp_path)).frame
    assert models["name"].unique().to_list() == ["seed1"]
    assert models["primary"].all()
    assert aggregate(tmp_path, replicates=100, models="other*") == 3


def withholds(workspace: Path) -> bool:
    """Whether small counts are withheld, in the metrics and in the report alike."""
    metrics = read_table(METRICS, METRICS.path(workspace)).frame
    hidden = bool(metrics["suppressed"].any())
    assert (metrics["subjects"].drop_nulls() < 11).any() != hidden
    page = (workspace / "report" / "report.html").read_text()
    assert page.count("not disclosed") == int(hidden)
    # A picture may hold these letters.
    assert ("n/d" in re.sub(r'"data:.*?"', "", page)) == hidden
    return hidden


@undrawn
def test_small_counts_of_synthetic_patients_are_not_withheld(tmp_path: Path) -> None:
    build(tmp_path, tasks=("mortality", "gender"), n=80, synthetic=True)
    assert aggregate(tmp_path, replicates=100) == 0
    assert not withholds(tmp_path)


@undrawn
def test_small_counts_are_withheld_and_a_hidden_subgroups_map_cannot_be_worked_out(
    tmp_path: Path,
) -> None:
    build(tmp_path, tasks=("mortality", "gender"), n=80)
    assert aggregate(tmp_path, replicates=100) == 0
    assert withholds(tmp_path)
    with open_arrays(MEAN_HEATMAPS, MEAN_HEATMAPS.path(tmp_path)) as maps:
        columns = {n: maps.read(n) for n in ("task", "class", "stratum", "level", "suppressed")}
        mean = maps.read("mean")
    frame = pl.DataFrame({n: c.tolist() for n, c in columns.items()})
    assert np.isnan(mean[columns["suppressed"]]).all()
    regions = read_table(REGION_EVIDENCE, REGION_EVIDENCE.path(tmp_path)).frame
    # Four images have no box: their number is small, and so is what it would leave of all.
    assert not regions["suppressed"].any()
    assert regions["subjects"].null_count() == regions["without_box"].null_count() == len(regions)
    with open_arrays(ALIGNED_HEATMAPS, ALIGNED_HEATMAPS.path(tmp_path)) as aligned:
        assert {*aligned.read("images")} == {*aligned.read("without_box")} == {-1}
        assert np.isfinite(aligned.read("mean")).all()
    per_stratum = frame.filter("suppressed").group_by("task", "class", "stratum").len()
    assert per_stratum.height
    assert (per_stratum["len"] >= 2).all()


def test_maps_of_other_images_or_another_split_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path, tasks=("gender",), n=60)
    keys = {"task": "gender", "name": "main", "method": "gradcam"}
    path = ATTRIBUTIONS.path(tmp_path, **keys, split="test")
    with open_arrays(ATTRIBUTIONS, path) as old:
        arrays: dict[str, Any] = {n: old.read(n) for n in old.names()}
        facts, inputs = old.header.attributes, old.header.inputs
    arrays["image_id"] = [f"other{i}" for i in range(len(arrays["image_id"]))]
    write_arrays(ATTRIBUTIONS, path, arrays, Provenance("explain", {}, inputs), facts)
    assert aggregate(tmp_path, replicates=100) == 3
    assert "do not fit its predictions" in capsys.readouterr().err
    # Another split is another artifact: in the place of this one it is refused, elsewhere not read.
    origin, facts = Provenance("explain", {}, inputs), {**facts, "split": "val"}
    write_arrays(ATTRIBUTIONS, path, arrays, origin, facts)
    assert aggregate(tmp_path, replicates=100) == 3
    assert "holds the attributions of task gender" in capsys.readouterr().err
    path.rename(ATTRIBUTIONS.path(tmp_path, **keys, split="val"))
    assert aggregate(tmp_path, replicates=100) == 3
    assert "attributions-gradcam-test.h5 does not exist" in capsys.readouterr().err


def spoilt_features(workspace: Path, change: Any) -> None:
    path = FEATURES.path(workspace, task="mortality", name="main")
    with open_arrays(FEATURES, path) as old:
        header = old.header
        arrays = {"image_id": old.read("image_id").tolist(), "features": old.read("features")}
    origin = Provenance(header.job, header.config, header.inputs)
    write_arrays(FEATURES, path, change(arrays), origin, header.attributes)


def spoilt_logits(workspace: Path) -> None:
    path = PREDICTIONS.path(workspace, task="mortality", name="main")
    table = read_table(PREDICTIONS, path)
    logits = pl.when(pl.int_range(pl.len()) < 2).then(pl.lit([np.nan, 0.0])).otherwise("logits")
    frame = table.frame.with_columns(logits.cast(table.frame.schema["logits"]).alias("logits"))
    origin = Provenance(table.header.job, table.header.config, table.header.inputs)
    write_table(PREDICTIONS, path, frame, origin, table.header.attributes)


def test_what_is_not_finite_or_of_other_images_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fewer(arrays: dict[str, Any]) -> dict[str, Any]:
        return {name: values[:-5] for name, values in arrays.items()}

    def infinite(arrays: dict[str, Any]) -> dict[str, Any]:
        arrays["features"][3:6] = np.inf
        return arrays

    cases = {
        "lack 5 of 60 images": lambda w: spoilt_features(w, fewer),
        "are not finite for 3 of 60 images": lambda w: spoilt_features(w, infinite),
        "the predictions of 2 images are not finite": spoilt_logits,
    }
    for number, (said, spoil) in enumerate(cases.items()):
        workspace = build(tmp_path / str(number), tasks=("mortality", "gender"), n=60)
        spoil(workspace)
        assert aggregate(workspace, replicates=100) == 3
        assert said in capsys.readouterr().err.splitlines()[-1]


@unsaved
def test_a_reference_without_maps_has_every_other_level(tmp_path: Path) -> None:
    build(tmp_path, tasks=("mortality", "gender"), n=80)
    ATTRIBUTIONS.path(tmp_path, task="mortality", name="main", method="gradcam",
                      split="test").unlink()  # fmt: skip
    assert aggregate(tmp_path, replicates=100) == 0
    levels = read_table(VERDICTS, VERDICTS.path(tmp_path)).frame["evidence_level"].to_list()
    assert levels == ["label", "score", "representation", "use"]


@undrawn
def test_other_workspaces_stand_beside_this_one(
    copy: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(copy, other, copy_function=os.link)
    aggregate = [*words("aggregate", copy)[1:], "--workspace", str(copy)]
    assert run([*aggregate, "--compare", str(other)]) == 0
    assert "patients are in other too" in capfd.readouterr().err
    found = read_table(REPLICATION, REPLICATION.path(copy)).frame
    verdicts = read_table(VERDICTS, VERDICTS.path(copy)).frame
    assert found.height == verdicts.height
    assert found["workspace"].unique().to_list() == ["other"]
    assert set(found["difference"].drop_nulls()) == {0.0}
    page = (copy / "report" / "report.html").read_text(encoding="utf-8")
    assert "In other workspaces" in page
    assert "Beyond metadata" in page
    assert run(aggregate) == 0
    assert "In other workspaces" not in (copy / "report" / "report.html").read_text("utf-8")
    assert read_table(REPLICATION, REPLICATION.path(copy)).frame.is_empty()


def test_a_workspace_is_not_compared_with_itself_or_with_nothing(
    copy: Path, tmp_path: Path, refuse: Refuse
) -> None:
    aggregate = ["aggregate", "--workspace", str(copy), "--compare"]
    assert "want other workspaces" in refuse([*aggregate, str(copy)], 2)
    line = refuse([*aggregate, str(tmp_path / "nowhere")], 4)
    assert "nowhere/summary/verdicts.parquet cannot be read" in line
