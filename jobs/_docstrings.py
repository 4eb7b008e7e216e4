"""The texts of `--help`: docstrings, also where Python was told to strip them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

_Command = TypeVar("_Command", bound=Callable[..., Any])


def docstring(item: ModuleType | Callable[..., Any]) -> str:
    """The docstring of a module or function, also under `-OO`; empty if it has none."""
    if item.__doc__ is None:
        tree = ast.parse(textwrap.dedent(inspect.getsource(item)))
        found = ast.get_docstring(tree if isinstance(item, ModuleType) else tree.body[0])  # type: ignore[arg-type]
        return found or ""
    return inspect.cleandoc(item.__doc__)


def documented(command: _Command) -> _Command:
    """Give a command of the command line back the docstring that its help is made from."""
    command.__doc__ = docstring(command)
    return command
