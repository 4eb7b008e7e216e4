"""The worked examples of docs/methods/ run, and print what stands below them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

METHODS = Path(__file__).parents[3] / "docs" / "methods"
#: The language, empty of an output, and the text of each block of code.
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d+\.\d+")


def test_each_example_prints_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    compared = 0
    for language, text in BLOCK.findall((METHODS / "association.md").read_text("utf-8")):
        if language == "python":
            exec(text, names)
        else:
            printed = capsys.readouterr().out
            assert NUMBER.sub("#", printed) == NUMBER.sub("#", text)
            found, said = ([float(n) for n in NUMBER.findall(t)] for t in (printed, text))
            assert found == pytest.approx(said, abs=0.002)
            compared += 1
    assert compared == 6


def test_how_often_a_guessing_network_passes_can_be_counted_again() -> None:
    names: dict[str, Any] = {}
    for language, text in BLOCK.findall((METHODS / "aggregate.md").read_text("utf-8")):
        exec(text if language == "python" else "", names)
    assert names["share_that_pass"]((50, 50), 10) in (0, 0.1, 0.2)
