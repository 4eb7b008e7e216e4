"""What the page Heatmaps reads of a summary, once for each of its digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from data_contracts.associations import ASSOCIATIONS
from data_contracts.disclosure import SUPPRESSED
from data_contracts.errors import CxrError
from data_contracts.mean_heatmaps import MEAN_HEATMAPS
from data_contracts.summary import METRICS, MODELS
from tui.workspace.snapshot import Artifact
from tui.workspace.tables import Tables

if TYPE_CHECKING:
    import polars as pl

    from tui.heatmaps.overlay import Floats

Quantity = Literal["class_difference", "mean", "sd"]
QUANTITIES: tuple[Quantity, ...] = ("class_difference", "mean", "sd")
#: Strata within which there is one class, or one answer.
OWN_STRATA = ("true_class", "outcome")


@dataclass(frozen=True, slots=True)
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
    suppressed: bool
    """Whether it stands for too few patients to be shown."""
    unit: str
    method: str
    grid: tuple[int, int]

    @property
    def key(self) -> str:
        return "\t".join((self.task, self.model, self.class_name, self.stratum, self.level))

    @property
    def model_key(self) -> tuple[str, str]:
        return self.task, self.model


@dataclass(frozen=True)
class MeanHeatmaps:
    """All averaged maps. `maps` by quantity: (n, h, w); `background`: (size, size), 0–255."""

    mean_maps: tuple[MeanMap, ...]
    maps: Mapping[Quantity, Floats]
    background: Floats
    least: int = 0
    """Fewer patients are not disclosed."""

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

    @property
    def has_names(self) -> bool:
        """Whether the task does not say which model it is."""
        return len({name for _, name in self.of_model}) > 1

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

        height, width = mean_map.grid
        one = self.maps[quantity][mean_map.index, :height, :width]
        return one if np.isfinite(one).any() else None


def count_text(mean_map: MeanMap) -> str:
    """Images and patients, as far as they may be shown."""
    if mean_map.suppressed:
        return f"patients: {SUPPRESSED}"
    images, patients = mean_map.images, mean_map.subjects
    return f"{images:,} image{'s' * (images != 1)}, {patients:,} patient{'s' * (patients != 1)}"


@dataclass(frozen=True)
class Area:
    """How well a model predicts all test images, with the interval; None: not known."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    """Why the model's maps may not be interpreted; empty when they may."""
    metric: str = "auroc"
    suppressed: bool = False


@dataclass(frozen=True)
class SummaryData:
    """Maps, AUROCs by task and model, and how much evidence tasks share."""

    heatmaps: MeanHeatmaps | None = None
    areas: Mapping[tuple[str, str], Area] = field(default_factory=dict)
    associations: pl.DataFrame | None = None
    """Over all images, not by stratum."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """Why something could not be read, by contract."""

    def area(self, model_key: tuple[str, str]) -> Area:
        return self.areas.get(model_key, Area())

    @property
    def reference(self) -> str:
        """The task that all others are compared with."""
        rows = self.associations
        return "mortality" if rows is None or rows.is_empty() else str(rows["reference"][0])

    def between(self, a: MeanMap, b: MeanMap) -> Sequence[Mapping[str, Any]]:
        """The associations of exactly these two models on all images, in either order."""
        if {a.stratum, b.stratum} != {"all"}:
            return []
        if self.associations is None:
            return []
        unnamed = a.task != b.task
        here, there = (
            _is("reference", one, unnamed=unnamed) & _is("attribute", other, unnamed=unnamed)
            for one, other in ((a, b), (b, a))
        )
        return self.associations.filter(here | there).to_dicts()


def _is(side: str, mean_map: MeanMap, *, unnamed: bool) -> pl.Expr:
    """Whether a side of an association is a map's model; labels, `unnamed`, belong to any."""
    import polars as pl

    name = pl.col(f"{side}_name").fill_null("")
    of_model = (name == mean_map.model) | ((name == "") & unnamed)
    return (pl.col(side) == mean_map.task) & of_model


def read_summary(tables: Tables, artifacts: Sequence[Artifact]) -> SummaryData:
    """Read what there is of a summary; what is damaged is named in `problems`."""
    contents: dict[str, Any] = {}
    problems = {a.contract: a.reason for a in artifacts if a.header is None}
    for artifact in artifacts:
        if artifact.header is None:
            continue
        try:
            contents[artifact.contract] = (
                _heatmaps(tables.workspace / artifact.place)
                if artifact.contract == MEAN_HEATMAPS.name
                else tables.read(artifact)
            )
        except CxrError as error:
            problems[artifact.contract] = str(error)
    associations = contents.get(ASSOCIATIONS.name)
    return SummaryData(
        contents.get(MEAN_HEATMAPS.name),
        _areas(contents.get(METRICS.name), contents.get(MODELS.name)),
        None if associations is None else associations.filter(stratum="all"), problems,
    )  # fmt: skip


def _heatmaps(path: Path) -> MeanHeatmaps:
    import numpy as np

    from data_contracts.store import open_arrays

    names = ("task", "name", "class", "stratum", "level", "images", "subjects", "suppressed",
             "unit", "method")  # fmt: skip
    with open_arrays(MEAN_HEATMAPS, path) as arrays:
        least = int(arrays.header.attributes["min_cell_count"])
        columns = [_shared(arrays.read(name).tolist()) for name in names]
        grids = _shared([(h, w) for h, w in arrays.read("grid").tolist()])
        maps = {quantity: arrays.read(quantity) for quantity in QUANTITIES}
        background = arrays.read("mean_image")
    rows = zip(*columns, grids, strict=True)
    mean_maps = tuple(MeanMap(i, *values) for i, values in enumerate(rows))
    if not np.isfinite(background).all():
        background = np.full((8, 8), 64.0)
    heat = MeanHeatmaps(mean_maps, maps, background, least)
    _ = heat.by_key, heat.by_class  # in this thread, not when a key first asks for them
    return heat


def _shared(values: list[Any]) -> list[Any]:
    """The same values, equal ones the same object: of thousands of maps few differ in one."""
    known: dict[Any, Any] = {}
    return [known.setdefault(value, value) for value in values]


def _areas(
    metrics: pl.DataFrame | None, models: pl.DataFrame | None
) -> dict[tuple[str, str], Area]:
    """The test AUROC, or R², of every model, and why its maps may not be interpreted."""
    rows = [] if models is None else models.select("task", "name", "reason").rows()
    # The task stands beside it anyway.
    reasons = {(t, n): (reason or "").removesuffix(f" ({t})") for t, n, reason in rows}
    areas = {key: Area(reason=reason) for key, reason in reasons.items()}
    if metrics is None:
        return areas
    whole = metrics.filter(metrics["metric"].is_in(["auroc", "r2"]), split="test", stratum="all")
    for row in whole.iter_rows(named=True):
        key = row["task"], row["name"]
        areas[key] = Area(
            row["value"], row["low"], row["high"], reasons.get(key, ""), row["metric"],
            row["suppressed"],
        )  # fmt: skip
    return areas
