"""Raw maps: equal to the library's own after its scaling, and to the formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM, LayerCAM
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from cxrcore.attribution import explainer
from cxrcore.networks import Network, NetworkRecipe, build
from data_contracts.errors import UsageError

METHODS = {"gradcam": GradCAM, "layercam": LayerCAM}


@pytest.fixture(params=["resnet18", "densenet121"], scope="module")
def network(request: pytest.FixtureRequest) -> Network:
    return build(NetworkRecipe(request.param, ("a", "b", "c"), 64), "none", seed=0)[0]


@pytest.fixture
def inputs() -> torch.Tensor:
    return torch.randn(3, 3, 96, 96, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("method", "library"), METHODS.items(), ids=METHODS)
def test_scaled_maps_equal_the_librarys_own(
    network: Network, inputs: torch.Tensor, method: str, library: type[BaseCAM]
) -> None:
    maps, _ = explainer(network, method)[0](inputs)
    with library(network, [network.features]) as stock:
        for index in range(maps.shape[1]):
            want = stock(inputs, [ClassifierOutputTarget(index)] * len(inputs))
            # The library scales each layer's map, and the mean over layers once more.
            got = scale_cam_image(scale_cam_image(np.maximum(maps[:, index], 0), (96, 96)))
            np.testing.assert_allclose(got, want, atol=1e-5)


def test_cells_of_a_map_sum_to_its_logit(network: Network, inputs: torch.Tensor) -> None:
    # With global mean pooling and a linear head, Grad-CAM's cells sum to the logit less the bias.
    maps, logits = explainer(network, "gradcam")[0](inputs)
    bias = network.head.bias.detach().numpy()
    np.testing.assert_allclose(maps.sum(axis=(2, 3)), logits - bias, rtol=1e-4, atol=1e-4)


def test_layercam_keeps_what_speaks_for_a_class(network: Network, inputs: torch.Tensor) -> None:
    # Each cell's share of a logit is activation times weight; LayerCAM takes positive weights.
    maps, _ = explainer(network, "layercam")[0](inputs)
    with torch.no_grad():
        features = network.features(inputs)
        weights = network.head.weight.clamp(min=0) / features[0, 0].numel()
        want = torch.einsum("ndhw,kd->nkhw", features, weights)
    np.testing.assert_allclose(maps, want.numpy(), rtol=1e-4, atol=1e-6)
    assert (maps >= 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_logits_are_the_networks(network: Network, inputs: torch.Tensor, method: str) -> None:
    maps, logits = explainer(network, method)[0](inputs)
    with torch.no_grad():
        np.testing.assert_allclose(logits, network(inputs).numpy(), atol=1e-5)
    assert maps.shape[:2] == logits.shape


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_equals_its_images_one_by_one(
    network: Network, inputs: torch.Tensor, method: str
) -> None:
    maps_of, _ = explainer(network, method)
    whole, _ = maps_of(inputs)
    each = np.concatenate([maps_of(inputs[i : i + 1])[0] for i in range(3)])
    np.testing.assert_allclose(whole, each, atol=1e-5)


def test_a_method_says_what_it_attributes_to(network: Network) -> None:
    _, method = explainer(network, "layercam")
    assert dict(network.named_modules())[method.layer] is network.features
    assert method.unit.format(output="logit") == "logit per cell"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("gradcamm", "did you mean gradcam"), ("zzz", "there are gradcam, layercam")],
)
def test_an_unknown_method_is_a_usage_error(network: Network, name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"--method {name}: no such attribution method; {hint}"):
        explainer(network, name)
