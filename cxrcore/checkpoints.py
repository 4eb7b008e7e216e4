"""A training's state as named arrays, and back: no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cxrcore.networks import array_of, load_tensors, tensors_of
from cxrcore.training import TrainingState


def to_arrays(state: TrainingState) -> dict[str, NDArray[Any]]:
    """The tensors of a state, under `state_dict/`, `best/` and `optimizer/`."""
    arrays = {f"state_dict/{k}": v for k, v in tensors_of(state.network).items()}
    arrays |= {f"best/{k}": v for k, v in state.best.items()}
    for name, parameter in state.network.named_parameters():
        moments = state.optimizer.state.get(parameter, {})
        arrays |= {f"optimizer/{m}/{name}": array_of(moments[m]) for m in moments}
    return arrays


def to_attributes(state: TrainingState) -> dict[str, Any]:
    """The counters of a state."""
    return {
        "epoch": state.epoch,
        "step": state.step,
        "loss_sum": state.loss_sum,
        "best_epoch": state.best_epoch,
        "history": list(state.history),
    }


def restore_state(
    state: TrainingState, arrays: Mapping[str, NDArray[Any]], attributes: Mapping[str, Any]
) -> None:
    """Set a new state to what `to_arrays` and `to_attributes` kept.

    Raises `SourceError` when the arrays do not fit the network.
    """
    load_tensors(state.network, _under("state_dict/", arrays))
    state.best = _under("best/", arrays)
    slots = sorted({name.split("/")[1] for name in arrays if name.startswith("optimizer/")})
    for name, parameter in state.network.named_parameters():
        for slot in slots:
            if (values := arrays.get(f"optimizer/{slot}/{name}")) is not None:
                # AdamW counts its steps on the CPU.
                device = torch.device("cpu") if slot == "step" else parameter.device
                tensor = torch.from_numpy(np.array(values)).to(device)
                state.optimizer.state[parameter][slot] = tensor
    state.epoch, state.step = attributes["epoch"], attributes["step"]
    state.loss_sum, state.best_epoch = attributes["loss_sum"], attributes["best_epoch"]
    state.history = list(attributes["history"])


def _under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
