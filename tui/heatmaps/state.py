"""What is chosen on the page Heatmaps, and how keys step through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tui.heatmaps.data import QUANTITIES, MeanHeatmaps, MeanMap
from tui.heatmaps.figure import DisplayOptions
from tui.heatmaps.images import RANKINGS, ExplainedImages, Ranking
from tui.heatmaps.overlay import SCALINGS
from tui.shared.switch import after

StateField = Literal["task", "class", "level", "quantity", "scaling", "opacity", "other"]
TabName = Literal["map", "compare", "tasks", "images"]
ModelKey = tuple[str, str]


def _default_options() -> dict[TabName, DisplayOptions]:
    alone, together = DisplayOptions(), DisplayOptions(scaling="common maximum")
    return {"map": alone, "compare": alone, "tasks": together, "images": together}


@dataclass
class HeatmapState:
    """Everything that keys change. Fields of single images have names of their own."""

    tab: TabName = "map"
    pair: list[MeanMap] = field(default_factory=list)
    """The two maps A and B; the page's one map is the active one."""
    active: int = 0
    wanted: tuple[ModelKey, ...] = ()
    """Models to be shown once their maps have been read."""
    options_by_tab: dict[TabName, DisplayOptions] = field(default_factory=_default_options)
    query: str = ""
    first: int = 0
    """The first of all tasks' maps that is shown."""
    model_key: ModelKey | None = None
    """Whose single images are shown."""
    ranking: Ranking = RANKINGS[0]
    rank: int = 0
    image_class: str = ""
    """Empty: the predicted one."""

    @property
    def mean_map(self) -> MeanMap:
        return self.pair[self.active]

    @property
    def options(self) -> DisplayOptions:
        return self.options_by_tab.get(self.tab, DisplayOptions())

    def copied(self) -> HeatmapState:
        """The same state, which later keys do not change."""
        return replace(self, pair=list(self.pair))

    def take(self, heat: MeanHeatmaps, reference: str) -> None:
        """Take over newly read maps; the selection stays where it still exists."""
        model_keys = list(heat.of_model)
        if not self.pair:
            first = next((n for n in model_keys if n[0] == reference), model_keys[0])
            others = [n for n in model_keys if n != first] or [first]
            # Rather another task than another network of the same; of one alone its two ends.
            other = next((n for n in others if n[0] != first[0]), others[0])
            name = heat.classes(other)[0 if other == first else -1]
            self.pair = [
                heat.find(first, "", "all", "all"), heat.find(other, name, "all", "all")
            ]  # fmt: skip
            return
        for i, mean_map in enumerate(self.pair):
            is_there = mean_map.model_key in heat.of_model
            model_key = mean_map.model_key if is_there else model_keys[0]
            self.pair[i] = heat.find(
                model_key, mean_map.class_name, mean_map.stratum, mean_map.level
            )

    def take_wanted(self, heat: MeanHeatmaps) -> None:
        """Choose the models that another page has asked for, each by its last class."""
        known = [key for key in self.wanted if key in heat.of_model]
        if known:
            self.pair = [heat.find(key, "", "all", "all") for key in (known[0], known[-1])]
            self.active = 0
        self.wanted = ()

    def step_task(self, heat: MeanHeatmaps, by: int) -> None:
        """The next model, in the same stratum, of the class at the same place."""
        mean_map, model_keys = self.mean_map, list(heat.of_model)
        model_key = after(model_keys, mean_map.model_key, by)
        at = heat.classes(mean_map.model_key).index(mean_map.class_name) + 1
        same_last = at == len(heat.classes(mean_map.model_key))
        names = heat.classes(model_key)
        name = names[-1] if same_last else names[min(at, len(names)) - 1]
        self.pair[self.active] = heat.find(model_key, name, mean_map.stratum, mean_map.level)

    def step_class(self, heat: MeanHeatmaps, by: int) -> None:
        """The next class of the same model."""
        mean_map = self.mean_map
        name = after(heat.classes(mean_map.model_key), mean_map.class_name, by)
        self.pair[self.active] = heat.find(
            mean_map.model_key, name, mean_map.stratum, mean_map.level
        )

    def step_level(self, heat: MeanHeatmaps, by: int) -> None:
        """The next stratum or level of the same model and class."""
        mean_map = self.mean_map
        levels = heat.levels(mean_map.model_key)
        stratum, level = after(levels, (mean_map.stratum, mean_map.level), by)
        self.pair[self.active] = heat.find(mean_map.model_key, mean_map.class_name, stratum, level)

    def step_model(self, model_keys: Sequence[ModelKey], by: int) -> None:
        """The single images of the next model."""
        if model_keys:
            self.model_key = after(list(model_keys), self.model_key or model_keys[0], by)
            self.rank, self.image_class = 0, ""

    def step_options(self, what: StateField, by: int) -> None:
        """Another scale in the present tab; another quantity or opacity in all."""
        if what == "scaling":
            self.options_by_tab[self.tab] = replace(
                self.options, scaling=after(SCALINGS, self.options.scaling, by)
            )
            return
        quantity, opacity = self.options_by_tab["map"].quantity, self.options.opacity
        if what == "quantity":
            quantity = after(QUANTITIES, quantity, by)
        else:
            opacity = round(min(1.0, max(0.1, opacity + by / 10)), 1)
        self.options_by_tab = {
            tab: replace(options, quantity=quantity, opacity=opacity)
            for tab, options in self.options_by_tab.items()
        }

    def step_other(self) -> None:
        """The other of the two maps, or another ranking of single images."""
        if self.tab == "images":
            self.ranking, self.rank = after(RANKINGS, self.ranking, 1), 0
        else:
            self.active = 1 - self.active

    def step(
        self, what: StateField, by: int, heat: MeanHeatmaps | None,
        explained: ExplainedImages | None, model_keys: Sequence[ModelKey],
    ) -> None:  # fmt: skip
        """What a key does in the present tab; `model_keys` are those with single images."""
        if what == "other":
            self.step_other()
        elif what in ("quantity", "scaling", "opacity"):
            self.step_options(what, by)
        elif self.tab == "images":
            if what == "task":
                self.step_model(model_keys, by)
            elif what == "class" and explained is not None:
                self.image_class = after(["", *explained.classes], self.image_class, by)
            elif explained is not None:
                self.rank = (self.rank + by) % max(1, len(explained.rankings[self.ranking]))
        elif heat is not None and self.pair:
            steps = {"task": self.step_task, "class": self.step_class, "level": self.step_level}
            steps[what](heat, by)
