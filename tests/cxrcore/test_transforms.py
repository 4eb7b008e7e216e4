"""From stored pixels to network input."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cxrcore.store import GreyImages
from cxrcore.transforms import IMAGENET_MEAN, IMAGENET_STD, augment, to_input

CPU = torch.device("cpu")


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_grey_values_are_normalised_per_channel(kind: str) -> None:
    shares = np.array([[[0, 1], [0.2, 0.6]]])
    images: GreyImages = (shares * np.iinfo(kind).max).astype(kind)
    got = to_input(images, IMAGENET_MEAN, IMAGENET_STD, CPU)
    assert got.shape == (1, 3, 2, 2)
    for channel, (mean, std) in enumerate(zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)):
        np.testing.assert_allclose(got[0, channel], (shares[0] - mean) / std, rtol=1e-5)


def test_augmentation_is_drawn_from_the_generator() -> None:
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    first, second, third = (augment(images, np.random.default_rng(s)) for s in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_augmentation_never_flips() -> None:
    # A bright left half stays on the left under any rotation, shift and zoom that is drawn.
    images = torch.zeros(64, 1, 32, 32)
    images[:, :, :, :16] = 1
    got = augment(images, np.random.default_rng(0))
    assert (got[..., :8].mean(dim=(1, 2, 3)) > 0.95).all()
    assert (got[..., -8:].mean(dim=(1, 2, 3)) < 0.05).all()


def test_augmentation_moves_by_a_few_pixels_only() -> None:
    images = torch.zeros(64, 1, 101, 101)
    images[:, :, 50, 50] = 1
    got = augment(images, np.random.default_rng(0))[:, 0]
    rows, columns = torch.meshgrid(torch.arange(101.0), torch.arange(101.0), indexing="ij")
    weight = got.sum(dim=(1, 2))
    for axis in (rows, columns):
        centre = (got * axis).sum(dim=(1, 2)) / weight
        assert (centre - 50).abs().max() < 0.06 * 101
        assert (centre - 50).abs().max() > 0.02 * 101
