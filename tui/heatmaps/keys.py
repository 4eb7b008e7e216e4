"""The tabs of the page Heatmaps and its keys."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from tui.heatmaps.state import TabName
from tui.shared.page import ZOOM_KEYS

TABS: dict[TabName, tuple[str, str]] = {
    "map": ("m", "Map"), "compare": ("d", "Two maps"), "tasks": ("a", "All tasks"),
    "images": ("i", "Images"),
}  # fmt: skip

#: The actions, or steps, that do nothing in a tab.
UNUSED: dict[TabName, tuple[str, ...]] = {
    "map": ("other", "page"),
    "compare": ("filter", "page"),
    "tasks": ("task", "class", "other"),
    "images": ("filter", "quantity", "page"),
}  # fmt: skip

BINDINGS: list[BindingType] = [
    *(
        Binding(key, f"tab('{tab}')", title, show=False, id=f"heatmaps.{tab}")
        for tab, (key, title) in TABS.items()
    ),
    Binding("t", "step('task', 1)", "Task", id="heatmaps.task"),
    Binding("T", "step('task', -1)", "Previous task", show=False, id="heatmaps.task-previous"),
    Binding("c", "step('class', 1)", "Class", id="heatmaps.class"),
    Binding("C", "step('class', -1)", "Previous class", show=False, id="heatmaps.class-previous"),
    Binding("n", "step('level', 1)", "Next", id="heatmaps.next"),
    Binding("p", "step('level', -1)", "Previous", show=False, id="heatmaps.previous"),
    Binding("v", "step('quantity', 1)", "Value", id="heatmaps.quantity",
            tooltip="class difference, mean, standard deviation"),
    Binding("r", "step('scaling', 1)", "Scale", id="heatmaps.scaling",
            tooltip="range of the colours: own maximum, common maximum, own 95th percentile"),
    *ZOOM_KEYS,
    Binding("plus,equals_sign", "step('opacity', 1)", "More opaque", show=False, key_display="+",
            id="heatmaps.more-opaque"),
    Binding("minus", "step('opacity', -1)", "Less opaque", show=False, key_display="-",
            id="heatmaps.less-opaque"),
    Binding("o", "step('other', 1)", "Switch", id="heatmaps.other",
            tooltip="switch between maps A and B; for single images, the next ranking"),
    Binding("pagedown", "page(1)", "Next maps", show=False, id="heatmaps.page-down"),
    Binding("pageup", "page(-1)", "Previous maps", show=False, id="heatmaps.page-up"),
    Binding("x", "export", "PNG", tooltip="export this tab as an image", id="heatmaps.export"),
]  # fmt: skip
