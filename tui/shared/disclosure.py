"""The line that explains, once on a page, what is not disclosed."""

from __future__ import annotations

from textual.widgets import Static

from data_contracts.disclosure import explanation


class Disclosure(Static):
    """Says what `n/d` means; not seen where there is none."""

    DEFAULT_CSS = """
    Disclosure { height: auto; padding: 0 1; color: $foreground 70%; display: none; }
    """

    def explain(self, least: int | None) -> None:
        """Fewer patients than `least` are not disclosed; None: nothing is withheld."""
        self.update("" if least is None else explanation(least))
        self.display = least is not None
