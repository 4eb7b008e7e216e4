"""The training loop: it learns, it repeats itself, and it goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from numpy.typing import NDArray
from tiny import tiny_cohort

from cxrcore import objectives, training
from cxrcore.checkpoints import restore_state, to_arrays, to_attributes
from cxrcore.networks import NetworkRecipe, build, load_tensors, tensors_of
from cxrcore.store import ImageStore
from cxrcore.targets import predictions_frame, targets_of
from data_contracts._tables import table_errors
from data_contracts.cohort import COHORT
from data_contracts.errors import ArtifactError, UsageError
from data_contracts.images import IMAGES
from data_contracts.model import TRAINING_HISTORY
from data_contracts.predictions import PREDICTIONS
from data_contracts.store import open_arrays, read_table

PLAN = training.TrainingPlan(
    epochs=2, batch_size=16, learning_rate=1e-3, weight_decay=0.01, patience=0,
    freeze_backbone=False, augment=True, seed=3,
)  # fmt: skip


@pytest.fixture
def setup(tiny_workspace: Path) -> Iterator[training.Setup]:
    torch.set_num_threads(1)
    cohort = read_table(COHORT, COHORT.path(tiny_workspace)).frame
    with open_arrays(IMAGES, *IMAGES.find(tiny_workspace)) as shard:
        store = ImageStore([shard])
        targets = targets_of(cohort, "mortality", store.image_ids)
        # The quickest that has batch normalisation.
        recipe = NetworkRecipe("shufflenet_v2_x0_5", targets.classes, store.size)
        yield training.Setup(store, targets, recipe, PLAN, torch.device("cpu"))


@pytest.fixture
def resnet(setup: training.Setup) -> training.Setup:
    """Of a network that learns a little cohort within a few epochs."""
    return training.Setup(
        **vars(setup) | {"recipe": replace(setup.recipe, architecture="resnet18")}
    )


def fresh(setup: training.Setup) -> training.TrainingState:
    network, _ = build(setup.recipe, "none", setup.plan.seed)
    return training.new_state(network, setup)


def test_it_learns_a_planted_patch(resnet: training.Setup) -> None:
    plan = training.TrainingPlan(**vars(PLAN) | {"epochs": 3, "augment": False})
    state = fresh(setup := training.Setup(**vars(resnet) | {"plan": plan}))
    *_, _ = training.fit(state, setup)
    assert state.history[-1]["train_loss"] < 0.3 * state.history[0]["train_loss"]
    assert state.history[state.best_epoch - 1]["val_auroc"] == 1.0


def same_network(ours: Mapping[str, NDArray[Any]], theirs: Mapping[str, NDArray[Any]]) -> None:
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        np.testing.assert_array_equal(theirs[name], tensor, err_msg=name)


def test_a_stopped_training_ends_as_one_that_never_stopped(setup: training.Setup) -> None:
    whole, stops = fresh(setup), []
    for batch, state in enumerate(training.fit(whole, setup), 1):
        if batch in (1, 3, 4, 5):
            stops.append((to_arrays(state), to_attributes(state)))
    assert len(stops) == 4
    for arrays, attributes in stops:
        again = fresh(setup)
        restore_state(again, arrays, attributes)
        for _ in training.fit(again, setup):
            pass
        assert again.history == whole.history
        same_network(tensors_of(whole.network), tensors_of(again.network))
        same_network(whole.best, again.best)


ARCHITECTURES = ("resnet18", "densenet121", "mobilenet_v2", "efficientnet_b0", "convnext_tiny")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_best_epoch_is_kept_as_it_was(
    setup: training.Setup, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    aurocs = iter([0.9, 0.6])
    monkeypatch.setattr(objectives, "validation_auroc", lambda *_: next(aurocs))
    recipe = replace(setup.recipe, architecture=architecture)
    setup = training.Setup(**vars(setup) | {"recipe": recipe})
    state = fresh(setup)
    best: dict[str, torch.Tensor] = {}
    for _ in training.fit(state, setup):
        if state.epoch == 2 and state.between_epochs:
            best = {k: v.clone() for k, v in state.network.state_dict().items()}
    assert state.best_epoch == 1
    assert state.best.keys() == best.keys()
    for name, tensor in best.items():
        np.testing.assert_array_equal(state.best[name], tensor.numpy(), err_msg=name)


def test_what_outlives_a_step_shares_no_memory_with_it(setup: training.Setup) -> None:
    state = fresh(setup)
    next(iter(training.fit(state, setup)))
    moments = [m for kept in state.optimizer.state.values() for m in kept.values()]
    living = [t.numpy() for t in (*state.network.state_dict().values(), *moments)]
    for name, array in (to_arrays(state) | tensors_of(state.network)).items():
        assert not any(np.shares_memory(array, other) for other in living), name


def test_a_value_is_trained_and_predicted_in_its_unit(resnet: training.Setup) -> None:
    ids = resnet.store.image_ids
    cohort = tiny_cohort(len(ids)).with_columns(
        # The older have the brighter patch of mortality.
        age=40 + 20 * pl.col("label_mortality").to_physical().cast(pl.Float32)
    )
    targets = targets_of(cohort, "age", ids)
    recipe = replace(resnet.recipe, classes=targets.classes)
    plan = training.TrainingPlan(**vars(PLAN) | {"epochs": 6, "augment": False})
    changed = {"targets": targets, "recipe": recipe, "plan": plan}
    state = fresh(setup := training.Setup(**vars(resnet) | changed))
    *_, _ = training.fit(state, setup)
    history = training.history_frame(state)
    assert table_errors(TRAINING_HISTORY, history) == []
    assert history["val_auroc"].is_null().all()
    assert history["val_r2"].max() == history["val_r2"][state.best_epoch - 1]
    assert history["val_r2"].max() > 0.5  # type: ignore[operator]
    load_tensors(state.network, state.best)
    outputs = outputs_of(state, setup)
    training.check_kept(state, setup, outputs)
    frame = predictions_frame(ids, targets, outputs)
    assert table_errors(PREDICTIONS, frame) == []
    assert frame["logits"].is_null().all()
    of_age = frame.group_by("value").agg(pl.col("predicted_value").mean()).sort("value")
    younger, older = of_age["predicted_value"]
    assert 30 < younger < 50 < older < 70


def outputs_of(state: training.TrainingState, setup: training.Setup) -> np.ndarray:
    rows = np.arange(len(setup.store))
    return np.concatenate([b for b, _ in training.predict(state.network, setup, rows)])


@pytest.mark.parametrize(
    ("kind", "options", "slots"),
    [
        (torch.optim.SGD, {"momentum": 0.9}, {"momentum_buffer"}),
        (torch.optim.AdamW, {"amsgrad": True}, {"exp_avg", "exp_avg_sq", "max_exp_avg_sq", "step"}),
        (torch.optim.SGD, {}, set()),
    ],
)
def test_a_checkpoint_keeps_whatever_an_optimizer_remembers(
    setup: training.Setup, kind: Any, options: dict[str, Any], slots: set[str]
) -> None:
    def start() -> training.TrainingState:
        state = fresh(setup)
        state.optimizer = kind(state.network.parameters(), lr=0.1, **options)
        return state

    whole, first, second = start(), start(), start()
    *_, _ = training.fit(whole, setup)
    for _ in islice(training.fit(first, setup), 2):
        pass
    kept = to_arrays(first)
    assert {n.split("/")[1] for n in kept if n.startswith("optimizer/")} == slots
    restore_state(second, kept, to_attributes(first))
    *_, _ = training.fit(second, setup)
    assert second.history == whole.history
    same_network(tensors_of(whole.network), tensors_of(second.network))


def test_a_network_of_another_epoch_is_not_written(resnet: training.Setup) -> None:
    state = fresh(resnet)
    *_, _ = training.fit(state, resnet)

    load_tensors(state.network, state.best)
    training.check_kept(state, resnet, outputs_of(state, resnet))
    best = state.best["head.bias"].copy()
    load_tensors(state.network, state.best | {"head.bias": best + np.array([0.01, 0])})
    with pytest.raises(ArtifactError, match="is not that of epoch"):
        training.check_kept(state, resnet, outputs_of(state, resnet))


def test_the_seed_decides(setup: training.Setup) -> None:
    losses = []
    for seed in (3, 3, 4):
        plan = training.TrainingPlan(**vars(PLAN) | {"seed": seed, "epochs": 1})
        state = fresh(again := training.Setup(**vars(setup) | {"plan": plan}))
        *_, _ = training.fit(state, again)
        losses.append(state.history[0]["train_loss"])
    assert losses[0] == losses[1] != losses[2]


def test_golden_losses(resnet: training.Setup) -> None:
    # The numbers people rely on: a change of transform, loss, order or schedule shows here.
    plan = training.TrainingPlan(**vars(PLAN) | {"freeze_backbone": True})
    state = fresh(setup := training.Setup(**vars(resnet) | {"plan": plan}))
    *_, _ = training.fit(state, setup)
    losses = [row["train_loss"] for row in state.history]
    assert losses == pytest.approx([0.691167, 0.672084], rel=1e-4)
    assert [row["val_loss"] for row in state.history] == pytest.approx(
        [0.658843, 0.644219], rel=1e-4
    )


def test_a_frozen_backbone_stays_as_it_was(setup: training.Setup) -> None:
    plan = training.TrainingPlan(**vars(PLAN) | {"freeze_backbone": True, "epochs": 1})
    state = fresh(setup := training.Setup(**vars(setup) | {"plan": plan}))
    before = tensors_of(state.network)
    before = {name: tensor.copy() for name, tensor in before.items()}
    *_, _ = training.fit(state, setup)
    after = tensors_of(state.network)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {"head.weight", "head.bias"}


def test_patience_ends_training_early(setup: training.Setup) -> None:
    plan = training.TrainingPlan(
        **vars(PLAN) | {"patience": 1, "epochs": 9, "learning_rate": 1e-12, "augment": False}
    )
    state = fresh(setup := training.Setup(**vars(setup) | {"plan": plan}))
    for _ in training.fit(state, setup):
        pass
    assert len(state.history) < 9
    assert len(state.history) == state.best_epoch + 1


def test_the_learning_rate_warms_up_and_decays(setup: training.Setup) -> None:
    plan = training.TrainingPlan(**vars(PLAN) | {"epochs": 20})
    setup = training.Setup(**vars(setup) | {"plan": plan})
    state = fresh(setup)
    rates = []
    for state.epoch in range(1, 21):
        for state.step in range(setup.batches_per_epoch):
            rates.append(training._learning_rate(setup, state.epoch, state.step))
    peak = int(np.argmax(rates))
    assert max(rates) == pytest.approx(plan.learning_rate)
    assert np.all(np.diff(rates[: peak + 1]) > 0)
    assert np.all(np.diff(rates[peak + 1 :]) < 0)
    assert rates[-1] < 0.01 * plan.learning_rate


def test_a_gpu_that_is_not_there_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert training.device_of("auto") == torch.device("cpu")
    with pytest.raises(UsageError, match="--device cuda"):
        training.device_of("cuda")
