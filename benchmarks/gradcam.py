"""Milliseconds per image of raw Grad-CAM for all classes, beside the library's own call.

    python benchmarks/gradcam.py [--architecture densenet121] [--images 8] [--rounds 3]

The peer is `pytorch_grad_cam.GradCAM` called once per class, as its documentation has it. All
rows are measured in turn in this process; the best round counts. Also prints the largest
difference after the same scaling.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from cxrcore.attribution import explainer
from cxrcore.networks import NetworkRecipe, build


def best_of(rounds: int, calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def as_the_library_scales(maps: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """ReLU, min-max and up-sampling, then min-max once more, as `GradCAM` returns its maps."""
    return np.asarray(scale_cam_image(scale_cam_image(np.maximum(maps, 0), (size, size))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", default="densenet121")
    for name, default in (("images", 8), ("rounds", 3), ("classes", 2), ("size", 224)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    classes = tuple(f"class{c}" for c in range(args.classes))
    network, _ = build(NetworkRecipe(args.architecture, classes, args.size), "none", seed=0)
    generator = torch.Generator().manual_seed(0)
    shape = (args.images, 3, args.size, args.size)
    inputs = torch.randn(shape, generator=generator)
    (ours, _), stock = explainer(network, "gradcam"), GradCAM(network, [network.features])

    def forward() -> None:
        with torch.inference_mode():
            network(inputs)

    def library() -> list[NDArray[np.float32]]:
        return [
            stock(inputs, [ClassifierOutputTarget(c)] * args.images) for c in range(args.classes)
        ]

    raw, _ = ours(inputs)
    scaled = [as_the_library_scales(raw[:, c], args.size) for c in range(args.classes)]
    difference = max(float(np.abs(a - b).max()) for a, b in zip(scaled, library(), strict=True))
    took = best_of(
        args.rounds,
        {
            "forward pass": forward,
            "cxr, all classes": lambda: ours(inputs),
            "GradCAM, per class": library,
        },
    )
    print(f"{args.architecture}, {args.size}², {args.images} images, {args.classes} classes")
    mine = took["cxr, all classes"]
    for name, seconds in took.items():
        each = seconds / args.images * 1e3
        print(f"{name:20}{each:9.1f} ms/image{seconds / mine:7.2f} × ours")
    print("budget: library at least 3.5 × ours, ours at most 1.2 × forward; difference ≤ 1e-5")
    print(f"ours / forward {mine / took['forward pass']:.2f}, largest difference {difference:.1e}")


if __name__ == "__main__":
    main()
