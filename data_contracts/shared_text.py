"""JSON of which thousands are kept: texts that they share are in memory once."""

from __future__ import annotations

import json
from sys import intern
from typing import Any


def loads_shared(text: str | bytes) -> Any:
    """As `json.loads`, but equal names and texts, of other documents too, are the same object."""
    return json.loads(text, object_hook=_shared)


def _shared(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        intern(name): intern(value) if isinstance(value, str) else value
        for name, value in facts.items()
    }
