"""The paired differences of models that are compared, as lines."""

from __future__ import annotations

from collections.abc import Sequence

from data_contracts.differences import DIFFERENCES
from data_contracts.disclosure import SUPPRESSED
from tui.metrics.comparison import Compared, Differences
from tui.shared.numbers import interval, p_text

OF_TEST = "differences are of the test split (p)"
NOT_YET = f"no {DIFFERENCES.path_template} yet: run aggregate"


def difference_lines(found: Differences, compared: Sequence[Compared], split: str) -> list[str]:
    """The AUROC of the first model minus that of each other one."""
    if split != "test":
        return [OF_TEST]
    if not found:
        return [NOT_YET]
    first, *others = compared
    return [_line(found, first, other) for other in others]


def _line(found: Differences, first: Compared, other: Compared) -> str:
    one, two = (first.task, first.name), (other.task, other.name)
    metric = first.auroc if first.auroc == other.auroc and first.task == other.task else "auroc"
    sign, row = 1, found.get((one, two, metric))
    if row is None:
        sign, row = -1, found.get((two, one, metric))
    pair = f"{'/'.join(one)} − {'/'.join(two)}"
    if row is None:
        return f"{pair}: not compared"
    if row["suppressed"]:
        return f"{pair}: {SUPPRESSED}"
    if row["value"] is None:
        return f"{pair}: {row['reason']}"
    value = f"{sign * row['value']:+z.3f}".replace("-", "−")
    of_class = metric.partition(":")[2]
    what = f"AUROC of {of_class}" if of_class else "AUROC"
    if row["low"] is None:
        return f"{pair}: {what} {value}, {row['reason'] or 'no interval'}"
    ends = sorted((sign * row["low"], sign * row["high"]))
    return f"{pair}: {what} {value}, 95 % CI {interval(*ends)}, {p_text(row['p'])}"
