"""What the locks pin: read by the scripts beside this file."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER = Path(__file__).parent


def pins(*locks: str) -> dict[str, str]:
    """Read the locks of these names: version by normalised name, of what this platform installs.

    Raises:
        ValueError: A requirement without `==`.
    """
    found: dict[str, str] = {}
    for lock in locks:
        text = (FOLDER / f"{lock}.txt").read_text()
        for line in re.findall(r"^[^\s#][^\\\n]*", text, flags=re.MULTILINE):
            wish = Requirement(line)
            pinned = re.fullmatch(r"==([^*,]+)", str(wish.specifier))
            if pinned is None:
                raise ValueError(f"requirements/{lock}.txt: {line.strip()} is not pinned")
            if wish.marker is None or wish.marker.evaluate():
                found[canonicalize_name(wish.name)] = pinned[1]
    return found
