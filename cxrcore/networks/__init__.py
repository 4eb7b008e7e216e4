"""Networks: a backbone up to its last feature map, global pooling, a linear head.

A file of this package is a library of backbones. It gives `names()` and
`backbone(architecture, weights)`: a module from images (n, 3, S, S) to maps (n, d, h, w) after
the last normalisation and ReLU, and the origin of its weights.
"""

from __future__ import annotations

import copy
import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cxrcore.transforms import IMAGENET_MEAN, IMAGENET_STD
from data_contracts.errors import CxrError, SourceError, UsageError
from data_contracts.os_errors import environment_error

STATE_PREFIX = "state_dict/"


@dataclass(frozen=True)
class NetworkRecipe:
    """Everything but the weights that makes a network; the model artifact's attributes."""

    architecture: str
    classes: tuple[str, ...]
    """Names of the outputs."""
    input_size: int
    """Side of the square input, in pixels."""
    output_stride: int = 32
    """Pixels of input per cell of the last feature map."""
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    library: str = "torchvision"
    """The file of this package that knows the architecture."""

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

    images (n, 3, S, S) → maps (n, width, *grid) → pooled (n, width) → outputs (n, k).
    """

    def __init__(
        self, features: nn.Module, recipe: NetworkRecipe, width: int, grid: tuple[int, int]
    ) -> None:
        super().__init__()
        self.features, self.recipe, self.width, self.grid = features, recipe, width, grid
        self.head = nn.Linear(width, len(recipe.classes))

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
    if recipe.architecture not in _library(recipe.library).names():
        raise unknown_architecture(recipe)
    backbone, origin = _library(recipe.library).backbone(recipe.architecture, weights)
    width = _prepare(backbone, recipe)
    network = Network(backbone, recipe, width, _grid(backbone, recipe))
    return network.to(memory_format=torch.channels_last).eval(), origin


def library_and_name(architecture: str) -> tuple[str, str]:
    """The library and the name of `library/name`; torchvision where no library is named.

    Raises `UsageError` for a library that has no file here.
    """
    library, _, name = architecture.rpartition("/")
    known = [module.name for module in pkgutil.iter_modules(__path__)]
    if library and library not in known:
        raise UsageError(
            f"--architecture {architecture}: no such library; there are {', '.join(known)}"
        )
    return library or "torchvision", name


def _library(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{name}")


def restore(recipe: NetworkRecipe, tensors: Mapping[str, NDArray[Any]]) -> Network:
    """The network of a recipe with a model artifact's tensors, in evaluation mode.

    Raises `SourceError` when the tensors do not fit the recipe.
    """
    network, _ = build(recipe, "none", seed=0)
    load_tensors(network, {k.removeprefix(STATE_PREFIX): v for k, v in tensors.items()})
    return network


def tensors_of(network: nn.Module) -> dict[str, NDArray[Any]]:
    """The state of a network as arrays of their own, by torch name.

    Training changes parameters in place, and on the CPU `Tensor.numpy()` is a view of them.
    """
    return {k: array_of(v) for k, v in network.state_dict().items()}


def array_of(tensor: torch.Tensor) -> NDArray[Any]:
    """A copy of a tensor's values, in C order, that shares no memory with it."""
    return np.array(tensor.detach().cpu().numpy(), order="C")


def load_tensors(network: nn.Module, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Load arrays made by `tensors_of`; raise `SourceError` when they do not fit."""
    try:
        network.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in tensors.items()})
    except RuntimeError as error:
        raise _fault_of_memory(error) or SourceError(
            "the model's tensors do not fit its architecture; train it again"
        ) from error


def _prepare(features: nn.Module, recipe: NetworkRecipe) -> int:
    """Set the output stride, check that there is a feature map, and return its width."""
    features.eval()
    try:
        inputs = _input_sizes_of_strided(features)
        if recipe.output_stride == 16:
            # Without its last reduction the feature map has twice the rows and columns.
            last = min(inputs.values())
            for module, size in inputs.items():
                if size == last:
                    module.stride = 1 if isinstance(module.stride, int) else (1, 1)
        with torch.no_grad():
            maps = features(torch.zeros(1, 3, 64, 64))
    except (RuntimeError, TypeError, NotImplementedError, ValueError, AssertionError) as error:
        raise _fault_of_memory(error) or unknown_architecture(recipe) from error
    if not isinstance(maps, torch.Tensor) or maps.ndim != 4:
        raise unknown_architecture(recipe)
    return int(maps.shape[1])


def _grid(features: nn.Module, recipe: NetworkRecipe) -> tuple[int, int]:
    """Rows and columns of the last feature map; raise `UsageError` for too small an input."""
    side = recipe.input_size
    try:
        # On this device shapes are worked out and nothing is computed.
        shapes = copy.deepcopy(features).to("meta")
        _, _, rows, columns = shapes(torch.zeros(1, 3, side, side, device="meta")).shape
    except RuntimeError as error:
        raise _fault_of_memory(error) or UsageError(
            f"--architecture {recipe.architecture} needs larger images than {side} pixels; "
            "run `cxr preprocess` with a larger --size, or choose another architecture"
        ) from error
    return rows, columns


def unknown_architecture(recipe: NetworkRecipe) -> UsageError:
    """The error for a name that stands for no usable network."""
    names = [n for n in _library(recipe.library).names() if n != recipe.architecture]
    near = difflib.get_close_matches(recipe.architecture, names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "choose for example densenet121"
    return UsageError(
        f"--architecture {recipe.architecture} is no {recipe.library} network with a last "
        f"feature map; {hint}"
    )


def _fault_of_memory(error: Exception) -> CxrError | None:
    return environment_error(error, "the network", doing="built")


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
