"""The log of a run: read as it grows, followed, scrolled, searched, and never obeyed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from data_contracts.errors import ArtifactError
from tui.jobs import log_text, tail
from tui.jobs.log_text import LogText
from tui.jobs.tail import Place, read_added
from tui.shared.sanitize import escape_markup, sanitize


class Shown(App[None]):
    def compose(self) -> ComposeResult:
        yield LogText()


@asynccontextmanager
async def shown(*lines: str, size: tuple[int, int] = (40, 10)) -> AsyncIterator[Pilot[None]]:
    async with Shown().run_test(size=size) as pilot:
        metric_table(pilot).add(lines)
        metric_table(pilot).focus()
        await pilot.pause()
        yield pilot


def metric_table(pilot: Pilot[None]) -> LogText:
    return pilot.app.query_one(LogText)


def seen(pilot: Pilot[None]) -> list[str]:
    """What stands on the screen."""
    view = metric_table(pilot)
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


NUMBERED = tuple(f"line {i}" for i in range(100))


def test_only_what_was_added_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("one\ntwo\nthr")
    first = read_added([path], Place())
    assert first is not None
    assert (first.lines, first.partial, first.left_out) == (("one", "two"), "thr", False)
    with path.open("a") as file:
        file.write("ee\nfour\n")
    second = read_added([path], first.after)
    assert second is not None
    assert (second.lines, second.partial, second.anew) == (("three", "four"), "", False)
    assert second.after.offset == path.stat().st_size


def test_what_the_process_printed_gives_way_to_what_the_job_says(tmp_path: Path) -> None:
    log, output = tmp_path / "log.txt", tmp_path / "output.txt"
    assert read_added([log, output], Place()) is None
    log.touch()
    output.write_text("Killed\n")
    first = read_added([log, output], Place())
    assert first is not None
    assert first.lines == ("Killed",)
    log.write_text("cxr extract: done\n")
    second = read_added([log, output], first.after)
    assert second is not None
    assert (second.lines, second.anew) == (("cxr extract: done",), True)


def test_of_a_large_log_only_the_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    lines = [f"{i:09} {'x' * 89}" for i in range(30_000)]  # 3 MB
    path.write_text("\n".join(lines) + "\n")
    added = read_added([path], Place())
    assert added is not None
    assert added.left_out
    assert len(added.lines) <= tail.MOST_BYTES // 100
    assert list(added.lines) == lines[-len(added.lines) :]


def test_a_log_that_was_cut_short_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("one\ntwo\n")
    first = read_added([path], Place())
    path.write_text("new\n")
    assert first is not None
    second = read_added([path], first.after)
    assert second is not None
    assert (second.lines, second.anew) == (("new",), True)


def test_a_line_without_an_end_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "MOST_BYTES", 1000)
    path = tmp_path / "log.txt"
    path.write_text("x" * 5000)
    added = read_added([path], Place())
    assert added is not None
    assert added.after.offset == 5000


def test_a_log_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "log.txt").mkdir()
    with pytest.raises(ArtifactError, match=r"log\.txt cannot be read"):
        read_added([tmp_path / "log.txt"], Place())


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("plain ü 肺", "plain ü 肺"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("10 %\r50 %\r100 %", "100 %"),
        ("windows\r\n", "windows"),
        ("bell\x07 back\x08 delete\x7f c1\x9b31m", "bell back delete c131m"),
        ("a\tb", "a   b"),
        ("turned\u202e round\u2066 zero\u200b", "turned round zero"),
        ("two\nlines", "twolines"),
    ],
)
def test_control_characters_do_nothing(text: str, plain: str) -> None:
    assert sanitize(text) == plain


def test_markup_stays_text() -> None:
    assert escape_markup("[b]x[/]") == "\\[b]x\\[/]"


async def test_markup_and_links_in_a_log_stay_text() -> None:
    line = "[bold red]x[/] [@click=app.quit]y[/] $primary \\"
    async with shown(line, size=(80, 5)) as pilot:
        assert seen(pilot)[0] == line


async def test_it_follows_until_one_scrolls_up() -> None:
    async with shown(*NUMBERED) as pilot:
        view = metric_table(pilot)
        assert seen(pilot)[-1] == "line 99"
        view.add(["line 100"])
        assert seen(pilot)[-1] == "line 100"
        await pilot.press("k")
        assert not view.following
        before = seen(pilot)
        view.add(["line 101"])
        await pilot.pause()
        assert seen(pilot) == before
        await pilot.press("end")
        assert view.following
        assert seen(pilot)[-1] == "line 101"


async def test_the_wheel_pauses_and_the_way_down_resumes() -> None:
    async with shown(*NUMBERED) as pilot:
        view = metric_table(pilot)
        await pilot._post_mouse_events([events.MouseScrollUp], view, button=0)
        while view.following:
            await pilot.pause(0.01)
        await pilot.press("pagedown")
        assert view.following


async def test_a_resize_keeps_the_end() -> None:
    async with shown(*NUMBERED) as pilot:
        for size in ((40, 5), (20, 15), (90, 8)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert seen(pilot)[-1] == "line 99"
            assert metric_table(pilot).following


async def test_what_is_read_stays_in_place_while_early_lines_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_text, "MOST_LINES", 100)
    async with shown(*NUMBERED) as pilot:
        view = metric_table(pilot)
        assert not view.left_out
        await pilot.press("pageup")
        before = seen(pilot)
        view.add([f"more {i}" for i in range(30)])
        await pilot.pause()
        assert view.left_out
        assert len(view.lines) == 100
        assert seen(pilot) == before


async def test_a_growing_last_line_is_replaced() -> None:
    async with shown("one") as pilot:
        view = metric_table(pilot)
        view.add([], "tw")
        view.add([], "two")
        view.add(["two and"], "th")
        assert list(view.lines) == ["one", "two and", "th"]


async def test_lines_wrap_or_scroll_sideways() -> None:
    long = "".join(str(i % 10) for i in range(70)) + "肺" * 20
    async with shown(long) as pilot:
        view = metric_table(pilot)
        wrapped = [text for text in seen(pilot) if text]
        assert "".join(wrapped) == long
        assert len(wrapped) == 3
        await pilot.press("w")
        assert [text for text in seen(pilot) if text] == [long[:39]]
        await pilot.press(*["right"] * 3)
        while view.scroll_offset.x < 3:
            await pilot.pause(0.01)
        assert seen(pilot)[0].startswith("3456")


async def test_search_goes_from_match_to_match() -> None:
    async with shown(*NUMBERED, "LINE 7 again") as pilot:
        view = metric_table(pilot)
        await pilot.press("g")
        view.search("line 7")
        assert view.matches == (1, 12)
        assert "line 7" in seen(pilot)
        await pilot.press("n", "n")
        assert view.matches == (3, 12)
        assert "line 71" in seen(pilot)
        await pilot.press("N", "N", "N")
        assert view.matches == (12, 12)
        assert seen(pilot)[-1] == "LINE 7 again"
        view.add(["line 700"])
        assert view.matches == (12, 13)


async def test_a_match_is_marked() -> None:
    async with shown("a fault here, a fault there") as pilot:
        view = metric_table(pilot)
        view.search("fault")
        styles = {s.text: s.style for s in view.render_line(0) if s.text.strip()}
        backgrounds = [
            s.style.bgcolor for s in view.render_line(0) if s.style and s.text == "fault"
        ]
        assert len(set(backgrounds)) == 2, "the match one is at looks different"
        assert styles["fault"] != styles["a "]
        view.search("")
        assert view.matches == (0, 0)
