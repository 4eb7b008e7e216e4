"""What the page Heatmaps reads of a summary, once for each of its digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from data_contracts.associations import ASSOCIATIONS
from data_contracts.cohort_description import SMALLEST_CELL
from data_contracts.disclosure import hidden_parts, told_by_other_tasks
from data_contracts.errors import CxrError
from data_contracts.mean_heatmaps import MEAN_HEATMAPS
from data_contracts.summary import METRICS
from tui.workspace.snapshot import Artifact

if TYPE_CHECKING:
    from tui.maps.overlay import Floats

Quantity = Literal["contrast", "mean", "sd"]
QUANTITIES: tuple[Quantity, ...] = ("contrast", "mean", "sd")
UNIT = "logit per cell (Grad-CAM)"
#: Strata of a task's own classes and answers, which no other task counts.
OWN_STRATA = ("true_class", "outcome")


@dataclass(frozen=True)
class MeanMap:
    """An averaged map; `index` is its row in the artifact."""

    index: int
    task: str
    model: str
    class_name: str
    stratum: str
    level: str
    images: int
    subjects: int

    @property
    def key(self) -> str:
        return "\t".join((self.task, self.model, self.class_name, self.stratum, self.level))

    @property
    def model_key(self) -> tuple[str, str]:
        return self.task, self.model

    @property
    def is_few(self) -> bool:
        """Whether it stands for too few patients to be shown."""
        return self.subjects < SMALLEST_CELL


@dataclass(frozen=True)
class MeanHeatmaps:
    """All averaged maps. `maps` by quantity: (n, h, w); `background`: (size, size), 0–255."""

    mean_maps: tuple[MeanMap, ...]
    maps: Mapping[Quantity, Floats]
    background: Floats

    @cached_property
    def by_key(self) -> dict[str, MeanMap]:
        return {mean_map.key: mean_map for mean_map in self.mean_maps}

    @cached_property
    def of_model(self) -> dict[tuple[str, str], list[MeanMap]]:
        """The maps of each task and model, in the artifact's order."""
        out: dict[tuple[str, str], list[MeanMap]] = {}
        for mean_map in self.mean_maps:
            out.setdefault(mean_map.model_key, []).append(mean_map)
        return out

    @cached_property
    def by_class(self) -> list[MeanMap]:
        """All maps, those of one class of a model together."""
        out: list[MeanMap] = []
        for model_key, mean_maps in self.of_model.items():
            for name in self.classes(model_key):
                out += [mean_map for mean_map in mean_maps if mean_map.class_name == name]
        return out

    def classes(self, model_key: tuple[str, str]) -> list[str]:
        return list(dict.fromkeys(c.class_name for c in self.of_model[model_key]))

    def levels(self, model_key: tuple[str, str]) -> list[tuple[str, str]]:
        return list(dict.fromkeys((c.stratum, c.level) for c in self.of_model[model_key]))

    def find(
        self, model_key: tuple[str, str], class_name: str, stratum: str, level: str
    ) -> MeanMap:
        """The map, or the nearest there is: undivided, of the last class."""
        classes = self.classes(model_key)
        name = class_name if class_name in classes else classes[-1]
        of_class = [c for c in self.of_model[model_key] if c.class_name == name]
        exact = [c for c in of_class if (c.stratum, c.level) == (stratum, level)]
        return next(iter([*exact, *(c for c in of_class if c.stratum == "all"), *of_class]))

    def values(self, mean_map: MeanMap, quantity: Quantity) -> Floats | None:
        """A map (h, w); None where it may not be shown or there is none."""
        import numpy as np

        one = self.maps[quantity][mean_map.index]
        return None if mean_map.is_few or not np.isfinite(one).any() else one

    @cached_property
    def counts_to_hide(self) -> set[str]:
        """Keys of maps whose counts, with the total, would reveal a small count."""
        hidden: set[str] = set()
        patients: dict[str, dict[str, int]] = {}
        for (task, model), mean_maps in self.of_model.items():
            patients.setdefault(model, {})[task] = max(mean_map.subjects for mean_map in mean_maps)
        for (task, model), mean_maps in self.of_model.items():
            strata: dict[tuple[str, str], list[MeanMap]] = {}
            for mean_map in mean_maps:
                if mean_map.stratum != "all":
                    strata.setdefault((mean_map.class_name, mean_map.stratum), []).append(mean_map)
            for (_, stratum), parts in strata.items():
                revealed = stratum not in OWN_STRATA and told_by_other_tasks(
                    patients[model], task, stratum
                )
                hidden |= (
                    {mean_map.key for mean_map in parts}
                    if revealed
                    else hidden_parts({mean_map.key: mean_map.subjects for mean_map in parts})
                )
        return hidden

    def count_text(self, mean_map: MeanMap) -> str:
        """Images and patients, as far as they may be shown."""
        if mean_map.is_few:
            return f"<{SMALLEST_CELL} patients"
        if mean_map.key in self.counts_to_hide:
            return f"≥{SMALLEST_CELL} patients, n suppressed"
        return f"{mean_map.images:,} images, {mean_map.subjects:,} patients"


@dataclass(frozen=True)
class Area:
    """The AUROC on all test images, with its interval; None: not known."""

    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def not_interpreted(self) -> str:
        """Why the maps of this model are not interpreted; empty when they are."""
        if self.low is None or self.high is None:
            return "maps not interpreted (no AUROC interval)"
        if self.high < 0.5:
            return "maps not interpreted (AUROC below chance)"
        return "maps not interpreted (AUROC not above chance)" if self.low <= 0.5 else ""


@dataclass(frozen=True)
class SummaryData:
    """Maps, AUROCs by task and model, and associations with the model's name they are of."""

    heatmaps: MeanHeatmaps | None = None
    areas: Mapping[tuple[str, str], Area] = field(default_factory=dict)
    associations: Sequence[Mapping[str, Any]] = ()
    model: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)
    """Why something could not be read, by contract."""

    def area(self, model_key: tuple[str, str]) -> Area:
        return self.areas.get(model_key, Area())

    def between(self, a: MeanMap, b: MeanMap) -> list[Mapping[str, Any]]:
        """The associations of exactly these two tasks on all images, in either order."""
        if {a.model, b.model} != {self.model} or {a.stratum, b.stratum} != {"all"}:
            return []
        pair = {a.task, b.task}
        return [r for r in self.associations if {r["reference"], r["attribute"]} == pair]


def read_summary(workspace: Path, artifacts: Sequence[Artifact]) -> SummaryData:
    """Read what there is of the three artifacts; what is damaged is named in `problems`."""
    contents: dict[str, Any] = {}
    problems = {a.contract: a.reason for a in artifacts if a.header is None}
    readers = {
        MEAN_HEATMAPS.name: _heatmaps, METRICS.name: _areas, ASSOCIATIONS.name: _associations,
    }  # fmt: skip
    for artifact in artifacts:
        if artifact.header is None:
            continue
        try:
            contents[artifact.contract] = readers[artifact.contract](workspace / artifact.place)
        except CxrError as error:
            problems[artifact.contract] = str(error)
    rows, model = contents.get(ASSOCIATIONS.name, ([], ""))
    heat, areas = contents.get(MEAN_HEATMAPS.name), contents.get(METRICS.name, {})
    names = {mean_map.model for mean_map in heat.mean_maps} if heat else set()
    if not model and len(names) == 1:
        model = names.pop()
    return SummaryData(heat, areas, rows, model, problems)


def _heatmaps(path: Path) -> MeanHeatmaps:
    from data_contracts.store import open_arrays

    names = ("task", "model", "class", "stratum", "level", "images", "subjects")
    with open_arrays(MEAN_HEATMAPS, path) as arrays:
        columns = [arrays.read(name).tolist() for name in names]
        maps = {quantity: arrays.read(quantity) for quantity in QUANTITIES}
        background = arrays.read("mean_image")
    mean_maps = (MeanMap(i, *values) for i, values in enumerate(zip(*columns, strict=True)))
    return MeanHeatmaps(tuple(mean_maps), maps, background)


def _areas(path: Path) -> dict[tuple[str, str], Area]:
    from data_contracts.store import read_table

    whole = read_table(METRICS, path).frame.filter(split="test", stratum="all", metric="auroc")
    rows = whole.select("task", "model", "value", "low", "high", "subjects").iter_rows()
    return {(t, m): Area(*three) for t, m, *three, n in rows if n >= SMALLEST_CELL}


def _associations(path: Path) -> tuple[list[dict[str, Any]], str]:
    from data_contracts.store import read_table

    table = read_table(ASSOCIATIONS, path)
    return table.frame.to_dicts(), str(table.header.config.get("name", ""))
