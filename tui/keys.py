"""The keys of the dashboard by the names of what they do, for the preferences file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, key_to_character

import tui.launch.screen  # noqa: F401  # else it is loaded only when it opens
from tui.app import Dashboard
from tui.shared.page import Page
from tui.shared.rows import Rows

_PAGES: tuple[Any, ...] = tuple(Dashboard.MODES.values())
_MODIFIERS = {"ctrl", "alt", "shift", "super", "meta", "hyper"}
_NAMED = {key.value for key in Keys} | set(KEY_NAME_REPLACEMENTS.values())


def action_names() -> list[str]:
    """Everything that another key can be given to."""
    own = [kind for kind in _subclasses(DOMNode) if kind.__module__.startswith("tui.")]
    return sorted({b.id for kind in own for b in _bindings(vars(kind).get("BINDINGS", [])) if b.id})


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


def _subclasses(kind: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _bindings(given: list[BindingType]) -> Iterator[Binding]:
    return (b for b in given if isinstance(b, Binding))
