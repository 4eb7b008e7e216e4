"""Raw class activation maps through the `pytorch_grad_cam` classes.

The library's public call scales every map to 0-1 by its own extremes, which gives an image
without evidence the weight of a strong one. Here its classes weight the activations, and the
signed map is taken as it is: before ReLU, scaling and up-sampling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cxrcore.models import Network, pool

if TYPE_CHECKING:
    from pytorch_grad_cam import GradCAM


METHOD = {"method": "gradcam", "layer": "features"}
"""What is computed, and on which module's output, as the artifact's attributes have it."""


class Tail(nn.Module):
    """The network from its last feature map on: autograd starts here, not at the image."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.entry = nn.Identity()
        self.head = network.head

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(pool(self.entry(maps)))
        return logits


def explainer(network: Network) -> GradCAM:
    """Grad-CAM (Selvaraju, arXiv 1610.02391) on the last feature map after its final ReLU."""
    from pytorch_grad_cam import GradCAM

    tail = Tail(network).eval()
    return GradCAM(tail, [tail.entry])


def raw_maps(
    cam: GradCAM, network: Network, inputs: torch.Tensor
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Maps (n, k, h, w) of every class's pre-softmax logit, and the logits (n, k).

    `inputs` (n, 3, S, S) come from `transforms.to_input`; the network is in evaluation mode.
    """
    with torch.no_grad():
        maps = network.features(inputs)
    maps.requires_grad_()
    with torch.enable_grad():
        logits = cam.activations_and_grads(maps)
    activations = maps.detach().cpu().numpy()
    cams = []
    for index in range(logits.shape[1]):
        (gradients,) = torch.autograd.grad(logits[:, index].sum(), maps, retain_graph=True)
        cams.append(cam.get_cam_image(None, None, None, activations, gradients.cpu().numpy()))
    cam.activations_and_grads.clear()
    return np.stack(cams, axis=1), logits.detach().cpu().numpy()
