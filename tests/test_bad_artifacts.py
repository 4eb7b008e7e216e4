"""Artifacts that are damaged, in the wrong place or of other inputs, and tasks that cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from refusals import Refuse, bring, replace

from data_contracts.cohort import COHORT, LABEL_PREFIX
from data_contracts.header import HEADER_KEY, Header
from data_contracts.images import IMAGES
from data_contracts.model import MODEL
from data_contracts.store import Provenance, read_header, read_table, verify, write_table
from data_contracts.vocabulary import Contract
from jobs._cli import run

pytestmark = pytest.mark.usefixtures("undrawn")
Change = Callable[[Path], None]
KEYS = {"task": "mortality", "name": "main", "shard": "1", "shards": "1"}


def train(task: str = "mortality", **flags: object) -> list[str]:
    chosen = {
        "task": task, "architecture": "squeezenet1_1", "weights": "none", "output-stride": 16,
        "epochs": 1, "device": "cpu",
    } | flags  # fmt: skip
    return ["train-task", *(f"--{name}={value}" for name, value in chosen.items())]


PREPROCESS = ["preprocess", "--root={source}", "--size=48", "--workers=0"]
EXPLAIN = ["explain", "--task=mortality", "--device=cpu"]
AGGREGATE = ["aggregate", "--replicates=100", "--surrogates=99", "--permutations=99"]
#: A job that reads the artifact, for artifacts of every kind.
READERS: list[tuple[str, list[str]]] = [
    ("cohort/cohort.parquet", PREPROCESS),
    ("cohort/cohort.parquet", train()),
    ("images/images-1-of-1.h5", train()),
    ("images/images-1-of-1.h5", EXPLAIN),
    ("models/mortality/main/model.h5", EXPLAIN),
    ("cohort/flow.parquet", AGGREGATE),
    ("models/mortality/main/predictions.parquet", AGGREGATE),
    ("models/mortality/main/attributions-gradcam-test.h5", AGGREGATE),
]
each_reader = pytest.mark.parametrize(
    ("place", "words"), READERS, ids=[f"{w[0]} {Path(p).stem}" for p, w in READERS]
)


def command(words: list[str], workspace: Path) -> list[str]:
    source = workspace / "synthetic" / "source" / "mimic-cxr"
    return [*(w.format(source=source) for w in words), "--force"]


def cut(share: float) -> Change:
    def change(path: Path) -> None:
        content = path.read_bytes()
        replace(path, content[: int(share * len(content))])

    return change


def headless(path: Path) -> None:
    """Rewrite the file as other software would, without our header."""
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path)
        path.unlink()
        frame.write_parquet(path)
        return
    replace(path, path.read_bytes())
    with h5py.File(path, "a") as file:
        del file.attrs[HEADER_KEY]


def of_version_9(path: Path) -> None:
    """Write another version into the header, its checksum made anew."""
    facts = json.loads(read_header(path).to_json())
    facts.pop("seal")
    header = Header(**facts | {"version": "9.0", "inputs": ()}).to_json()
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path)
        path.unlink()
        frame.write_parquet(path, metadata={HEADER_KEY: header})
        return
    replace(path, path.read_bytes())
    with h5py.File(path, "a") as file:
        file.attrs[HEADER_KEY] = np.bytes_(header)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES: dict[str, tuple[Change, str]] = {
    "empty": (cut(0.0), "is damaged"),
    "cut at a tenth": (cut(0.1), "is damaged"),
    "cut at half": (cut(0.5), "is damaged"),
    "cut at its end": (cut(0.999), "is damaged"),
    "text": (lambda p: replace(p, b"image_id,split\n"), "is not an artifact"),
    "no header": (headless, "has no cxr header"),
    "another version": (of_version_9, "got 9.0; it was written by a newer version"),
    "a folder": (a_folder, "is not a file"),
}


@pytest.mark.parametrize("change", CHANGES)
@each_reader
def test_a_bad_artifact(
    change: str, place: str, words: list[str], copy: Path, refuse: Refuse
) -> None:
    act, want = CHANGES[change]
    act(copy / place)
    line = refuse(command(words, copy), 3, copy)
    assert line.startswith(str(copy / place))
    assert want in line


@pytest.mark.parametrize(
    ("place", "words", "job"),
    [
        ("cohort/cohort.parquet", PREPROCESS, "extract"),
        ("cohort/cohort.parquet", train(), "extract"),
        ("images/images-*-of-*.h5", train(), "preprocess"),
        ("images/images-*-of-*.h5", EXPLAIN, "preprocess"),
        ("models/mortality/main/model.h5", EXPLAIN, "train-task"),
        ("models/*/*/predictions.parquet", AGGREGATE, "train-task"),
        ("models/*/*/attributions-gradcam-test.h5", AGGREGATE, "explain"),
        ("cohort/flow.parquet", AGGREGATE, "extract"),
    ],
)
def test_a_missing_artifact_names_the_job_to_run(
    place: str, words: list[str], job: str, copy: Path, refuse: Refuse
) -> None:
    for path in copy.glob(place):
        path.unlink()
    line = refuse(command(words, copy), 3, copy)
    assert line == f"{copy / place} does not exist; run `cxr {job}` first"


@each_reader
def test_an_artifact_of_the_other_kind(
    place: str, words: list[str], copy: Path, refuse: Refuse
) -> None:
    table = copy / "images" / "rejects-1-of-1.parquet"
    other = table if place.endswith(".h5") else copy / "images" / "images-1-of-1.h5"
    bring(other, copy / place)
    line = refuse(command(words, copy), 3, copy)
    assert line.startswith(f"{copy / place}: want the artifact ")


@pytest.mark.parametrize("words", [train("gender"), EXPLAIN], ids=["train-task", "explain"])
def test_a_flipped_byte_in_the_pixels(words: list[str], copy: Path, refuse: Refuse) -> None:
    path = IMAGES.path(copy, **KEYS)
    content = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        pixels = file["pixels"]
        chunks = [pixels.id.get_chunk_info(i) for i in range(pixels.id.get_num_chunks())]
    for chunk in chunks:
        content[chunk.byte_offset + chunk.size // 2] ^= 1
    replace(path, bytes(content))
    assert refuse(command(words, copy), 3, copy).startswith(f"{path} is damaged")


@pytest.mark.parametrize("seed", range(3))
def test_a_flipped_byte_in_a_model(seed: int, copy: Path, refuse: Refuse) -> None:
    path = MODEL.path(copy, **KEYS)
    content = bytearray(path.read_bytes())
    content[int(np.random.default_rng(seed).integers(len(content)))] ^= 16
    replace(path, bytes(content))
    assert str(path) in refuse(command(EXPLAIN, copy), 3, copy)


def rewritten(
    contract: Contract, workspace: Path, change: Callable[[pl.DataFrame], Any]
) -> pl.DataFrame:
    """Change the content of a table as its own job would, and write it again."""
    path = contract.path(workspace, **KEYS)
    table = read_table(contract, path)
    frame: pl.DataFrame = change(table.frame)
    origin = Provenance(table.header.job, table.header.config, table.header.inputs)
    write_table(contract, path, frame, origin, table.header.attributes)
    return frame


def another_cohort(workspace: Path) -> None:
    rewritten(COHORT, workspace, lambda f: f.head(50))


@pytest.mark.parametrize(
    "words", [train("gender"), EXPLAIN, AGGREGATE], ids=["train-task", "explain", "aggregate"]
)
def test_images_models_and_predictions_of_another_cohort(
    words: list[str], copy: Path, refuse: Refuse
) -> None:
    another_cohort(copy)
    line = refuse(command(words, copy), 3, copy)
    assert "1-of-1" in line
    assert " was made from another cohort/cohort.parquet; " in line
    assert "`cxr preprocess`" in line
    assert line.endswith(" again")


@pytest.mark.parametrize(
    "what", ["model.h5", "predictions.parquet", "attributions-gradcam-test.h5"]
)
def test_another_tasks_artifact_in_a_tasks_place(what: str, copy: Path, refuse: Refuse) -> None:
    bring(copy / "models" / "insurance" / "main" / what, copy / "models" / "mortality/main" / what)
    words = EXPLAIN if what == "model.h5" else AGGREGATE
    line = refuse(command(words, copy), 3, copy)
    assert line.startswith(str(copy / "models" / "mortality" / "main" / what))
    assert "of task insurance" in line


def test_a_model_trained_anew_does_not_meet_the_old_maps(copy: Path, refuse: Refuse) -> None:
    assert run([*train(seed=1), f"--workspace={copy}"]) == 0
    line = refuse(command(AGGREGATE, copy), 3, copy)
    assert (
        "attributions-gradcam-test.h5 was made from another models/mortality/main/model.h5 than"
        in line
    )
    assert line.endswith("run `cxr explain` again")


def test_a_missing_shard_is_named(copy: Path, refuse: Refuse) -> None:
    half = [*command(PREPROCESS, copy), "--shard=1/2", f"--workspace={copy}"]
    assert run(half) == 0
    for words in (train("gender"), EXPLAIN):
        assert "stores of 1 and of 2 shards; delete" in refuse(command(words, copy), 3, copy)
    IMAGES.path(copy, **KEYS).unlink()
    for words in (train("gender"), EXPLAIN):
        line = refuse(command(words, copy), 3, copy)
        assert line.endswith("lacks the shard 2/2; run `cxr preprocess --shard 2/2`")
    assert run([*half[:-2], "--shard=2/2", half[-1]]) == 0
    assert run([*command(train("gender"), copy), f"--workspace={copy}"]) == 0


def test_a_task_that_the_cohort_lacks(copy: Path, refuse: Refuse) -> None:
    assert "did you mean gender?" in refuse(train("genre"), 2, copy)
    assert "it has mortality, gender, race, insurance" in refuse(train("height"), 2, copy)
    assert "models/height/main/model.h5 does not exist" in refuse(
        ["explain", "--task=height"], 3, copy
    )
    assert not (copy / "models" / "genre").exists()


def only(split: str | None, kept: str | None) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Leave one class (or none) of gender in a split, or everywhere."""
    label = pl.col(LABEL_PREFIX + "gender")
    here = pl.lit(value=True) if split is None else pl.col("split") == split
    stays = ~here if kept is None else ~here | (label == kept)
    return lambda frame: frame.with_columns(pl.when(stays).then(label))


@pytest.mark.parametrize(
    ("split", "kept", "want"),
    [
        (None, "F", "the train split has F {n}, M 0 images; widen the cohort"),
        (None, None, "the train split has F 0, M 0 images"),
        ("train", "M", "the train split has F 0, M {n} images"),
        ("val", None, "the val split has no labelled image"),
        ("test", None, "the test split has no labelled image"),
    ],
)
def test_a_task_without_classes_to_learn(
    split: str | None, kept: str | None, want: str, copy: Path, refuse: Refuse
) -> None:
    frame = rewritten(COHORT, copy, only(split, kept))
    assert run([*command(PREPROCESS, copy), f"--workspace={copy}"]) == 0
    stored = IMAGES.path(copy, **KEYS)
    with h5py.File(stored) as file:
        ids = [i.decode() for i in file["image_id"][()]]
    there = frame.filter(pl.col("image_id").is_in(ids), pl.col("split") == "train")
    line = refuse(train("gender"), 4, copy)
    assert want.format(n=there["label_gender"].count()) in line
    assert not list(copy.glob("models/gender/*/*"))


def test_images_too_small_for_a_network(copy: Path, refuse: Refuse) -> None:
    words = [w.replace("--size=48", "--size=16") for w in command(PREPROCESS, copy)]
    assert run([*words, f"--workspace={copy}"]) == 0
    small = ["train-task", "--task=gender", "--weights=none", "--device=cpu"]
    line = refuse(small, 2, copy)
    assert "needs larger images than 16 pixels; run `cxr preprocess` with a larger --size" in line


@pytest.mark.parametrize(
    ("flags", "code", "want"),
    [
        ({"architecture": "resnet81"}, 2, "did you mean resnet18"),
        ({"architecture": "vit_b_16"}, 2, "no torchvision network with a last feature map"),
        ({"architecture": "inception_v3"}, 2, "no torchvision network with a last feature map"),
        ({"weights": "nowhere.pth"}, 4, "nowhere.pth cannot be read"),
        ({"weights": "{workspace}/cohort"}, 4, "cannot be read (Is a directory)"),
        ({"weights": "{workspace}/cohort/cohort.parquet"}, 4, "does not hold the weights of"),
    ],
)
def test_networks_and_weights_that_cannot_be(
    flags: dict[str, str], code: int, want: str, copy: Path, refuse: Refuse
) -> None:
    flags = {name: value.format(workspace=copy) for name, value in flags.items()}
    assert want in refuse(train("gender", **flags), code, copy)


def test_a_training_that_diverges(
    copy: Path, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weights(_: object) -> np.ndarray[Any, Any]:
        return np.full(2, np.inf, np.float32)

    monkeypatch.setattr("cxrcore.objectives.class_weights", weights)
    line = refuse(train("gender"), 2, copy)
    assert line.startswith("the training diverged in epoch 1")
    assert line.endswith("smaller --learning-rate")
    assert not list(copy.glob("models/gender/*/*"))


def test_after_any_refusal_the_next_run_works(copy: Path, refuse: Refuse) -> None:
    path = MODEL.path(copy, **KEYS)
    digest = verify(path).digest
    cut(0.5)(path)
    refuse(command(EXPLAIN, copy), 3, copy)
    for words in (train(), EXPLAIN, AGGREGATE):
        assert run([*words, f"--workspace={copy}"]) == 0
    assert verify(path).digest == digest
