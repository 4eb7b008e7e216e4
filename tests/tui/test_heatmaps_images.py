"""Single images on the page Heatmaps: order, what is read and shown, and their export."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from dashboards import CREATED, opened, settled, write_workspace
from textual.pilot import Pilot

from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.errors import ArtifactError
from data_contracts.images import IMAGES
from data_contracts.mean_heatmaps import MEAN_HEATMAPS
from data_contracts.predictions import PREDICTIONS
from data_contracts.store import (
    Arrays,
    Provenance,
    open_arrays,
    read_table,
    write_arrays,
    write_table,
)
from tui.heatmaps.canvas import Canvas
from tui.heatmaps.figure import HeatmapFigure
from tui.heatmaps.images import rank_images, read_explained_images, read_one
from tui.heatmaps.page import HeatmapsPage
from tui.heatmaps.work import explained_models, image_artifacts
from tui.shared.dialogs import Question
from tui.workspace.scan import Scanner

KEYS = {"task": "gender", "name": "main"}
MAPS = {**KEYS, "method": "gradcam", "split": "test"}
ORIGIN = Provenance("explain", {"seed": 0}, created=CREATED)
CLASSES = ["F", "M"]
#: Three right, one wrong.
TARGETS = [0, 1, 1, 1]
SHARES = [[0.9, 0.1], [0.4, 0.6], [0.05, 0.95], [0.7, 0.3]]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Four explained images of known confidence in an image store of two shards."""
    folder = tmp_path / "workspace"
    write_workspace(folder)
    path = PREDICTIONS.path(folder, **KEYS)
    table = read_table(PREDICTIONS, path)
    with open_arrays(ATTRIBUTIONS, ATTRIBUTIONS.path(folder, **MAPS)) as arrays:
        ids = arrays.read("image_id").tolist()
    known = pl.DataFrame({
        "image_id": ids,
        "target": pl.Series(TARGETS, dtype=pl.Int8),
        "probabilities": pl.Series(SHARES, dtype=pl.List(pl.Float32)),
    })  # fmt: skip
    frame = table.frame.update(known, on="image_id")
    write_table(PREDICTIONS, path, frame, ORIGIN, table.header.attributes)
    shard(folder)
    return folder


def shard(folder: Path) -> None:
    """Two image stores of 16 bit instead of one; the grey value of an image is its number."""
    path = IMAGES.path(folder, shard="1", shards="1")
    with open_arrays(IMAGES, path) as arrays:
        content = {name: arrays.read(name) for name in arrays.names()}
        attributes = dict(arrays.header.attributes)
    path.unlink()
    count = len(content["image_id"])
    content["pixels"] = np.arange(count, dtype=np.uint16)[:, None, None] * np.full(
        (1, 32, 32), 257, dtype=np.uint16
    )
    content["image_id"] = content["image_id"].astype(object)
    for number, rows in ((1, slice(0, 9)), (2, slice(9, count))):
        part = {name: list(v[rows]) if v.dtype == object else v[rows]
                for name, v in content.items()}  # fmt: skip
        of_shard = attributes | {"shard": number, "shards": 2}
        write_arrays(
            IMAGES, IMAGES.path(folder, shard=str(number), shards="2"), part, ORIGIN, of_shard
        )


def paths(folder: Path) -> tuple[Path, Path, list[Path]]:
    stores = [IMAGES.path(folder, shard=n, shards="2") for n in ("1", "2")]
    return ATTRIBUTIONS.path(folder, **MAPS), PREDICTIONS.path(folder, **KEYS), stores


async def press(pilot: Pilot[Any], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def canvas_of(pilot: Pilot[Any]) -> Canvas:
    page = pilot.app.screen
    assert isinstance(page, HeatmapsPage)
    return page.query_one(Canvas)


def caption(pilot: Pilot[Any]) -> str:
    figure = canvas_of(pilot).seen
    assert isinstance(figure, HeatmapFigure)
    return "\n".join(text for _, text in figure.caption)


def test_images_are_ordered_by_confidence() -> None:
    rankings = rank_images([*TARGETS, None], [*SHARES, [0.49, 0.51]])
    assert list(rankings["most confident correct"]) == [2, 0, 1]
    assert list(rankings["most confident wrong"]) == [3]
    assert list(rankings["least confident"]) == [4, 1, 3, 0, 2]


def test_only_one_images_rows_are_read(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    explained = read_explained_images(*paths(workspace))
    asked = []
    read = Arrays.read

    def raised(arrays: Arrays, name: str, rows: Any = ()) -> Any:
        asked.append((name, rows))
        return read(arrays, name, rows)

    monkeypatch.setattr(Arrays, "read", raised)
    one = read_one(explained, 1)
    assert asked == [("maps", 1), ("pixels", 0)]
    assert one.maps.shape == (2, 3, 3)
    assert one.pixels is not None
    assert np.allclose(one.pixels, 9), "image09, the first of the second shard"


def test_a_replaced_file_is_not_mixed_with_the_old_one(workspace: Path) -> None:
    explained = read_explained_images(*paths(workspace))
    path = paths(workspace)[0]
    with open_arrays(ATTRIBUTIONS, path) as arrays:
        content = {name: arrays.read(name) for name in arrays.names()}
        attributes = arrays.header.attributes
    content["image_id"] = content["image_id"].tolist()
    content["maps"] = content["maps"] + np.float16(1)
    write_arrays(ATTRIBUTIONS, path, content, ORIGIN, attributes)
    with pytest.raises(ArtifactError, match="was just replaced"):
        read_one(explained, 0)


async def test_images_are_stepped_through(workspace: Path) -> None:
    async with opened(workspace, (80, 24), page="heatmaps") as pilot:
        await press(pilot, "t", "i")
        assert "gender/main, most confident correct: 1 of 3 (test split)" in caption(pilot)
        assert "observed: M, predicted: M (p = 0.950); map: class M" in caption(pilot)
        await press(pilot, "n")
        assert "observed: F, predicted: F (p = 0.900)" in caption(pilot)
        await press(pilot, "p", "p")
        assert "3 of 3" in caption(pilot)
        await press(pilot, "o")
        assert "most confident wrong: 1 of" in caption(pilot)
        assert "observed: M, predicted: F (p = 0.700)" in caption(pilot)
        await press(pilot, "c", "c")
        assert "map: class M (p = 0.300)" in caption(pilot)
        await press(pilot, "r")
        assert "own 95th percentile" in caption(pilot)
        await press(pilot, "o", "o", "t")
        assert "insurance/main" in caption(pilot)


async def test_no_identifier_is_shown(workspace: Path) -> None:
    async with opened(workspace, (100, 30), page="heatmaps") as pilot:
        await press(pilot, "t", "i", "n")
        text = pilot.app.export_screenshot()
        with h5py.File(paths(workspace)[0]) as file:
            ids = [name.decode() for name in file["image_id"][()]]
        assert not [name for name in ids if name in text]
        assert not [s for s in read_table(PREDICTIONS, paths(workspace)[1]).frame["subject_id"]
                    if s in text]  # fmt: skip


async def test_the_export_of_a_patients_image_asks_first(workspace: Path) -> None:
    async with opened(workspace, (80, 24), page="heatmaps") as pilot:
        await press(pilot, "t", "i", "x")
        assert isinstance(pilot.app.screen, Question)
        await press(pilot, "n")
        assert not (workspace / "exports").exists()
        await press(pilot, "x", "y")
        found = [file.name for file in (workspace / "exports").iterdir()]
        assert found == ["image-gender-main-M-most-confident-correct-1.png"]


async def test_images_without_summary_store_or_right_answers(workspace: Path) -> None:
    MEAN_HEATMAPS.path(workspace).unlink()
    shutil.rmtree(workspace / "images")
    async with opened(workspace, (80, 24), page="heatmaps") as pilot:
        await press(pilot, "i", "t")
        assert "the radiograph is not in the image store" in caption(pilot)
        assert "scale: own maximum" in caption(pilot)


async def test_damaged_and_foreign_attributions_are_named(workspace: Path) -> None:
    ATTRIBUTIONS.path(workspace, **MAPS).write_bytes(b"nothing")
    path = PREDICTIONS.path(workspace, task="race", name="main")
    table = read_table(PREDICTIONS, path)
    write_table(PREDICTIONS, path, table.frame.head(3), ORIGIN, table.header.attributes)
    async with opened(workspace, (80, 24), page="heatmaps") as pilot:
        await press(pilot, "t", "i")
        nothing = str(canvas_of(pilot).query_one("#nothing").render())
        assert "damaged" in nothing
        assert "Press t for another model" in nothing
        await press(pilot, "t", "t", "t")
        nothing = str(canvas_of(pilot).query_one("#nothing").render())
        assert "contain different images" in nothing
        assert any("contain different images" in e for e in pilot.app.errors)  # type: ignore[attr-defined]


def test_of_several_attributions_one_is_shown(workspace: Path) -> None:
    path = ATTRIBUTIONS.path(workspace, **MAPS)
    for method, split in (("layercam", "test"), ("gradcam", "train")):
        keys = {**KEYS, "method": method, "split": split}
        shutil.copy(path, ATTRIBUTIONS.path(workspace, **keys))
    snapshot = Scanner(workspace).scan()
    assert explained_models(snapshot).count(("gender", "main")) == 1
    places = [a.place for a in image_artifacts(snapshot, ("gender", "main"))]
    assert places[0] == "models/gender/main/attributions-gradcam-test.h5"
    assert len([p for p in places if "attributions" in p]) == 1


def test_models_of_a_value_have_no_single_images(workspace: Path) -> None:
    path = ATTRIBUTIONS.path(workspace, **MAPS)
    with open_arrays(ATTRIBUTIONS, path) as arrays:
        content = {name: arrays.read(name) for name in arrays.names()}
        attributes = {**arrays.header.attributes, "target_kind": "value"}
    content["image_id"] = content["image_id"].tolist()
    write_arrays(ATTRIBUTIONS, path, content, ORIGIN, attributes)
    assert ("gender", "main") not in explained_models(Scanner(workspace).scan())
