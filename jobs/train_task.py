"""Train one network to predict one task, a label or a number, by transfer learning.

An interrupted training resumes after its last whole batch when the same command runs again.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationInfo, field_serializer, field_validator

from data_contracts.cohort import COHORT
from data_contracts.images import IMAGES
from data_contracts.model import CHECKPOINT, MODEL, TRAINING_HISTORY, UNTRAINED
from data_contracts.predictions import FEATURES, PREDICTIONS
from jobs._config import JobConfig
from jobs._job import Job

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cxrcore.networks import Network
    from cxrcore.training import Setup, TrainingState
    from data_contracts.store import ArraysWriter

NAMED_WEIGHTS = ("imagenet", "none")
READS = (COHORT, IMAGES)
WRITES = (MODEL, TRAINING_HISTORY, PREDICTIONS, FEATURES)
CHECKPOINTS = (CHECKPOINT.path_template,)
#: Earlier versions kept other tensors than those of the best epoch.
CHECKPOINTS_SINCE = "0.2.0"


class Config(JobConfig):
    """What to train."""

    task: str = Field(pattern=r"^[A-Za-z0-9_]{1,64}$")
    """The label to predict, such as gender, or a column with a number, such as age."""
    name: str = Field(default="main", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    """Distinguishes models of the same task (seed, control, architecture)."""
    architecture: str = "densenet121"
    """A torchvision network with a last feature map; LIBRARY/NAME for one of another library."""
    weights: str = "imagenet"
    """Starting weights: imagenet, none (random), or the file of a state dict."""
    output_stride: int = Field(default=32, ge=16, le=32, multiple_of=16)
    """Pixels of input per cell of the last feature map; 16 gives finer maps."""
    freeze_backbone: bool = False
    """Train the head only."""
    control: Literal["none", "permuted-labels", "random-init", "pretrained"] = "none"
    """A null model: shuffled training labels, random weights or those of --weights untrained."""
    epochs: int = Field(default=10, ge=1, le=10_000)
    """Most epochs to train."""
    patience: int = Field(default=4, ge=0, le=10_000)
    """Stop after so many epochs without a better validation AUROC; 0: never."""
    batch_size: int = Field(default=32, ge=3, le=65_536)
    """Images per step; from 3 on no batch is of one image, which batch normalisation refuses."""
    learning_rate: float = Field(default=1e-4, gt=0, le=1)
    """Highest learning rate of AdamW."""
    weight_decay: float = Field(default=1e-2, ge=0, le=1)
    """Weight decay of AdamW."""
    augment: bool = True
    """Small random rotation, shift and zoom of the training images; never a flip."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Seed of initialisation, order and augmentation."""
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", exclude=True)
    """Where to compute; auto takes a GPU if there is one."""

    @field_validator("control")
    @classmethod
    def _has_weights_to_keep(cls, control: str, known: ValidationInfo) -> str:
        if control == "pretrained" and known.data.get("weights") == "none":
            raise ValueError("needs starting weights; give --weights imagenet or a file")
        return control

    @classmethod
    def known_names(cls) -> dict[str, tuple[str, ...]]:
        from cxrcore.architectures import torchvision_names

        return {"architecture": torchvision_names(), "weights": NAMED_WEIGHTS}

    @field_validator("architecture")
    @classmethod
    def _require_known(cls, architecture: str) -> str:
        from cxrcore.architectures import fault_of_name

        if fault := fault_of_name(architecture):
            raise ValueError(fault)
        return architecture

    @field_serializer("weights")
    def _name_without_folder(self, weights: str) -> str:
        # Where the file lies is no part of the result; its content is hashed as a source.
        return weights if weights in NAMED_WEIGHTS else Path(weights).name


def sources(config: Config) -> dict[str, Path]:
    """The weights file, where one is given."""
    return {} if config.weights in NAMED_WEIGHTS else {"weights": Path(config.weights)}


def run(config: Config, job: Job) -> None:
    """Build, train, keep the best epoch, predict every image."""
    from cxrcore import training
    from cxrcore.networks import (
        NetworkRecipe,
        build,
        library_and_name,
        load_tensors,
        tensors_of,
    )
    from cxrcore.store import ImageStore
    from cxrcore.targets import permuted, predictions_frame, targets_of

    device = training.device_of(config.device)
    plan = training.TrainingPlan(
        **{f.name: getattr(config, f.name) for f in fields(training.TrainingPlan)}
    )
    with job.opened(IMAGES) as shards:
        store = ImageStore(shards)
        targets = targets_of(job.table(COHORT).frame, config.task, store.image_ids)
        library, name = library_and_name(config.architecture)
        recipe = NetworkRecipe(
            name, targets.classes, store.size, config.output_stride, library=library
        )
        random = config.control == "random-init"
        network, origin = build(recipe, "none" if random else config.weights, config.seed)
        job.require_same_sources()
        train_targets = (
            permuted(targets, config.seed) if config.control == "permuted-labels" else targets
        )
        setup = training.Setup(store, train_targets, recipe, plan, device)
        state = training.new_state(network, setup)
        names = {
            "task": config.task, "name": config.name, "seed": config.seed,
            "control": config.control, "target_kind": targets.kind,
            "classes": list(targets.classes),
        }  # fmt: skip
        if config.control not in UNTRAINED:
            _train(job, state, setup, names)
            load_tensors(network, state.best)
        elif random:
            _take_statistics(job, network, setup)

        facts = recipe.attributes() | names
        if targets.kind == "value":
            facts |= dict(zip(("target_mean", "target_sd"), targets.scale, strict=True))
        with job.writer(FEATURES, **names) as features:
            outputs = _predict(job, network, setup, features)
            training.check_kept(state, setup, outputs)
            tensors = {f"state_dict/{k}": v for k, v in tensors_of(network).items()}
            job.write(MODEL, tensors, **facts, starting_weights=origin, epoch=state.best_epoch)
            job.write(TRAINING_HISTORY, training.history_frame(state), **names)
        job.write(PREDICTIONS, predictions_frame(store.image_ids, targets, outputs), **names)


def _train(job: Job, state: TrainingState, setup: Setup, names: dict[str, Any]) -> None:
    """Train to the end; set the state aside after each epoch and when asked to stop."""
    per_epoch = setup.batches_per_epoch + setup.validation_batches
    from cxrcore.checkpoints import restore_state, to_arrays, to_attributes
    from cxrcore.training import fit

    if kept := job.load_checkpoint(CHECKPOINT, since=CHECKPOINTS_SINCE):
        with kept:
            arrays = {name: kept.read(name) for name in kept.names()}
            restore_state(state, arrays, kept.header.attributes)
        job.log(f"resuming at epoch {state.epoch} after batch {state.step}")
    with (
        job.progress(f"train {names['task']}", setup.plan.epochs * per_epoch, "batches") as advance,
        job.whole_steps(),
    ):
        advance((state.epoch - 1) * per_epoch + state.step)
        for _ in fit(state, setup):
            if state.between_epochs or job.stop_requested:
                job.save_checkpoint(CHECKPOINT, to_arrays(state), **names, **to_attributes(state))
            if state.between_epochs:
                job.metric(**state.history[-1])
            advance(1, epoch=state.epoch - state.between_epochs)
    best = state.history[state.best_epoch - 1]
    score = {"AUROC": best["val_auroc"], "R²": best["val_r2"]}
    told = ", ".join(f"validation {n} {v:.3f}" for n, v in score.items() if v is not None)
    job.log(f"kept epoch {state.best_epoch}, {told or 'no validation score'}")


def _take_statistics(job: Job, network: Network, setup: Setup) -> None:
    from cxrcore.normalisation import take_statistics

    images = len(setup.targets.rows("train"))
    with job.progress(f"normalise {setup.targets.task}", images, "images") as advance:
        for done in take_statistics(network, setup):
            advance(done)


def _predict(
    job: Job, network: Network, setup: Setup, features: ArraysWriter
) -> NDArray[np.float32]:
    """Outputs (n, k) of every image of the store, all splits; writes their features."""
    import numpy as np

    from cxrcore.training import predict

    ids, outputs = setup.store.image_ids, []
    features.append(image_id=ids)
    with job.progress(f"predict {setup.targets.task}", len(ids), "images") as advance:
        for of_batch, batch in predict(network, setup, np.arange(len(ids))):
            outputs.append(of_batch)
            features.append(features=batch)
            advance(len(batch))
    return np.concatenate(outputs)
