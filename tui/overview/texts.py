"""The texts of the page Overview."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from tui.shared.pipeline import ArtifactGroup
from tui.shared.sanitize import escape_markup
from tui.workspace.next_step import NextStep
from tui.workspace.snapshot import Snapshot


def welcome(snapshot: Snapshot, missing: Path | None = None) -> str:
    """The text of an empty workspace; `missing` is its folder where there was none."""
    other = "Open another one:\ncxr dashboard --workspace FOLDER"
    if snapshot.unreadable:
        faults = "\n".join(escape_markup(fault) for fault in snapshot.unreadable)
        return f"[b]This workspace cannot be read.[/]\n\n{faults}\n\n{other}"
    if not snapshot.writable:
        return f"[b]This workspace is empty and read-only.[/]\n\n{other}"
    place = (
        f"Folder {escape_markup(missing)} does not exist yet."
        if missing
        else "This workspace is empty."
    )
    return (
        f"[b]{place}[/]\n\n"
        "[b $text-accent]d[/]  start the demo: the whole pipeline on synthetic patients, in the\n"
        "background; takes a few minutes and uses none of your data\n\n"
        "[b $text-accent]n[/]  start with your own data (opens the [b]extract[/] form)"
    )


def answer(snapshot: Snapshot, width: int) -> list[str]:
    """What the verdicts say together, in lines of `width`, three at most; none without verdicts."""
    more = " … (all of it: 7)"
    return textwrap.wrap(
        snapshot.dated_sentence, max(len(more) + 1, width), max_lines=3, placeholder=more
    )


def about(group: ArtifactGroup) -> str:
    """A group of artifact in a line: who reads it, why it is not current, what it means."""
    reason = f"  [$text-warning]{escape_markup(group.reason)}[/]" if group.reason else ""
    readers = f"  [dim]→[/] {', '.join(group.readers)}" if group.readers else ""
    return f"[b]{group.contract.name}[/]{readers}{reason}  [dim]{group.contract.description}[/]"


def next_step_text(
    running: Sequence[str], step: NextStep | None, writable: bool, failures: int = 0
) -> str:
    """The next command, beside the jobs that are running and the failures that are left."""
    if "run" in running:
        return "[$text-primary]▸[/] pipeline running: missing steps will run automatically"
    if step is not None:
        key = "[b $text-accent]n[/]" if writable else "next"
        return f"{key}: run [b]{escape_markup(step.title)}[/] ({escape_markup(step.why)})"
    if running:
        return f"[$text-primary]▸[/] {len(running)} running"
    if failures:
        runs = "run has" if failures == 1 else "runs have"
        return f"[$text-error]✗[/] {failures} {runs} failed: E says why, 2 then r runs it again"
    return "[$text-success]✓[/] everything is up to date"
