"""What is compared of several models: their curves, histories and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from data_contracts.differences import DIFFERENCES
from data_contracts.disclosure import SUPPRESSED
from data_contracts.model import TRAINING_HISTORY
from data_contracts.summary import CURVES, METRICS
from data_contracts.vocabulary import Contract
from tui.metrics.model_curves import ModelCurves, classes_of, model_curves
from tui.workspace.snapshot import Snapshot
from tui.workspace.tables import Tables

if TYPE_CHECKING:
    import polars as pl

#: Rows of DIFFERENCES by both models, (task, name) each, and metric.
Differences = Mapping[tuple[tuple[str, str], tuple[str, str], str], Mapping[str, Any]]


#: Why a calibration slope is undefined.
NO_SLOPE = "scores that separate the classes perfectly have none"


@dataclass(frozen=True)
class Compared:
    """One model on one split, one of its classes against the rest."""

    task: str
    name: str
    curves: ModelCurves | None = None
    history: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """TRAINING_HISTORY by column; empty when there is none."""
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Rows of METRICS on the split, undivided, by metric."""
    strata: Mapping[tuple[str, str, str], Mapping[str, Any]] = field(default_factory=dict)
    """Rows of METRICS on the split by metric, stratum and level."""
    why: str = ""
    """Why there are no curves."""

    @property
    def auroc(self) -> str:
        """The metric that is the AUROC of the class that is shown, or of all classes together."""
        name = f"auroc:{self.curves.positive}" if self.curves else ""
        return name if name in self.metrics else "auroc"


class Comparison:
    """Reads what is compared, each artifact once for each content. For workers."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def of(self, snapshot: Snapshot, task: str, name: str, split: str, shift: int) -> Compared:
        """A model on `split`; `shift` goes on from the class that is shown first.

        Raises `ArtifactError` for a damaged artifact.
        """
        history = self._history(snapshot, task, name)
        curves = self._rows(snapshot, CURVES, task, name, split)
        metrics = None if curves is None else self._rows(snapshot, METRICS, task, name, split)
        if curves is None or metrics is None:
            return Compared(task, name, history=history, why="aggregate has not run yet")
        found = metrics.iter_rows(named=True)
        strata = {(row["metric"], row["stratum"], row["level"]): row for row in found}
        rows = {metric: row for (metric, stratum, _), row in strata.items() if stratum == "all"}
        classes = classes_of(curves)
        if not classes:
            return Compared(task, name, None, history, rows, strata, _why_no_curves(rows, split))
        drawn = model_curves(curves, classes[shift % len(classes)])
        return Compared(task, name, drawn, history, rows, strata)

    def differences(self, snapshot: Snapshot) -> Differences:
        """Rows of DIFFERENCES by both models and metric; empty when there is no such table."""
        artifact = snapshot.artifacts.get(DIFFERENCES.path_template)
        rows = self._tables.read(artifact).iter_rows(named=True) if artifact else ()
        return {
            ((r["task"], r["name"]), (r["other_task"], r["other_name"]), r["metric"]): r
            for r in rows
        }

    def _history(self, snapshot: Snapshot, task: str, name: str) -> dict[str, list[Any]]:
        artifacts = snapshot.of(TRAINING_HISTORY.name, task=task, name=name)
        return self._tables.read(artifacts[0]).to_dict(as_series=False) if artifacts else {}

    def _rows(
        self, snapshot: Snapshot, contract: Contract, task: str, name: str, split: str
    ) -> pl.DataFrame | None:
        """The rows of a model and split in a table of the summary; None if there is no table."""
        artifact = snapshot.artifacts.get(contract.path_template)
        if artifact is None:
            return None
        return self._tables.read(artifact).filter(task=task, name=name, split=split)


def why_no_slopes(compared: Sequence[Compared]) -> list[str]:
    """One line on the models whose calibration slope is undefined; none if all have one."""
    slopes = [(f"{c.task}/{c.name}", c.metrics.get("calibration_slope")) for c in compared]
    names = [name for name, row in slopes if row and row["value"] is None and not row["suppressed"]]
    return [f"no calibration slope of {', '.join(names)}: {NO_SLOPE}"] if names else []


def _why_no_curves(metrics: Mapping[str, Mapping[str, Any]], split: str) -> str:
    if not metrics:
        return f"aggregate has not measured it on the {split} split"
    if any(row["suppressed"] for row in metrics.values()):
        return SUPPRESSED
    if "auroc" not in metrics:
        return "curves are of targets with classes only"
    return f"a class has no image in the {split} split"
