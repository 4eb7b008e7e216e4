"""The texts of a run: its state, its subject, its times, its progress."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from data_contracts.run import RunRecord, seconds_between
from tui.shared.sanitize import sanitize
from tui.shared.toned import Tone
from tui.workspace.records import FAILED, config_of
from tui.workspace.snapshot import Progress

#: By any text, since a record may contain anything.
SIGNS: Mapping[str, tuple[str, Tone]] = {
    "submitted": ("◌", "dim"), "running": ("▸", "live"), "succeeded": ("✓", "good"),
    "failed": ("✗", "bad"), "interrupted": ("‖", "warn"), "cancelled": ("■", "dim"),
    "lost": ("?", "bad"),
}  # fmt: skip
#: What the exit codes of all jobs mean.
EXIT_CODES = {
    0: "done", 1: "internal error", 2: "invalid settings", 3: "artifact or disk problem",
    4: "unusable source data", 75: "interrupted: retry resumes",
}  # fmt: skip
#: Cells of a bar, where there is room and where there is little.
_BARS = (8, 4, 2)


@cache
def state_text(state: str) -> str:
    """A state with its sign."""
    return f"{SIGNS[state][0]} {state}" if state in SIGNS else sanitize(state)


def tone_of(state: str) -> Tone:
    return SIGNS[state][1] if state in SIGNS else ""


def what_of(record: RunRecord) -> str:
    """What the run is about: task and name, or tasks, and its shard."""
    config = config_of(record)
    parts = [str(config[k]) for k in ("task", "name") if config.get(k) not in (None, "")]
    if not parts and config.get("tasks"):
        parts = [str(config["tasks"])]
    shard = config.get("shard")
    whole = shard in (None, "", "1/1")
    return sanitize(" ".join(["/".join(parts), "" if whole else str(shard)]).strip())


def reason_of(record: RunRecord) -> str:
    """Why a run ended as it did; empty where nothing more is to be said than its state."""
    if record.state in FAILED:
        return sanitize(why_failed(record))
    if record.message and record.message not in ("done", "cancelled"):
        return sanitize(record.message)
    if record.state == "interrupted":
        return EXIT_CODES.get(record.exit_code or 0, "")
    return ""


def why_failed(record: RunRecord) -> str:
    """Why a run failed; one that was killed, and so is lost, could not record it."""
    recorded = record.message if record.state == "failed" else ""
    return recorded or "killed (possibly out of memory)"


def duration_text(seconds: float | None) -> str:
    """`0:42`, `1:02:03`, or `2d 03h`."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24}d {hours % 24:02}h"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def age_text(begun: datetime | None, now: datetime) -> str:
    """How long ago, in its largest unit; what lies ahead of a clock that was put back is now."""
    if begun is None:
        return ""
    minutes = int(seconds_between(begun, now) or 0) // 60
    for size, unit in ((1440, "d"), (60, "h"), (1, "min")):
        if minutes >= size:
            return f"{minutes // size} {unit}"
    return "now"


def progress_text(progress: Progress, width: int) -> str:
    """Bar, share, remaining time and rate, as many of these as fit into `width`."""
    share = min(1.0, max(0.0, progress.done / max(1, progress.total)))
    # Jobs differ in length: of a pipeline their number says more than a percentage.
    is_count = progress.unit == "jobs"
    number = f"{progress.done}/{progress.total}" if is_count else f"{int(100 * share):2d} %"
    seconds, rate = progress.seconds_left, ""
    if progress.rate:
        seconds = max(0, progress.total - progress.done) / progress.rate
        rate = f"  {rate_text(progress.rate, progress.unit)}"
    left = duration_text(seconds)
    ends = [f"  {left} left{rate}", f"  {left} left", f" {left}"] if left else []
    # The remaining time says more than a long bar.
    texts = [f"{_bar(share, length)} {number}{end}" for length in _BARS for end in ends]
    return next((t for t in texts if len(t) <= width), f"{_bar(share, _BARS[0])} {number}")


def _bar(share: float, length: int) -> str:
    full = round(share * length)
    return "█" * full + "░" * (length - full)


def rate_text(rate: float, unit: str) -> str:
    """`12 images/s`, `0.84 batches/s`."""
    return f"{rate:,.{0 if rate >= 10 else 1 if rate >= 1 else 2}f} {sanitize(unit)}/s"
