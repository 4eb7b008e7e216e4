"""The training loop, read from top to bottom.

Every random draw comes from (seed, epoch, step), so a training that was interrupted after any
batch and resumes from its saved state ends as one that never stopped.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from cxrcore.networks import Network, NetworkRecipe, pool, tensors_of
from cxrcore.objectives import Objective, merit, objective_of
from cxrcore.store import GreyImages, ImageStore, in_batches
from cxrcore.targets import Targets
from cxrcore.transforms import augment, to_input
from data_contracts.errors import ArtifactError, UsageError

WARM_UP = 0.1
"""Share of all steps over which the learning rate rises from zero."""
#: Other batches than in training round otherwise; a GPU multiplies in TF32 besides.
_LOSS_TOLERANCE = {"cpu": 1e-4, "cuda": 1e-2}
_MEASURES = ("learning_rate", "train_loss", "val_loss", "val_auroc", "val_r2")


@dataclass(frozen=True)
class TrainingPlan:
    """How to train: everything the loop can be told."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int
    """Epochs without a better validation AUROC after which training ends."""
    freeze_backbone: bool
    """Train the head only; normalisation layers keep their statistics."""
    augment: bool
    seed: int


@dataclass(frozen=True)
class Setup:
    """What is trained on what: the surroundings of the loop, which it never changes."""

    store: ImageStore
    targets: Targets
    recipe: NetworkRecipe
    plan: TrainingPlan
    device: torch.device

    @cached_property
    def objective(self) -> Objective:
        return objective_of(self.targets, self.device)

    @property
    def batches_per_epoch(self) -> int:
        return self._batches("train")

    @property
    def validation_batches(self) -> int:
        return self._batches("val")

    def inputs(self, images: GreyImages) -> torch.Tensor:
        """What the network takes (b, 3, S, S) of images (b, S, S)."""
        found = to_input(images, self.recipe.mean, self.recipe.std, self.device)
        return found.to(memory_format=torch.channels_last)

    def _batches(self, split: str) -> int:
        return len(in_batches(self.targets.rows(split), self.plan.batch_size))


@dataclass
class TrainingState:
    """Where a training stands after a batch: all that resuming there needs."""

    network: Network
    optimizer: torch.optim.Optimizer
    epoch: int = 1
    step: int = 0
    """Batches of `epoch` that are done."""
    loss_sum: float = 0.0
    best_epoch: int = 0
    best: dict[str, NDArray[Any]] = field(default_factory=dict)
    """Tensors of the network at `best_epoch`."""
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def between_epochs(self) -> bool:
        return self.step == 0


def device_of(name: str) -> torch.device:
    """`auto` takes the first GPU there is. Raises `UsageError` for a device that is not there.

    Also asks torch for repeatable kernels: same seed, same device, same numbers.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: no GPU is visible here; use --device auto or cpu")
    return torch.device(name)


def new_state(network: Network, setup: Setup) -> TrainingState:
    """The state before the first batch."""
    network.to(setup.device)
    network.features.requires_grad_(not setup.plan.freeze_backbone)
    parameters = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, lr=setup.plan.learning_rate, weight_decay=setup.plan.weight_decay
    )
    return TrainingState(network, optimizer)


def fit(state: TrainingState, setup: Setup) -> Iterator[TrainingState]:
    """Train, yielding the state after every batch; ends after the last epoch or early.

    Batches of validation count too, since one epoch's may take minutes; a training that is
    stopped among them validates again. The network is left as it was at the end; `state.best`
    holds the epoch to keep: the one of the highest validation AUROC, then of the lowest
    validation loss.
    """
    plan, targets = setup.plan, setup.targets
    while state.epoch <= plan.epochs and not _has_stalled(state, plan):
        order = _rng(plan, state.epoch).permutation(targets.rows("train"))
        todo = in_batches(order, plan.batch_size)[state.step :]
        for rows, images in setup.store.batches(todo):
            state.loss_sum += _train_batch(state, setup, rows, images)
            state.step += 1
            yield state
        outputs: list[NDArray[np.float32]] = []
        for batch, _ in predict(state.network, setup, targets.rows("val")):
            if outputs:
                yield state
            outputs.append(batch)
        _end_epoch(state, setup, np.concatenate(outputs))
        yield state


def _train_batch(
    state: TrainingState, setup: Setup, rows: NDArray[np.int64], images: GreyImages
) -> float:
    rng = _rng(setup.plan, state.epoch, state.step + 1)
    torch.manual_seed(int(rng.integers(2**31)))  # dropout and the like
    inputs = to_input(images, setup.recipe.mean, setup.recipe.std, setup.device)
    if setup.plan.augment:
        inputs = augment(inputs, rng)
    for group in state.optimizer.param_groups:
        group["lr"] = _learning_rate(setup, state.epoch, state.step)
    state.network.train()
    if setup.plan.freeze_backbone:
        state.network.features.eval()
    outputs = state.network(inputs.to(memory_format=torch.channels_last))
    loss = setup.objective.loss(outputs, rows)
    if not torch.isfinite(loss):
        raise UsageError(
            f"the training diverged in epoch {state.epoch}: its loss is no finite number; "
            "run it again with a smaller --learning-rate"
        )
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    state.optimizer.step()
    return loss.item()


def _end_epoch(state: TrainingState, setup: Setup, outputs: NDArray[np.float32]) -> None:
    """Close the epoch with the `outputs` (n, k) of the validation split."""
    row = {
        "epoch": state.epoch,
        "learning_rate": _learning_rate(setup, state.epoch, state.step - 1),
        "train_loss": state.loss_sum / state.step,
        **setup.objective.measure(outputs, setup.targets.rows("val")),
    }
    state.history.append(row)
    if merit(row) >= max(merit(r) for r in state.history):
        state.best_epoch, state.best = state.epoch, tensors_of(state.network)
    state.epoch, state.step, state.loss_sum = state.epoch + 1, 0, 0.0


def predict(
    network: Network, setup: Setup, rows: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float16]]]:
    """Outputs (b, k) and pooled features (b, d) of the images at `rows`, batch by batch."""
    network.eval()
    for _, images in setup.store.batches(in_batches(rows, setup.plan.batch_size)):
        with torch.inference_mode():
            pooled = pool(network.features(setup.inputs(images)))
            yield network.head(pooled).float().cpu().numpy(), pooled.half().cpu().numpy()


def history_frame(state: TrainingState) -> pl.DataFrame:
    """The training history as its contract has it."""
    return pl.DataFrame(
        state.history,
        schema={"epoch": pl.Int32} | dict.fromkeys(_MEASURES, pl.Float64),
    )


def check_kept(state: TrainingState, setup: Setup, outputs: NDArray[np.float32]) -> None:
    """Check that a network's `outputs` (n, k), of all images, are those of the best epoch.

    Their validation loss must be the one in the history. Raises `ArtifactError` if it is not:
    such a network must not be written.
    """
    if not state.history:
        return
    rows = setup.targets.rows("val")
    found = setup.objective.measure(outputs[rows], rows)["val_loss"]
    assert found is not None
    want = state.history[state.best_epoch - 1]["val_loss"]
    if not math.isclose(found, want, rel_tol=_LOSS_TOLERANCE[setup.device.type], abs_tol=1e-6):
        raise ArtifactError(
            f"the network to be kept is not that of epoch {state.best_epoch}: its validation loss "
            f"is {found:.6g}, in the history {want:.6g}; train it again with --force"
        )


def _has_stalled(state: TrainingState, plan: TrainingPlan) -> bool:
    return state.between_epochs and state.epoch - 1 - state.best_epoch >= plan.patience > 0


def _learning_rate(setup: Setup, epoch: int, batch: int) -> float:
    """Linear warm-up, then half a cosine down to zero (Loshchilov & Hutter, arXiv 1608.03983).

    `epoch` counts from 1, `batch` from 0.
    """
    peak, per_epoch = setup.plan.learning_rate, setup.batches_per_epoch
    step, total = (epoch - 1) * per_epoch + batch, setup.plan.epochs * per_epoch
    warm = max(1, round(WARM_UP * total))
    if step < warm:
        return peak * (step + 1) / warm
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def _rng(plan: TrainingPlan, *counters: int) -> np.random.Generator:
    return np.random.default_rng([plan.seed, *counters])
