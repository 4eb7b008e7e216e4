"""The present time, in one place."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present time, UTC."""
    return datetime.now(UTC)


def local(time: datetime) -> datetime:
    """A time by the clock of whoever looks at it."""
    return time.astimezone()
