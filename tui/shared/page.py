"""What all pages have in common: the first and last line, the filter, help, and the snapshot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import ClassVar, cast

from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tui.shared.dashboard import DashboardApp
from tui.shared.filter_bar import FilterBar
from tui.shared.help_dialog import HelpDialog, KeyGroups
from tui.shared.key_footer import KeyFooter
from tui.shared.picture import Picture
from tui.shared.placeholder import Placeholder
from tui.shared.rows import Rows
from tui.shared.status_header import Status, StatusHeader
from tui.workspace.snapshot import Snapshot

#: Keys that only move, and those that do everywhere what their names say.
_MOVES = (
    "up", "down", "left", "right", "pageup", "pagedown", "home", "end", "tab", "shift+tab",
    "ctrl+pageup", "ctrl+pagedown",
)  # fmt: skip
_PLAIN = (*_MOVES, "enter", "escape")
#: Of pages with pictures or plots.
ZOOM_KEYS: tuple[BindingType, ...] = (
    Binding("z", "zoom(1)", "Zoom", id="page.zoom",
            tooltip="show it over the whole page, then larger; Esc returns"),
    Binding("Z", "zoom(-1)", "Zoom out", show=False, id="page.zoom-out"),
)  # fmt: skip


class Page(Screen[None]):
    """A page of the dashboard.

    It gets every new snapshot while it is seen, and the latest when it is seen again. Workers of
    pages have a `description`: without one Textual writes out their arguments, whole snapshots.
    """

    NAME: ClassVar[str]
    """The page's mode."""
    HELP: ClassVar[str]
    """What the page shows, for `?`: content markup."""

    AUTO_FOCUS = "Rows"
    ALLOW_IN_MAXIMIZED_VIEW = "StatusHeader, TabBar, #state, FilterBar, KeyFooter"
    DEFAULT_CSS = """
    Page {
        &.-maximized-view { hatch: none !important; }
        &.-maximized-view > TabBar, &.-maximized-view > #state { dock: top; margin: 1 0 0 0; }
        #note { height: auto; padding: 0 1; color: $text-warning; }
        & > Placeholder { display: none; }
        &.empty > * { display: none; }
        &.empty > StatusHeader, &.empty > Placeholder, &.empty > KeyFooter { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="page.filter"),
        Binding("question_mark", "explain", "Help", id="page.help"),
    ]

    def __init__(self) -> None:
        super().__init__()
        # Its widgets are styled when they are mounted; Textual would style all again, twice.
        self._css_update_count = self.app._css_update_count
        self._number = -1
        self._focused_before: Widget | None = None
        """What had the focus before something was shown over the page."""

    @property
    def dashboard(self) -> DashboardApp:
        return cast("DashboardApp", self.app)

    @property
    def snapshot(self) -> Snapshot | None:
        """The workspace as it is now; None until it has been read."""
        return self.dashboard.snapshot

    @property
    def writable(self) -> bool:
        """Whether jobs can be launched: they write to the workspace."""
        return self.snapshot is not None and self.snapshot.writable

    @property
    def is_reading(self) -> bool:
        """Whether what it shows is still being read or drawn."""
        own = (w for w in self.workers if self in w.node.ancestors_with_self)
        return self.snapshot is None or any(not w.is_finished for w in own)

    def compose(self) -> ComposeResult:
        yield StatusHeader(self.NAME)
        yield from self.content()
        yield FilterBar()
        yield KeyFooter()

    def content(self) -> Iterator[Widget]:
        """The widgets between the first and the last line."""
        raise NotImplementedError

    def show(self, snapshot: Snapshot) -> None:
        """Take over a snapshot; it differs from the one before."""

    def show_placeholder(self, why: str) -> None:
        """Show why there is nothing to show, and what to do; empty: show the page."""
        self.set_class(bool(why), "empty")
        self.query_one("Page > Placeholder", Placeholder).update(why)

    def show_note(self, text: str) -> None:
        """Show in the line `#note` what should be known of the page: content markup."""
        note = self.query_one("#note", Static)
        note.update(text)
        note.display = bool(text)

    def on_mount(self) -> None:
        self.dashboard.snapshots.subscribe(self, self._take_snapshot)
        self.dashboard.errors_changed.subscribe(self, self._update_header)
        view = self.dashboard.views.of(type(self).__name__)
        for rows in self.query(Rows):
            rows.order = (view.column, view.reverse) if view.column else None
        if view.filter:
            self.query_one(FilterBar).restore(view.filter)

    def on_rows_sorted(self, message: Rows.Sorted) -> None:
        column, reverse = message.order or ("", False)
        self.dashboard.views.change(type(self).__name__, column=column, reverse=reverse)

    def on_filter_bar_filtered(self, message: FilterBar.Filtered) -> None:
        self.dashboard.views.change(type(self).__name__, filter=message.text)
        self.apply_filter(message.text)

    def apply_filter(self, text: str) -> None:
        """Show only what matches every word of `text`."""
        self.query_one(Rows).filter(text)

    def on_screen_resume(self) -> None:
        self._update_header(self.dashboard.error_count)
        if self.snapshot is not None:
            self._take_snapshot(self.snapshot)

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        if self.is_current and snapshot.number != self._number:
            self._number = snapshot.number
            self._update_header(self.dashboard.error_count)
            self.show(snapshot)

    def _update_header(self, count: int) -> None:
        snapshot = self.snapshot
        running = [r for r in snapshot.runs if r.state == "running"] if snapshot else ()
        failed = len(snapshot.failures) if snapshot else 0
        writable = snapshot is None or snapshot.writable
        status = Status(self.dashboard.workspace, count, len(running), failed, writable)
        self.query_one(StatusHeader).update_status(status)

    def zoom_target(self) -> Widget | None:
        """What `z` shows over the page; None: nothing."""
        return None

    def action_zoom(self, steps: int) -> None:
        """Show a picture or plot over the page, or magnify the picture that is; or back."""
        shown = self.maximized or self.zoom_target()
        if shown is None:
            return
        picture = next(iter(shown.query(Picture)), None)
        if self.maximized is None and steps > 0:
            self._focused_before = self.focused
            self.maximized = shown
            self.set_focus(picture or shown)
        elif (picture is None or not picture.magnify(steps)) and steps < 0:
            self.minimize()

    def minimize(self) -> None:
        """Show the whole page again."""
        if self.maximized is not None:
            self.set_focus(self._focused_before)
            for picture in self.query(Picture):
                picture.reset()
            super().minimize()

    def action_filter(self) -> None:
        self.query_one(FilterBar).open()

    def action_explain(self) -> None:
        # The window's width decides where lines end; blank lines part paragraphs.
        text = re.sub(r"(?<!\n)\n(?!\n)", " ", self.HELP)
        title = self.NAME.capitalize()
        self.app.push_screen(HelpDialog(f"{title}: help", text, self._key_groups()))

    def commands(self) -> Iterator[SystemCommand]:
        """What keys do here and in what has the focus, but for those that only move."""
        seen = set()
        for active in self.active_bindings.values():
            binding, action = active.binding, (active.node, active.binding.action)
            first = action not in seen and binding.key not in _PLAIN
            seen.add(action)
            if first and active.enabled and binding.description and not binding.system:
                title = f"{binding.description}  {self.app.get_key_display(binding)}"
                call = partial(self.app.run_action, binding.action, active.node)
                yield SystemCommand(title, binding.tooltip, call)

    def _key_groups(self) -> KeyGroups:
        """The keys that work now, by what they are for, then those of other pages."""
        here = [a for a in self.active_bindings.values() if a.enabled and a.binding.description]
        moves = {(a.node, a.binding.action) for a in here if a.binding.key in _MOVES}
        shared = {b.action for b in _described((*Screen.BINDINGS, *Page.BINDINGS))}
        own, moving, everywhere = self.NAME.capitalize(), "Moving", "Everywhere"
        groups: dict[str, list[Binding]] = {own: [], moving: [], everywhere: []}
        for node, binding, *_ in here:
            if not binding.show and (node, binding.action) in moves:
                groups[moving].append(binding)
            elif node is self.app or binding.action in shared:
                groups[everywhere].append(binding)
            else:
                groups[own].append(binding)
        for page in self.dashboard.MODES.values():
            if isinstance(page, type) and issubclass(page, Page) and page.NAME != self.NAME:
                groups[page.NAME.capitalize()] = [
                    self._as_pressed(binding) for binding in _described(page.BINDINGS)
                ]
        return {
            title: sorted(
                {(self.app.get_key_display(b), b.description) for b in bindings},
                key=lambda k: (len(k[0]), k),
            )
            for title, bindings in groups.items()
        }

    def _as_pressed(self, binding: Binding) -> Binding:
        """A binding with the first of its keys, or of those that the user has given it."""
        keys = self.dashboard.preferences.keys.get(str(binding.id), binding.key)
        return replace(binding, key=keys.split(",")[0].strip())


def _described(bindings: Iterable[BindingType]) -> Iterator[Binding]:
    return (b for b in bindings if isinstance(b, Binding) and b.description)
