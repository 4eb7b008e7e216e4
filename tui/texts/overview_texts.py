"""What the page Overview says in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tui.launching.next_step import NextStep
from tui.texts.sanitize import escape_markup
from tui.workspace.pipeline import ArtifactGroup
from tui.workspace.snapshot import Snapshot


def welcome(snapshot: Snapshot, missing: Path | None = None) -> str:
    """What an empty workspace says; `missing` is its folder where there was none."""
    other = "Choose another one:\ncxr dashboard --workspace FOLDER"
    if snapshot.unreadable:
        faults = "\n".join(escape_markup(fault) for fault in snapshot.unreadable)
        return f"[b]Nothing of this workspace can be read.[/]\n\n{faults}\n\n{other}"
    if not snapshot.writable:
        return f"[b]This workspace is empty, and nothing can be written to it.[/]\n\n{other}"
    place = (
        f"There is no folder {escape_markup(missing)} yet."
        if missing
        else "This workspace is empty."
    )
    return (
        f"[b]{place}[/]\n\n"
        "[b $text-accent]d[/]  starts the demonstration: the whole pipeline, in the background,\n"
        "on synthetic patients; it takes some minutes and none of your data.\n\n"
        "[b $text-accent]n[/]  begins with your own data: the form of [b]extract[/]."
    )


def about(group: ArtifactGroup) -> str:
    """A group of artifact in a line: who reads it, why it is not current, what it means."""
    reason = f"  [$text-warning]{escape_markup(group.reason)}[/]" if group.reason else ""
    readers = f"  [dim]→[/] {', '.join(group.readers)}" if group.readers else ""
    return f"[b]{group.contract.name}[/]{readers}{reason}  [dim]{group.contract.description}[/]"


def next_step_text(running: Sequence[str], step: NextStep | None, writable: bool) -> str:
    """The next command, beside the jobs that are running."""
    if "run" in running:
        return "[$text-primary]▸[/] the pipeline is running; what it has to make, it makes itself"
    if step is not None:
        key = "[b $text-accent]n[/] launches" if writable else "next is"
        return f"{key} [b]{escape_markup(step.title)}[/]: {escape_markup(step.why)}"
    if running:
        return f"[$text-primary]▸[/] {len(running)} running"
    return "[$text-success]✓[/] everything is up to date"
