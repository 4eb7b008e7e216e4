"""Batch normalisation of a network that is not trained."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from cxrcore.networks import Network
from cxrcore.store import in_batches
from cxrcore.training import Setup


def take_statistics(network: Network, setup: Setup) -> Iterator[int]:
    """Give batch normalisation the statistics of the train images; the weights stay.

    Yields the number of images of each batch. Random weights under the statistics that a network
    is made with, mean 0 and variance 1, let an image fade from layer to layer: the features of
    MobileNetV2 vary by 1e-10 then, and know nothing of any image.
    """
    layers = [m for m in network.features.modules() if isinstance(m, nn.BatchNorm2d)]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # all batches weigh alike
        layer.train()
    rows = setup.targets.rows("train") if layers else np.empty(0, np.int64)
    for of_batch, images in setup.store.batches(in_batches(rows, setup.plan.batch_size)):
        with torch.no_grad():
            network.features(setup.inputs(images))
        yield len(of_batch)
    network.eval()
