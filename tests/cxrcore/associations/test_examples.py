"""The worked examples of docs/methods/association.md print what stands below them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "methods" / "association.md"
#: The language, empty of an output, and the text of each block of code.
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+\.\d+")


def test_each_example_prints_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    compared = 0
    for language, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language == "python":
            exec(text, names)
        else:
            printed = capsys.readouterr().out
            assert NUMBER.sub("#", printed) == NUMBER.sub("#", text)
            found, said = ([float(n) for n in NUMBER.findall(t)] for t in (printed, text))
            assert found == pytest.approx(said, abs=0.002)
            compared += 1
    assert compared == 6
