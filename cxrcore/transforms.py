"""From stored pixels to network input: one function for training, prediction and explanation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from cxrcore.store import GreyImages

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
MAX_ROTATION = 10.0
"""Degrees to either side."""
MAX_SHIFT = 0.05
"""Of the image's side, each way."""
MAX_ZOOM = 0.1
"""Relative change of scale, each way."""


def to_input(
    images: GreyImages, mean: Sequence[float], std: Sequence[float], device: torch.device
) -> torch.Tensor:
    """Grey images (n, S, S), uint8 or uint16, as normalised input (n, 3, S, S) float32 on `device`.

    The largest value of their type is 1.
    """
    if images.dtype == np.uint8:
        grey = torch.from_numpy(images).to(device).float()
    else:
        # torch knows little of uint16: the same bits with a sign, without it again.
        grey = (torch.from_numpy(images.view(np.int16)).to(device).int() & 0xFFFF).float()
    grey = grey.div_(np.iinfo(images.dtype).max).unsqueeze(1)
    shape = (1, -1, 1, 1)
    scale = torch.tensor(std, device=device).view(shape)
    return (grey - torch.tensor(mean, device=device).view(shape)).div_(scale)


def augment(images: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """A small rotation, shift and zoom of each image (n, c, S, S), drawn from `rng`.

    No flip: left and right mean something in a chest, and in an averaged map.
    """
    n = len(images)
    angle = np.deg2rad(rng.uniform(-MAX_ROTATION, MAX_ROTATION, n))
    zoom = rng.uniform(1 - MAX_ZOOM, 1 + MAX_ZOOM, n)
    # affine_grid measures shifts in half image sides.
    shift = rng.uniform(-2 * MAX_SHIFT, 2 * MAX_SHIFT, (n, 2))
    matrix = np.empty((n, 2, 3), dtype=np.float32)
    matrix[:, 0, 0] = matrix[:, 1, 1] = np.cos(angle) / zoom
    matrix[:, 1, 0] = np.sin(angle) / zoom
    matrix[:, 0, 1] = -matrix[:, 1, 0]
    matrix[:, :, 2] = shift
    grid = functional.affine_grid(
        torch.from_numpy(matrix).to(images.device), list(images.shape), align_corners=False
    )
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
