"""What is wrong with an entry of the form, in words, without regular expressions."""

from __future__ import annotations

import re
import string

from pydantic_core import ErrorDetails

from jobs._config import complaint
from tui.launch.form import Entry

REQUIRED = "required"
#: A pattern of one set of characters, perhaps after another for the first; and the longest.
_NAME = re.compile(r"\^((?:\[(?:\\.|[^\]\\])+\])?)\[(?:\\.|[^\]\\])+\]\{[01],(\d+)\}\$")
_SETS = {"letters": string.ascii_letters, "small letters": string.ascii_lowercase,
         "digits": string.digits}  # fmt: skip


def complaint_of(error: ErrorDetails, entry: Entry) -> str:
    """A fault of an entry, as text that can follow its name."""
    if error["type"] == "missing":
        return REQUIRED
    if error["type"] != "string_pattern_mismatch":
        return complaint(error)
    if name := _NAME.fullmatch(pattern := error["ctx"]["pattern"]):
        return _allowed(pattern, longest=int(name[2]) + bool(name[1]))
    example = entry.example
    return f"must have the form of {example}" if example else f"does not fit: {entry.help}"


def _allowed(pattern: str, longest: int) -> str:
    """Which characters the pattern of a name lets through, how many, and which of them first."""
    characters = string.printable.strip()
    first = {c for c in characters if re.search(pattern, c)}
    later = {c for c in characters if re.search(pattern, f"a{c}")}
    names = [n for n, s in _SETS.items() if later >= {*s}]
    names = [n for n in names if n != "small letters" or "letters" not in names]
    signs = sorted(later - {c for n in names for c in _SETS[n]})
    *most, last = [*names, *signs]
    text = f"must be {', '.join(most)} or {last}, at most {longest}"
    start = " or ".join(n.removesuffix("s") for n in names)
    return text if later == first else f"{text}, and begin with a {start}"
