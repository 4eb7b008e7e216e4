"""What the table of verdicts holds, hides and explains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dashboards import LEAST, write_workspace
from evidence_tables import sentence_about

from tui.results.evidence import Evidence, read_evidence
from tui.results.export import png_of_verdicts
from tui.results.verdicts import Verdicts, verdicts_of
from tui.workspace.scan import Scanner
from tui.workspace.tables import Tables


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder = tmp_path_factory.mktemp("verdicts") / "workspace"
    write_workspace(folder)
    return evidence_at(folder)


def evidence_at(workspace: Path) -> Evidence:
    return read_evidence(Tables(workspace), Scanner(workspace).scan())


def verdict_table(found: Evidence, query: str) -> Verdicts:
    return verdicts_of(found.verdicts, found.orders, found.sentence, query, found.least)


def changed(summary: Evidence, attribute: str, level: str, **values: Any) -> Verdicts:
    """The table where one cell has other values."""
    rows = [
        {**r, **values} if (r["attribute"], r["evidence_level"]) == (attribute, level) else r
        for r in summary.verdicts
    ]
    return verdict_table(replace(summary, verdicts=rows), "")


def notes(table: Verdicts) -> str:
    return "\n".join(text for _, text in table.notes)


def test_rows_are_attributes_and_columns_levels(summary: Evidence) -> None:
    table = verdict_table(summary, "")
    assert table.reference == "mortality"
    assert table.attributes == ("gender", "race", "insurance")
    assert table.levels == ("label", "score", "representation", "use", "attribution")
    assert table.sentence == sentence_about(("mortality", "gender", "race", "insurance"))
    assert verdict_table(summary, "RAC").attributes == ("race",)


def test_a_cell_begins_with_the_verdict(summary: Evidence) -> None:
    cells = verdict_table(summary, "").cells
    assert cells["gender", "label"].lines(40) == [
        "shared", "0.850", "0.750–0.950", "Holm p < 0.001", "n 120"
    ]  # fmt: skip
    assert cells["insurance", "use"].lines(20) == [
        "not shared", "−0.200", "−0.300 to −0.100", "Holm p 0.200", "not beyond chance (p",
        "= 0.2 after Holm),", "and below 0.5", "n 120",
    ]  # fmt: skip
    assert cells["insurance", "use"].lines(14)[2] == "−0.300…−0.100"


def test_a_cell_without_a_value_says_why(summary: Evidence) -> None:
    empty = dict.fromkeys(("value", "low", "high", "p_holm"))
    table = changed(summary, "race", "use", **empty, reason="no features of mortality", subjects=0)
    assert table.cells["race", "use"].lines(40) == [
        "undetermined", "no features of mortality", "n 0"
    ]  # fmt: skip


def test_few_patients_are_not_disclosed(summary: Evidence) -> None:
    table = verdict_table(summary, "")
    assert table.cells["insurance", "score"].lines(40) == ["n/d"]
    assert notes(table).count("n/d: not disclosed") == 1
    assert f"fewer than {LEAST} patients" in notes(table)
    shown = [r for r in summary.verdicts if not r["suppressed"]]
    table = verdict_table(replace(summary, verdicts=shown), "")
    assert "n/d" not in notes(table)
    assert [cell.verdict for cell in table.row("insurance")][:3] == [
        "not shared",
        "—",
        "not shared",
    ]


def test_notes_name_what_decides_each_level(summary: Evidence) -> None:
    text = notes(verdict_table(summary, ""))
    assert "not shared: the whole CI below the smallest value of interest, whatever p" in text
    assert (
        "label: Do the labels go together, beyond age, sex and view? Cramér's V of the labels, "
        "adjusted for age, sex, view; gender > race ~ insurance\n"
    ) in text
    assert "(partial correlation ratio), within the same outcome; gender > race\n" in text
    assert "One training of each network" in text
    assert "Some verdicts rest on one" in notes(changed(summary, "race", "use", trainings=5))
    rows = [{**row, "trainings": 5} for row in summary.verdicts]
    assert "one training" not in notes(verdict_table(replace(summary, verdicts=rows), "")).lower()


def test_without_orders_none_is_said(summary: Evidence) -> None:
    text = notes(verdict_table(replace(summary, orders=()), ""))
    assert ">" not in text
    assert "~" not in text


def test_the_table_is_exported_with_its_sentence(summary: Evidence) -> None:
    table = verdict_table(summary, "")
    png = png_of_verdicts(table)
    assert png.startswith(b"\x89PNG")
    assert png_of_verdicts(replace(table, sentence="Nothing is shared.")) != png
