"""Attribution methods, a file per family: where in an image a network finds its evidence.

A family's file names its methods in `METHODS` and gives `explainer(network, method)`: a function
from inputs (n, 3, S, S) to raw maps (n, k, h, w), one for each output, and the outputs (n, k).
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray

from cxrcore.networks import Network
from data_contracts.errors import UsageError

#: From inputs (n, 3, S, S) to maps (n, k, h, w) and outputs (n, k).
Explainer = Callable[[torch.Tensor], tuple[NDArray[np.float32], NDArray[np.float32]]]


@dataclass(frozen=True)
class Method:
    """What an attribution method computes."""

    layer: str
    """Name of the module whose output is attributed to."""
    unit: str
    """Of the maps, for a network with the unit {output}."""


def explainer(network: Network, method: str) -> tuple[Explainer, Method]:
    """The function that computes `method`, and what it computes.

    Raises `UsageError` for an unknown method.
    """
    families = _families()
    if method not in families:
        near = difflib.get_close_matches(method, families, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(families))}"
        raise UsageError(f"--method {method}: no such attribution method; {hint}")
    family = families[method]
    return family.explainer(network, method), family.METHODS[method]


def _families() -> Mapping[str, ModuleType]:
    """By method the file that computes it."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return {method: module for module in modules for method in module.METHODS}
