"""A style sheet that is parsed once: Textual parses it again with every page and dialog."""

from __future__ import annotations

from typing import Any

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

_RULES: dict[tuple[Any, ...], list[RuleSet]] = {}


class ParsedOnce(Stylesheet):
    """Keeps the rules of every source, for each theme in which it has been parsed."""

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._theme = frozenset(variables.items())

    def set_variables(self, variables: dict[str, str]) -> None:
        super().set_variables(variables)
        self._theme = frozenset(variables.items())

    def reparse(self) -> None:
        self.parse()

    def _parse_rules(self, *source: Any, **more: Any) -> list[RuleSet]:
        key = (self._theme, source, *more.items())
        if key not in _RULES:
            _RULES[key] = super()._parse_rules(*source, **more)
        return _RULES[key]
