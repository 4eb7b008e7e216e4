"""What is planted: the markers, where they lie, and how the labels hang together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PresetName = Literal["planted", "null"]
Appearance = Literal["density", "grating", "bar", "spot"]


@dataclass(frozen=True)
class Marker:
    """A mark whose appearance shows the class of a task.

    `centre` and `radius` are in the body frame: u from -1 (the patient's right, the image's
    left) to 1, v from -1 (head) to 1, both 2 for the width of an image of average pose.
    """

    appearance: Appearance
    region: str
    centre: tuple[float, float]
    radius: float
    contrast: float
    """Peak change of the grey value, in shares of the full grey range."""


@dataclass(frozen=True)
class Trait:
    """A task: its classes in order with their shares, its marker, its tie to mortality."""

    classes: tuple[str, ...]
    shares: tuple[float, ...]
    marker: Marker
    association: float
    """Correlation of the latent variable behind the label with mortality's."""


_LOWER, _LOWER_CENTRE = "right lower zone", (-0.44, 0.10)

#: The markers are arbitrary marks: they stand for no property of people.
TRAITS: dict[str, Trait] = {
    "mortality": Trait(
        ("survived", "died"), (0.55, 0.45),
        Marker("density", _LOWER, _LOWER_CENTRE, 0.24, 0.11), 1.0,
    ),
    "gender": Trait(
        ("F", "M"), (0.5, 0.5),
        Marker("spot", "left apex", (0.37, -0.42), 0.22, 0.16), 0.0,
    ),
    "race": Trait(
        ("White", "Black", "Asian"), (0.36, 0.32, 0.32),
        Marker("bar", "right mid zone", (-0.41, -0.16), 0.24, 0.15), 0.1,
    ),
    "insurance": Trait(
        ("Medicaid", "Medicare", "Other"), (0.32, 0.35, 0.33),
        Marker("grating", _LOWER, _LOWER_CENTRE, 0.24, 0.12), 0.15,
    ),
}  # fmt: skip


def association(task: str, preset: PresetName) -> float:
    """Correlation of the task's latent variable with mortality's; 1 for mortality itself."""
    return TRAITS[task].association if preset == "planted" or task == "mortality" else 0.0
