"""Renders phantoms: a cartoon of a chest radiograph, with varied pose, build and exposure.

Everything is rendered in a body frame (u, v): u from -1 at the image's left, which is the
patient's right, to 1; v from -1 at the head to 1. Grey values run from 0 (air) to 1 (bone).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.floating[Any]]

Point = tuple[float, float]

#: Standard deviation of the quantum noise, in shares of the full grey range.
NOISE = 0.018
#: How much darker the air of a lung is than soft tissue, in shares of the full grey range.
_AIR = 0.34


@dataclass(frozen=True)
class Pose:
    """How a body lies in the image: a point p of the image is shift + rotation * scale * (u, v)."""

    shift: Point
    scale: Point
    angle: float
    """In radians; positive turns the head towards the image's right."""


def random_pose(rng: np.random.Generator) -> Pose:
    """A pose as it varies between exposures of well-positioned patients."""
    dx, dy = rng.normal(0, 0.025, 2).clip(-0.06, 0.06)
    size = rng.uniform(0.94, 1.06)
    sx, sy = size * rng.uniform(0.97, 1.03, 2)
    angle = np.deg2rad(np.clip(rng.normal(0, 2.5), -6, 6))
    return Pose((float(dx), float(dy)), (float(sx), float(sy)), float(angle))


def body_frame(pose: Pose, size: int) -> tuple[Plane, Plane]:
    """The body coordinates u and v of every pixel of a square image: two (size, size) planes."""
    axis = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size) - 1
    x, y = axis[None, :] - np.float32(pose.shift[0]), axis[:, None] - np.float32(pose.shift[1])
    cos, sin = np.float32(np.cos(pose.angle)), np.float32(np.sin(pose.angle))
    u = (cos * x + sin * y) / np.float32(pose.scale[0])
    v = (cos * y - sin * x) / np.float32(pose.scale[1])
    return u, v


def inside(depth: Plane, softness: float) -> Plane:
    """A soft mask: 1 where `depth` is positive, 0 where negative, blurred over `softness`."""
    mask: Plane = 1 / (1 + np.exp(np.clip(-depth / np.float32(softness), -30, 30)))
    return mask


def _ellipse(u: Plane, v: Plane, centre: Point, axes: Point, tilt: float, softness: float) -> Plane:
    cos, sin = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
    du, dv = u - np.float32(centre[0]), v - np.float32(centre[1])
    along, across = (cos * du + sin * dv) / axes[0], (cos * dv - sin * du) / axes[1]
    return inside(np.float32(1) - np.hypot(along, across), softness)


def _clouds(rng: np.random.Generator, size: int, cells: int) -> Plane:
    coarse = rng.standard_normal((cells, cells), dtype=np.float32)
    cloud = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cloud, dtype=np.float32)


def _half_width(v: Plane) -> Plane:
    """Half the width of neck, shoulders and trunk at height v."""
    shoulders = inside(v + 0.84, 0.055)
    return 0.26 + 0.84 * shoulders - 0.12 * inside(v + 0.1, 0.2) * shoulders


def _cage(v: Plane) -> Plane:
    """Half the inner width of the rib cage at height v."""
    width: Plane = 0.75 * np.sqrt(np.clip(1 - ((v - 0.30) / 1.08) ** 2, 0, 1))
    return width


def frontal(rng: np.random.Generator, pose: Pose, size: int, heart: float | None = None) -> Plane:
    """A frontal phantom, (size, size), without noise: the heart lies at the image's right.

    `heart` widens the heart by 12 % a unit; without it a value between -1 and 1 is drawn.
    """
    build, drawn, breath, age = rng.uniform(-1, 1, 4).astype(np.float32)
    u, v = body_frame(pose, size)
    x, wall, cage = np.abs(u), _half_width(v), _cage(v)
    dome = _dome(u, float(breath))
    air = _lung(u, v, dome) * (1 - _heart(u, v, float(drawn) if heart is None else heart))

    depth = np.sqrt(np.clip(1 - (u / wall) ** 2, 0, 1))
    image = (0.30 + 0.04 * build + 0.40 * depth) * inside(wall - x, 0.012)
    image = image + 0.06 * inside(v - dome, 0.02) * inside(cage + 0.05 - x, 0.03)
    image = image - (_AIR - 0.04 * age) * air
    image = image + 0.09 * inside(0.11 - x, 0.03) * inside(v + 0.62, 0.06)
    image = image - 0.10 * inside(0.035 - np.abs(u + 0.01), 0.010) * inside(-0.22 - v, 0.04)
    image = image + _bones(u, v, cage, float(age))
    vessels = np.exp(-(((x - 0.22) / 0.16) ** 2) - ((v + 0.02) / 0.24) ** 2)
    image = image + air * vessels * (0.09 + 0.05 * _clouds(rng, size, 28))
    image = image + 0.018 * air * _clouds(rng, size, 40) + 0.02 * _clouds(rng, size, 9) * (wall > x)
    bubble = _ellipse(u, v, (0.36, 0.60 + 0.05 * float(breath)), (0.13, 0.08), 0.2, 0.12)
    return np.asarray(image - 0.13 * bubble, dtype=np.float32)


def heart_change(pose: Pose, size: int) -> Plane:
    """Grey value that a heart of size 1 adds to one of size -1: (size, size), before exposure."""
    u, v = body_frame(pose, size)
    change: Plane = _heart(u, v, 1) - _heart(u, v, -1)
    return _AIR * change * _lung(u, v, _dome(u, 0.0))


def _dome(u: Plane, breath: float) -> Plane:
    """Height of the diaphragm at u."""
    height: Plane = (
        np.where(u > 0, 0.43, 0.37) + 0.05 * np.float32(breath) + 1.6 * (np.abs(u) - 0.36) ** 2
    )
    return height


def _lung(u: Plane, v: Plane, dome: Plane) -> Plane:
    """A soft mask of both lungs, the heart's part included."""
    x = np.abs(u)
    lung = inside(_cage(v) - x, 0.012) * inside(x - 0.11 - 0.04 * inside(v, 0.2), 0.015)
    return lung * inside(dome - v, 0.012)


def _heart(u: Plane, v: Plane, size: float) -> Plane:
    """Share of the lung's air that heart and aortic arch displace."""
    grown = 1 + 0.12 * size
    heart = _ellipse(u, v, (0.13, 0.24), (0.37 * grown, 0.27 * grown), 0.65, 0.04)
    arch = _ellipse(u, v, (0.11, -0.30), (0.10, 0.10), 0.0, 0.10)
    share: Plane = np.maximum(0.9 * heart, 0.8 * arch)
    return share


def _bones(u: Plane, v: Plane, cage: Plane, age: float) -> Plane:
    """Spine, ribs and collar bones."""
    x = np.abs(u)
    spine = inside(0.075 - x, 0.012) * (0.05 + 0.035 * np.cos(v * np.float32(2 * np.pi / 0.15)))
    within = inside(cage + 0.035 - x, 0.012)
    back = _bands((v + 0.64 + 0.16 * x - 0.75 * x**2) / 0.14, 9, 0.15)
    front = _bands((v + 0.30 - 0.30 * (0.75 - x)) / 0.15, 6, 0.22) * inside(x - 0.22, 0.03)
    collar = np.abs(v + 0.60 + 0.24 * (x - 0.06) + 0.025 * np.sin(9 * x))
    collar = inside(0.028 - collar, 0.006) * inside(x - 0.07, 0.01) * inside(0.72 - x, 0.02)
    strength = 1 - 0.15 * age
    bones: Plane = (
        spine
        + strength * (0.075 * within * back * inside(x - 0.06, 0.01) + 0.035 * within * front)
        + 0.09 * collar
    )
    return bones


def _bands(phase: Plane, count: int, half: float) -> Plane:
    """`count` bands at phase 0, 1, …, each `half` wide to either side."""
    band = inside(half - np.abs(phase - np.round(phase)), 0.05)
    return band * ((phase > -0.5) & (phase < count - 0.5))


def lateral(rng: np.random.Generator, pose: Pose, size: int) -> Plane:
    """A lateral phantom, (size, size), without noise: the breastbone at the image's left."""
    build, breath = rng.uniform(-1, 1, 2).astype(np.float32)
    u, v = body_frame(pose, size)
    trunk = _ellipse(u, v, (0.0, 0.35), (0.82 + 0.04 * float(build), 1.40), 0.0, 0.02)
    lung = _ellipse(u, v, (0.03, -0.02), (0.58, 0.74), 0.1, 0.03)
    lung = lung * inside(0.42 + 0.05 * breath + 0.5 * (u + 0.1) ** 2 + 0.2 * u - v, 0.015)
    heart = _ellipse(u, v, (-0.22, 0.22), (0.34, 0.24), 0.9, 0.06)
    column = np.abs(u - 0.52 - 0.08 * np.cos(2 * v))
    spine = inside(0.09 - column, 0.012) * (0.12 + 0.05 * np.cos(v * np.float32(2 * np.pi / 0.15)))
    ribs = _bands((v + 0.8 - 0.45 * u) / 0.14, 10, 0.16) * lung
    image = 0.62 * trunk - 0.36 * lung + 0.24 * heart * lung + spine * trunk + 0.05 * ribs
    return np.asarray(image + 0.02 * _clouds(rng, size, 12) * trunk, dtype=np.float32)


def expose(rng: np.random.Generator, image: Plane, gain: float = 1.0, gamma: float = 1.0) -> Plane:
    """The detector's response to the clean image, about 0 to 1: exposure and contrast vary.

    `gain` and `gamma` are factors on what is drawn.
    """
    gamma, gain = gamma * rng.uniform(0.88, 1.15), gain * rng.uniform(0.94, 1.06)
    toned = np.clip(image * np.float32(gain), 0.02, 1) ** np.float32(gamma)
    return np.asarray(toned, dtype=np.float32)


def add_noise(rng: np.random.Generator, image: Plane, factor: float = 1.0) -> Plane:
    """The image with quantum noise of deviation `factor * NOISE`, clipped to 0 … 1."""
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    return np.asarray(np.clip(image + np.float32(factor * NOISE) * noise, 0, 1), dtype=np.float32)
