"""Backbones of torchvision with their starting weights: ImageNet's, random ones, or a file's."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import redirect_stderr
from pathlib import Path
from urllib.error import URLError

import torch
import torchvision
from torch import nn

from data_contracts.errors import SourceError
from data_contracts.os_errors import environment_error

#: Children of a torchvision network that follow on its last feature map.
AFTER_THE_FEATURES = ("avgpool", "fc", "classifier")


def names() -> list[str]:
    """Every classification network of torchvision; not all have a last feature map."""
    return list(torchvision.models.list_models(module=torchvision.models))


def backbone(architecture: str, weights: str) -> tuple[nn.Module, str]:
    """A network up to its last feature map, and the origin of its weights.

    `weights` is `imagenet`, `none` or the file of a state dict. Raises `SourceError` for weights
    that cannot be had or do not fit.
    """
    model, origin = _starting(architecture, weights)
    features = nn.Sequential()
    for name, module in model.named_children():
        if name not in AFTER_THE_FEATURES:
            features.add_module(name, module)
    if architecture.startswith("densenet"):
        # torchvision applies DenseNet's last ReLU in `forward`, outside any module.
        features.add_module("relu", nn.ReLU(inplace=False))
    return features, origin


def _starting(architecture: str, weights: str) -> tuple[nn.Module, str]:
    if weights == "none":
        return _random(architecture), "none"
    if weights == "imagenet":
        try:
            with redirect_stderr(io.StringIO()):
                model = torchvision.models.get_model(
                    architecture, weights="DEFAULT", progress=False
                )
        except (URLError, OSError, RuntimeError) as error:
            what = f"the ImageNet weights of {architecture}"
            raise environment_error(error, what, SourceError) or SourceError(
                f"{what} cannot be downloaded here; "
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
        content = path.read_bytes()
    except (OSError, MemoryError) as error:
        raise environment_error(error, path, SourceError) or SourceError(
            f"the weights {path} cannot be read; check --weights"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    promised = re.search(r"-([0-9a-f]{8,})\.pth$", path.name)
    if promised and not digest.startswith(promised[1]):
        raise SourceError(
            f"the weights {path} are damaged: their SHA-256 is not the one in the name"
        )
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        result = model.load_state_dict(_without_head(state), strict=False)
        odd = result.unexpected_keys + [k for k in result.missing_keys if not _is_head(k)]
    except Exception as error:
        fault = environment_error(error, path, SourceError)
        raise fault or _unfit(path, architecture) from error
    if odd:
        raise _unfit(path, architecture)
    return f"{path.name} sha256:{digest}"


def _without_head(state: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    rest = OrderedDict((k, v) for k, v in state.items() if not _is_head(k))
    # Without the versions of its modules torchvision refuses the state dict of an MNASNet.
    rest._metadata = getattr(state, "_metadata", None)  # type: ignore[attr-defined]
    return rest


def _is_head(key: str) -> bool:
    return key.split(".")[0] in AFTER_THE_FEATURES


def _unfit(path: Path, architecture: str) -> SourceError:
    return SourceError(
        f"{path} does not hold the weights of {architecture}; give a torchvision state dict of it, "
        "or name its --architecture"
    )
