"""Class activation maps through the `pytorch_grad_cam` classes.

The library's public call scales every map to 0-1 by its own extremes, which gives an image
without evidence the weight of a strong one. Here its classes weight the activations, and the
signed map is taken as it is: before ReLU, scaling and up-sampling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cxrcore.attribution import Explainer, Method
from cxrcore.networks import Network, pool

if TYPE_CHECKING:
    from pytorch_grad_cam.base_cam import BaseCAM

#: On the last feature map after its final ReLU. Grad-CAM: Selvaraju, arXiv 1610.02391;
#: LayerCAM: Jiang, doi 10.1109/TIP.2021.3089943.
METHODS = {
    "gradcam": Method("features", "{output} per cell"),
    "layercam": Method("features", "{output} per cell"),
}


class Tail(nn.Module):
    """The network from its last feature map on: autograd starts here, not at the image."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.entry = nn.Identity()
        self.head = network.head

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.head(pool(self.entry(maps)))
        return outputs


def explainer(network: Network, method: str) -> Explainer:
    """Computes the raw maps of every output before the softmax, network in evaluation mode."""
    import pytorch_grad_cam

    kinds: dict[str, type[BaseCAM]] = {
        "gradcam": pytorch_grad_cam.GradCAM,
        "layercam": pytorch_grad_cam.LayerCAM,
    }
    tail = Tail(network).eval()
    cam = kinds[method](tail, [tail.entry])
    return lambda inputs: _raw_maps(cam, network, inputs)


def _raw_maps(
    cam: Any, network: Network, inputs: torch.Tensor
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    with torch.no_grad():
        maps = network.features(inputs)
    maps.requires_grad_()
    with torch.enable_grad():
        outputs = cam.activations_and_grads(maps)
    activations = maps.detach().cpu().numpy()
    found = []
    for index in range(outputs.shape[1]):
        (gradients,) = torch.autograd.grad(outputs[:, index].sum(), maps, retain_graph=True)
        weighted = activations, gradients.cpu().numpy()
        found.append(cam.get_cam_image(None, None, None, *weighted, eigen_smooth=False))
    cam.activations_and_grads.clear()
    return np.stack(found, axis=1), outputs.detach().cpu().numpy()
