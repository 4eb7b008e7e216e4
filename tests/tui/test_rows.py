"""The table: sorting, filtering, the cursor, the mouse, and any number of rows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tui.shared.rows import Rows
from tui.shared.sanitize import cut_middle, cut_name, pad, sanitize
from tui.shared.table import Column, Row, arranged, column_widths

NAMES = ("delta", "alpha", "charlie", "bravo")
FEW = [
    Row(name, (name, str(i)), (name, None if i == 2 else i), ("good", ""))
    for i, name in enumerate(NAMES)
]


class Shown(App[None]):
    """An application with nothing but a table."""

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__()
        self._rows = rows
        self.posted: list[str] = []

    def compose(self) -> ComposeResult:
        yield Rows(Column("name"), Column("number", 8, right=True))

    def on_mount(self) -> None:
        self.query_one(Rows).set_rows(self._rows)

    def on_rows_highlighted(self, message: Rows.Highlighted) -> None:
        self.posted.append(message.key)

    def on_rows_chosen(self, message: Rows.Chosen) -> None:
        self.posted.append(f"chosen {message.key}")


@asynccontextmanager
async def table(rows: Sequence[Row] = FEW) -> AsyncIterator[tuple[Pilot[None], Rows, list[str]]]:
    app = Shown(rows)
    async with app.run_test(size=(40, 8)) as pilot:
        await pilot.pause()
        widget = app.query_one(Rows)
        widget.focus()
        yield pilot, widget, app.posted


def keys(widget: Rows) -> list[str]:
    return [row.key for row in widget.shown]


def lines(widget: Rows) -> list[str]:
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


async def test_the_header_stays_and_numbers_stand_at_the_right() -> None:
    async with table([Row(str(i), (f"row {i}", str(i))) for i in range(100)]) as (pilot, rows, _):
        await pilot.press("G")
        shown = lines(rows)
        assert shown[0].split() == ["name", "number"]
        assert shown[-1].split() == ["row", "99", "99"]
        assert shown[-1].endswith(" 99")


@pytest.mark.parametrize(
    ("pressed", "want"),
    [("j", "alpha"), ("down down", "charlie"), ("G", "bravo"), ("G k", "charlie"),
     ("G g", "delta"), ("pagedown", "bravo"), ("k", "delta"), ("end home", "delta")],
)  # fmt: skip
async def test_keys_move_the_cursor(pressed: str, want: str) -> None:
    async with table() as (pilot, rows, posted):
        await pilot.press(*pressed.split())
        assert rows.current is not None
        assert rows.current.key == want == posted[-1]


async def test_s_sorts_by_the_next_column_and_nulls_come_last() -> None:
    async with table() as (pilot, rows, _):
        await pilot.press("s")
        assert keys(rows) == sorted(NAMES)
        assert lines(rows)[0].startswith("name ↑")
        await pilot.press("s")
        assert keys(rows) == ["delta", "alpha", "bravo", "charlie"]
        await pilot.press("S")
        assert keys(rows) == ["bravo", "alpha", "delta", "charlie"]


async def test_the_cursor_stays_on_its_row() -> None:
    async with table() as (pilot, rows, posted):
        await pilot.press("j")
        rows.set_rows([Row("new", ("new", "9")), *FEW])
        assert rows.current is not None
        assert rows.current.key == "alpha"
        await pilot.press("s")
        assert rows.current.key == "alpha"
        await pilot.pause()
        assert posted == ["delta", "alpha"], "nothing new was highlighted"


async def test_a_filter_keeps_rows_with_every_word() -> None:
    async with table() as (_, rows, _told):
        rows.filter("A 1")
        assert keys(rows) == ["alpha"]
        rows.filter("")
        assert keys(rows) == list(NAMES)


async def test_a_table_that_shrinks_keeps_its_cursor_in_view() -> None:
    async with table([Row(str(i), (f"row {i}", str(i))) for i in range(7)]) as (pilot, rows, _):
        await pilot.press("G")
        assert rows.scroll_offset.y == 0
        await pilot.resize_terminal(40, 5)
        assert lines(rows)[-1].startswith("row 6")


async def test_a_table_without_rows_has_no_current_one() -> None:
    async with table([]) as (pilot, rows, posted):
        await pilot.press("j", "enter", "G")
        assert rows.current is None
        assert posted == []


async def test_a_click_moves_the_cursor_and_a_second_one_opens() -> None:
    async with table() as (pilot, rows, posted):
        await pilot.click(Rows, offset=(3, 3))
        assert rows.cursor == 2
        await pilot.click(Rows, offset=(3, 3))
        assert posted[-1] == "chosen charlie"


async def test_a_click_on_the_header_sorts_and_again_reverses() -> None:
    async with table() as (pilot, rows, _):
        await pilot.click(Rows, offset=(2, 0))
        assert keys(rows) == sorted(NAMES)
        await pilot.click(Rows, offset=(2, 0))
        assert keys(rows) == sorted(NAMES, reverse=True)


async def test_only_lines_that_are_seen_are_drawn() -> None:
    many = [Row(str(i), (f"row {i}", str(i))) for i in range(50_000)]
    async with table(many) as (pilot, rows, _):
        drawn: list[int] = []
        draw = rows.render_line
        rows.render_line = lambda y: drawn.append(y) or draw(y)  # type: ignore
        await pilot.press("G")
        await pilot.pause()
        assert max(drawn) < rows.size.height
        assert rows.current is not None
        assert rows.current.key == "49999"


async def test_a_title_counts_the_rows_where_there_is_room() -> None:
    async with table() as (_, rows, _):
        rows.set_columns(Column("name", counts=True), Column("number", 8, right=True))
        assert rows.render_line(0).text.split() == ["name", "(4)", "number"]
        rows.filter("alpha")
        assert "name (1 of 4)" in rows.render_line(0).text
        rows.set_columns(Column("name", 8, counts=True))
        assert rows.render_line(0).text.split() == ["name"]


@pytest.mark.parametrize(
    ("room", "want"),
    [(40, [10, 16, 10]), (58, [10, 16, 28]), (62, [10, 20, 28]), (80, [10, 32, 34])],
)
def test_names_grow_where_there_is_room(room: int, want: list[int]) -> None:
    columns = (Column("job", 10), Column("task", 16, name=True, most=32), Column("outcome"))
    assert column_widths(columns, room, 2) == want


async def test_a_table_that_waits_for_its_columns_cannot_be_sorted() -> None:
    async with table([]) as (pilot, rows, _):
        rows.set_columns()
        await pilot.press("s", "S")
        await pilot.click(Rows)
        assert rows.order is None


@given(
    values=st.lists(st.one_of(st.none(), st.integers()), max_size=30),
    reverse=st.booleans(),
)
def test_sorting_loses_nothing_and_puts_nulls_last(values: list[int | None], reverse: bool) -> None:
    rows = [Row(str(i), (str(v),), (v,)) for i, v in enumerate(values)]
    got = [row.values[0] for row in arranged(rows, [], (0, reverse))]
    known = sorted((v for v in values if v is not None), reverse=reverse)
    assert got == known + [None] * values.count(None)


@given(text=st.text(max_size=40), width=st.integers(1, 30))
def test_a_name_is_cut_in_the_middle_and_keeps_its_end(text: str, width: int) -> None:
    cut = cut_middle(sanitize(text), width)
    assert cell_len(cut) <= width
    assert cell_len(pad(sanitize(text), width, middle=True)) == width
    if cell_len(sanitize(text)) > width > 3:
        assert "…" in cut


def test_models_of_one_task_stay_apart() -> None:
    names = [f"mortality/permuted-labels-seed{seed}" for seed in (1, 2)]
    assert [cut_name(name, 20) for name in names] == [
        "mortality/per…-seed1",
        "mortality/per…-seed2",
    ]
    paths = [f"models/insurance/{name}/attributions-gradcam-test.h5" for name in ("main", "null")]
    assert [cut_name(path, 35) for path in paths] == [
        "models/insurance/main/attr…-test.h5", "models/insurance/null/attr…-test.h5"
    ]  # fmt: skip
