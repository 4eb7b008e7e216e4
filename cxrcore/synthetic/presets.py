"""What is planted: the signs of each preset, where they lie, and how the labels hang together.

A preset is data. Markers and exposures are signs of a task's class; `driver` and `ties` say how
the labels depend on each other, or on age.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PresetName = Literal["planted", "null", "weak", "confounded", "acquisition"]
Appearance = Literal["density", "grating", "bar", "spot"]


@dataclass(frozen=True)
class Trait:
    """A task: its classes in order with their shares."""

    classes: tuple[str, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Marker:
    """A mark whose appearance shows the class of a task.

    `centre` and `radius` are in the body frame: u from -1 (the patient's right, the image's
    left) to 1, v from -1 (head) to 1, both 2 for the width of an image of average pose; or in
    the image's own square frame, for a mark that does not move with the body.
    """

    appearance: Appearance
    region: str
    centre: tuple[float, float]
    radius: float
    contrast: float
    """Peak change of the grey value, in shares of the full grey range."""
    frame: Literal["body", "image"] = "body"


@dataclass(frozen=True)
class Exposure:
    """Factors on what an acquisition draws by chance: gain, gamma and the noise's deviation."""

    gain: float = 1.0
    gamma: float = 1.0
    noise: float = 1.0


@dataclass(frozen=True)
class Preset:
    """What one collection shows. A task without marker and without tie to age has no sign."""

    markers: Mapping[str, Marker] = field(default_factory=dict)
    exposures: Mapping[str, tuple[Exposure, ...]] = field(default_factory=dict)
    """By task, one for each class."""
    agreement: float = 1.0
    """Share of the patients whose markers show their class; others' show any class by chance."""
    driver: Literal["mortality", "age"] = "mortality"
    """The latent variable that the labels hang on. Age, if it is, shows in the heart's size."""
    ties: Mapping[str, float] = field(default_factory=dict)
    """Correlation of the latent variable behind each label with the driver; 0 if not named."""

    def association(self, task: str) -> float:
        """Correlation of the task's latent variable with mortality's."""
        return 1.0 if task == "mortality" else self.tie(task) * self.tie("mortality")

    def age_association(self, task: str) -> float:
        """Correlation of the task's latent variable with age."""
        return self.tie(task) if self.driver == "age" else 0.0

    def region(self, task: str) -> str:
        """Where the task's class shows: the marker's region, "age" or "none"."""
        if task in self.markers:
            return self.markers[task].region
        return "age" if self.age_association(task) else "none"

    def tie(self, task: str) -> float:
        """Correlation of the task's latent variable with the driver."""
        own = 1.0 if task == self.driver else 0.0
        return self.ties.get(task, own)


TRAITS: dict[str, Trait] = {
    "mortality": Trait(("survived", "died"), (0.55, 0.45)),
    "gender": Trait(("F", "M"), (0.5, 0.5)),
    "race": Trait(("White", "Black", "Asian"), (0.36, 0.32, 0.32)),
    "insurance": Trait(("Medicaid", "Medicare", "Other"), (0.32, 0.35, 0.33)),
}

_LOWER, _LOWER_CENTRE = "right lower zone", (-0.44, 0.10)

#: The markers are arbitrary marks: they stand for no property of people.
_MARKERS = {
    "mortality": Marker("density", _LOWER, _LOWER_CENTRE, 0.24, 0.11),
    "gender": Marker("spot", "left apex", (0.37, -0.42), 0.22, 0.16),
    "race": Marker("bar", "right mid zone", (-0.41, -0.16), 0.24, 0.15),
    "insurance": Marker("grating", _LOWER, _LOWER_CENTRE, 0.24, 0.12),
}
#: A side marker in the image's upper right corner, above the shoulder.
_TAG = Marker("bar", "border", (0.77, -0.94), 0.055, 0.60, frame="image")

PRESETS: dict[PresetName, Preset] = {
    "planted": Preset(_MARKERS, ties={"race": 0.10, "insurance": 0.15}),
    "null": Preset(),
    "weak": Preset(_MARKERS, agreement=0.6, ties={"race": 0.10, "insurance": 0.15}),
    "confounded": Preset(
        {"gender": _MARKERS["gender"]},
        driver="age",
        ties={"mortality": 0.75, "insurance": 0.85},
    ),
    "acquisition": Preset(
        _MARKERS | {"race": _TAG},
        {"race": (Exposure(0.995, 0.975, 0.95), Exposure(), Exposure(1.005, 1.025, 1.05))},
        ties={"insurance": 0.15},
    ),
}
