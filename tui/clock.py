"""The present time, in one place."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present time, UTC."""
    return datetime.now(UTC)
