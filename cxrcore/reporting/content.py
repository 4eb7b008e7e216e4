"""What the report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from cxrcore.mean_heatmaps import records
from cxrcore.model import Model
from cxrcore.summary import Summary
from data_contracts.header import Header
from data_contracts.store import Provenance


@dataclass(frozen=True)
class Content:
    """Everything that the report shows, as the contracts have it."""

    reference: str
    flow: pl.DataFrame
    characteristics: pl.DataFrame
    rejects: Sequence[pl.DataFrame]
    """A table per shard."""
    headers: Mapping[str, Sequence[Header]]
    """Of the inputs, by contract."""
    cohort: pl.DataFrame
    known: Sequence[Model]
    """The models with their predictions and histories."""
    found: Summary
    replication: pl.DataFrame
    """REPLICATION: the verdicts beside those of other workspaces."""
    truth: pl.DataFrame | None
    """SYNTHETIC_TRUTH when the patients are synthetic."""
    origin: Provenance
    """The settings and inputs of the aggregation."""

    @property
    def primary(self) -> dict[str, str]:
        """By task the name of the model that stands for it."""
        return dict(self.found.models.filter("primary").select("task", "name").iter_rows())

    @property
    def heatmaps(self) -> list[dict[str, Any]]:
        """Of the models that stand for their tasks."""
        return self._primary_records(self.found.heatmaps)

    @property
    def aligned_heatmaps(self) -> list[dict[str, Any]]:
        """Of the models that stand for their tasks."""
        return self._primary_records(self.found.aligned_heatmaps)

    def _primary_records(self, arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
        chosen = set(self.primary.items())
        return [r for r in records(arrays) if (r["task"], r["name"]) in chosen]
