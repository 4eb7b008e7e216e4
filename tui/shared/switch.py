"""A choice as it stands in a line above a table: its key, its name and what is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from tui.shared.sanitize import escape_markup

_T = TypeVar("_T")


def switch(key: str, action: str, name: str, chosen: str) -> str:
    """Content markup; a click does what the key does, an action of the page."""
    label = f"{name} " if name else ""
    return (
        f"[$text-accent]{key}[/] [@click=screen.{action}]{label}[b]{escape_markup(chosen)}[/b][/]"
    )


def after(choices: Sequence[_T], current: _T, step: int = 1) -> _T:
    """The choice that follows `current`, round and round."""
    at = choices.index(current) if current in choices else -1
    return choices[(at + step) % len(choices)]
