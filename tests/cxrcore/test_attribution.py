"""Raw maps: equal to the library's own Grad-CAM after its scaling, and to the formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from cxrcore.attribution import explainer, raw_maps
from cxrcore.models import Network, NetworkRecipe, build


@pytest.fixture(params=["resnet18", "densenet121"])
def network(request: pytest.FixtureRequest) -> Network:
    return build(NetworkRecipe(request.param, ("a", "b", "c"), 64), "none", seed=0)[0]


@pytest.fixture
def inputs() -> torch.Tensor:
    return torch.randn(3, 3, 160, 160, generator=torch.Generator().manual_seed(0))


def test_scaled_maps_equal_the_librarys_own(network: Network, inputs: torch.Tensor) -> None:
    maps, _ = raw_maps(explainer(network), network, inputs)
    with GradCAM(network, [network.features]) as stock:
        for index in range(maps.shape[1]):
            want = stock(inputs, [ClassifierOutputTarget(index)] * len(inputs))
            # The library scales each layer's map, and the mean over layers once more.
            got = scale_cam_image(scale_cam_image(np.maximum(maps[:, index], 0), (160, 160)))
            np.testing.assert_allclose(got, want, atol=1e-5)


def test_cells_of_a_map_sum_to_its_logit(network: Network, inputs: torch.Tensor) -> None:
    # With global mean pooling and a linear head, Grad-CAM's cells sum to the logit less the bias.
    maps, logits = raw_maps(explainer(network), network, inputs)
    bias = network.head.bias.detach().numpy()
    np.testing.assert_allclose(maps.sum(axis=(2, 3)), logits - bias, rtol=1e-4, atol=1e-4)


def test_logits_are_the_networks(network: Network, inputs: torch.Tensor) -> None:
    _, logits = raw_maps(explainer(network), network, inputs)
    with torch.no_grad():
        np.testing.assert_allclose(logits, network(inputs).numpy(), atol=1e-5)


def test_a_batch_equals_its_images_one_by_one(network: Network, inputs: torch.Tensor) -> None:
    cam = explainer(network)
    whole, _ = raw_maps(cam, network, inputs)
    each = np.concatenate([raw_maps(cam, network, inputs[i : i + 1])[0] for i in range(3)])
    np.testing.assert_allclose(whole, each, atol=1e-5)
