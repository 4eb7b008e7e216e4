"""The curves of a model, as `aggregate` has written them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

Points = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True)
class Curve:
    """Its points, and those of its 95 % band: lower and upper; fewer where a point has none."""

    points: Points = ((), ())
    band: tuple[Points, ...] = ()


@dataclass(frozen=True)
class ModelCurves:
    """One class of one model against the rest."""

    positive: str
    roc: Curve = Curve()
    """1 - specificity and sensitivity."""
    calibration: Curve = Curve()
    """Mean predicted probability and observed share of each bin."""


def classes_of(curves: pl.DataFrame) -> list[str]:
    """The classes that have a ROC curve, in their order."""
    return curves.filter(curve="roc")["class"].unique(maintain_order=True).to_list()


def model_curves(curves: pl.DataFrame, positive: str) -> ModelCurves:
    """The curves of one class; `curves` are rows of CURVES of one model and split."""
    return ModelCurves(positive, *(_curve(curves, positive, c) for c in ("roc", "calibration")))


def _curve(curves: pl.DataFrame, positive: str, kind: str) -> Curve:
    rows = curves.filter(curves["class"] == positive, curve=kind).sort("point")
    band = rows.drop_nulls(["low", "high"])
    edges = ((band["x"].to_list(), band[end].to_list()) for end in ("low", "high"))
    return Curve((rows["x"].to_list(), rows["y"].to_list()), tuple(edges) if len(band) > 1 else ())
