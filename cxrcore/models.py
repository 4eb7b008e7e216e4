"""Networks: a torchvision backbone up to its last feature map, global pooling, a linear head."""

from __future__ import annotations

import difflib
import hashlib
import io
import re
import warnings
from collections.abc import Mapping
from contextlib import redirect_stderr
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray
from torch import nn

from cxrcore.transforms import IMAGENET_MEAN, IMAGENET_STD
from data_contracts.errors import SourceError, UsageError

STATE_PREFIX = "state_dict/"
_AFTER_THE_FEATURES = ("avgpool", "fc", "classifier")


@dataclass(frozen=True)
class NetworkRecipe:
    """Everything but the weights that makes a network; the model artifact's attributes."""

    architecture: str
    classes: tuple[str, ...]
    input_size: int
    """Side of the square input, in pixels."""
    output_stride: int = 32
    """Pixels of input per cell of the last feature map."""
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    def attributes(self) -> dict[str, Any]:
        """As header attributes: tuples become lists."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> NetworkRecipe:
        facts: dict[str, Any] = {}
        for name in (f.name for f in fields(cls)):
            value = attributes[name]
            facts[name] = tuple(value) if isinstance(value, list) else value
        return cls(**facts)


class Network(nn.Module):
    """`features` gives the last feature map after its final normalisation and ReLU.

    images (n, 3, S, S) → maps (n, d, h, w) → pooled (n, d) → logits (n, k).
    """

    def __init__(self, features: nn.Module, width: int, classes: int) -> None:
        super().__init__()
        self.features = features
        self.head = nn.Linear(width, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(pool(self.features(images)))
        return logits


def pool(maps: torch.Tensor) -> torch.Tensor:
    """Mean over the cells of each map: (n, d, h, w) → (n, d)."""
    return maps.mean(dim=(2, 3))


def build(recipe: NetworkRecipe, weights: str, seed: int) -> tuple[Network, str]:
    """A network with starting weights, in evaluation mode, and the origin of the weights.

    `weights` is `imagenet`, `none` (random, from `seed`) or a file: a torchvision state dict of
    the same architecture. Raises `UsageError` for an unknown architecture, `SourceError` for
    weights that cannot be had or do not fit.
    """
    torch.manual_seed(seed)
    backbone, origin = _backbone(recipe.architecture, weights)
    parts = [(n, m) for n, m in backbone.named_children() if n not in _AFTER_THE_FEATURES]
    if recipe.architecture.startswith("densenet"):
        # torchvision applies DenseNet's last ReLU in `forward`, outside any module.
        parts.append(("relu", nn.ReLU(inplace=False)))
    features = nn.Sequential()
    for name, module in parts:
        features.add_module(name, module)
    width = _prepare(features, recipe)
    network = Network(features, width, len(recipe.classes))
    return network.to(memory_format=torch.channels_last).eval(), origin


def restore(recipe: NetworkRecipe, tensors: Mapping[str, NDArray[Any]]) -> Network:
    """The network of a recipe with a model artifact's tensors, in evaluation mode.

    Raises `SourceError` when the tensors do not fit the recipe.
    """
    network, _ = build(recipe, "none", seed=0)
    load_tensors(network, {k.removeprefix(STATE_PREFIX): v for k, v in tensors.items()})
    return network


def tensors_of(network: nn.Module) -> dict[str, NDArray[Any]]:
    """The state of a network as arrays, by torch name."""
    return {k: v.detach().cpu().contiguous().numpy() for k, v in network.state_dict().items()}


def load_tensors(network: nn.Module, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Load arrays made by `tensors_of`; raise `SourceError` when they do not fit."""
    try:
        network.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in tensors.items()})
    except RuntimeError as error:
        raise SourceError(
            "the model's tensors do not fit its architecture; train it again"
        ) from error


def _prepare(features: nn.Sequential, recipe: NetworkRecipe) -> int:
    """Set the output stride, check that there is a feature map, and return its width."""
    features.eval()
    try:
        inputs = _input_sizes_of_strided(features)
        if recipe.output_stride == 16:
            # Without its last reduction the feature map has twice the cells each way.
            last = min(inputs.values())
            for module, size in inputs.items():
                if size == last:
                    module.stride = 1 if isinstance(module.stride, int) else (1, 1)
        with torch.no_grad():
            maps = features(torch.zeros(1, 3, 64, 64))
    except (RuntimeError, TypeError, NotImplementedError, ValueError, AssertionError) as error:
        raise _unknown_architecture(recipe.architecture) from error
    if not isinstance(maps, torch.Tensor) or maps.ndim != 4:
        raise _unknown_architecture(recipe.architecture)
    _refuse_too_small(features, recipe)
    return int(maps.shape[1])


def _refuse_too_small(features: nn.Module, recipe: NetworkRecipe) -> None:
    side = min(64, recipe.input_size)
    try:
        with torch.no_grad():
            features(torch.zeros(1, 3, side, side))
    except RuntimeError as error:
        raise UsageError(
            f"--architecture {recipe.architecture} needs larger images than {side} pixels; "
            "run `cxr preprocess` with a larger --size, or choose another architecture"
        ) from error


def _input_sizes_of_strided(features: nn.Module) -> dict[Any, int]:
    """Side of the input of every module that halves a 64 × 64 image's maps."""
    sizes: dict[Any, int] = {}
    handles = []
    for module in features.modules():
        if getattr(module, "stride", 1) in (2, (2, 2)):
            handles.append(
                module.register_forward_hook(
                    lambda m, inputs, _: sizes.__setitem__(m, inputs[0].shape[-1])
                )
            )
    with torch.no_grad():
        features(torch.zeros(1, 3, 64, 64))
    for handle in handles:
        handle.remove()
    return sizes


def _backbone(architecture: str, weights: str) -> tuple[nn.Module, str]:
    names = torchvision.models.list_models(module=torchvision.models)
    if architecture not in names:
        raise _unknown_architecture(architecture)
    if weights == "none":
        return _random(architecture), "none"
    if weights == "imagenet":
        try:
            with redirect_stderr(io.StringIO()):
                model = torchvision.models.get_model(
                    architecture, weights="DEFAULT", progress=False
                )
        except (URLError, OSError, RuntimeError) as error:
            raise SourceError(
                f"the ImageNet weights of {architecture} cannot be downloaded here; "
                "give a file with --weights FILE, or start from random with --weights none"
            ) from error
        return model, "imagenet"
    model = _random(architecture)
    return model, _load_file(model, architecture, Path(weights))


def _random(architecture: str) -> nn.Module:
    with warnings.catch_warnings():
        # Some torchvision networks announce what a later version will do.
        warnings.simplefilter("ignore", FutureWarning)
        model: nn.Module = torchvision.models.get_model(architecture, weights=None)
    return model


def _load_file(model: nn.Module, architecture: str, path: Path) -> str:
    """Load a torchvision state dict; the head may differ. Returns the origin as text."""
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise SourceError(f"the weights {path} cannot be read; check --weights") from error
    promised = re.search(r"-([0-9a-f]{8,})\.pth$", path.name)
    if promised and not digest.startswith(promised[1]):
        raise SourceError(
            f"the weights {path} are damaged: their SHA-256 is not the one in the name"
        )
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        result = model.load_state_dict(_without_head(state), strict=False)
        odd = result.unexpected_keys + [k for k in result.missing_keys if not _is_head(k)]
    except Exception as error:
        raise _unfit(path, architecture) from error
    if odd:
        raise _unfit(path, architecture)
    return f"{path.name} sha256:{digest}"


def _without_head(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k: v for k, v in state.items() if not _is_head(k)}


def _is_head(key: str) -> bool:
    return key.split(".")[0] in _AFTER_THE_FEATURES


def _unfit(path: Path, architecture: str) -> SourceError:
    return SourceError(
        f"{path} does not hold the weights of {architecture}; give a torchvision state dict of it, "
        "or name its --architecture"
    )


def _unknown_architecture(architecture: str) -> UsageError:
    names = torchvision.models.list_models(module=torchvision.models)
    near = difflib.get_close_matches(architecture, [n for n in names if n != architecture], n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "choose for example densenet121"
    return UsageError(
        f"--architecture {architecture} is no torchvision network with a last feature map; {hint}"
    )
