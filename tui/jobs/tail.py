"""Reads the end of a growing text file, and each time only what has been added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_contracts.errors import ArtifactError
from tui.shared.sanitize import sanitize

#: The most that is read at once; what lies before it is left out.
MOST_BYTES = 1 << 20
#: Longer lines are cut: nobody reads them, and they would hold up everything else.
LONGEST_LINE = 4000


@dataclass(frozen=True)
class Place:
    """How far a file has been read: whole lines only."""

    path: Path | None = None
    offset: int = 0


@dataclass(frozen=True)
class Added:
    """What a file contains beyond a place."""

    before: Place
    after: Place
    lines: tuple[str, ...]
    partial: str = ""
    """A last line that may still grow; it will be read again."""
    anew: bool = False
    """These lines replace all that were read before."""
    left_out: bool = False
    """The file has earlier lines that were not read."""


def read_added(paths: Sequence[Path], place: Place) -> Added | None:
    """What the first of `paths` with any content has beyond `place`; None if none does.

    Raises `ArtifactError` when it cannot be read.
    """
    for path in paths:
        try:
            size = path.stat().st_size
            if size:
                return _read(path, size, place)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ArtifactError(f"{path} cannot be read ({error.strerror})") from error
    return None


def _read(path: Path, size: int, place: Place) -> Added:
    """Starts over in another file, in one that was cut short, and where much was added."""
    read_to = place.offset if path == place.path and place.offset <= size else 0
    start = max(read_to, size - MOST_BYTES)
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(MOST_BYTES)
    whole = data.rfind(b"\n") + 1
    if not whole and len(data) == MOST_BYTES:
        whole = len(data)  # a line without an end must not be read again and again
    lines = data[:whole].decode("utf-8", errors="replace").split("\n")[:-1]
    return Added(
        place,
        Place(path, start + whole),
        # The first line is cut where reading began in the midst of the file.
        tuple(_line(line) for line in (lines[1:] if start > read_to else lines)),
        _line(data[whole:].decode("utf-8", errors="replace")),
        anew=start > read_to or path != place.path or place.offset > size,
        left_out=start > read_to,
    )


def _line(text: str) -> str:
    if len(text) > 4 * LONGEST_LINE:
        text = text[-4 * LONGEST_LINE :] if "\r" in text else text[: 4 * LONGEST_LINE]
    line = sanitize(text)
    return line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + " …"
