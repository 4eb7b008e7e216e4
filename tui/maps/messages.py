"""What the page Heatmaps is told by its workers."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from tui.maps.choice import View
from tui.maps.data import Summary
from tui.maps.images import Explained
from tui.maps.painting import Painting
from tui.widgets.similarity import Matrix


@dataclass
class SummaryRead(Message):
    """The summary with these digests has been read."""

    key: tuple[str, ...]
    summary: Summary


@dataclass
class ExplainedRead(Message):
    """The single images of a model have been looked up, or cannot be, for `problem`."""

    key: tuple[str, ...]
    explained: Explained | None
    problem: str = ""


@dataclass
class Painted(Message):
    """A view is ready; None: it could not be made."""

    view: View
    painting: Painting | Matrix | None


@dataclass
class Exported(Message):
    """A file for a person is ready."""

    name: str
    data: bytes
