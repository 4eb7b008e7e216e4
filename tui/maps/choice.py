"""What is chosen on the page Heatmaps, and how keys step through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from tui.maps.data import QUANTITIES, Cell, Heatmaps
from tui.maps.images import ORDERS, Explained, Order
from tui.maps.overlay import SCALINGS
from tui.maps.painting import Look

Step = Literal["task", "class", "level", "quantity", "scaling", "opacity", "other"]
View = Literal["map", "compare", "tasks", "similarity", "images"]
Network = tuple[str, str]
_T = TypeVar("_T")


def _looks() -> dict[View, Look]:
    alone, together = Look(), Look(scaling="common maximum")
    return {"map": alone, "compare": alone, "tasks": together, "images": together}


@dataclass
class Choice:
    """Everything that keys change. Fields of single images have names of their own."""

    view: View = "map"
    pair: list[Cell] = field(default_factory=list)
    """The two maps A and B; the page's one map is the active one."""
    active: int = 0
    looks: dict[View, Look] = field(default_factory=_looks)
    words: str = ""
    first: int = 0
    """The first of all tasks' maps that is shown."""
    network: Network | None = None
    """Whose single images are shown."""
    order: Order = ORDERS[0]
    rank: int = 0
    image_class: str = ""
    """Empty: the predicted one."""

    @property
    def cell(self) -> Cell:
        return self.pair[self.active]

    @property
    def look(self) -> Look:
        return self.looks.get(self.view, Look())

    def copied(self) -> Choice:
        """The same choice, which later keys do not change."""
        return replace(self, pair=list(self.pair))

    def take(self, heat: Heatmaps, reference: str) -> None:
        """Take over maps read anew; what was chosen stays where it is still there."""
        networks = list(heat.of_network)
        if not self.pair:
            first = next((n for n in networks if n[0] == reference), networks[0])
            other = next((n for n in networks if n != first), first)
            # Of a single network its two ends are compared.
            name = heat.classes(other)[0 if other == first else -1]
            self.pair = [
                heat.find(first, "", "all", "all"), heat.find(other, name, "all", "all")
            ]  # fmt: skip
            return
        for i, cell in enumerate(self.pair):
            known = cell.network in heat.of_network
            network = cell.network if known else networks[0]
            self.pair[i] = heat.find(network, cell.class_name, cell.stratum, cell.level)

    def step_task(self, heat: Heatmaps, by: int) -> None:
        """The next network, in the same stratum, of the class at the same place."""
        cell, networks = self.cell, list(heat.of_network)
        network = _next(networks, cell.network, by)
        at = heat.classes(cell.network).index(cell.class_name) + 1
        same_last = at == len(heat.classes(cell.network))
        names = heat.classes(network)
        name = names[-1] if same_last else names[min(at, len(names)) - 1]
        self.pair[self.active] = heat.find(network, name, cell.stratum, cell.level)

    def step_class(self, heat: Heatmaps, by: int) -> None:
        """The next class of the same network."""
        cell = self.cell
        name = _next(heat.classes(cell.network), cell.class_name, by)
        self.pair[self.active] = heat.find(cell.network, name, cell.stratum, cell.level)

    def step_level(self, heat: Heatmaps, by: int) -> None:
        """The next stratum or level of the same network and class."""
        cell = self.cell
        levels = heat.levels(cell.network)
        stratum, level = _next(levels, (cell.stratum, cell.level), by)
        self.pair[self.active] = heat.find(cell.network, cell.class_name, stratum, level)

    def step_network(self, networks: Sequence[Network], by: int) -> None:
        """The single images of the next model."""
        if networks:
            self.network = _next(list(networks), self.network or networks[0], by)
            self.rank, self.image_class = 0, ""

    def step_look(self, what: Step, by: int) -> None:
        """Another scale in the present view; another quantity or opacity in all."""
        if what == "scaling":
            self.looks[self.view] = replace(
                self.look, scaling=_next(SCALINGS, self.look.scaling, by)
            )
            return
        quantity, opacity = self.looks["map"].quantity, self.look.opacity
        if what == "quantity":
            quantity = _next(QUANTITIES, quantity, by)
        else:
            opacity = round(min(1.0, max(0.1, opacity + by / 10)), 1)
        self.looks = {
            view: replace(look, quantity=quantity, opacity=opacity)
            for view, look in self.looks.items()
        }

    def step_other(self) -> None:
        """The other of the two maps, or another order of single images."""
        if self.view == "images":
            self.order, self.rank = _next(ORDERS, self.order, 1), 0
        else:
            self.active = 1 - self.active

    def step(
        self, what: Step, by: int, heat: Heatmaps | None, explained: Explained | None,
        networks: Sequence[Network],
    ) -> None:  # fmt: skip
        """What a key does in the present view; `networks` are those with single images."""
        if what == "other":
            self.step_other()
        elif what in ("quantity", "scaling", "opacity"):
            self.step_look(what, by)
        elif self.view == "images":
            if what == "task":
                self.step_network(networks, by)
            elif what == "class" and explained is not None:
                self.image_class = _next(["", *explained.classes], self.image_class, by)
            elif explained is not None:
                self.rank = (self.rank + by) % max(1, len(explained.orders[self.order]))
        elif heat is not None and self.pair:
            steps = {"task": self.step_task, "class": self.step_class, "level": self.step_level}
            steps[what](heat, by)


def _next(values: Sequence[_T], value: _T, by: int) -> _T:
    at = values.index(value) if value in values else 0
    return values[(at + by) % len(values)]
