"""The keys of the dashboard by the names of what they do, for the preferences file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from textual.binding import Binding, BindingType
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, key_to_character

from tui.app import Dashboard
from tui.artifact.lineage import Lineage
from tui.artifact.schema_table import SchemaTable
from tui.heatmaps.picture import Picture
from tui.jobs.log_pane import LogPane, LogSearch
from tui.jobs.log_text import LogText
from tui.jobs.note_dialog import NoteDialog
from tui.jobs.run_table import RunTable
from tui.launch.choices import Choices
from tui.launch.launch_form import LaunchForm
from tui.launch.screen import LaunchScreen
from tui.metrics.compare import Compare
from tui.overview.chooser import Chooser
from tui.overview.pipeline_graph import PipelineGraph
from tui.results.ladder_page import LadderPage, LadderText
from tui.results.verdict_table import VerdictTable
from tui.shared.dialogs import Question, TextDialog
from tui.shared.filter_bar import FilterBar
from tui.shared.help_dialog import HelpDialog
from tui.shared.page import Page
from tui.shared.reading_pane import ReadingPane
from tui.shared.rows import Rows

_PAGES: tuple[Any, ...] = tuple(Dashboard.MODES.values())
_OTHERS: tuple[Any, ...] = (
    FilterBar, TextDialog, Question, LaunchScreen, LaunchForm, Choices, Compare, LogText, LogPane,
    LogSearch, PipelineGraph, Chooser, ReadingPane, SchemaTable, Lineage, VerdictTable, LadderPage,
    LadderText, HelpDialog, RunTable, NoteDialog, Picture,
)  # fmt: skip
_MODIFIERS = {"ctrl", "alt", "shift", "super", "meta", "hyper"}
_NAMED = {key.value for key in Keys} | set(KEY_NAME_REPLACEMENTS.values())


def action_names() -> list[str]:
    """Everything that another key can be given to."""
    kinds = (Dashboard, Page, Rows, *_PAGES, *_OTHERS)
    return sorted({b.id for kind in kinds for b in _bindings(kind.BINDINGS) if b.id})


def is_key(text: str) -> bool:
    """Whether `text` names a key as Textual does: `f2`, `ctrl+q`, `slash`, or the character."""
    *modifiers, key = text.split("+")
    return set(modifiers) <= _MODIFIERS and (key in _NAMED or key_to_character(key) is not None)


def clashes(keys: Mapping[str, str]) -> list[str]:
    """The keys that two actions of one page would share under other `keys`."""
    faults: dict[str, None] = {}
    for page in _PAGES:
        taken: dict[str, set[str]] = defaultdict(set)
        for kind in (Dashboard, Page, Rows, page):
            for binding in _bindings(kind.BINDINGS):
                name = binding.id or binding.action
                for key in (keys.get(name) or binding.key).split(","):
                    taken[key.strip()].add(name)
        for key, names in taken.items():
            if len(names) > 1 and names & set(keys):
                faults[f"{' and '.join(sorted(names))} would both be bound to {key}"] = None
    return list(faults)


def _bindings(given: list[BindingType]) -> Iterator[Binding]:
    return (b for b in given if isinstance(b, Binding))
