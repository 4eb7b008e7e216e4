"""The user's preferences: theme and keys."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Preferences:
    """The content of the file."""

    theme: str = "cxr-dark"
    keys: dict[str, str] = field(default_factory=dict)
    """Keys by the name of what they do, such as `page.jobs: f2`; several with commas."""
