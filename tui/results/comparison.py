"""What is compared of several models: their curves, histories and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from data_contracts.errors import CxrError
from data_contracts.model import TRAINING_HISTORY
from data_contracts.predictions import PREDICTIONS
from data_contracts.summary import METRICS
from tui.results.model_curves import ModelCurves, Scores, first_class, model_curves, scores_of
from tui.workspace.snapshot import Artifact, Snapshot
from tui.workspace.tables import Tables

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Compared:
    """One model on one split, one of its classes against the rest."""

    task: str
    name: str
    curves: ModelCurves | None = None
    history: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """TRAINING_HISTORY by column; empty when there is none."""
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Rows of METRICS on the split, undivided, if they were made from these predictions."""
    why: str = ""
    """Why there are no curves."""


class Comparison:
    """Reads what is compared, each artifact once for each content. For workers."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._scores: dict[str, tuple[str, dict[str, Scores]]] = {}

    def of(self, snapshot: Snapshot, task: str, name: str, split: str, shift: int) -> Compared:
        """A model on `split`; `shift` goes on from the class that is shown first.

        Raises `ArtifactError` for a damaged artifact.
        """
        history = self._history(snapshot, task, name)
        artifacts = snapshot.of(PREDICTIONS.name, task=task, name=name)
        if not artifacts:
            return Compared(task, name, history=history, why="no predictions")
        scores = self._read(artifacts[0]).get(split)
        if scores is None:
            return Compared(task, name, history=history, why=f"no labelled images in {split}")
        at = (first_class(scores.classes) + shift) % len(scores.classes)
        drawn = model_curves(scores, at)
        metrics = self._metrics(snapshot, artifacts[0], task, name, split)
        return Compared(task, name, drawn, history, metrics, drawn.refusal)

    def _read(self, artifact: Artifact) -> dict[str, Scores]:
        digest = artifact.header.digest if artifact.header else ""
        cached = self._scores.get(artifact.place)
        if cached is None or cached[0] != digest:
            # Not kept as a table: the names of images and patients take most of the memory.
            frame = Tables(self._tables.workspace).read(artifact)
            classes = artifact.header.attributes["classes"] if artifact.header else ()
            cached = digest, scores_of(frame, classes)
            self._scores[artifact.place] = cached
        return cached[1]

    def _history(self, snapshot: Snapshot, task: str, name: str) -> dict[str, list[Any]]:
        artifacts = snapshot.of(TRAINING_HISTORY.name, task=task, name=name)
        return self._tables.read(artifacts[0]).to_dict(as_series=False) if artifacts else {}

    def _metrics(
        self, snapshot: Snapshot, predictions: Artifact, task: str, name: str, split: str
    ) -> dict[str, dict[str, Any]]:
        table = snapshot.artifacts.get(METRICS.path_template)
        if table is None or table.header is None or predictions.header is None:
            return {}
        used = {i.path: i.digest for i in table.header.inputs}
        if used.get(predictions.place) != predictions.header.digest:
            return {}
        try:
            frame: pl.DataFrame = self._tables.read(table)
        except CxrError:
            # The curves stand on their own; the page of the table shows what is wrong with it.
            return {}
        rows = frame.filter(task=task, model=name, split=split, stratum="all")
        return {row["metric"]: row for row in rows.iter_rows(named=True)}
