"""Everything that is wrong, in one text."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.text import Text

from data_contracts.run import RunRecord, moment
from tui import clock
from tui.shared.run_texts import what_of, why_failed
from tui.shared.sanitize import escape_markup
from tui.workspace.records import FAILED
from tui.workspace.snapshot import Snapshot

_MOST_RUNS = 20


def errors_text(snapshot: Snapshot | None, errors: Sequence[str], seen: int = 0) -> str:
    """What is wrong with the workspace, which runs failed, and what went wrong, newest first.

    The first `seen` of `errors` have been looked at before.
    """
    faults = [escape_markup(fault) for fault in snapshot.faults] if snapshot else []
    failed = snapshot.failures if snapshot else ()
    more = len(failed) - _MOST_RUNS
    failures = [_failure_text(record) for record in failed[:_MOST_RUNS]]
    failures += [f"[dim]and {more:,} earlier: see Jobs (2), filter: failed[/]"] if more > 0 else []
    parts = (
        ("In the workspace", faults),
        ("Failed runs", failures),
        ("Since the dashboard opened", list(reversed(errors[seen:]))),
        ("Seen before", list(reversed(errors[:seen]))),
    )
    text = "\n\n".join("\n".join([f"[b]{title}[/]", *lines]) for title, lines in parts if lines)
    return text or "No errors."


def newly_failed(before: Snapshot, after: Snapshot) -> Iterator[RunRecord]:
    """The runs that were under way and have failed since."""
    unfinished = {r.run_id for r in before.runs if r.state in ("submitted", "running")}
    return (r for r in after.runs if r.run_id in unfinished and r.state in FAILED)


def failures_by_reason(records: Sequence[RunRecord]) -> Iterator[tuple[str, str]]:
    """Title and text for the failed runs of each job that have the same reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for record in records:
        groups.setdefault((record.job, why_failed(record)), []).append(what_of(record))
    for (job, why), names in groups.items():
        several = f"{len(names)} runs of {job} failed"
        title = several if len(names) > 1 else f"{job} {names[0]} failed".replace("  ", " ")
        yield title, f"{', '.join(names)}: {why}" if len(names) > 1 else why


def _failure_text(record: RunRecord) -> str:
    name = escape_markup(f"{record.job} {what_of(record)}".strip())
    begun = moment(record.started)
    when = f"{clock.local(begun):%m-%d %H:%M}" if begun else ""
    return f"[dim]{when}[/] {name}: {escape_markup(why_failed(record))}"


def internal_error(error: BaseException | None) -> Text:
    """One line on a fault of the dashboard: its place alone, since its text may hold a value."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    line = f"cxr dashboard: internal error: {type(error).__name__}{place}; jobs go on without it"
    return Text(line, no_wrap=True, overflow="ignore")
