"""Backbones, starting weights and output stride."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision

from cxrcore.architectures import torchvision_names
from cxrcore.networks import (
    NetworkRecipe,
    build,
    library_and_name,
    load_tensors,
    pool,
    restore,
    tensors_of,
)
from cxrcore.networks import torchvision as torchvision_library
from data_contracts.errors import Interrupted, SourceError, UsageError

CLASSES = ("a", "b", "c")


def recipe(architecture: str, stride: int = 32) -> NetworkRecipe:
    return NetworkRecipe(architecture, CLASSES, 64, stride)


@pytest.mark.parametrize(
    "architecture", ["resnet18", "densenet121", "mobilenet_v2", "efficientnet_b0"]
)
@pytest.mark.parametrize("stride", [32, 16])
def test_the_last_feature_map_has_the_output_stride(architecture: str, stride: int) -> None:
    network, origin = build(recipe(architecture, stride), "none", seed=0)
    with torch.no_grad():
        maps = network.features(torch.zeros(2, 3, 128, 128))
        logits = network(torch.zeros(2, 3, 128, 128))
    # DenseNet's pooling without a step of two loses one cell at the border.
    assert maps.shape[-1] in (128 // stride, 128 // stride - 1)
    assert maps.shape[1] == network.width == network.head.in_features
    assert logits.shape == (2, len(CLASSES))
    assert origin == "none"


@pytest.mark.parametrize(
    ("architecture", "stride", "width", "grid"),
    [
        ("resnet18", 32, 512, (7, 7)),
        ("resnet18", 16, 512, (14, 14)),
        ("densenet121", 32, 1024, (7, 7)),
        ("densenet121", 16, 1024, (13, 13)),
    ],
)
def test_a_network_knows_its_width_and_grid(
    architecture: str, stride: int, width: int, grid: tuple[int, int]
) -> None:
    network, _ = build(NetworkRecipe(architecture, CLASSES, 224, stride), "none", seed=0)
    assert (network.width, network.grid) == (width, grid)
    with torch.no_grad():
        assert network.features(torch.zeros(1, 3, 224, 224)).shape == (1, width, *grid)


def test_an_image_too_small_for_its_network_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="needs larger images than 16 pixels"):
        build(NetworkRecipe("densenet121", CLASSES, 16), "none", 0)


@pytest.mark.parametrize("architecture", ["resnet18", "densenet121", "mobilenet_v2"])
def test_features_pool_to_what_torchvision_pools(architecture: str) -> None:
    torch.manual_seed(5)
    reference = torchvision.models.get_model(architecture, weights=None).eval()
    network, _ = build(recipe(architecture), "none", seed=5)
    head = [m for m in reference.modules() if isinstance(m, torch.nn.Linear)][-1]
    seen: list[torch.Tensor] = []
    head.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        reference(images)
        torch.testing.assert_close(pool(network.features(images)), seen[0], rtol=1e-4, atol=1e-5)


def test_the_seed_decides_the_random_weights() -> None:
    first, second, third = (
        tensors_of(build(recipe("resnet18"), "none", seed)[0])["head.weight"] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, third)


def test_a_model_is_restored_from_its_arrays() -> None:
    network, _ = build(recipe("resnet18"), "none", seed=1)
    arrays = {f"state_dict/{k}": v for k, v in tensors_of(network).items()}
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(restore(recipe("resnet18"), arrays)(images), network(images))
    with pytest.raises(SourceError, match="do not fit"):
        restore(recipe("resnet34"), arrays)


def test_the_names_known_without_torch_are_those_of_torchvision() -> None:
    assert torchvision_names() == tuple(sorted(torchvision_library.names()))


def test_attributes_round_trip() -> None:
    first = recipe("resnet18", 16)
    assert NetworkRecipe.from_attributes(first.attributes() | {"other": 1}) == first


@pytest.mark.parametrize("name", ["resnet81", "vit_b_16", ""])
def test_an_unknown_architecture_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="--architecture"):
        build(recipe(name), "none", 0)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnet81", "did you mean resnet18"),
        ("zzz", "choose for example densenet121"),
    ],
)
def test_an_unknown_architecture_names_a_known_one(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is no torchvision network .*{hint}"):
        build(recipe(name), "none", 0)


class TestWeightsFile:
    def save(self, folder: Path, architecture: str, name: str = "weights.pth") -> Path:
        torch.manual_seed(9)
        model = torchvision.models.get_model(architecture, weights=None)
        torch.save(model.state_dict(), folder / name)
        return folder / name

    def test_it_is_loaded_without_its_head(self, tmp_path: Path) -> None:
        path = self.save(tmp_path, "resnet18")
        network, origin = build(recipe("resnet18"), str(path), seed=0)
        state = torch.load(path, weights_only=True)
        np.testing.assert_array_equal(
            tensors_of(network)["features.conv1.weight"], state["conv1.weight"].numpy()
        )
        assert origin.startswith("weights.pth sha256:")

    def test_it_is_loaded_with_the_versions_of_its_modules(self, tmp_path: Path) -> None:
        # An MNASNet without them loads as an older one of another width.
        path = self.save(tmp_path, "mnasnet0_5")
        network, _ = build(recipe("mnasnet0_5"), str(path), seed=0)
        state, tensors = torch.load(path, weights_only=True), tensors_of(network)
        for name in ("layers.0.weight", "layers.8.0.layers.0.weight", "layers.14.weight"):
            np.testing.assert_array_equal(tensors[f"features.{name}"], state[name].numpy())

    @pytest.mark.parametrize("architecture", ["resnet34", "mobilenet_v2"])
    def test_another_architecture_is_refused(self, tmp_path: Path, architecture: str) -> None:
        path = self.save(tmp_path, "resnet18")
        with pytest.raises(SourceError, match=f"does not hold the weights of {architecture}"):
            build(recipe(architecture), str(path), seed=0)

    def test_a_hash_in_the_name_is_checked(self, tmp_path: Path) -> None:
        path = self.save(tmp_path, "resnet18", "resnet18-0123abcd.pth")
        with pytest.raises(SourceError, match="damaged"):
            build(recipe("resnet18"), str(path), seed=0)

    def test_no_weights_file_at_all(self, tmp_path: Path) -> None:
        (tmp_path / "text.pth").write_text("hello")
        with pytest.raises(SourceError, match="does not hold"):
            build(recipe("resnet18"), str(tmp_path / "text.pth"), seed=0)
        with pytest.raises(SourceError, match="cannot be read"):
            build(recipe("resnet18"), str(tmp_path / "missing.pth"), seed=0)

    def test_no_network_names_the_way_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def offline(*_: object, **__: object) -> None:
            raise URLError("no network")

        monkeypatch.setattr(torchvision.models, "get_model", offline)
        with pytest.raises(SourceError, match="--weights FILE") as caught:
            build(recipe("resnet18"), "imagenet", seed=0)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        torch.OutOfMemoryError("CUDA out of memory"),
    ],
    ids=["CPU", "CUDA"],
)
def test_a_lack_of_memory_says_nothing_of_the_network(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    network, _ = build(recipe("resnet18"), "none", 0)
    tensors, path = tensors_of(network), tmp_path / "resnet18.pth"
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), path)
    with monkeypatch.context() as patched:
        patched.setattr(torch, "load", fail)
        with pytest.raises(Interrupted, match="out of memory"):
            build(recipe("resnet18"), str(path), 0)
    monkeypatch.setattr(torch.nn.Module, "load_state_dict", fail)
    with pytest.raises(Interrupted, match="out of memory"):
        load_tensors(network, tensors)
    monkeypatch.setattr(torch.nn.Conv2d, "forward", fail)
    with pytest.raises(Interrupted, match="out of memory"):
        build(recipe("resnet18"), "none", 0)


def test_an_architecture_may_name_its_library() -> None:
    assert library_and_name("densenet121") == ("torchvision", "densenet121")
    assert library_and_name("torchvision/resnet18") == ("torchvision", "resnet18")
    with pytest.raises(UsageError, match="no such library; there are torchvision"):
        library_and_name("tim/resnet50")
