"""How long each job takes to answer SIGTERM, on a large workspace; and how often it reports.

    python -m benchmarks.reliability.latency [--images 50000] [--moments 4] [--seed 0]

The workspace is written straight from the contracts: noise for images, a network that was never
trained, predictions, histories and maps of two tasks. A job is started anew for each moment, and
asked to stop; moments are drawn within its first seconds. The promise is an answer in 5 s.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from benchmarks.reliability.common import arguments, conclude, last_run, show, start
from cxrcore.networks import NetworkRecipe, build, tensors_of
from data_contracts.attributions import ATTRIBUTIONS
from data_contracts.cohort import COHORT
from data_contracts.cohort_description import COHORT_CHARACTERISTICS, COHORT_FLOW
from data_contracts.images import IMAGE_REJECTS, IMAGES
from data_contracts.model import MODEL, TRAINING_HISTORY
from data_contracts.predictions import PREDICTIONS
from data_contracts.run import moment, read_events, run_folder, seconds_between
from data_contracts.store import Provenance, as_input, write_arrays, write_table
from data_contracts.vocabulary import Contract

ANSWER = 5.0
SIZE, FILES, LEARN = 64, 500, 2000
"""Side of an image; image files; images of the training and of the validation split."""
TASKS = {"mortality": ["survived", "died"], "gender": ["F", "M"]}
#: Seconds within which a job is stopped, and its command.
JOBS = {
    "aggregate": (60, "aggregate"),
    "explain": (25, "explain --task gender --device cpu"),
    "train-task": (40, "train-task --task gender --architecture resnet18 --weights none "
                   "--output-stride 16 --device cpu --force"),
    "preprocess": (12, "preprocess --root {root} --size 64 --workers 2 --force"),
}  # fmt: skip


class Maker:
    """Writes artifacts of a workspace, each with the lineage that it would have."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace

    def write(
        self, contract: Contract, job: str, content: Mapping[str, Any], parents: list[Any],
        attributes: Mapping[str, Any], **keys: str,
    ) -> Any:  # fmt: skip
        """Write an artifact; what its children name as their input."""
        path, origin = contract.path(self._workspace, **keys), Provenance(job, {}, tuple(parents))
        facts = dict(attributes)
        if contract.kind == "table":
            header = write_table(contract, path, pl.DataFrame(content), origin, facts)
        else:
            header = write_arrays(contract, path, content, origin, facts)
        return as_input(header, path, self._workspace)

    def example(self, contract: Contract, job: str, parents: list[Any], **keys: str) -> Any:
        """Write the tiny example of a contract."""
        facts = {**contract.example_attributes, **{k: v for k, v in keys.items() if k == "task"}}
        return self.write(contract, job, contract.example(), parents, facts, **keys)


def cohort_of(images: int, rng: np.random.Generator) -> pl.DataFrame:
    """A cohort of one image a patient; `images` of them are of the test split."""
    count, example = images + 2 * LEARN, pl.DataFrame(COHORT.example())
    number = pl.int_range(count).cast(pl.String).str.zfill(6)
    split = np.repeat(["train", "val", "test"], [LEARN, LEARN, images])
    labels = {
        f"label_{task}": pl.Series(
            rng.permutation(np.resize(classes, count)), dtype=pl.Enum(classes)
        )
        for task, classes in TASKS.items()
    }
    row = example.head(1).drop(labels)
    return pl.concat([row] * count).with_columns(
        image_id="image" + number,
        study_id="study" + number,
        subject_id="subject" + number,
        path=pl.format("{}.png", pl.int_range(count) % FILES),
        split=pl.Series(split, dtype=example["split"].dtype),
        **labels,
    )


def write_model(
    maker: Maker, task: str, cohort: pl.DataFrame, parents: list[Any], rng: np.random.Generator
) -> None:
    """Write what `train-task` and `explain` would write of a task."""
    label, classes = cohort[f"label_{task}"], TASKS[task]
    recipe = NetworkRecipe("resnet18", tuple(classes), SIZE, 16)
    names = {"task": task, "name": "main", "target_kind": "classes", "classes": classes}
    known = names | {"seed": 0, "control": "none"}
    network, origin = build(recipe, "none", 0)
    facts = recipe.attributes() | known | {"starting_weights": origin, "epoch": 1}
    tensors = {f"state_dict/{k}": v for k, v in tensors_of(network).items()}
    model = maker.write(MODEL, "train-task", tensors, parents, facts, task=task, name="main")
    maker.write(TRAINING_HISTORY, "train-task", TRAINING_HISTORY.example(), parents, known,
                task=task, name="main")  # fmt: skip
    target = label.to_physical().cast(pl.Int8)
    score = (target.to_numpy() * 0.5 + rng.normal(size=len(target))).astype(np.float32)
    logits = np.stack([-score, score], axis=1)
    columns = {
        "image_id": cohort["image_id"], "subject_id": cohort["subject_id"],
        "split": cohort["split"], "target": target,
        "logits": pl.Series(logits.tolist(), dtype=pl.List(pl.Float32)),
        "probabilities": pl.Series(
            (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).tolist(),
            dtype=pl.List(pl.Float32),
        ),
    }  # fmt: skip
    empty = pl.DataFrame(schema=pl.DataFrame(PREDICTIONS.example()).schema)
    columns = pl.concat([empty, pl.DataFrame(columns)], how="diagonal").to_dict()
    maker.write(PREDICTIONS, "train-task", columns, parents, known, task=task, name="main")
    test = (cohort["split"] == "test").to_numpy()
    maps = {
        "image_id": cohort["image_id"].filter(test).to_list(), "outputs": logits[test],
        "maps": rng.normal(size=(int(test.sum()), 2, 7, 7)).astype(np.float16),
        "mean_image": np.full((SIZE, SIZE), 100, np.float32),
    }  # fmt: skip
    more = {
        "split": "test", "input_size": SIZE, "method": "gradcam", "layer": "features",
        "unit": "logit per cell",
    }  # fmt: skip
    maker.write(ATTRIBUTIONS, "explain", maps, [*parents, model], names | more, task=task,
                name="main", method="gradcam", split="test")  # fmt: skip


def write_workspace(workspace: Path, images: int, seed: int) -> Path:
    """Write all artifacts that the jobs read, and the image files; their folder."""
    rng, maker = np.random.default_rng(seed), Maker(workspace)
    cohort = cohort_of(images, rng)
    known = maker.write(COHORT, "extract", cohort.to_dict(), [], COHORT.example_attributes)
    for contract in (COHORT_FLOW, COHORT_CHARACTERISTICS):
        maker.example(contract, "extract", [known])
    count = cohort.height
    arrays: dict[str, Any] = {
        "pixels": rng.integers(0, 256, (count, SIZE, SIZE), dtype=np.uint8),
        "image_id": cohort["image_id"].to_list(),
        "content_bbox": np.tile(np.array([0, 0, SIZE, SIZE], np.int16), (count, 1)),
        "windowing": np.zeros(count, np.uint8), "polarity_suspect": np.zeros(count, bool),
        "source_size": np.full((count, 2), SIZE, np.int32),
    }  # fmt: skip
    shard = {"shard": "1", "shards": "1"}
    store = maker.write(IMAGES, "preprocess", arrays, [known], IMAGES.example_attributes, **shard)
    maker.write(IMAGE_REJECTS, "preprocess", IMAGE_REJECTS.example(), [known], {}, **shard)
    for task in TASKS:
        write_model(maker, task, cohort, [known, store], rng)
    root = workspace.with_name("root")
    root.mkdir()
    for number in range(FILES):
        Image.fromarray(arrays["pixels"][number]).save(root / f"{number}.png")
    return root


@dataclass
class Answers:
    """What came of stopping a job."""

    seconds: list[float] = field(default_factory=list)
    over: int = 0
    gap: float = 0.0
    broken: list[str] = field(default_factory=list)


def longest_gap(workspace: Path, run_id: str) -> float:
    """The longest time without a progress event, from the start of the record to its end."""
    events = read_events(run_folder(workspace, run_id))
    times = [moment(e["time"]) for e in events if e["event"] in ("progress", "state")]
    return max((seconds_between(a, b) or 0.0 for a, b in pairwise(times)), default=0.0)


def stop(found: Answers, words: list[str], workspace: Path, seconds: float) -> None:
    """Start a job, ask it to stop after some seconds, and note its answer."""
    running = start(words, workspace)
    with suppress(subprocess.TimeoutExpired):
        running.process.wait(seconds)
        found.over += 1
        return
    os.kill(running.pid, signal.SIGTERM)
    begun = time.monotonic()
    ending = running.end()
    answer, record = time.monotonic() - begun, last_run(workspace)
    found.seconds.append(answer)
    what = f"{words[0]}, asked after {seconds:.1f} s"
    if answer > ANSWER:
        found.broken.append(f"{what}: answers after {answer:.1f} s")
    if ending.code not in (75, 0):
        found.broken.append(f"{what}: exit code {ending.code}: {ending.stderr.strip()[-200:]}")
    if record and record.job == words[0]:
        found.gap = max(found.gap, longest_gap(workspace, record.run_id))


def main() -> None:
    options = arguments(__doc__, images=50_000, moments=3).parse_args()
    rng, answers = np.random.default_rng(options.seed), {job: Answers() for job in JOBS}
    with tempfile.TemporaryDirectory() as name:
        workspace = Path(name) / "workspace"
        begun = time.monotonic()
        root = write_workspace(workspace, options.images, options.seed)
        print(f"{options.images:,} test images, written in {time.monotonic() - begun:.0f} s")
        for job, (span, words) in JOBS.items():
            for _ in range(options.moments):
                at = rng.uniform(1, span)
                stop(answers[job], words.format(root=root).split(), workspace, at)
    show(
        ["job", "asked within s", "asked", "over before", "longest answer s", "longest gap s"],
        [[job, JOBS[job][0], len(a.seconds), a.over, f"{max(a.seconds, default=0):.1f}",
          f"{a.gap:.1f}"] for job, a in answers.items()],
    )  # fmt: skip
    conclude([line for found in answers.values() for line in found.broken])


if __name__ == "__main__":
    main()
