"""Null models, which keep their weights; and what a training logs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from refusals import Refuse

from data_contracts.model import MODEL, TRAINING_HISTORY
from data_contracts.predictions import FEATURES
from data_contracts.store import open_arrays, read_table
from jobs._cli import run

GENDER = ["train-task", "--task", "gender", "--device", "cpu"]
TRAIN = [*GENDER, "--architecture", "resnet18"]


def kept(workspace: Path, name: str) -> np.ndarray:
    with open_arrays(MODEL, MODEL.path(workspace, task="gender", name=name)) as model:
        assert model.header.attributes["control"] == name
        name_of = next(n for n in model.names() if n.endswith("conv1.weight"))
        return model.read(name_of)


@pytest.mark.parametrize("control", ["pretrained", "random-init"])
def test_an_untrained_network_keeps_its_starting_weights(
    control: str, tiny_workspace: Path, tmp_path: Path
) -> None:
    state = torchvision.models.resnet18(weights=None).state_dict()
    torch.save(state, tmp_path / "weights.pth")
    more = ["--control", control, "--name", control, "--weights", str(tmp_path / "weights.pth")]
    assert run([*TRAIN, *more, "--workspace", str(tiny_workspace)]) == 0
    given, found = state["conv1.weight"].numpy(), kept(tiny_workspace, control)
    same = found.shape == given.shape and np.array_equal(found, given)
    assert same == (control == "pretrained")
    history = TRAINING_HISTORY.path(tiny_workspace, task="gender", name=control)
    assert read_table(TRAINING_HISTORY, history).frame.is_empty()


@pytest.mark.parametrize("architecture", ["mobilenet_v2", "squeezenet1_1"])
def test_a_network_of_random_weights_tells_images_apart(
    architecture: str, tiny_workspace: Path
) -> None:
    line = [*GENDER, "--control=random-init", f"--architecture={architecture}"]
    assert run([*line, "--workspace", str(tiny_workspace)]) == 0
    path = FEATURES.path(tiny_workspace, task="gender", name="main")
    with open_arrays(FEATURES, path) as features:
        assert np.median(features.read("features").astype(float).std(axis=0)) > 1e-3


def test_a_pretrained_network_needs_weights(refuse: Refuse, tmp_path: Path) -> None:
    more = ["--control", "pretrained", "--weights", "none", f"--workspace={tmp_path}"]
    line = refuse([*TRAIN, *more], 2)
    assert line.startswith("--control 'pretrained': needs starting weights")


def test_the_log_names_the_epoch_that_batches_are_of(
    tiny_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXR_RUN_ID", "training")
    args = [*TRAIN, "--weights", "none", "--epochs", "2", "--workspace", str(tiny_workspace)]
    assert run(args) == 0
    log = (tiny_workspace / "runs" / "training" / "log.txt").read_text(encoding="utf-8")
    epochs = re.findall(r"/\d+ batches, epoch (\d+)", log)
    assert epochs[0] == "1"
    assert epochs[-1] == "2"
    assert sorted(epochs) == epochs
