"""What the page Heatmaps reads of a summary, once for each of its digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from data_contracts.disclosure import hidden_parts, told_by_other_tasks
from data_contracts.errors import CxrError
from data_contracts.summary import METRICS
from data_contracts.cohort_description import SMALLEST_CELL
from data_contracts.mean_heatmaps import MEAN_HEATMAPS
from data_contracts.associations import ASSOCIATIONS
from tui.workspace.snapshot import Artifact

if TYPE_CHECKING:
    from tui.maps.overlay import Floats

Quantity = Literal["contrast", "mean", "sd"]
QUANTITIES: tuple[Quantity, ...] = ("contrast", "mean", "sd")
UNIT = "logit per cell"
#: Strata of a task's own classes and answers, which no other task counts.
OWN_STRATA = ("true_class", "outcome")


@dataclass(frozen=True)
class Cell:
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
    def network(self) -> tuple[str, str]:
        return self.task, self.model

    @property
    def is_few(self) -> bool:
        """Whether it stands for too few patients to be shown."""
        return self.subjects < SMALLEST_CELL


@dataclass(frozen=True)
class Heatmaps:
    """All averaged maps. `maps` by quantity: (n, h, w); `background`: (size, size), 0–255."""

    cells: tuple[Cell, ...]
    maps: Mapping[Quantity, Floats]
    background: Floats

    @cached_property
    def by_key(self) -> dict[str, Cell]:
        return {cell.key: cell for cell in self.cells}

    @cached_property
    def of_network(self) -> dict[tuple[str, str], list[Cell]]:
        """The cells of each task and model, in the artifact's order."""
        out: dict[tuple[str, str], list[Cell]] = {}
        for cell in self.cells:
            out.setdefault(cell.network, []).append(cell)
        return out

    @cached_property
    def by_class(self) -> list[Cell]:
        """All cells, those of one class of a network together."""
        out: list[Cell] = []
        for network, cells in self.of_network.items():
            for name in self.classes(network):
                out += [cell for cell in cells if cell.class_name == name]
        return out

    def classes(self, network: tuple[str, str]) -> list[str]:
        return list(dict.fromkeys(c.class_name for c in self.of_network[network]))

    def levels(self, network: tuple[str, str]) -> list[tuple[str, str]]:
        return list(dict.fromkeys((c.stratum, c.level) for c in self.of_network[network]))

    def find(self, network: tuple[str, str], class_name: str, stratum: str, level: str) -> Cell:
        """The cell, or the nearest there is: undivided, of the last class."""
        classes = self.classes(network)
        name = class_name if class_name in classes else classes[-1]
        of_class = [c for c in self.of_network[network] if c.class_name == name]
        exact = [c for c in of_class if (c.stratum, c.level) == (stratum, level)]
        return next(iter([*exact, *(c for c in of_class if c.stratum == "all"), *of_class]))

    def values(self, cell: Cell, quantity: Quantity) -> Floats | None:
        """A map (h, w); None where it may not be shown or there is none."""
        import numpy as np

        one = self.maps[quantity][cell.index]
        return None if cell.is_few or not np.isfinite(one).any() else one

    @cached_property
    def counts_to_hide(self) -> set[str]:
        """Keys of cells whose counts, with the whole, would give away a count of few."""
        hidden: set[str] = set()
        patients: dict[str, dict[str, int]] = {}
        for (task, model), cells in self.of_network.items():
            patients.setdefault(model, {})[task] = max(cell.subjects for cell in cells)
        for (task, model), cells in self.of_network.items():
            strata: dict[tuple[str, str], list[Cell]] = {}
            for cell in cells:
                if cell.stratum != "all":
                    strata.setdefault((cell.class_name, cell.stratum), []).append(cell)
            for (_, stratum), parts in strata.items():
                told = stratum not in OWN_STRATA and told_by_other_tasks(
                    patients[model], task, stratum
                )
                hidden |= (
                    {cell.key for cell in parts}
                    if told
                    else hidden_parts({cell.key: cell.subjects for cell in parts})
                )
        return hidden

    def count_text(self, cell: Cell) -> str:
        """Images and subjects, as far as they may be told."""
        if cell.is_few:
            return f"<{SMALLEST_CELL} subjects"
        if cell.key in self.counts_to_hide:
            return f"≥{SMALLEST_CELL} subjects, n hidden"
        return f"{cell.images:,} images, {cell.subjects:,} subjects"


@dataclass(frozen=True)
class Area:
    """The AUROC on all test images, with its interval; None: not known."""

    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def unread(self) -> str:
        """Why the maps of this network are not read; empty when they are."""
        if self.low is None or self.high is None:
            return "not read: no AUROC interval"
        if self.high < 0.5:
            return "not read: AUROC interval below 0.5"
        return "not read: AUROC interval contains 0.5" if self.low <= 0.5 else ""


@dataclass(frozen=True)
class Summary:
    """Maps, AUROCs by task and model, and associations with the model's name they are of."""

    heatmaps: Heatmaps | None = None
    areas: Mapping[tuple[str, str], Area] = field(default_factory=dict)
    associations: Sequence[Mapping[str, Any]] = ()
    model: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)
    """Why something could not be read, by contract."""

    def area(self, network: tuple[str, str]) -> Area:
        return self.areas.get(network, Area())

    def between(self, a: Cell, b: Cell) -> list[Mapping[str, Any]]:
        """The associations of exactly these two tasks on all images, in either order."""
        if {a.model, b.model} != {self.model} or {a.stratum, b.stratum} != {"all"}:
            return []
        pair = {a.task, b.task}
        return [r for r in self.associations if {r["reference"], r["attribute"]} == pair]


def read_summary(workspace: Path, artifacts: Sequence[Artifact]) -> Summary:
    """Read what there is of the three artifacts; what is damaged is named in `problems`."""
    found: dict[str, Any] = {}
    problems = {a.contract: a.reason for a in artifacts if a.header is None}
    readers = {
        MEAN_HEATMAPS.name: _heatmaps, METRICS.name: _areas, ASSOCIATIONS.name: _associations,
    }  # fmt: skip
    for artifact in artifacts:
        if artifact.header is None:
            continue
        try:
            found[artifact.contract] = readers[artifact.contract](workspace / artifact.place)
        except CxrError as error:
            problems[artifact.contract] = str(error)
    rows, model = found.get(ASSOCIATIONS.name, ([], ""))
    heat, areas = found.get(MEAN_HEATMAPS.name), found.get(METRICS.name, {})
    names = {cell.model for cell in heat.cells} if heat else set()
    if not model and len(names) == 1:
        model = names.pop()
    return Summary(heat, areas, rows, model, problems)


def _heatmaps(path: Path) -> Heatmaps:
    from data_contracts.store import open_arrays

    names = ("task", "model", "class", "stratum", "level", "images", "subjects")
    with open_arrays(MEAN_HEATMAPS, path) as arrays:
        columns = [arrays.read(name).tolist() for name in names]
        maps = {quantity: arrays.read(quantity) for quantity in QUANTITIES}
        background = arrays.read("mean_image")
    cells = (Cell(i, *facts) for i, facts in enumerate(zip(*columns, strict=True)))
    return Heatmaps(tuple(cells), maps, background)


def _areas(path: Path) -> dict[tuple[str, str], Area]:
    from data_contracts.store import read_table

    whole = read_table(METRICS, path).frame.filter(split="test", stratum="all", metric="auroc")
    rows = whole.select("task", "model", "value", "low", "high", "subjects").iter_rows()
    return {(t, m): Area(*three) for t, m, *three, n in rows if n >= SMALLEST_CELL}


def _associations(path: Path) -> tuple[list[dict[str, Any]], str]:
    from data_contracts.store import read_table

    table = read_table(ASSOCIATIONS, path)
    return table.frame.to_dicts(), str(table.header.config.get("name", ""))


def level_text(stratum: str, level: str) -> str:
    """A stratum and its level, in few words."""
    words = level.replace("_", " ")
    if stratum == "all":
        return "all images"
    texts = {"true_class": f"truly {words}", "outcome": words, "view": words,
             "age_band": f"age {words}"}  # fmt: skip
    return texts.get(stratum, f"{stratum.replace('_', ' ')} {words}")


def number(value: float) -> str:
    """Three decimals, with a true minus."""
    return f"{value:.3f}".replace("-", "−")


def interval(low: float | None, high: float | None) -> str:
    """An interval, with a dash only where it cannot be taken for a minus."""
    if low is None or high is None:
        return "no interval"
    return f"{number(low)} to {number(high)}" if low < 0 else f"{number(low)}–{number(high)}"


def area_text(area: Area) -> str:
    if area.value is None:
        return "AUROC not known"
    return f"AUROC {number(area.value)} ({interval(area.low, area.high)})"
