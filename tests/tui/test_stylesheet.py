"""The style sheet: parsed once for each theme."""

from __future__ import annotations

from typing import Any

import pytest
from textual.css import stylesheet
from textual.css.parse import parse

from tui.shared.stylesheet import ParsedOnce


def test_a_source_is_parsed_once_for_each_theme(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def counted(scope: str, css: str, *where: Any, **options: Any) -> Any:
        parsed.append(css)
        return parse(scope, css, *where, **options)

    monkeypatch.setattr(stylesheet, "parse", counted)
    source = "Static { color: $shade; }"
    colours = []
    for shade in ("red", "blue", "red"):
        sheet = ParsedOnce(variables={"shade": "green"})
        sheet.add_source(source, ("here", "Static"))
        sheet.set_variables({"shade": shade})
        sheet.reparse()
        sheet.reparse()
        colours.append(sheet.rules[0].styles.color.css)
    assert colours == ["rgb(255,0,0)", "rgb(0,0,255)", "rgb(255,0,0)"]
    assert parsed == [source] * 2
