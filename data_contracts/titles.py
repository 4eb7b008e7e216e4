"""Titles of metrics and statistics for people: report, terminal and dashboard show these."""

from __future__ import annotations

METRICS = {
    "auroc": "AUROC", "auprc": "AUPRC", "brier": "Brier score", "r2": "R²",
    "mae": "mean absolute error", "calibration_slope": "calibration slope",
    "calibration_intercept": "calibration intercept",
}  # fmt: skip

STATISTICS = {
    "pearson_of_class_differences": "class-difference maps",
    "signed_pearson_of_class_differences": "class-difference maps, signed",
    "pearson_of_means": "mean maps",
    "pearson_per_image": "maps of the same image, mean of r",
    "cramers_v": "Cramér's V of the labels",
}
#: The statistic by which attributes are ranked.
RANKING = "pearson_of_class_differences"


def metric(name: str) -> str:
    """The title of a metric such as `auroc`, or `auroc:Black` for one class against the rest."""
    kind, _, of_class = name.partition(":")
    title = METRICS.get(kind, kind.replace("_", " "))
    return f"{title}, {of_class}" if of_class else title


def statistic(name: str) -> str:
    """The title of a statistic of association."""
    return STATISTICS.get(name, name.replace("_", " "))
