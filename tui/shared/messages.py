"""The messages between the parts of the dashboard: the one way from a page to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from textual.message import Message

from tui.workspace.snapshot import Snapshot


@dataclass
class SnapshotTaken(Message):
    """The workspace has changed."""

    snapshot: Snapshot


class WorkspaceChanged(Message):
    """Something was written: read the workspace at once."""


@dataclass
class ErrorMet(Message):
    """Something could not be done; shown, and kept in the list of errors."""

    where: str
    text: str


@dataclass
class Export(Message):
    """A file for the user."""

    name: str
    data: bytes


@dataclass
class OpenArtifact(Message):
    """Show the artifact at a place, relative to the workspace."""

    place: str


@dataclass
class OpenMaps(Message):
    """Show the maps of two models side by side, or of one, by task and name."""

    model_keys: Sequence[tuple[str, str]]


@dataclass
class OpenCurves(Message):
    """Show the curves of some models, by task and name, on a split."""

    model_keys: Sequence[tuple[str, str]]
    split: str


@dataclass
class OpenRun(Message):
    """Show a run and follow its log."""

    run_id: str


@dataclass
class OpenLaunch(Message):
    """Show the form of a job, perhaps filled with settings by field; None: choose a job first."""

    job: str | None
    settings: Mapping[str, Any] = field(default_factory=dict)
