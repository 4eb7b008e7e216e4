"""What workers send to the page Heatmaps."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from tui.maps.data import SummaryData
from tui.maps.figure import HeatmapFigure
from tui.maps.images import ExplainedImages
from tui.maps.state import TabName


@dataclass
class SummaryRead(Message):
    """The summary with these digests has been read."""

    key: tuple[str, ...]
    summary: SummaryData


@dataclass
class ExplainedRead(Message):
    """The single images of a model have been looked up, or cannot be, for `problem`."""

    key: tuple[str, ...]
    explained: ExplainedImages | None
    problem: str = ""


@dataclass
class FigureReady(Message):
    """A figure is ready; None: it could not be made."""

    tab: TabName
    figure: HeatmapFigure | None


@dataclass
class Exported(Message):
    """A file for the user is ready."""

    name: str
    data: bytes
